"""The bootstrap: by its algebra, against loops that draw samples one by one, and where it can say nothing."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan, nan, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scores import everywhere, row_of, verdict

from gedit_bench.records import TASKS, SampleId, Verdict
from gedit_bench.scoring.bootstrap import (
    Interval,
    RowUncertainty,
    quantile_interval,
    resample,
    sources_of,
    uncertainty,
)
from gedit_bench.scoring.noise import noise
from gedit_bench.scoring.official import aggregate

SCORE = st.one_of(st.none(), st.integers(0, 10).map(float))
CATEGORY = st.lists(st.tuples(SCORE, SCORE), max_size=4)
ROW = st.fixed_dictionaries(dict.fromkeys(TASKS, CATEGORY)).map(row_of)
SIXTY = [(float(sc), float(pq)) for sc, pq in np.random.default_rng(7).integers(0, 11, (60, 2))]


def intervals_of(row: Sequence[Verdict], **options: object) -> RowUncertainty:
    (found,) = uncertainty(resample([row], sources_of([row]), **options))
    return found


def everything(found: RowUncertainty) -> list[float]:
    parts = [found.headline, *found.categories.values()]
    ends = [(one.estimate, one.low, one.high) for part in parts for one in (part.sc, part.pq, part.overall)]
    return [value for values in ends for value in values]


@given(ROW, st.sampled_from(["macro", "micro"]))
@settings(max_examples=40, deadline=None)
def test_estimates_are_the_tables_means(row: list[Verdict], average: str) -> None:
    drawn = resample([row], sources_of([row]), average=average, resamples=20)
    table = aggregate(row)
    for place, means in enumerate([*table.categories.values(), table.macro if average == "macro" else table.micro]):
        assert drawn.estimates[0, :, place] == pytest.approx([means.sc, means.pq, means.overall], nan_ok=True)
    (found,) = uncertainty(drawn)
    for one in [found.headline, *found.categories.values()]:
        for interval in (one.sc, one.pq, one.overall):
            assert isnan(interval.low) == isnan(interval.high)
            assert not interval.known or 0 <= interval.low <= interval.estimate <= interval.high <= 10


@given(st.lists(ROW, min_size=2, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_neither_order_nor_company_nor_the_names_of_sources_matter(rows: list[list[Verdict]], random) -> None:
    whole = row_of(dict.fromkeys(TASKS, [(5.0, 5.0)] * 4))  # so that all selections are the same
    rows = [[next((one for one in row if one.sample == own.sample), nothing(own)) for own in whole] for row in rows]
    sources = sources_of(rows)
    found = uncertainty(resample(rows, sources, resamples=50))
    renamed = {sample: f"x{hash(source)}" for sample, source in sources.items()}
    mixed = [random.sample(row, len(row)) for row in reversed(rows)]
    again = uncertainty(resample(mixed, renamed, resamples=50))
    for one, other in zip(found, reversed(again), strict=True):
        assert everything(one) == pytest.approx(everything(other), nan_ok=True)
    for one, row in zip(found, rows, strict=True):
        assert everything(one) == pytest.approx(everything(intervals_of(row, resamples=50)), nan_ok=True)


def nothing(own: Verdict) -> Verdict:
    return replace(own, sc=None, pq=None)


@given(st.lists(st.tuples(*[st.integers(0, 5).map(float)] * 2), min_size=2, max_size=5), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_constant_moves_an_interval_and_changes_nothing_else(own: list[tuple[float, float]], constant: int) -> None:
    moved = [(sc + constant, pq) for sc, pq in own]
    one, other = (intervals_of(everywhere(scores), resamples=100) for scores in (own, moved))
    for before, after in (
        (one.headline.sc, other.headline.sc),
        (one.categories["ps_human"].sc, other.categories["ps_human"].sc),
    ):
        assert (after.low, after.high) == pytest.approx((before.low + constant, before.high + constant))
    assert other.headline.pq == one.headline.pq


def test_draws_are_those_of_a_loop_that_lays_samples_on_a_pile() -> None:
    random = np.random.default_rng(3)
    rows = [
        [
            verdict(task, f"{task}{place}", *scores(random), source=f"{task}{place // 2}", row=place)
            for task in TASKS
            for place in range(6 + len(task) % 3)
        ]
        for _ in range(2)
    ]
    found = resample(rows, sources_of(rows), resamples=30, seed=5)
    for row, draws in zip(rows, np.moveaxis(found.draws, -1, 1), strict=True):
        for pile, draw in zip(piles(row, 30, 5), draws, strict=True):
            table = aggregate(pile)
            for place, means in enumerate([*table.categories.values(), table.macro]):
                assert draw[:, place] == pytest.approx([means.sc, means.pq, means.overall], nan_ok=True)


def scores(random: np.random.Generator) -> list[float | None]:
    return [None if random.random() < 0.05 else float(value) for value in random.integers(0, 11, 2)]


def piles(row: Sequence[Verdict], resamples: int, seed: int) -> list[list[Verdict]]:
    """Whole samples, drawn source by source, one less than there are in each category."""
    random = np.random.default_rng(seed)
    found: list[list[Verdict]] = [[] for _ in range(resamples)]
    for task in TASKS:
        own = [one for one in row if one.sample.id.task_type == task]
        sources = list(dict.fromkeys(one.edit.source_id for one in own))
        for pile, picks in zip(found, random.integers(len(sources), size=(resamples, len(sources) - 1)), strict=True):
            for pick in picks:
                pile += [one for one in own if one.edit.source_id == sources[pick]]
    return found


def test_the_standard_error_is_the_one_of_the_formula() -> None:
    row = everywhere(SIXTY)
    found, spread = intervals_of(row, resamples=4000), noise([row])
    assert found.standard_error == pytest.approx(spread.headline.total, rel=0.05)
    part = found.categories["text_change"].overall
    half = 1.96 * spread.categories["text_change"].total
    assert (part.low, part.high) == pytest.approx((part.estimate - half, part.estimate + half), abs=0.06)


def test_few_samples_are_corrected_for() -> None:
    """With three samples a bootstrap that draws three has 2/3 of the variance."""
    row = everywhere([(1.0, 1.0), (4.0, 4.0), (9.0, 9.0)])
    assert intervals_of(row, resamples=6000).standard_error == pytest.approx(noise([row]).headline.total, rel=0.04)


def test_twins_add_samples_and_no_knowledge() -> None:
    """The same scores a second time narrow an interval only if they come from other sources."""
    row = everywhere(SIXTY)
    twins = row + everywhere(SIXTY, "cn")
    others = [replace(one, edit=replace(one.edit, source_id=f"other {one.edit.source_id}")) for one in twins[660:]]
    alone = intervals_of(row)
    assert everything(intervals_of(twins)) == pytest.approx(everything(alone))
    assert intervals_of(row + others).standard_error == pytest.approx(alone.standard_error / sqrt(2), rel=0.1)


def test_a_source_in_two_categories_is_drawn_in_each_by_itself() -> None:
    own = dict.fromkeys(TASKS, [(5.0, 5.0)] * 60) | {"ps_human": SIXTY, "style_change": SIXTY}
    apart = row_of(own)
    shared = [replace(one, edit=replace(one.edit, source_id=str(one.sample.row))) for one in apart]
    assert everything(intervals_of(shared)) == pytest.approx(everything(intervals_of(apart)))


def test_nothing_known_is_no_interval() -> None:
    single = intervals_of(everywhere([(5.0, 7.0)]))
    assert single.headline.sc.estimate == pytest.approx(5)
    assert not any(one.known for part in [single.headline, *single.categories.values()] for one in (part.sc, part.pq))
    assert isnan(single.standard_error)
    row = everywhere(SIXTY)
    one_source = [replace(one, edit=replace(one.edit, source_id="s")) for one in row]
    assert not any(part.overall.known for part in intervals_of(one_source).categories.values())
    empty = intervals_of([])
    assert isnan(empty.headline.overall.estimate)


def test_an_empty_category_leaves_no_headline_but_a_mean_over_samples() -> None:
    row = [one for one in everywhere(SIXTY) if one.sample.id.task_type != "ps_human"]
    macro, micro = intervals_of(row), intervals_of(row, average="micro")
    assert isnan(macro.headline.overall.estimate)
    assert not macro.headline.overall.known
    assert not macro.categories["ps_human"].overall.known
    assert macro.categories["text_change"].overall.known
    assert micro.headline.overall.known
    assert micro.headline.overall.estimate == pytest.approx(macro.categories["text_change"].overall.estimate)


def test_a_category_with_one_sample_leaves_no_interval_however_the_headline_is_averaged() -> None:
    row = row_of(dict.fromkeys(TASKS, SIXTY) | {"ps_human": SIXTY[:1]})
    for average in ("macro", "micro"):
        found = intervals_of(row, average=average)
        assert not found.headline.overall.known
        assert not isnan(found.headline.overall.estimate)


def test_equal_scores_have_an_interval_without_width() -> None:
    found = intervals_of(everywhere([(0.1, 0.3)] * 7))
    for one in (found.headline.sc, found.headline.overall, found.categories["ps_human"].pq):
        assert (one.low, one.high) == pytest.approx((one.estimate, one.estimate))
        assert one.low <= one.estimate <= one.high
    assert found.standard_error == pytest.approx(0)


def test_what_is_missing_is_missing_in_its_aspect_only() -> None:
    own = [(4.0, None), (6.0, 5.0), (5.0, 9.0), (None, 2.0), (1.0, None)]
    found = intervals_of(everywhere(own)).categories["ps_human"]
    assert found.sc.estimate == pytest.approx(4.0)
    assert found.pq.estimate == pytest.approx(16 / 3)
    assert found.overall.estimate == pytest.approx((sqrt(30) + sqrt(45)) / 2)
    assert found.overall.low >= sqrt(30) - 1e-9
    only = intervals_of(everywhere([(4.0, 4.0), (None, 5.0), (None, 5.0)])).categories["ps_human"]
    assert (only.sc.known, only.pq.known) == (False, True)


def test_the_same_input_gives_the_same_page() -> None:
    row = everywhere(SIXTY)
    assert intervals_of(row) == intervals_of(row)
    assert intervals_of(row) != intervals_of(row, seed=1)


def test_a_sample_whose_edit_noted_no_source_counts_by_its_key() -> None:
    noted = verdict("ps_human", "k", 1, 1, source="abc")
    silent = verdict("ps_human", "k", 1, 1)
    other = verdict("ps_human", "l", 1, 1)
    assert sources_of([[silent, other], [noted]]) == {
        SampleId("ps_human", "en", "k"): "abc",
        SampleId("ps_human", "en", "l"): "l",
    }


def test_quantiles_leave_out_what_is_nan() -> None:
    draws = np.array([np.arange(101.0), np.where(np.arange(101) % 2, nan, np.arange(101)), np.full(101, nan)])
    low, high = quantile_interval(draws)
    assert low == pytest.approx([2.5, 2.5, nan], nan_ok=True)
    assert high == pytest.approx([97.5, 97.5, nan], nan_ok=True)


def test_an_interval_without_ends_is_not_known() -> None:
    assert not Interval(5, nan, nan).known
    assert Interval(5, 5, 5).known
