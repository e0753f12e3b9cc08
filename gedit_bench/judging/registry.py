"""Finds a judge by what the user calls it, and the protocol that it is asked under.

`NAME`, `NAME:ARGUMENT`, or `path.py:Class`. A judge is made by a callable that takes `JudgeSettings`: a
subclass of `Judge` or a function. Those that come with gedit-bench stand in `BUILT_IN`, a line each;
others are found through the entry point group `gedit_bench.judges`. Any other name is a model behind an
OpenAI-compatible endpoint or Azure's.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import cast

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.base import Judge
from gedit_bench.judging.protocol import Protocol, find_protocol
from gedit_bench.transport.pacing import MOST_IN_FLIGHT
from gedit_bench.user_code import class_from_file, code_sha256

DEFAULT_JUDGE = "gpt-4.1-2025-04-14"
DEFAULT_PROTOCOL = "official"
ENTRY_POINTS = "gedit_bench.judges"

BUILT_IN = {
    "offline": "gedit_bench.judging.offline:OfflineJudge",
    "qwen2.5-vl": "gedit_bench.judging.qwen25vl:local_qwen",
    "replay": "gedit_bench.judging.replay:ReplayJudge",
}
"""The judges that come with gedit-bench, as `module:callable`, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Which judge, where, and how patiently it is asked.

    Several base URLs are a pool of servers for one judge. `timeout` is seconds for one HTTP call,
    `retry_for` seconds over all tries of one question, `concurrency` the number of requests in flight; None
    for as many as the judge can take.
    """

    name: str = DEFAULT_JUDGE
    base_url: str | Sequence[str] | None = None
    endpoint_label: str | None = None
    timeout: float = 120.0
    retry_for: float = 600.0
    concurrency: int | None = None

    @property
    def connections(self) -> int:
        """How many requests may be in flight at most."""
        return self.concurrency or MOST_IN_FLIGHT

    @property
    def argument(self) -> str:
        """What follows the first colon of the name, such as a folder; empty if there is none."""
        return self.name.partition(":")[2]


MakeJudge = Callable[[JudgeSettings], Judge]


def make_judge(settings: JudgeSettings) -> Judge:
    """Return the judge that the settings name.

    Raises:
        UsageError: the class isn't there, or is no judge.
        UnavailableError: there is no key for the endpoint, or no weights.
    """
    head, _, tail = settings.name.partition(":")
    if head.endswith(".py"):
        return _from_file(Path(head), tail, settings)
    point = judge_points().get(head)
    if point is not None:
        return _checked(cast(MakeJudge, point.load())(settings), head)
    from gedit_bench.judging.endpoints import judge_over_http

    try:
        return judge_over_http(settings)
    except UnavailableError as error:  # any name may be a model's, so only where it can't be asked
        if near := get_close_matches(head.lower(), judge_points(), n=1, cutoff=0.75):
            error.hint = f"If {near[0]!r} is meant, use --judge {near[0]}. {error.hint}"
        raise


def judge_points() -> dict[str, EntryPoint]:
    """Return where each named judge is found, without importing it. A plug-in can't take a built-in's name."""
    plugins = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    built_in = {name: EntryPoint(name, value, ENTRY_POINTS) for name, value in BUILT_IN.items()}
    return dict(sorted((plugins | built_in).items()))


def judge_words() -> dict[str, str]:
    """Return one line about each named judge: the first of its docstring, or why it can't be loaded."""
    return {name: _words(point) for name, point in judge_points().items()}


def protocol_for(judge: Judge, name: str | None) -> Protocol:
    """Return the protocol called `name`, or the judge's own, or the official one.

    Raises:
        UsageError: there is no such protocol, or the judge can't answer it.
    """
    protocol = find_protocol(name or judge.protocol or judge.usual_protocol or DEFAULT_PROTOCOL)
    if judge.protocol not in (None, protocol.name):
        raise UsageError(
            f"The judge {judge.name!r} answers only the protocol {judge.protocol!r}.", "Leave --protocol out."
        )
    if judge.vlm and protocol.rubric == "pixels":
        raise UsageError("The protocol 'pixels' measures; no model can answer it.", "Use it with --judge offline.")
    if reason := judge.refuses(protocol.parameters):
        raise UsageError(
            f"{judge.name} can't be asked under the protocol {protocol.name!r}: {reason}.", "Choose another --protocol."
        )
    return protocol


def _from_file(path: Path, name: str, settings: JudgeSettings) -> Judge:
    if not name:
        raise UsageError(f"{path} alone doesn't say which class is meant.", f"Name it as {path}:Class.")
    make = cast(MakeJudge, class_from_file(path, name, Judge, "judge"))
    judge = _checked(make(settings), settings.name)
    judge.endpoint += f"-{code_sha256(path)[:8]}"  # other code is another judge: their replies must not mix
    return judge


def _checked(made: object, name: str) -> Judge:
    if not isinstance(made, Judge):
        raise UsageError(
            f"The judge {name!r} made a {type(made).__name__}, no Judge.", "Correct or remove its plug-in."
        )
    return made


def _words(point: EntryPoint) -> str:
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        return f"can't be loaded: {error}"
    return (inspect.getdoc(found) or f"{point.value}, which says nothing of itself").partition("\n")[0]
