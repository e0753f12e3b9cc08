"""Two judgements of the same samples, pair by pair."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from gedit_bench.records import TASKS, Reading, Sample, Verdict
from gedit_bench.scoring.agreement import MEASURES
from gedit_bench.scoring.bootstrap import Interval, quantile_interval, resample, sources_of
from gedit_bench.scoring.scorings import Average


@dataclass(frozen=True, slots=True)
class Pair:
    """One sample that has an O, or whichever aspect is compared, on both sides, each in 0..10."""

    sample: Sample
    first: float
    second: float

    @property
    def difference(self) -> float:
        """Second minus first."""
        return self.second - self.first


@dataclass(frozen=True, slots=True)
class PairedMeans:
    """Means over `n` pairs: `difference` is second minus first; NaN where there is no pair.

    So many pairs `gained`, `lost` or stayed the `same`.
    """

    n: int
    first: float
    second: float
    difference: float
    gained: int
    lost: int
    same: int


def overall(verdict: Verdict) -> float | None:
    """Return a verdict's O."""
    return verdict.overall


def pairs(
    first: Iterable[Verdict], second: Iterable[Verdict], value: Callable[[Verdict], float | None] = overall
) -> list[Pair]:
    """Return the samples for which both sides have a value, O unless another is named, largest loss first."""
    others = {verdict.sample.id: value(verdict) for verdict in second}
    found = [
        Pair(verdict.sample, mine, other)
        for verdict in first
        if (mine := value(verdict)) is not None and (other := others.get(verdict.sample.id)) is not None
    ]
    return sorted(found, key=lambda pair: (pair.difference, pair.sample.row))


def paired_means(rows: Iterable[Pair], average: Average = "macro") -> dict[str, PairedMeans]:
    """Return the means by category, in the official order, then, under its name, the average over all pairs.

    `macro` is over the categories that have pairs, `micro` over the pairs.
    """
    found = list(rows)
    by_task = {task: _means([pair for pair in found if pair.sample.id.task_type == task]) for task in TASKS}
    there = {task: means for task, means in by_task.items() if means.n}
    micro = _means(found)
    macro = replace(
        micro,
        first=_mean([means.first for means in there.values()]),
        second=_mean([means.second for means in there.values()]),
        difference=_mean([means.difference for means in there.values()]),
    )
    return {**there, average: macro if average == "macro" else micro}


def paired_intervals(
    first: Iterable[Verdict], second: Iterable[Verdict], average: Average = "macro"
) -> dict[str, dict[str, Interval]]:
    """Return 95 % intervals of the paired differences, second minus first, of SC, PQ and O, by group.

    The groups are those of `paired_means`: the categories that have pairs, then the average over them under its
    name. Both sides' means are taken over the same draws of whole sources (`bootstrap`), and over the samples that
    both have the aspect of. The ends are NaN where the samples can't tell: in a category with one source, and in a
    `macro` that holds one.
    """
    mine, yours = both_scored(first, second)
    if not mine:
        return {measure: {average: Interval(nan, nan, nan)} for measure in MEASURES}
    resampled = resample([mine, yours], sources_of([mine, yours]), average=average)
    differences = resampled.estimates[1] - resampled.estimates[0]
    draws = resampled.draws[1] - resampled.draws[0]
    found = {}
    for aspect, measure in enumerate(MEASURES):
        there = [place for place in range(len(TASKS)) if not isnan(differences[aspect, place])]
        groups = {TASKS[place]: (differences[aspect, place], draws[aspect, place]) for place in there}
        if average == "micro":
            over_all = differences[aspect, len(TASKS)], draws[aspect, len(TASKS)]
        elif there:
            over_all = differences[aspect, there].mean(), draws[aspect, there].mean(axis=0)
        else:
            over_all = nan, np.full(draws.shape[-1], nan)
        found[measure] = {name: _interval(*one) for name, one in {**groups, average: over_all}.items()}
    return found


def both_scored(first: Iterable[Verdict], second: Iterable[Verdict]) -> tuple[list[Verdict], list[Verdict]]:
    """Return both sides' verdicts on the samples that both have a score of, each aspect only where both have it."""
    others = {verdict.sample.id: verdict for verdict in second}
    shared = [(verdict, others[verdict.sample.id]) for verdict in first if verdict.sample.id in others]
    kept = [(_as_in(one, other), _as_in(other, one)) for one, other in shared]
    scored = [(one, other) for one, other in kept if one.sc is not None or one.pq is not None]
    return [one for one, _ in scored], [other for _, other in scored]


def _as_in(verdict: Verdict, other: Verdict) -> Verdict:
    sc = verdict.sc if _has_score(verdict.sc) and _has_score(other.sc) else None
    pq = verdict.pq if _has_score(verdict.pq) and _has_score(other.pq) else None
    return replace(verdict, sc=sc, pq=pq)


def _has_score(reading: Reading | None) -> bool:
    return reading is not None and reading.score is not None


def _interval(difference: float, draws: NDArray[np.float64]) -> Interval:
    low, high = (float(end) for end in quantile_interval(draws))
    # Where all draws are the same they may lie a rounding error beside the difference itself.
    return Interval(float(difference), *(low, high) if isnan(low) else (min(low, difference), max(high, difference)))


def _means(rows: list[Pair]) -> PairedMeans:
    return PairedMeans(
        len(rows),
        _mean([row.first for row in rows]),
        _mean([row.second for row in rows]),
        _mean([row.difference for row in rows]),
        sum(row.difference > 0 for row in rows),
        sum(row.difference < 0 for row in rows),
        sum(row.difference == 0 for row in rows),
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
