"""Noise: the judge's part and sampling's part, against simulation and by their algebra."""

from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.records import TASKS, Edit, EditStatus, Reading, ReplyStatus, Sample, SampleId, Verdict
from gedit_bench.scoring.noise import Noise, Spread, headline_errors, macro, micro, noise, spread


def verdict(task: str, key: str, overall: float | None) -> Verdict:
    """O is `overall`: both aspects have its value."""
    sample = Sample(SampleId(task, "en", key), "x", True, 0)
    ok = Reading(ReplyStatus.OK, overall) if overall is not None else Reading(ReplyStatus.REFUSED)
    return Verdict(sample, Edit(sample=sample.id, status=EditStatus.OK, seed=0), ok, ok)


def everywhere(scores: list[float | None]) -> list[Verdict]:
    """The same scores in every category."""
    return [verdict(task, str(key), score) for task in TASKS for key, score in enumerate(scores)]


def test_two_repeats_by_hand() -> None:
    found = noise([everywhere([4, 6, 8]), everywhere([6, 6, 7])])
    # Means 5, 6, 7.5; squared deviations within: 2, 0, 0.5 over 3 degrees of freedom.
    one = found.categories[TASKS[0]]
    within, means = 2.5 / 3, np.var([5, 6, 7.5], ddof=1)
    assert (one.n, one.n_repeated, one.mean) == (3, 3, pytest.approx(18.5 / 3))
    assert one.judge == pytest.approx(sqrt(within / 2 / 3))
    assert one.judge_once == pytest.approx(sqrt(within / 3))
    assert one.total == pytest.approx(sqrt(means / 3))
    assert one.sampling == pytest.approx(sqrt(means / 3 - within / 6))
    for name in ("judge", "judge_once", "sampling", "total"):
        assert getattr(found.headline, name) == pytest.approx(getattr(one, name) / sqrt(11))
    assert (found.repeats, found.known, found.headline.n) == (2, True, 33)


def test_asked_once_the_judges_noise_is_unknown_and_not_0() -> None:
    found = noise([everywhere([4, 6, 8])])
    assert not found.known
    assert isnan(found.headline.judge)
    assert isnan(found.headline.judge_once)
    assert isnan(found.headline.sampling)
    assert found.headline.total == pytest.approx(sqrt(4 / 3 / 11))
    assert isnan(found.alpha["O"])


def test_a_judge_that_never_varies_has_no_noise() -> None:
    found = noise([everywhere([4, 6, 8])] * 3)
    assert found.headline.judge == 0
    assert found.headline.sampling == found.headline.total > 0
    assert found.alpha["O"] == found.spearman["O"] == 1


def test_an_empty_category_leaves_no_headline() -> None:
    found = noise([[one for one in everywhere([1, 2]) if one.sample.id.task_type != "ps_human"]] * 2)
    assert isnan(found.headline.mean)
    assert isnan(found.headline.total)
    assert found.categories["ps_human"].n == 0
    assert found.categories["text_change"].mean == 1.5


def test_a_category_that_was_not_repeated_takes_the_variance_of_all() -> None:
    whole = [everywhere([4, 6]), [one for one in everywhere([6, 8]) if one.sample.id.task_type != "ps_human"]]
    found = noise(whole)
    assert (found.categories["ps_human"].n_repeated, found.categories["text_change"].n_repeated) == (0, 2)
    assert found.categories["ps_human"].judge == pytest.approx(found.categories["text_change"].judge_once)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_judges_part_is_what_repeating_the_whole_judgement_shows(missing: float) -> None:
    """2000 judgements of the same images: their spread is the judge's noise, which each estimates from itself."""
    random = np.random.default_rng(0)
    truth = random.uniform(2, 8, 40)
    found, means = [], []
    gone = random.random((3, 40)) < missing
    gone[0] = False  # each sample has at least one
    for _ in range(2000):
        ratings = truth + random.normal(0, 0.7, (3, 40))
        one = spread(np.where(gone, nan, ratings))
        means.append(one.mean)
        found.append(one.judge**2)
    assert np.mean(found) == pytest.approx(np.var(means), rel=0.1)


def test_the_total_is_what_other_samples_and_another_judging_show() -> None:
    random = np.random.default_rng(1)
    found = [spread(random.normal(5, 2, 30) + random.normal(0, 1, (2, 30))) for _ in range(2000)]
    assert np.mean([one.total**2 for one in found]) == pytest.approx(np.var([one.mean for one in found]), rel=0.1)
    assert np.mean([one.sampling**2 for one in found]) == pytest.approx(4 / 30, rel=0.1)


@given(
    st.lists(st.lists(st.one_of(st.just(nan), st.integers(0, 10).map(float)), min_size=3, max_size=3), min_size=1).map(
        lambda samples: np.array(samples).T
    )
)
def test_the_parts_make_the_total(ratings: np.ndarray) -> None:
    one = spread(ratings)
    turned = spread(ratings[::-1, ::-1])
    for name in ("n", "n_repeated", "mean", "judge", "judge_once", "sampling", "total"):
        assert getattr(one, name) == pytest.approx(getattr(turned, name), nan_ok=True)  # order means nothing
    if one.n_repeated and one.n > 1:
        assert one.judge**2 + one.sampling**2 >= one.total**2 - 1e-12
        assert one.judge <= one.judge_once + 1e-12
        if one.sampling > 0:
            assert one.judge**2 + one.sampling**2 == pytest.approx(one.total**2)


def test_the_macro_mean_weighs_categories_alike() -> None:
    large, small = Spread(100, 100, 6, 0.1, 0.2, 0.3, 0.4), Spread(1, 1, 2, 0.5, 0.6, 0.7, 0.8)
    both = macro([large, small])
    assert (both.n, both.mean) == (101, 4)
    assert both.total == pytest.approx(sqrt(0.16 + 0.64) / 2)
    assert both.judge == pytest.approx(sqrt(0.01 + 0.25) / 2)


def test_the_mean_over_samples_weighs_samples_alike() -> None:
    large, small = Spread(30, 30, 6, 0.1, 0.2, 0.3, 0.4), Spread(10, 10, 2, 0.5, 0.6, 0.7, 0.8)
    both = micro([large, small, Spread(0, 0, nan, nan, nan, nan, nan)])
    assert (both.n, both.mean) == (40, 5)
    assert both.total == pytest.approx(sqrt((0.75 * 0.4) ** 2 + (0.25 * 0.8) ** 2))
    assert both.judge_once == pytest.approx(sqrt((0.75 * 0.2) ** 2 + (0.25 * 0.6) ** 2))
    assert isnan(micro([]).mean)


@pytest.mark.parametrize(("both", "sampling"), [(0.5, 0.4), (0.2, 0.0), (nan, nan)])
def test_a_headlines_error_is_split_in_two(both: float, sampling: float) -> None:
    one = Spread(9, 9, 5, 0.1, 0.3, 0.3, 0.4)
    found = headline_errors(Noise(2, one, {}, {}, {}), both)
    assert (found.judge, found.sampling, found.both) == pytest.approx((0.3, sampling, both), nan_ok=True)
