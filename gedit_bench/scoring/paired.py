"""Two judgements of the same samples, pair by pair."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from gedit_bench.records import TASKS, Sample, Verdict


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
    """Means over pairs: `difference` is second minus first; NaN where there is no pair."""

    n: int
    first: float
    second: float
    difference: float
    gained: int
    lost: int


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


def paired_means(rows: Iterable[Pair]) -> dict[str, PairedMeans]:
    """Return the means by category, in the official order, then `macro` over the categories that have pairs."""
    found = list(rows)
    by_task = {task: _means([pair for pair in found if pair.sample.id.task_type == task]) for task in TASKS}
    there = [means for means in by_task.values() if means.n]
    macro = PairedMeans(
        len(found),
        _mean([means.first for means in there]),
        _mean([means.second for means in there]),
        _mean([means.difference for means in there]),
        sum(means.gained for means in there),
        sum(means.lost for means in there),
    )
    return {**{task: means for task, means in by_task.items() if means.n}, "macro": macro}


def _means(rows: list[Pair]) -> PairedMeans:
    return PairedMeans(
        len(rows),
        _mean([row.first for row in rows]),
        _mean([row.second for row in rows]),
        _mean([row.difference for row in rows]),
        sum(row.difference > 0 for row in rows),
        sum(row.difference < 0 for row in rows),
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
