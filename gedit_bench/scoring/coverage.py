"""What the numbers leave out: coverage, statuses, and the band in which the headline could lie."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from gedit_bench.records import TASKS, EditStatus, Reading, ReplyStatus, Verdict

ENOUGH = 0.95
"""Share of a category's selected samples that must have an O before a row is ranked."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of the samples selected: how many have an O, how many were never finished, and what became of the rest.

    `statuses` counts what isn't `ok`: `edit refused`, `SC filtered`, `not edited`, `not judged`, ….
    `low` and `high` are the mean O if each failed aspect were 0 or 10, the good one kept; NaN if
    nothing was selected.
    """

    selected: int
    scored: int
    partial: int
    statuses: dict[str, int]
    low: float
    high: float

    @property
    def share(self) -> float:
        """Scored of selected, in 0..1; 1 where nothing was selected."""
        return self.scored / self.selected if self.selected else 1.0

    @property
    def enough(self) -> bool:
        """True if the share suffices for a rank."""
        return self.share >= ENOUGH


def coverage(verdicts: Iterable[Verdict]) -> Coverage:
    """Return the coverage of some verdicts; the band is that of their plain mean."""
    rows = list(verdicts)
    bounds = [_bounds(row) for row in rows]
    return Coverage(
        selected=len(rows),
        scored=sum(row.overall is not None for row in rows),
        partial=sum(row.partial for row in rows),
        statuses=dict(sorted(Counter(word for row in rows for word in shortfalls(row)).items())),
        low=_mean([low for low, _ in bounds]),
        high=_mean([high for _, high in bounds]),
    )


def shortfalls(verdict: Verdict) -> list[str]:
    """Return why a sample has no O, in the words that `statuses` counts; nothing where it has one."""
    if verdict.edit is None and not verdict.imported:
        return ["not edited"]
    if verdict.edit is not None and verdict.edit.status is not EditStatus.OK:
        return [f"edit {verdict.edit.status}"]
    return [word for name, reading in (("SC", verdict.sc), ("PQ", verdict.pq)) for word in _shortfall(name, reading)]


def coverage_by_category(verdicts: Iterable[Verdict]) -> dict[str, Coverage]:
    """Return the coverage of each of the 11 categories."""
    rows = list(verdicts)
    return {task: coverage([row for row in rows if row.sample.id.task_type == task]) for task in TASKS}


def macro_band(categories: Iterable[Coverage]) -> tuple[float, float]:
    """Return the band of the official macro mean; NaN if a category is empty."""
    rows = list(categories)
    return _mean([row.low for row in rows]), _mean([row.high for row in rows])


def _bounds(verdict: Verdict) -> tuple[float, float]:
    sc = verdict.sc.score if verdict.sc else None
    pq = verdict.pq.score if verdict.pq else None
    low = sqrt((sc or 0.0) * (pq or 0.0))
    high = sqrt((10.0 if sc is None else sc) * (10.0 if pq is None else pq))
    return low, high


def _shortfall(aspect: str, reading: Reading | None) -> list[str]:
    if reading is None:
        return [f"{aspect} not judged"]
    if reading.status is ReplyStatus.UNKNOWN:
        return [] if reading.score is not None else [f"{aspect} without a score"]
    return [] if reading.status is ReplyStatus.OK else [f"{aspect} {reading.status}"]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")
