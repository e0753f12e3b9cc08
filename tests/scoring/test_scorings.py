"""Scorings on the same verdicts: tables worked out by hand, and what must hold for all verdicts."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gedit_bench.records import (
    TASKS,
    Aspect,
    Delivery,
    Edit,
    EditStatus,
    Reading,
    Reply,
    ReplyStatus,
    Sample,
    SampleId,
    Verdict,
)
from gedit_bench.scoring.scorings import SCORINGS, Scoring, counted
from gedit_bench.scoring.summary import Summary, summarize

Part = float | ReplyStatus | None


def reading(part: Part) -> Reading | None:
    if part is None:
        return None
    return Reading(part) if isinstance(part, ReplyStatus) else Reading(ReplyStatus.OK, float(part))


def verdict(
    task: str, key: str, sc: Part, pq: Part, edit: EditStatus = EditStatus.OK, words: str | None = "x"
) -> Verdict:
    """`words` is what the judge said of each aspect; None where it said nothing."""
    sample = Sample(SampleId(task, "en", key), "x", False, 0)
    replies = [
        Reply(
            sample=sample.id,
            aspect=aspect,
            repeat=0,
            attempt=0,
            delivery=Delivery.ANSWERED,
            edit_sha256="",
            content="{}" if isinstance(part, float | int) else words,
        )
        for aspect, part in ((Aspect.SC, sc), (Aspect.PQ, pq))
    ]
    return Verdict(sample, Edit(sample=sample.id, status=edit, seed=0), reading(sc), reading(pq), *replies)


def summary(rows: list[Verdict], name: str) -> Summary:
    return summarize(rows, scoring=SCORINGS[name])[0]


def numbers(rows: list[Verdict], name: str) -> tuple[float, float, float, int]:
    """Headline SC, PQ, O, and how many samples have an O."""
    headline = summary(rows, name).headline
    assert headline is not None
    return *(round(value, 6) for value in (headline.sc, headline.pq, headline.overall)), headline.n_overall


FIRST, *OTHERS = TASKS
MIXED = [
    verdict(FIRST, "good", 9, 4),  # O 6
    verdict(FIRST, "error", ReplyStatus.TRANSPORT, 4, words=None),
    verdict(FIRST, "refusal", 9, ReplyStatus.REFUSED, words="I'm sorry"),
    verdict(FIRST, "no edit", None, None, EditStatus.REFUSED),
    *(verdict(task, "only", 4, 4) for task in OTHERS),  # ten times O 4
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # first category: SC of (9, 9), PQ of (4, 4), O of 6; ten categories of 4
        ("official", ((9 + 40) / 11, (4 + 40) / 11, (6 + 40) / 11, 11)),
        # 12 readable SC, 12 readable PQ, 11 samples with both
        ("micro", ((9 + 9 + 40) / 12, (4 + 4 + 40) / 12, (6 + 40) / 11, 11)),
        # first category: SC (9 + 0 + 9 + 0) / 4, PQ (4 + 4 + 0 + 0) / 4, O (6 + 0 + 0 + 0) / 4
        ("zeros", ((4.5 + 40) / 11, (2 + 40) / 11, (1.5 + 40) / 11, 14)),
        # the error and the missing edit are 0 throughout, the refusal is left out
        ("lmms-eval", ((9 + 40) / 13, (4 + 40) / 13, (6 + 40) / 13, 13)),
        # only whole samples, all alike
        ("evalscope", ((9 + 40) / 11, (4 + 40) / 11, (6 + 40) / 11, 11)),
    ],
)
def test_numbers_worked_out_by_hand(name: str, expected: tuple[float, float, float, int]) -> None:
    assert numbers(MIXED, name) == pytest.approx(expected, abs=1e-6)


def test_coverage_says_what_failed_whatever_failures_count_as() -> None:
    parts = [summary(MIXED, name) for name in SCORINGS]
    assert {part.coverage.scored for part in parts} == {11}
    assert {tuple(part.coverage.statuses.items()) for part in parts} == {
        (("PQ refused", 1), ("SC transport", 1), ("edit refused", 1))
    }
    assert not any(part.rankable for part in parts)


def test_the_band_is_the_headlines_own() -> None:
    low, high = summary(MIXED, "zeros").band
    assert low == pytest.approx((1.5 + 40) / 11)
    assert summary(MIXED, "official").band == (low, high)
    assert summary(MIXED, "micro").band == pytest.approx(
        ((6 + 40) / 14, (6 + math.sqrt(40) + math.sqrt(90) + 10 + 40) / 14)
    )


def test_an_empty_category_is_no_obstacle_for_a_mean_over_samples() -> None:
    rows = [verdict(FIRST, "a", 9, 4)]
    assert summary(rows, "official").headline is None
    assert numbers(rows, "micro") == (9, 4, 6, 1)
    nothing = [verdict(FIRST, "a", ReplyStatus.REFUSED, ReplyStatus.REFUSED)]
    assert "empty" in summary(nothing, "micro").why_none


def test_what_was_never_brought_to_an_end_is_no_zero() -> None:
    for open_one in (
        verdict(FIRST, "unasked", None, 5),
        verdict(FIRST, "spent", ReplyStatus.OVER_BUDGET, 5),
        replace(verdict(FIRST, "unedited", None, None), edit=None),
    ):
        for scoring in SCORINGS.values():
            assert counted([open_one], scoring) == [open_one]
        assert summary([*MIXED, open_one], "zeros").why_none.startswith("partial")


def test_ids_are_frozen_and_words_are_there() -> None:
    assert [scoring.id for scoring in SCORINGS.values()] == [
        *("official.1", "micro.1", "zeros.1", "lmms-eval.1", "evalscope.1")
    ]
    assert all(len(scoring.words) > 40 and scoring.words.endswith(".") for scoring in SCORINGS.values())


statuses = st.sampled_from([ReplyStatus.REFUSED, ReplyStatus.FILTERED, ReplyStatus.UNPARSABLE, ReplyStatus.TIMEOUT])
scores = st.floats(0, 10, allow_subnormal=False)
parts = scores | statuses


@st.composite
def tables(draw: st.DrawFn, each: st.SearchStrategy[int], part: st.SearchStrategy[Part]) -> list[Verdict]:
    """Samples of all categories."""
    said = st.sampled_from(["x", None])
    return [
        verdict(task, str(index), draw(part), draw(part), words=draw(said))
        for task in TASKS
        for index in range(draw(each))
    ]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 3).flatmap(lambda n: tables(st.just(n), scores)))
def test_micro_of_categories_of_equal_size_is_macro(rows: list[Verdict]) -> None:
    assert numbers(rows, "micro") == pytest.approx(numbers(rows, "official"), abs=2e-6)


@settings(max_examples=30, deadline=None)
@given(tables(st.integers(1, 3), scores))
def test_where_nothing_failed_only_the_average_makes_a_difference(rows: list[Verdict]) -> None:
    assert numbers(rows, "zeros") == numbers(rows, "official")
    assert numbers(rows, "lmms-eval") == numbers(rows, "evalscope") == numbers(rows, "micro")


@settings(max_examples=30, deadline=None)
@given(tables(st.integers(1, 3), parts))
def test_zeros_never_raise_a_mean(rows: list[Verdict]) -> None:
    official, zeros = (summary(rows, name).table for name in ("official", "zeros"))
    for task in TASKS:
        mine, theirs = official.categories[task], zeros.categories[task]
        for value in ("sc", "pq", "overall"):
            before, after = getattr(mine, value), getattr(theirs, value)
            assert math.isnan(before) or after <= before + 1e-9
            assert after >= 0
    assert zeros.micro.n_overall == len(rows)
    assert zeros.macro.overall == pytest.approx(summary(rows, "official").band[0])


@settings(max_examples=30, deadline=None)
@given(tables(st.integers(1, 3), parts), st.sampled_from(list(SCORINGS.values())))
def test_what_counts_has_both_or_is_an_official_row(rows: list[Verdict], scoring: Scoring) -> None:
    for before, after in zip(rows, counted(rows, scoring), strict=True):
        assert after.sample == before.sample
        if before.overall is not None:
            assert after == before
        elif scoring.failures in {"sample left out", "errors 0"}:
            both = [part.score for part in (after.sc, after.pq) if part is not None]
            assert both in ([None, None], [0.0, 0.0])
