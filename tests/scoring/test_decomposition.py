"""The steps between two headlines add up to their difference, whatever the tables."""

from math import isnan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gedit_bench.records import TASKS, SampleId
from gedit_bench.scoring.decomposition import Averaging, Decomposition, Scores, Step, average, decompose

score = st.none() | st.floats(0, 10)
reason = st.sampled_from(
    [
        ("subset", "outside"),
        ("selection", "no row"),
        ("unfinished", "x"),
        ("status", "SC filtered"),
        ("status", "PQ empty"),
    ]
)
way: st.SearchStrategy[Averaging] = st.sampled_from(["macro", "micro"])
tables = st.lists(
    st.tuples(st.sampled_from(TASKS), score, score, reason, reason, st.sampled_from(["", "zeros"])), max_size=60
)


def rows_of(table: list[tuple]) -> list[Scores]:  # type: ignore[type-arg]
    return [
        Scores(
            sample=SampleId(task, "en", str(number)),
            first=first,
            second=second,
            why_first=why_first,
            why_second=why_second,
            suspect=suspect,
        )
        for number, (task, first, second, why_first, why_second, suspect) in enumerate(table)
    ]


@settings(max_examples=200, deadline=None)
@given(tables, way, way)
def test_the_steps_add_up(table: list[tuple], first: Averaging, second: Averaging) -> None:  # type: ignore[type-arg]
    rows = rows_of(table)
    found = decompose(rows, first, second)
    if not any(row.first is not None and row.second is not None for row in rows):
        assert found.steps == ()
        return
    assert sum(step.difference for step in found.steps) == pytest.approx(found.second - found.first, abs=1e-9)
    assert [step.place for step in found.steps] == sorted(step.place for step in found.steps)
    replaced = [step for step in found.steps if step.kind in {"category", "suspect"}]
    assert sum(found.shares.values()) == pytest.approx(sum(step.difference for step in replaced), abs=1e-9)
    assert sum(step.samples for step in replaced) == len(found.shares)


@given(tables, way)
def test_a_table_differs_in_nothing_from_itself(table: list[tuple], averaging: Averaging) -> None:  # type: ignore[type-arg]
    rows = [row for row in rows_of([(t, a, a, w, w, "") for t, a, _, w, _, _ in table])]
    found = decompose(rows, averaging, averaging)
    assert all(step.difference == 0 for step in found.steps)
    assert {step.kind for step in found.steps} <= {"category"}


def row(task: str, number: int, first: float | None, second: float | None, **more: object) -> Scores:
    return Scores(sample=SampleId(task, "en", str(number)), first=first, second=second, **more)  # type: ignore[arg-type]


def by_what(found: Decomposition) -> dict[str, Step]:
    return {step.what: step for step in found.steps}


def test_each_cause_gets_what_it_caused() -> None:
    rows = [
        row("ps_human", 1, 8, 6),
        row("ps_human", 2, 2, None, why_second=("status", "SC filtered")),
        row("tone_transfer", 3, 5, 5),
        row("tone_transfer", 4, None, 9, why_first=("selection", "not selected")),
        row("tone_transfer", 5, 6, 0, suspect="zeros"),
    ]
    found = decompose(rows, "macro", "micro")
    assert found.first == pytest.approx((5 + 5.5) / 2)
    assert found.second == pytest.approx((6 + 5 + 9 + 0) / 4)
    steps = by_what(found)
    assert steps["SC filtered"].difference == pytest.approx((8 + 5.5) / 2 - found.first)  # the bad one leaves
    assert steps["zeros"].difference == pytest.approx(-6 / 2 / 2)
    assert steps["ps_human"].difference == pytest.approx(-2 / 2)
    assert steps["tone_transfer"].difference == 0
    assert steps["not selected"].difference == pytest.approx((14 / 3 - 5 / 2) / 2)
    assert steps["macro to micro"].difference == pytest.approx(found.second - (6 + 14 / 3) / 2)


def test_the_mean_of_nothing_is_nan() -> None:
    assert isnan(average({}, "macro"))
    assert isnan(average({}, "micro"))
