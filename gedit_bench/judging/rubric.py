"""The rubrics by kind: the official one, found and checked; EvalScope's form of it; our own; the offline judge's.

Which of them a protocol uses is said in `protocol.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from gedit_bench.data_files import data_folder
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.evalscope_rubric import evalscope_rubric
from gedit_bench.judging.official_rubric import OFFICIAL_ADDRESS, official_rubric, rubric_from_path
from gedit_bench.judging.protocol import Rubric, RubricKind

REPLACEABLE: frozenset[RubricKind] = frozenset({"official", "evalscope"})
"""The kinds whose texts aren't ours, so that a path can say where they are."""

PIXELS = Rubric(
    sc="Measure how much of the picture changed and how much was preserved under: <instruction>",
    pq="Measure the sharpness and the clipping of the picture.",
)


@dataclass(frozen=True, slots=True)
class FoundRubric:
    """A rubric and where it came from, in words."""

    rubric: Rubric
    where: str


def find_rubric(
    kind: RubricKind, path: Path | None = None, *, fetch: bool = True, address: str = OFFICIAL_ADDRESS
) -> FoundRubric:
    """Return a rubric and where it came from.

    Args:
        kind: which one.
        path: for `official` a checkout, a `vie_prompts.py`, or a wheel or zip to take it from.
            Without it the user's cache, an installed lmms-eval, the official repository and the
            lmms-eval wheel are tried, in this order. For `evalscope` see `evalscope_rubric`; the
            others are fixed.
        fetch: False leaves out whatever needs the network.
        address: root of the official repository's files.

    Raises:
        UsageError: `path` holds something else, or was given for another kind.
        UnavailableError: the official rubric, or what EvalScope appends to it, is nowhere to be had.
    """
    if kind == "evalscope":
        return FoundRubric(*evalscope_rubric(path, fetch=fetch, address=address))
    if kind == "official":
        where = rubric_from_path(path) if path is not None else official_rubric(fetch=fetch, address=address)
        return FoundRubric(*where)
    if path is not None:
        raise UsageError(
            f"The {kind} rubric is fixed and can't be replaced by {path}.",
            "Leave out --rubric, or judge with --protocol official.",
        )
    return FoundRubric(_native(), "gedit-bench") if kind == "native" else FoundRubric(PIXELS, "gedit-bench")


def load_rubric(
    kind: RubricKind, path: Path | None = None, *, fetch: bool = True, address: str = OFFICIAL_ADDRESS
) -> Rubric:
    """Return a rubric; arguments and errors as in `find_rubric`."""
    return find_rubric(kind, path, fetch=fetch, address=address).rubric


def _native() -> Rubric:
    folder = data_folder() / "rubrics"
    try:
        return Rubric(*((folder / f"native_{aspect}.txt").read_text(encoding="utf-8") for aspect in ("sc", "pq")))
    except OSError as error:
        raise UnavailableError(f"The native rubric is missing: {error}.", "Install gedit-bench again.") from error
