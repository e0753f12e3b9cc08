"""Paired differences and their intervals: by hand, by their algebra, and against how often they are right."""

from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gedit_bench.records import TASKS, Edit, EditStatus, Reading, ReplyStatus, Sample, SampleId, Verdict
from gedit_bench.scoring.paired import both_scored, overall, paired_intervals, paired_means, pairs

Scores = tuple[float | None, float | None]


def verdict(number: int, scores: Scores, *, task: str | None = None, source: str | None = None) -> Verdict:
    """SC and PQ of a sample; without a score where None."""
    sample = Sample(SampleId(task or TASKS[number % 3], "en", f"{number:032x}"), "x", True, number)
    edit = Edit(sample=sample.id, status=EditStatus.OK, seed=0, source_id=source or f"source {number}")
    sc, pq = (Reading(ReplyStatus.REFUSED if score is None else ReplyStatus.OK, score) for score in scores)
    return Verdict(sample, edit, sc, pq)


def side(scores: list[Scores]) -> list[Verdict]:
    return [verdict(number, one) for number, one in enumerate(scores)]


SCORE = st.none() | st.integers(0, 10).map(float)
SIDES = st.lists(st.tuples(st.tuples(SCORE, SCORE), st.tuples(SCORE, SCORE)), min_size=1, max_size=25)


@settings(deadline=None, max_examples=40)
@given(SIDES, st.sampled_from(["macro", "micro"]))
def test_swapping_the_sides_flips_each_sign(both: list[tuple[Scores, Scores]], average: str) -> None:
    first, second = side([one for one, _ in both]), side([other for _, other in both])
    there, back = paired_intervals(first, second, average), paired_intervals(second, first, average)
    for measure, groups in there.items():
        assert list(groups) == list(back[measure])
        for name, one in groups.items():
            other = back[measure][name]
            turned = (-other.estimate, -other.high, -other.low)
            assert (one.estimate, one.low, one.high) == pytest.approx(turned, abs=1e-12, nan_ok=True)
            assert not one.known or one.low <= one.estimate <= one.high


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=25), st.sampled_from(["macro", "micro"]))
def test_equal_sides_differ_by_nothing(scores: list[Scores], average: str) -> None:
    for groups in paired_intervals(side(scores), side(scores), average).values():
        for one in groups.values():
            assert not one.known or (one.estimate, one.low, one.high) == (0, 0, 0)


@settings(deadline=None, max_examples=40)
@given(SIDES, st.sampled_from(["macro", "micro"]))
def test_intervals_stand_around_the_means_of_the_same_pairs(both: list[tuple[Scores, Scores]], average: str) -> None:
    first, second = side([one for one, _ in both]), side([other for _, other in both])
    for measure, groups in paired_intervals(first, second, average).items():
        value = {
            "O": overall,
            "SC": lambda one: one.sc.score if one.sc else None,
            "PQ": lambda one: one.pq.score if one.pq else None,
        }[measure]
        means = paired_means(pairs(first, second, value), average)
        assert list(groups) == list(means)
        for name, one in groups.items():
            assert one.estimate == pytest.approx(means[name].difference, abs=1e-12, nan_ok=True)
            assert means[name].gained + means[name].lost + means[name].same == means[name].n


def test_a_sample_that_one_side_lacks_moves_nothing() -> None:
    first = side([(5.0, 5.0), (6.0, 6.0), (7.0, 7.0), (2.0, 2.0), (3.0, 3.0), (4.0, 4.0)])
    second = [replace(one, sc=Reading(ReplyStatus.OK, 7.0)) for one in first]
    whole = paired_intervals(first, second)
    more = [*first, *(verdict(number, (10.0, 10.0)) for number in range(6, 12))]
    fewer = [*second, *(verdict(number, (0.0, None)) for number in range(12, 18))]
    assert paired_intervals(more, fewer) == whole
    assert [len(one) for one in both_scored(more, fewer)] == [6, 6]


def test_an_aspect_counts_only_where_both_have_it() -> None:
    first, second = side([(5.0, None), (5.0, 5.0)]), side([(7.0, 9.0), (None, 6.0)])
    mine, yours = both_scored(first, second)
    assert [one.sc is not None for one in mine] == [one.sc is not None for one in yours] == [True, False]
    assert [one.pq is not None for one in mine] == [one.pq is not None for one in yours] == [False, True]
    found = paired_intervals(first, second)
    assert found["SC"]["macro"].estimate == 2
    assert found["PQ"]["macro"].estimate == 1
    assert isnan(found["O"]["macro"].estimate)


def test_one_source_says_nothing_about_others() -> None:
    samples = [verdict(number, (4.0, 4.0), task="ps_human", source="the same") for number in range(4)]
    other = [replace(one, sc=Reading(ReplyStatus.OK, float(number))) for number, one in enumerate(samples)]
    found = paired_intervals(samples, other)["SC"]
    assert found["ps_human"].estimate == -2.5
    assert not found["ps_human"].known
    assert not found["macro"].known


def test_twins_of_one_source_count_once() -> None:
    random = np.random.default_rng(3)
    scores = [float(score) for score in random.integers(0, 11, 20)]

    def made(copies: int, change: float) -> list[Verdict]:
        return [
            verdict(
                20 * copy + number, (min(10.0, score + change * (number % 3)), 5.0), task="ps_human", source=f"{number}"
            )
            for copy in range(copies)
            for number, score in enumerate(scores)
        ]

    once = paired_intervals(made(1, 0), made(1, 1))["SC"]["ps_human"]
    thrice = paired_intervals(made(3, 0), made(3, 1))["SC"]["ps_human"]
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_a_paired_interval_is_narrower_than_the_scores_are_wide() -> None:
    """What makes a sample hard for both sides cancels out."""
    random = np.random.default_rng(1)
    hard = random.uniform(0, 8, 60)
    first = [verdict(number, (float(score), 5.0), task="ps_human") for number, score in enumerate(hard)]
    second = [verdict(number, (float(score) + 1, 5.0), task="ps_human") for number, score in enumerate(hard)]
    found = paired_intervals(first, second)["SC"]["ps_human"]
    assert (found.low, found.high) == pytest.approx((1, 1))
