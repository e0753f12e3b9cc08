"""How far the headline would move: because the judge varies, and because there are only so many samples.

A sample's O is averaged over its repeats. The variance of the macro mean over C categories is

    total = 1/C² · Σ s²_c / n_c        s²_c: variance of the samples' mean O within a category, n_c samples
    judge = 1/C² · Σ 1/n_c² · Σ σ²_c / m_i     σ²_c: variance of O between repeats of a sample, m_i repeats

`total` holds the judge's part, because each sample's mean carries it; what is left is that of sampling.
σ²_c is pooled over a category's samples, so samples with few repeats count for little; a category in which
nothing was repeated takes that of all. Asked once, the judge's part is unknown, not 0. The mean over samples has
the share of a category's samples in place of 1/C.

Samples count as independent here, which within one language they nearly are: two pictures of the benchmark stand in
two categories. `scoring/bootstrap.py` draws whole sources and has the intervals that are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray

from gedit_bench.records import TASKS, Verdict
from gedit_bench.scoring.agreement import MEASURES, agreement_of_repeats, ratings_of
from gedit_bench.scoring.scorings import Average


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean of O in 0..10 and its standard errors; NaN where one is unknown.

    `n` samples have an O in some repeat, `n_repeated` in several. `judge` is the error of `mean` that comes from
    the judge, `judge_once` what it would be with one repeat, as the headline is; `sampling` comes from which
    samples there are; `total` from both.
    """

    n: int
    n_repeated: int
    mean: float
    judge: float
    judge_once: float
    sampling: float
    total: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of one language and subset over `repeats` repeats.

    `alpha` is Krippendorff's α between the repeats and `spearman` the mean rank correlation of their pairs, each
    by `SC`, `PQ` and `O`; NaN where nothing was repeated.
    """

    repeats: int
    headline: Spread
    categories: dict[str, Spread]
    alpha: dict[str, float]
    spearman: dict[str, float]

    @property
    def known(self) -> bool:
        """True if the judge was asked more than once, so that its noise is known."""
        return not isnan(self.headline.judge)


@dataclass(frozen=True, slots=True)
class HeadlineErrors:
    """Standard errors of the headline as it stands, of one repeat: by the judge, by sampling, by both.

    NaN where one is unknown; asked once, only `both` is known.
    """

    judge: float
    sampling: float
    both: float


def headline_errors(found: Noise, both: float) -> HeadlineErrors:
    """Split the headline's standard error, as the bootstrap has it, into the judge's part and that of sampling."""
    judge = found.headline.judge_once
    # Where chance makes the judge's part the larger one, nothing is left for sampling.
    sampling = nan if isnan(judge) or isnan(both) else sqrt(max(both**2 - judge**2, 0.0))
    return HeadlineErrors(judge, sampling, both)


def noise(repeats: Sequence[Sequence[Verdict]], average: Average = "macro") -> Noise:
    """Return the noise of some samples' O.

    Args:
        repeats: each repeat's verdicts, of one language and subset.
        average: what the headline is: `macro` over the categories, or `micro` over samples.
    """
    pooled = _variance_within(ratings_of(repeats, "O"))
    categories = {
        task: spread(
            ratings_of([[verdict for verdict in one if verdict.sample.id.task_type == task] for one in repeats], "O"),
            pooled,
        )
        for task in TASKS
    }
    agreed = {measure: agreement_of_repeats(repeats, measure) for measure in MEASURES}
    return Noise(
        len(repeats),
        (macro if average == "macro" else micro)(list(categories.values())),
        categories,
        {measure: alpha for measure, (alpha, _) in agreed.items()},
        {measure: correlation for measure, (_, correlation) in agreed.items()},
    )


def spread(ratings: NDArray[np.float64], pooled: float = nan) -> Spread:
    """Return the mean of one category and its standard errors.

    Args:
        ratings: O as an array (repeats, samples), NaN where there is none.
        pooled: the variance between repeats that is taken where no sample of these has two.
    """
    counts = np.sum(~np.isnan(ratings), axis=0)
    ratings, counts = ratings[:, counts > 0], counts[counts > 0]
    n = counts.size
    if not n:
        return Spread(0, 0, nan, nan, nan, nan, nan)
    means = np.nansum(ratings, axis=0) / counts
    within = _variance_within(ratings)
    within = pooled if np.isnan(within) else within
    judge = within * float(np.sum(1 / counts)) / n**2
    total = float(np.var(means, ddof=1)) / n if n > 1 else nan
    return _spread(n, int(np.sum(counts > 1)), float(np.mean(means)), judge, within / n, total)


def macro(categories: Sequence[Spread]) -> Spread:
    """Return the unweighted mean of categories with its standard errors; NaN if one of them is empty."""
    return _weighted(categories, [1 / len(categories)] * len(categories))


def micro(categories: Sequence[Spread]) -> Spread:
    """Return the mean over all categories' samples with its standard errors; NaN without samples."""
    there = [part for part in categories if part.n]
    total = sum(part.n for part in there)
    return _weighted(there, [part.n / total for part in there]) if there else spread(np.empty((1, 0)))


def _weighted(parts: Sequence[Spread], shares: Sequence[float]) -> Spread:
    weighed = list(zip(parts, shares, strict=True))
    return _spread(
        sum(part.n for part in parts),
        sum(part.n_repeated for part in parts),
        sum(part.mean * share for part, share in weighed),
        sum((part.judge * share) ** 2 for part, share in weighed),
        sum((part.judge_once * share) ** 2 for part, share in weighed),
        sum((part.total * share) ** 2 for part, share in weighed),
    )


def _spread(n: int, n_repeated: int, mean: float, judge: float, judge_once: float, total: float) -> Spread:
    """Roots of variances. Where chance makes the judge's part the larger one, nothing is left for sampling."""
    sampling = nan if isnan(judge) or isnan(total) else max(total - judge, 0.0)
    return Spread(n, n_repeated, mean, sqrt(judge), sqrt(judge_once), sqrt(sampling), sqrt(total))


def _variance_within(ratings: NDArray[np.float64]) -> float:
    """The variance between repeats of a sample, pooled over samples; NaN where none has two."""
    counts = np.sum(~np.isnan(ratings), axis=0)
    ratings, counts = ratings[:, counts > 1], counts[counts > 1]
    if not counts.size:
        return nan
    means = np.nansum(ratings, axis=0) / counts
    return float(np.nansum((ratings - means) ** 2)) / int(np.sum(counts - 1))
