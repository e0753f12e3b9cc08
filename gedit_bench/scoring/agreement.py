"""How far ratings of the same images agree: between repeats of one judge, between judges, between ways of asking."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gedit_bench.records import TASKS, EditStatus, SampleId, Verdict

MEASURES = ("SC", "PQ", "O")
"""What ratings are compared by: the two aspects, and O = √(SC·PQ)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two raters over the `n` units that both rated.

    `spearman` is the rank correlation in -1..1, `alpha` Krippendorff's α for interval data (1 is perfect, 0
    what chance gives), `difference` the mean of second minus first. NaN where it is undefined: without
    units, or where nothing varies.
    """

    n: int
    spearman: float
    alpha: float
    difference: float


def score_of(verdict: Verdict, measure: str) -> float | None:
    """Return SC, PQ or O of a verdict; None where there is no score."""
    if measure == "O":
        return verdict.overall
    reading = verdict.sc if measure == "SC" else verdict.pq
    return reading.score if reading is not None else None


def agreement(first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Return the agreement of two raters; the two sequences rate the same units in the same order."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} ratings against {len(second)}")
    both = np.array([first, second], dtype=float).reshape(2, -1)
    difference = float(np.mean(both[1] - both[0])) if both.shape[1] else nan
    return Agreement(both.shape[1], spearman(both[0], both[1]), krippendorff_alpha(both), difference)


def agreement_by_category(first: Iterable[Verdict], second: Iterable[Verdict]) -> dict[str, dict[str, Agreement]]:
    """Return the agreement on SC, PQ and O for each category that has images in common, then over `all`.

    Two verdicts are about the same image where the edits' SHA-256 are the same; others are left out.
    """
    others = {verdict.sample.id: verdict for verdict in second}
    same = [(one, others[one.sample.id]) for one in first if _same_image(one, others.get(one.sample.id))]
    if not same:
        return {}
    tasks = {task: [pair for pair in same if pair[0].sample.id.task_type == task] for task in TASKS}
    groups = {**{task: pairs for task, pairs in tasks.items() if pairs}, "all": same}
    return {name: {measure: _agreement(pairs, measure) for measure in MEASURES} for name, pairs in groups.items()}


def agreement_of_repeats(repeats: Sequence[Iterable[Verdict]], measure: str) -> tuple[float, float]:
    """Return Krippendorff's α over all repeats, and the mean Spearman correlation of their pairs.

    Args:
        repeats: each repeat's verdicts on the same images; scores may be missing anywhere.
        measure: `SC`, `PQ` or `O`.
    """
    ratings = ratings_of(repeats, measure)
    pairs = combinations(ratings, 2)
    correlations = [spearman(*one[:, ~np.isnan(one).any(axis=0)]) for one in (np.array(pair) for pair in pairs)]
    known = [value for value in correlations if not np.isnan(value)]
    return krippendorff_alpha(ratings), float(np.mean(known)) if known else nan


def ratings_of(repeats: Sequence[Iterable[Verdict]], measure: str) -> NDArray[np.float64]:
    """Return scores as an array (repeats, samples), NaN where there is none; samples in order of appearance."""
    columns: dict[SampleId, int] = {}
    scores: list[dict[SampleId, float]] = []
    for verdicts in repeats:
        found: dict[SampleId, float] = {}
        for verdict in verdicts:
            columns.setdefault(verdict.sample.id, len(columns))
            if (score := score_of(verdict, measure)) is not None:
                found[verdict.sample.id] = score
        scores.append(found)
    ratings = np.full((len(scores), len(columns)), nan)
    for row, given in enumerate(scores):
        for sample, value in given.items():
            ratings[row, columns[sample]] = value
    return ratings


def spearman(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation, ties sharing their mean rank; NaN where a side doesn't vary."""
    one, other = (_centred(average_ranks(values)) for values in (first, second))
    spread = float(np.sqrt((one @ one) * (other @ other)))
    return float(np.clip((one @ other) / spread, -1.0, 1.0)) if spread > 0 else nan


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, places, counts = np.unique(np.asarray(values, dtype=float), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks


def krippendorff_alpha(ratings: ArrayLike) -> float:
    """Return Krippendorff's α with the interval metric (squared differences).

    α = 1 - Dₒ/Dₑ, the mean squared difference of two ratings within a unit against that of any two
    ratings (Krippendorff, Content Analysis, 2004, ch. 11). A unit with fewer than two ratings doesn't count.

    Args:
        ratings: array (raters, units), NaN where a rating is missing.

    Returns:
        α, at most 1; NaN where no unit has two ratings or all ratings are equal.
    """
    table = np.asarray(ratings, dtype=float)
    counts = np.sum(~np.isnan(table), axis=0)
    table, counts = table[:, counts >= 2], counts[counts >= 2]
    total = int(counts.sum())
    if not total:
        return nan
    table = table - np.nanmean(table)
    means = np.nansum(table, axis=0) / counts
    within = np.nansum((table - means) ** 2, axis=0)
    # The squared differences of all ordered pairs among m ratings sum up to 2m times their squared deviations.
    observed = float(np.sum(2 * counts * within / (counts - 1))) / total
    expected = 2 * float(np.nansum(table**2)) / (total - 1)
    return 1 - observed / expected if expected > 0 else nan


def _agreement(pairs: Iterable[tuple[Verdict, Verdict]], measure: str) -> Agreement:
    scores = [(score_of(one, measure), score_of(other, measure)) for one, other in pairs]
    both = [(one, other) for one, other in scores if one is not None and other is not None]
    return agreement([one for one, _ in both], [other for _, other in both])


def _same_image(one: Verdict, other: Verdict | None) -> bool:
    if one.edit is None or other is None or other.edit is None:
        return False
    edited = one.edit.status is EditStatus.OK and other.edit.status is EditStatus.OK
    return edited and one.edit.sha256 is not None and one.edit.sha256 == other.edit.sha256


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values - values.mean() if values.size else values
