"""How far the means would move with other samples: a bootstrap by category, of whole sources.

Sources, not samples, are drawn: what was made of one picture within a category, such as the English and the Chinese
instruction about it, stays together. The few pictures that stand in two categories are drawn in each by itself. From
the n sources of a category n - 1 are drawn with replacement and weighed n/(n - 1), so that the variance of a
category's mean is s²/n without bias (McCarthy and Snowden, 1985; Rao and Wu, 1988); drawing n would make it
(n - 1)/n of that. One draw is the same for all models, so that differences keep what samples do to all of them.
Intervals are the 2.5 % and 97.5 % quantiles of the draws. What the judge's mood does to one reply is part of the
scores and so of the intervals.

A mean is over what is scored in a draw, each model's own: the difference of two models is that of the two numbers
that stand on the page. From one source nobody knows how much another would differ, so then there is no interval.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from gedit_bench.records import LANGUAGES, TASKS, Sample, SampleId, Verdict
from gedit_bench.scoring.agreement import MEASURES, score_of
from gedit_bench.scoring.scorings import Average

LEVEL = 0.95
"""What an interval covers."""
RESAMPLES = 2000

_SC, _PQ, _OVERALL = range(len(MEASURES))
_HEADLINE = len(TASKS)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean in 0..10, or a difference of two, and its 95 % interval; `low` and `high` are NaN where it is unknown."""

    estimate: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """True if there is an interval and not just an estimate."""
        return not isnan(self.low)


@dataclass(frozen=True, slots=True)
class Intervals:
    """SC, PQ and O of the same samples."""

    sc: Interval
    pq: Interval
    overall: Interval


@dataclass(frozen=True, slots=True)
class RowUncertainty:
    """A row's intervals. `standard_error` is that of the headline's O, judge's noise included; NaN if unknown."""

    headline: Intervals
    categories: dict[str, Intervals]
    standard_error: float = nan

    @property
    def without_headline(self) -> "RowUncertainty":
        """The same for a row whose headline is not shown."""
        none = Interval(nan, nan, nan)
        return RowUncertainty(Intervals(none, none, none), self.categories)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """Means of K models as they are, and over and over with other samples.

    `estimates` is an array (K, 3, 12) and `draws` one (K, 3, 12, resamples): SC, PQ and O of the 11 categories and,
    last, of the headline. NaN where nothing is scored; in `draws` also, throughout, where the samples can't tell.
    """

    estimates: NDArray[np.float64]
    draws: NDArray[np.float64]

    @property
    def headlines(self) -> NDArray[np.float64]:
        """Each model's draws of the headline's O, as an array (K, resamples)."""
        return self.draws[:, _OVERALL, _HEADLINE]


def sources_of(rows: Iterable[Iterable[Verdict]]) -> dict[SampleId, str]:
    """Return each sample's source id as some edit noted it, else the sample's key."""
    noted: dict[SampleId, str] = {}
    keys: dict[SampleId, str] = {}
    for verdict in (verdict for row in rows for verdict in row):
        keys[verdict.sample.id] = verdict.sample.id.key
        if verdict.edit is not None and verdict.edit.source_id:
            noted.setdefault(verdict.sample.id, verdict.edit.source_id)
    return keys | noted


def resample(
    rows: Sequence[Sequence[Verdict]],
    sources: Mapping[SampleId, str],
    *,
    average: Average = "macro",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """Return means of several models over draws that all of them share.

    The draws depend on the samples and the seed alone, not on how many models there are or in which order.

    Args:
        rows: for each model its verdicts as they are counted; samples may be missing.
        sources: each sample's source id.
        average: what the headline is: `macro` over the 11 categories, or `micro` over samples.
        resamples: how many draws.
        seed: of the draws.

    Raises:
        KeyError: a sample has no source id.
    """
    found = {verdict.sample.id: verdict.sample for row in rows for verdict in row}
    samples = sorted(found.values(), key=_place)
    numbers: dict[tuple[str, str], int] = {}
    clusters = [numbers.setdefault((sample.id.task_type, sources[sample.id]), len(numbers)) for sample in samples]
    tasks = [TASKS.index(sample.id.task_type) for sample in samples]
    scores = _scores(rows, {sample.id: column for column, sample in enumerate(samples)})
    return resample_scores(scores, tasks, clusters, average=average, resamples=resamples, seed=seed)


def resample_scores(
    scores: NDArray[np.float64],
    tasks: Sequence[int],
    clusters: Sequence[int],
    *,
    average: Average = "macro",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Resampled:
    """Return the same from scores as numbers.

    Args:
        scores: array (K, 3, samples): SC, PQ and O in 0..10, NaN where there is none.
        tasks: each sample's category, in 0..10.
        clusters: each sample's source within its category as a number, counted from 0 in the order in which they
            appear.
        average: what the headline is.
        resamples: how many draws.
        seed: of the draws.
    """
    flat = scores.reshape(len(scores) * len(MEASURES), len(tasks))
    category, cluster = np.array(tasks, dtype=np.intp), np.array(clusters, dtype=np.intp)
    strata = category[np.unique(cluster, return_index=True)[1]]
    parts = [np.flatnonzero(category == task) for task in range(len(TASKS))]
    weights = _weights(strata, resamples, np.random.default_rng(seed))
    estimates = _means(flat, parts, np.ones((len(tasks), 1)), average)[..., 0]
    draws = _means(flat, parts, weights[cluster], average)
    draws[~_tells(flat, parts, cluster, average)] = nan
    shape = (len(scores), len(MEASURES), len(TASKS) + 1)
    return Resampled(estimates.reshape(shape), draws.reshape(*shape, resamples))


def uncertainty(resampled: Resampled) -> tuple[RowUncertainty, ...]:
    """Return each model's intervals."""
    estimates, (low, high) = resampled.estimates, quantile_interval(resampled.draws)
    # A model that has the same score everywhere lies a rounding error outside of its draws.
    bounds = np.stack([estimates, np.fmin(low, estimates), np.fmax(high, estimates)], axis=-1)
    bounds[np.isnan(low), 1:] = nan
    errors = [
        float(np.std(kept, ddof=1)) if (kept := row[~np.isnan(row)]).size > 1 else nan for row in resampled.headlines
    ]
    return tuple(
        RowUncertainty(
            _intervals(row[:, _HEADLINE]), {task: _intervals(row[:, part]) for part, task in enumerate(TASKS)}, error
        )
        for row, error in zip(bounds, errors, strict=True)
    )


def quantile_interval(draws: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the outer 2.5 % quantiles over the last axis; a draw that is NaN is left out, NaN where all are."""
    flat = draws.reshape(-1, draws.shape[-1])
    found = np.full((2, len(flat)), nan)
    there = ~np.isnan(flat)
    outer = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
    whole, some = there.all(axis=1), there.any(axis=1)
    if whole.any():
        found[:, whole] = np.quantile(flat[whole], outer, axis=1)
    for row in np.flatnonzero(some & ~whole):
        found[:, row] = np.quantile(flat[row, there[row]], outer)
    low, high = found.reshape(2, *draws.shape[:-1])
    return low, high


def _scores(rows: Sequence[Sequence[Verdict]], columns: Mapping[SampleId, int]) -> NDArray[np.float64]:
    """SC, PQ and O as an array (K, 3, samples); NaN where there is none."""
    scores = np.full((len(rows), len(MEASURES), len(columns)), nan)
    for own, verdicts in zip(scores, rows, strict=True):
        for verdict in verdicts:
            column = columns[verdict.sample.id]
            for aspect, measure in enumerate(MEASURES):
                if (score := score_of(verdict, measure)) is not None:
                    own[aspect, column] = score
    return scores


def _weights(strata: NDArray[np.intp], resamples: int, random: np.random.Generator) -> NDArray[np.float64]:
    """How much each cluster weighs in each draw, as an array (clusters, resamples); 1 on average."""
    weights = np.ones((len(strata), resamples))
    offsets = np.arange(resamples)[:, None]
    for task in range(len(TASKS)):
        members = np.flatnonzero(strata == task)
        if (size := len(members)) > 1:
            picks = random.integers(size, size=(resamples, size - 1)) + size * offsets
            counts = np.bincount(picks.ravel(), minlength=size * resamples).reshape(resamples, size)
            weights[members] = counts.T * (size / (size - 1))
    return weights


def _means(
    scores: NDArray[np.float64], parts: Sequence[NDArray[np.intp]], weights: NDArray[np.float64], average: Average
) -> NDArray[np.float64]:
    """Weighted means by category and of the headline, as an array (3K, 12, draws); `weights` is (samples, draws)."""
    there = ~np.isnan(scores)
    filled = np.where(there, scores, 0.0)
    # Most models have the same samples scored: what these weigh together is summed once.
    kinds, kind = np.unique(there, axis=0, return_inverse=True)
    found = np.empty((len(scores), len(parts) + 1, weights.shape[1]))
    counts = np.empty((len(kinds), len(parts), weights.shape[1]))
    for place, part in enumerate(parts):
        found[:, place] = filled[:, part] @ weights[part]
        counts[:, place] = kinds[:, part].astype(float) @ weights[part]
    with np.errstate(invalid="ignore"):  # 0/0 is a mean of nothing
        for means, number in zip(found, kind.reshape(-1), strict=True):
            if average == "micro":
                means[-1] = means[:-1].sum(axis=0) / counts[number].sum(axis=0)
            means[:-1] /= counts[number]
            if average == "macro":
                means[-1] = means[:-1].mean(axis=0)
    return found


def _tells(
    scores: NDArray[np.float64],
    parts: Sequence[NDArray[np.intp]],
    clusters: NDArray[np.intp],
    average: Average,
) -> NDArray[np.bool_]:
    """Whether draws show how much a mean varies, as an array (3K, 12).

    A category's do from two scored sources on. A headline's do if those of all its categories do; a mean over
    samples has no use for empty ones.
    """
    there = ~np.isnan(scores)
    known, empty = [], []
    for part in parts:
        own = clusters[part]
        scored = there[:, part].astype(float) @ (own[:, None] == np.unique(own)) > 0
        known.append(scored.sum(axis=1) > 1)
        empty.append(~there[:, part].any(axis=1))
    told, nothing = np.stack(known, axis=1), np.stack(empty, axis=1)
    headline = np.all(told, axis=1, keepdims=True)
    if average == "micro":
        headline = np.all(told | nothing, axis=1, keepdims=True) & np.any(told, axis=1, keepdims=True)
    return np.concatenate([told, headline], axis=1)


def _intervals(bounds: NDArray[np.float64]) -> Intervals:
    """`bounds` is an array (3, 3): for each aspect estimate, low and high."""
    sc, pq, overall = (Interval(*(float(value) for value in bounds[aspect])) for aspect in (_SC, _PQ, _OVERALL))
    return Intervals(sc, pq, overall)


def _place(sample: Sample) -> tuple[int, int, int, str]:
    task, language, key = sample.id
    return TASKS.index(task), [*LANGUAGES, language].index(language), sample.row, key
