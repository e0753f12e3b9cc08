"""What the samples tell apart: letters by their definition, intervals against plain loops, and the odd cases."""

from itertools import combinations
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scores import everywhere

from gedit_bench.records import Verdict
from gedit_bench.scoring.bootstrap import Resampled, resample, sources_of
from gedit_bench.scoring.ranking import Ranking, grouped, rank


def of_headlines(estimates: NDArray[np.float64], draws: NDArray[np.float64]) -> Resampled:
    """Nothing but headlines of O."""
    whole, over = np.zeros((len(estimates), 3, 12)), np.zeros((len(estimates), 3, 12, draws.shape[1]))
    whole[:, -1, -1], over[:, -1, -1] = estimates, draws
    return Resampled(whole, over)


def models(means: list[float], error: float = 0.1, seed: int = 0) -> Resampled:
    """Independent models, normally distributed."""
    draws = np.array(means)[:, None] + np.random.default_rng(seed).normal(0, error, (len(means), 4000))
    return of_headlines(np.array(means), draws)


def ranked(resampled: Resampled) -> Ranking:
    return rank(resampled, [True] * len(resampled.estimates))


def row(seed: int, shift: float = 0.0, missing: float = 0.0) -> list[Verdict]:
    random = np.random.default_rng(seed)
    own = [
        tuple(
            None if random.random() < missing else float(min(score + shift, 10)) for score in random.integers(0, 11, 2)
        )
        for _ in range(20)
    ]
    return everywhere(own)


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.permutations(range(n)), st.sets(pairs_below(n)))))
def test_two_rows_share_a_letter_exactly_if_they_are_not_told_apart(case: tuple[list[int], set]) -> None:
    order, apart = case
    groups = grouped(order, apart)
    for one, other in combinations(order, 2):
        together = any(one in group and other in group for group in groups)
        assert together == (tuple(sorted((one, other))) not in apart)
    assert {row for group in groups for row in group} == set(order)
    for group in groups:
        assert list(group) == sorted(group, key=order.index)
        rest = {pair for other in groups if other != group for pair in combinations(sorted(other), 2)}
        assert len(group) == 1 or not set(combinations(sorted(group), 2)) <= rest  # none can be left out
        for extra in set(order) - set(group):  # none can be larger
            assert any(tuple(sorted((extra, member))) in apart for member in group)


def pairs_below(n: int) -> st.SearchStrategy[tuple[int, int]]:
    pairs = list(combinations(range(n), 2))
    return st.sampled_from(pairs) if pairs else st.nothing()


def test_a_chain_shares_letters_link_by_link() -> None:
    """The first isn't told from the second, nor the second from the third, but the first is from the third."""
    found = ranked(models([7.0, 6.7, 6.4, 2.0]))
    assert [one.groups for one in found.standings] == ["a", "ab", "b", "c"]
    assert found.tie_groups == ((0, 1), (1, 2), (3,))
    assert [(one.rank_low, one.rank_high) for one in found.standings] == [(1, 2), (1, 3), (2, 3), (4, 4)]


def test_all_pairs_together_are_wider_than_one_alone() -> None:
    found = ranked(models([5.0, 5.2, 5.4, 6.0, 3.0]))
    assert [(pair.first, pair.second) for pair in found.pairs] == list(combinations(range(5), 2))
    for pair in found.pairs:
        assert pair.low < pair.pointwise_low < pair.difference < pair.pointwise_high < pair.high
    # The studentised range of 5 means at 5 % is 3.858 standard errors of one mean.
    assert found.smallest_difference == pytest.approx(3.858 * 0.1, rel=0.03)


def test_two_models_have_the_usual_interval() -> None:
    (pair,) = ranked(models([5.0, 6.0])).pairs
    assert (pair.low, pair.high) == pytest.approx((-1 - 1.96 * 0.141, -1 + 1.96 * 0.141), abs=0.01)
    assert pair.told_apart


def test_intervals_are_those_of_a_plain_loop() -> None:
    rows = [row(seed) for seed in range(4)]
    drawn = resample(rows, sources_of(rows), resamples=200)
    heads, estimates = drawn.headlines, drawn.estimates[:, -1, -1]
    errors = {
        (i, j): np.std([a - b for a, b in zip(heads[i], heads[j], strict=True)], ddof=1)
        for i, j in combinations(range(4), 2)
    }
    largest = [
        max(abs(heads[i, n] - heads[j, n] - estimates[i] + estimates[j]) / errors[i, j] for i, j in errors)
        for n in range(200)
    ]
    critical = np.quantile(largest, 0.95)
    for pair in ranked(drawn).pairs:
        difference = estimates[pair.first] - estimates[pair.second]
        reach = critical * errors[pair.first, pair.second]
        assert (pair.low, pair.high) == pytest.approx((difference - reach, difference + reach))


@given(st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_models_doesnt_matter(order: list[int]) -> None:
    rows = [row(seed, shift=seed * 0.5, missing=0.04) for seed in range(4)]
    plain = ranked(resample(rows, sources_of(rows), resamples=100))
    mixed = ranked(resample([rows[place] for place in order], sources_of(rows), resamples=100))
    assert mixed.smallest_difference == pytest.approx(plain.smallest_difference)
    assert [one.groups for one in mixed.standings] == [plain.standings[place].groups for place in order]
    known = {(pair.first, pair.second): pair for pair in plain.pairs}
    for pair in mixed.pairs:
        one, other = order[pair.first], order[pair.second]
        same = known[min(one, other), max(one, other)]
        ends = (same.low, same.high) if one < other else (-same.high, -same.low)
        assert (pair.low, pair.high) == pytest.approx(ends)


def test_models_are_compared_on_the_same_draws() -> None:
    """Half a point everywhere is nothing beside what samples vary by, and yet it is plain."""
    own = np.random.default_rng(1).integers(0, 10, 20).astype(float)
    rows = [everywhere([(score, score) for score in own + shift]) for shift in (0.0, 0.5)]
    drawn = resample(rows, sources_of(rows))
    found = ranked(drawn)
    assert drawn.headlines[0].std() > 0.1
    (pair,) = found.pairs
    assert (pair.low, pair.difference, pair.high) == pytest.approx((-0.5, -0.5, -0.5))
    assert [one.groups for one in found.standings] == ["b", "a"]


def test_the_same_model_twice_is_a_tie() -> None:
    found = ranked(resample([row(1), row(1), row(2)], sources_of([row(1)])))
    assert (found.pairs[0].low, found.pairs[0].difference, found.pairs[0].high) == (0, 0, 0)
    assert not found.pairs[0].told_apart
    only = ranked(resample([row(1), row(1)], sources_of([row(1)])))
    assert [(one.rank_low, one.rank_high, one.groups) for one in only.standings] == [(1, 2, "a")] * 2


def test_one_model_is_first() -> None:
    found = ranked(models([5.0]))
    assert (found.pairs, found.tie_groups) == ((), ((0,),))
    assert isnan(found.smallest_difference)
    assert (found.standings[0].rank_low, found.standings[0].rank_high, found.standings[0].groups) == (1, 1, "a")


def test_no_model_is_a_ranking_too() -> None:
    assert rank(models([5.0, 6.0]), [False, False]).standings == (None, None)


def test_rows_without_a_rank_or_an_interval_dont_take_part() -> None:
    drawn = models([5.0, 9.0, 6.0, 7.0])
    drawn.draws[3] = np.nan
    found = rank(drawn, [True, False, True, True])
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 2)]
    assert [one and one.groups for one in found.standings] == ["b", None, "a", None]
    assert found.tie_groups == ((2,), (0,))
    assert found.standings[2].rank_high == 1


def test_more_groups_than_letters_have_a_letter_each() -> None:
    found = ranked(models([float(n) for n in range(60)], error=1e-4))
    assert len({one.groups for one in found.standings}) == 60
    assert all(len(one.groups) == 1 for one in found.standings)
