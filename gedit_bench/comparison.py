"""Finds the two judgements that `compare` sets side by side, and says what differs between them."""

from dataclasses import dataclass

from gedit_bench.errors import UsageError
from gedit_bench.records import Verdict
from gedit_bench.results import Scored, score
from gedit_bench.scoring.paired import Pair, PairedMeans, paired_means, pairs
from gedit_bench.store.run import Run


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


def compare(first: Run, second: Run) -> Comparison:
    """Pair two runs' judgements: the one asked in the same way, else the only one that each has.

    Raises:
        UsageError: a run was never judged, or it is unclear which judgements are meant.
    """
    left, right = [score(first, one) for one in first.judgements()], [score(second, one) for one in second.judgements()]
    for run, found in ((first, left), (second, right)):
        if not found:
            raise UsageError(f"{run.path} has not been judged.", f"Run `gedit-bench judge {run.path}`.")
    same = [(one, other) for one in left for other in right if _way(one) == _way(other)]
    if len(same) != 1 and not (len(left) == len(right) == 1):
        ways = sorted({" ".join(_way(one)[:2]) for one in (*left, *right)})
        raise UsageError(
            "Which judgements are meant is unclear.", f"Name judgement folders; there are: {'; '.join(ways)}."
        )
    one, other = same[0] if same else (left[0], right[0])
    return Comparison(one, other, _differences(one, other))


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
