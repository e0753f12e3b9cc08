"""The official aggregation.

Per sample SC and PQ are given, O = √(SC·PQ). Each is averaged over a category's rows, then over the
11 categories without weights (macro). SC is over rows whose SC is `ok`, PQ likewise, O over rows where
both are. An empty category makes the macro mean NaN, as it does officially.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

import numpy as np

from gedit_bench.records import TASKS, Language, Subset, Verdict


@dataclass(frozen=True, slots=True)
class Means:
    """Mean SC, PQ and O in 0..10 (NaN where nothing was averaged), each with the number of rows in it."""

    sc: float
    pq: float
    overall: float
    n_sc: int
    n_pq: int
    n_overall: int


@dataclass(frozen=True, slots=True)
class Table:
    """One language and subset: means by category, their unweighted mean, and the mean over samples."""

    categories: dict[str, Means]
    macro: Means
    micro: Means

    @property
    def empty(self) -> list[str]:
        """Categories without any O."""
        return [task for task, means in self.categories.items() if not means.n_overall]


def chosen(verdicts: Iterable[Verdict], language: Language, subset: Subset) -> list[Verdict]:
    """Return the verdicts of one language and subset."""
    return [
        verdict
        for verdict in verdicts
        if verdict.sample.id.language == language and (subset == "full" or verdict.sample.intersection)
    ]


def aggregate(verdicts: Iterable[Verdict]) -> Table:
    """Return the official table of verdicts that share a language and subset."""
    rows = list(verdicts)
    categories = {task: _means([row for row in rows if row.sample.id.task_type == task]) for task in TASKS}
    return Table(categories, _macro(list(categories.values())), _means(rows))


def _means(rows: list[Verdict]) -> Means:
    sc = [row.sc.score for row in rows if row.sc is not None and row.sc.score is not None]
    pq = [row.pq.score for row in rows if row.pq is not None and row.pq.score is not None]
    overall = [row.overall for row in rows if row.overall is not None]
    return Means(_mean(sc), _mean(pq), _mean(overall), len(sc), len(pq), len(overall))


def _macro(categories: list[Means]) -> Means:
    return Means(
        _mean([means.sc for means in categories]),
        _mean([means.pq for means in categories]),
        _mean([means.overall for means in categories]),
        sum(means.n_sc for means in categories),
        sum(means.n_pq for means in categories),
        sum(means.n_overall for means in categories),
    )


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else nan
