"""Whether the intervals keep their word: a thousand benchmarks are drawn, and the truth is known.

A benchmark is drawn sample by sample with the released sizes. Samples differ in difficulty, which all models feel;
models differ in ability; scores are whole numbers as the judge gives them, a good part of SC is 0, two pictures stand
in two categories. A table of one language is 606 samples; the two languages are two tables.
"""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from gedit_bench.records import TASKS
from gedit_bench.scoring.bootstrap import Resampled, quantile_interval, resample_scores, uncertainty
from gedit_bench.scoring.ranking import rank

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SIZES = (40, 40, 40, 40, 70, 60, 60, 57, 60, 99, 40)
OFFSETS = np.array([0.3, 0.8, 0.2, -0.9, -0.6, 0.5, 0.6, 0.4, 0.2, -0.7, 0.9])
"""How much easier or harder a category is."""
TASK_OF = np.repeat(np.arange(len(TASKS)), SIZES)
MODELS, BENCHMARKS = 20, 1000
RESAMPLES = 1000
"""Half of what a report draws: the quantiles are a little noisier, not wider."""
BATCH = 5
"""Benchmarks that are resampled at once. A report's draws are the same for all of its models, and so are these."""


def shared_sources() -> NDArray[np.intp]:
    """Each sample's source: its own, but for two pictures that stand in subject-remove and subject-replace."""
    clusters = np.arange(len(TASK_OF))
    first, second = (np.flatnonzero(TASKS.index(name) == TASK_OF)[:2] for name in ("subject-remove", "subject-replace"))
    clusters[second] = first
    return np.unique(clusters, return_inverse=True)[1].reshape(-1)


CLUSTERS = shared_sources()


def draw(random: np.random.Generator, abilities: NDArray[np.float64], benchmarks: int) -> NDArray[np.float64]:
    """Scores as an array (benchmarks, models, 3, samples): SC, PQ and O."""
    hardness = random.standard_normal((benchmarks, 1, CLUSTERS.max() + 1))[..., CLUSTERS]
    return judged(random, abilities[:, None] + OFFSETS[TASK_OF], hardness)


def judged(
    random: np.random.Generator, level: NDArray[np.float64], hardness: NDArray[np.float64]
) -> NDArray[np.float64]:
    shape = np.broadcast_shapes(level.shape, hardness.shape)
    quality = level - 1.6 * hardness + 1.6 * random.standard_normal(shape)
    missed = random.random(shape) < 1 / (1 + np.exp(1.2 * (quality - 2.5)))
    sc = np.where(missed, 0.0, np.clip(np.round(quality), 1, 10))
    pq = np.clip(np.round(5.2 + 0.35 * level - 0.5 * hardness + 1.2 * random.standard_normal(shape)), 0, 10)
    return np.stack([sc, pq, np.sqrt(sc * pq)], axis=-2)


def truth(abilities: NDArray[np.float64], samples: int = 40_000) -> NDArray[np.float64]:
    """The headlines that endless samples would have, as an array (models, 3); true to 0.005."""
    random = np.random.default_rng(99)
    level = (abilities[:, None] + OFFSETS)[..., None]
    means = [judged(random, own, random.standard_normal(samples)).mean(axis=-1) for own in level]
    return np.stack(means).mean(axis=1)


@cache
def spread_abilities() -> NDArray[np.float64]:
    """Twenty abilities with true headlines of O from 3 to 8 in equal steps."""
    grid = np.linspace(0, 14, 57)
    return np.interp(np.linspace(3, 8, MODELS), truth(grid, 8000)[:, 2], grid)


def resampled(random: np.random.Generator, abilities: NDArray[np.float64]) -> Resampled:
    """A batch of benchmarks, their models one behind the other."""
    scores = draw(random, abilities, BATCH)
    return resample_scores(scores.reshape(-1, 3, len(TASK_OF)), TASK_OF, CLUSTERS, resamples=RESAMPLES)


def benchmarks(drawn: Resampled) -> list[Resampled]:
    """The batch's benchmarks, each with its models."""
    cuts = [slice(start, start + MODELS) for start in range(0, len(drawn.estimates), MODELS)]
    return [Resampled(drawn.estimates[cut], drawn.draws[cut]) for cut in cuts]


def test_headlines_are_covered_and_a_spread_field_is_told_apart() -> None:
    abilities = spread_abilities()
    true, random = truth(abilities), np.random.default_rng(1)
    covered, apart, ranks = [], [], []
    for _ in range(BENCHMARKS // BATCH):
        drawn = resampled(random, abilities)
        low, high = (ends.reshape(BATCH, MODELS, 3) for ends in quantile_interval(drawn.draws[..., -1, :]))
        covered.append((low <= true) & (true <= high))
        for one in benchmarks(drawn):
            found = rank(one, [True] * MODELS)
            apart.append(np.mean([pair.told_apart for pair in found.pairs]))
            places = [(one.rank_low, one.rank_high) for one in found.standings]
            ranks.append(all(low <= MODELS - place <= high for place, (low, high) in enumerate(places)))
    shares = np.concatenate(covered).mean(axis=0)
    print(f"covered, SC PQ O: {shares.mean(axis=0)}, by model O: {shares[:, 2].min()} to {shares[:, 2].max()}")
    print(
        f"told apart {np.mean(apart):.3f}, at worst {np.min(apart):.3f}; all rank intervals right {np.mean(ranks):.3f}"
    )
    assert np.all((shares.mean(axis=0) >= 0.93) & (shares.mean(axis=0) <= 0.97))
    assert np.all((shares[:, 2] >= 0.93) & (shares[:, 2] <= 0.97))
    assert np.mean(apart) >= 0.8
    assert np.mean(ranks) >= 0.94


def test_equal_models_are_rarely_told_apart() -> None:
    random, abilities = np.random.default_rng(2), np.full(MODELS, spread_abilities()[MODELS // 2])
    false = [
        any(pair.told_apart for pair in rank(one, [True] * MODELS).pairs)
        for _ in range(BENCHMARKS // BATCH)
        for one in benchmarks(resampled(random, abilities))
    ]
    print(f"a false difference in {np.mean(false):.3f} of the draws")
    assert np.mean(false) <= 0.06


def test_categories_are_covered() -> None:
    """Forty samples say less, and say so."""
    abilities = spread_abilities()[[4, 10, 16]]
    random, samples = np.random.default_rng(3), 40_000
    true = np.stack(
        [
            judged(random, own, random.standard_normal(samples)).mean(axis=-1)
            for own in (abilities[:, None] + OFFSETS)[..., None]
        ]
    )[..., 2]
    covered = []
    for _ in range(BENCHMARKS // BATCH):
        rows = uncertainty(resampled(random, abilities))
        ends = np.array([[(one.overall.low, one.overall.high) for one in row.categories.values()] for row in rows])
        low, high = np.moveaxis(ends.reshape(BATCH, len(abilities), len(TASKS), 2), -1, 0)
        covered.append((low <= true) & (true <= high))
    shares = np.concatenate(covered).mean(axis=(0, 1))
    print(f"covered by category: {np.round(shares, 3)}")
    assert np.all((shares >= 0.92) & (shares <= 0.97))
