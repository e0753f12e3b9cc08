"""Finds the two judgements that `compare` sets side by side, and says what differs between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.errors import UsageError
from gedit_bench.records import Verdict
from gedit_bench.results import Scored, score
from gedit_bench.scoring.paired import Pair, PairedMeans, paired_means, pairs
from gedit_bench.store import layout
from gedit_bench.store.run import Judgement, Run


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two judgements, paired by sample. `differences` says in words why they may not be comparable."""

    first: Scored
    second: Scored
    differences: tuple[str, ...]

    def pairs(self, language: str) -> list[Pair]:
        """Return the pairs of one language, largest loss first."""
        return pairs(_of(self.first, language), _of(self.second, language))

    def means(self, language: str) -> dict[str, PairedMeans]:
        """Return the paired means by category and over all categories."""
        return paired_means(self.pairs(language))


def compare(first: Run | str | Path, second: Run | str | Path) -> Comparison:
    """Pair two runs' judgements: the one asked in the same way, else the only one that each has.

    Args:
        first: a run or its folder; or one of its judgements' folders, which says which one is meant.
        second: the same of what it is compared with.

    Raises:
        DataError: one of the folders is neither.
        UsageError: a run was never judged, or it is unclear which judgements are meant.
    """
    left, right = _judgements(first), _judgements(second)
    same = [(one, other) for one in left for other in right if _way(one) == _way(other)]
    if len(same) != 1 and not (len(left) == len(right) == 1):
        folders = ", ".join(str(one.judgement.path) for one in (*left, *right))
        raise UsageError("Which judgements are meant is unclear.", f"Name two of these folders: {folders}.")
    one, other = same[0] if same else (left[0], right[0])
    return Comparison(one, other, _differences(one, other))


def judgement_of(place: Run | str | Path) -> Scored:
    """Return the judgement that a folder is, or the only one of a run.

    Raises:
        DataError: the folder is neither.
        UsageError: the run was never judged, or several times.
    """
    found = _judgements(place)
    if len(found) > 1:
        folders = ", ".join(str(one.judgement.path) for one in found)
        raise UsageError("Which judgement is meant is unclear.", f"Name one of these folders: {folders}.")
    return found[0]


def _judgements(place: Run | str | Path) -> Sequence[Scored]:
    folder = Path(place) if not isinstance(place, Run) else place.path
    if (run := layout.run_of_judgement(folder)) is not None:
        return [score(Run.open(run), Judgement.open(folder))]
    opened = place if isinstance(place, Run) else Run.open(place)
    found = [score(opened, one) for one in opened.judgements()]
    if not found:
        raise UsageError(f"{folder} has not been judged.", f"Run `gedit-bench judge {folder}`.")
    return found


def _way(scored: Scored) -> tuple[str, str]:
    return scored.judgement.manifest.judge_id, scored.judgement.manifest.request_id


def _differences(one: Scored, other: Scored) -> tuple[str, ...]:
    facts = (
        ("judge", one.judgement.manifest.judge_id, other.judgement.manifest.judge_id),
        ("model string returned by the judge", " + ".join(one.models), " + ".join(other.models)),
        ("way of asking", one.judgement.manifest.request_id, other.judgement.manifest.request_id),
        ("dataset revision", one.run.manifest.dataset_revision, other.run.manifest.dataset_revision),
    )
    return tuple(f"{name}: {mine} against {yours}" for name, mine, yours in facts if mine != yours)


def _of(scored: Scored, language: str) -> list[Verdict]:
    return [verdict for verdict in scored.verdicts if verdict.sample.id.language == language]
