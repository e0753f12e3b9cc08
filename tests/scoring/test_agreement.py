"""Agreement: equal to the libraries' numbers on anything, and undefined where it is undefined."""

from dataclasses import replace
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from gedit_bench.records import TASKS, Edit, EditStatus, Reading, ReplyStatus, Sample, SampleId, Verdict
from gedit_bench.scoring.agreement import (
    agreement,
    agreement_by_category,
    agreement_of_repeats,
    average_ranks,
    krippendorff_alpha,
    ratings_of,
    spearman,
)

SCORES = st.one_of(st.integers(0, 10).map(float), st.floats(0, 10, width=32))
TABLES = st.integers(2, 5).flatmap(
    lambda raters: st.lists(st.lists(st.one_of(st.just(nan), SCORES), min_size=raters, max_size=raters), min_size=2)
)


def verdict(task: str, key: str, sc: float | None, pq: float | None, image: str = "a") -> Verdict:
    sample = Sample(SampleId(task, "en", key), "x", True, 0)
    edit = Edit(sample=sample.id, status=EditStatus.OK, seed=0, sha256=image)
    readings = (Reading(ReplyStatus.OK, score) if score is not None else None for score in (sc, pq))
    return Verdict(sample, edit, *readings)


@given(st.lists(st.tuples(SCORES, SCORES), min_size=2, max_size=40))
def test_spearman_equals_scipys(pairs: list[tuple[float, float]]) -> None:
    first, second = zip(*pairs, strict=True)
    assert list(average_ranks(first)) == pytest.approx(list(stats.rankdata(first)))
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert isnan(spearman(first, second))
    else:
        assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)


def coincidence_alpha(table: np.ndarray) -> float:
    """α by its definition: each ordered pair of ratings of a unit against each ordered pair of all."""
    units = [column[~np.isnan(column)] for column in table.T]
    units = [unit for unit in units if len(unit) > 1]
    everything = np.concatenate(units)
    observed = sum(((unit[:, None] - unit[None]) ** 2).sum() / (len(unit) - 1) for unit in units) / len(everything)
    expected = ((everything[:, None] - everything[None]) ** 2).sum() / (len(everything) * (len(everything) - 1))
    return 1 - observed / expected


@given(TABLES)
def test_alpha_equals_its_definition_and_the_librarys(units: list[list[float]]) -> None:
    table = np.array(units).T
    paired = table[:, np.sum(~np.isnan(table), axis=0) > 1]
    values = paired[~np.isnan(paired)]
    if values.size == 0 or np.ptp(values) < 1e-3:
        assume(values.size == 0 or np.ptp(values) == 0)
        assert isnan(krippendorff_alpha(table))
        return
    alpha = krippendorff_alpha(table)
    assert alpha == pytest.approx(coincidence_alpha(table), abs=1e-6)
    krippendorff = pytest.importorskip("krippendorff")
    assert alpha == pytest.approx(krippendorff.alpha(table, level_of_measurement="interval"), abs=1e-6)


def test_alpha_of_the_textbooks_example() -> None:
    """Krippendorff 2011, «Computing Krippendorff's Alpha-Reliability», example C: interval α = 0.849."""
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    assert krippendorff_alpha(table) == pytest.approx(0.849, abs=5e-4)


def test_what_is_undefined_is_nan_and_not_zero() -> None:
    nothing = agreement([], [])
    assert nothing.n == 0
    assert isnan(nothing.spearman)
    assert isnan(nothing.alpha)
    assert isnan(nothing.difference)
    same = agreement([5, 5, 5], [5, 5, 5])
    assert same.difference == 0
    assert isnan(same.spearman)
    assert isnan(same.alpha)
    with pytest.raises(ValueError, match="3 ratings against 2"):
        agreement([1, 2, 3], [1, 2])


def test_a_shift_keeps_ranks_and_costs_alpha() -> None:
    shifted = agreement([1, 2, 3, 4], [4, 5, 6, 7])
    assert (shifted.n, shifted.spearman, shifted.difference) == (4, 1, 3)
    assert shifted.alpha < 0
    assert agreement([1, 2, 3, 4], [1, 2, 3, 4]).alpha == 1


def test_only_the_same_images_are_compared() -> None:
    first = [verdict(TASKS[0], "a", 8, 6), verdict(TASKS[0], "b", 4, 6), verdict(TASKS[1], "a", 9, 9, "x")]
    second = [verdict(TASKS[0], "a", 7, 6), verdict(TASKS[0], "b", 5, None), verdict(TASKS[1], "a", 1, 1, "y")]
    found = agreement_by_category(first, second)
    assert list(found) == [TASKS[0], "all"]
    assert {measure: one.n for measure, one in found["all"].items()} == {"SC": 2, "PQ": 1, "O": 1}
    assert found["all"]["SC"].difference == 0
    assert found["all"]["O"].difference == pytest.approx((7 * 6) ** 0.5 - (8 * 6) ** 0.5)
    assert agreement_by_category([replace(one, edit=None) for one in first], second) == {}


def test_repeats_are_rated_together_whatever_is_missing() -> None:
    repeats = [
        [verdict(TASKS[0], "a", 8, 8), verdict(TASKS[0], "b", 2, 2), verdict(TASKS[0], "c", 5, 5)],
        [verdict(TASKS[0], "b", 3, 3), verdict(TASKS[0], "a", 9, 9)],
        [verdict(TASKS[0], "a", 8, None)],
    ]
    ratings = ratings_of(repeats, "O")
    assert np.array_equal(ratings, [[8, 2, 5], [9, 3, nan], [nan, nan, nan]], equal_nan=True)
    alpha, correlation = agreement_of_repeats(repeats, "O")
    assert alpha == pytest.approx(coincidence_alpha(ratings))
    assert correlation == 1
    assert all(isnan(value) for value in agreement_of_repeats(repeats[:1], "O"))
