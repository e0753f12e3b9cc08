"""Splits the difference of two headlines into steps that add up to it exactly.

One walks from the first table to the second and notes the headline after each step; the differences between
neighbours telescope to the whole, whatever the numbers. The order is fixed, because a step's size depends on
what was done before it:

1. samples that only the first has a score for leave, by reason: subset, selection, unfinished, statuses;
2. on the samples that both have, the first's scores are replaced by the second's, suspicious ones first,
   then category by category;
3. samples that only the second has a score for join, by the same reasons in the reverse order;
4. the first's way of averaging is replaced by the second's.

So replaced scores are compared on the same samples, and all that depends on which samples are there stands
apart. Within 2 the order of the groups doesn't matter, as both ways of averaging are linear there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gedit_bench.records import TASKS, SampleId

Averaging = Literal["macro", "micro"]
Kind = Literal["subset", "selection", "unfinished", "status", "suspect", "category", "averaging"]
Side = Literal["first", "second", "both"]

_LEAVING: tuple[Kind, ...] = ("subset", "selection", "unfinished", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """One sample on both sides: a score in 0..10 or None, and then why there is none.

    `suspect` says why the second's score may be none at all, and is empty for the others.
    """

    sample: SampleId
    first: float | None
    second: float | None
    why_first: tuple[Kind, str] = ("status", "")
    why_second: tuple[Kind, str] = ("status", "")
    suspect: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a difference. `side` is the one that alone has these samples scored, or both."""

    kind: Kind
    what: str
    side: Side
    samples: int
    difference: float

    @property
    def place(self) -> tuple[int, int, str]:
        """Where the step stands in the walk."""
        if self.side == "first":
            return 0, _LEAVING.index(self.kind), self.what
        if self.side == "second":
            return 2, -_LEAVING.index(self.kind), self.what
        if self.kind == "category":
            return 1, 1 + TASKS.index(self.what), ""
        return (1, 0, self.what) if self.kind == "suspect" else (3, 0, "")


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The two headlines (NaN where a side has no score) and the steps between them.

    `shares` is what each sample that both have moves the headline by. Without such a sample there is no way
    from one to the other, and no step.
    """

    first: float
    second: float
    steps: tuple[Step, ...]
    shares: dict[SampleId, float]


def decompose(rows: Sequence[Scores], first: Averaging = "macro", second: Averaging = "macro") -> Decomposition:
    """Return what the difference of two headlines, the second's minus the first's, is made of.

    Args:
        rows: the samples of one language, each once; all of the 11 categories' names.
        first: how the first side averages: `macro` over the categories that have a score, or `micro`.
        second: how the second does.
    """
    ours = {row.sample: row.first for row in rows if row.first is not None}
    theirs = {row.sample: row.second for row in rows if row.second is not None}
    ends = average(ours, first), average(theirs, second)
    both = ours.keys() & theirs.keys()
    if not both:
        return Decomposition(*ends, (), {})
    walk = _Walk(ours, first)
    for place, samples in sorted(_lone(rows, "first").items()):
        walk.step(*place[1:], "first", len(samples), {s: v for s, v in walk.scores.items() if s not in samples})
    weights = _weights(both, first)
    for kind, what, samples in _groups(row for row in rows if row.sample in both):
        walk.step(kind, what, "both", len(samples), walk.scores | {sample: theirs[sample] for sample in samples})
    for place, samples in sorted(_lone(rows, "second").items(), key=lambda item: (-item[0][0], item[0][2])):
        walk.step(*place[1:], "second", len(samples), walk.scores | {sample: theirs[sample] for sample in samples})
    if first != second:
        walk.average_by(second)
    shares = {sample: weights[sample] * (theirs[sample] - ours[sample]) for sample in both}
    return Decomposition(*ends, tuple(walk.steps), shares)


def average(scores: Mapping[SampleId, float], averaging: Averaging) -> float:
    """Return the mean over samples, or over the categories that have any; NaN of nothing."""
    if averaging == "micro":
        return _mean(list(scores.values()))
    by_task: dict[str, list[float]] = defaultdict(list)
    for sample, score in scores.items():
        by_task[sample.task_type].append(score)
    return _mean([_mean(by_task[task]) for task in sorted(by_task)])


class _Walk:
    """The scores as they stand, and the steps that led there."""

    def __init__(self, scores: dict[SampleId, float], averaging: Averaging) -> None:
        self.scores = scores
        self.averaging = averaging
        self.at = average(scores, averaging)
        self.steps: list[Step] = []

    def step(self, kind: Kind, what: str, side: Side, samples: int, scores: dict[SampleId, float]) -> None:
        self.scores = scores
        self._arrive(kind, what, side, samples)

    def average_by(self, averaging: Averaging) -> None:
        what = f"{self.averaging} to {averaging}"
        self.averaging = averaging
        self._arrive("averaging", what, "both", len(self.scores))

    def _arrive(self, kind: Kind, what: str, side: Side, samples: int) -> None:
        there = average(self.scores, self.averaging)
        self.steps.append(Step(kind, what, side, samples, there - self.at))
        self.at = there


def _lone(rows: Iterable[Scores], side: Side) -> dict[tuple[int, Kind, str], set[SampleId]]:
    """The samples that only one side has a score for, by the reason that the other gives."""
    found: dict[tuple[int, Kind, str], set[SampleId]] = defaultdict(set)
    for row in rows:
        own, other = (row.first, row.second) if side == "first" else (row.second, row.first)
        if own is not None and other is None:
            kind, what = row.why_second if side == "first" else row.why_first
            found[_LEAVING.index(kind), kind, what].add(row.sample)
    return found


def _groups(rows: Iterable[Scores]) -> list[tuple[Kind, str, set[SampleId]]]:
    suspects: dict[str, set[SampleId]] = defaultdict(set)
    tasks: dict[str, set[SampleId]] = defaultdict(set)
    for row in rows:
        if row.suspect:
            suspects[row.suspect].add(row.sample)
        else:
            tasks[row.sample.task_type].add(row.sample)
    doubtful: list[tuple[Kind, str, set[SampleId]]] = [("suspect", what, suspects[what]) for what in sorted(suspects)]
    return [*doubtful, *(("category", task, tasks[task]) for task in TASKS if task in tasks)]


def _weights(samples: Iterable[SampleId], averaging: Averaging) -> dict[SampleId, float]:
    """How much one point on a sample moves the headline."""
    chosen = list(samples)
    sizes: dict[str, int] = defaultdict(int)
    for sample in chosen:
        sizes[sample.task_type] += 1
    if averaging == "micro":
        return dict.fromkeys(chosen, 1 / len(chosen))
    return {sample: 1 / (len(sizes) * sizes[sample.task_type]) for sample in chosen}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
