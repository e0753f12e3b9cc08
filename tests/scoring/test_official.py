"""Aggregation: the official numbers to 1e-9, and words where there is no number."""

import csv
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.records import (
    SUBSETS,
    TASKS,
    Edit,
    EditStatus,
    Reading,
    ReplyStatus,
    Sample,
    SampleId,
    Verdict,
)
from gedit_bench.scoring.coverage import coverage
from gedit_bench.scoring.official import aggregate, chosen
from gedit_bench.scoring.summary import summarize


def verdict(task: str, key: str, sc: float | None, pq: float | None, language: str = "en") -> Verdict:
    sample = Sample(SampleId(task, language, key), "x", True, 0)
    edit = Edit(sample=sample.id, status=EditStatus.OK, seed=0)
    return Verdict(sample, edit, *(reading(score) for score in (sc, pq)))


def reading(score: float | None) -> Reading:
    return Reading(ReplyStatus.OK, score) if score is not None else Reading(ReplyStatus.FILTERED)


@pytest.fixture(scope="module")
def official(golden: Path) -> list[Verdict]:
    with (golden / "official_scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = []
    for index, row in enumerate(rows):
        identity = SampleId(row["task_type"], row["instruction_language"], row["key"])
        sample = Sample(identity, row["instruction"], row["intersection_exist"] == "True", index)
        scores = (reading(float(row["sementics_score"])), reading(float(row["quality_score"])))
        found.append(Verdict(sample, Edit(sample=identity, status=EditStatus.OK, seed=0), *scores))
    assert len(found) == 1212
    return found


@pytest.mark.parametrize("language", ["en", "cn"])
@pytest.mark.parametrize("subset", SUBSETS)
def test_equals_the_official_statistics(official: list[Verdict], golden: Path, language: str, subset: str) -> None:
    expected = json.loads((golden / "official_statistics.json").read_text())["results"][language][subset]
    table = aggregate(chosen(official, language, subset))
    for task, means in table.categories.items():
        numbers = expected["per_category"][task]
        assert means.sc == pytest.approx(numbers["semantics"], abs=1e-9)
        assert means.pq == pytest.approx(numbers["quality"], abs=1e-9)
        assert means.overall == pytest.approx(numbers["overall"], abs=1e-9)
    average = expected["average"]
    found = (table.macro.sc, table.macro.pq, table.macro.overall)
    assert found == pytest.approx((average["semantics"], average["quality"], average["overall"]), abs=1e-9)


def full(sc: float = 8.0, pq: float = 8.0, each: int = 2) -> list[Verdict]:
    return [verdict(task, f"{task}{index}", sc, pq) for task in TASKS for index in range(each)]


def test_an_empty_category_leaves_no_headline_and_says_which() -> None:
    [summary, _] = summarize([row for row in full() if row.sample.id.task_type != "ps_human"])
    assert summary.headline is None
    assert summary.why_none == "no headline: category ps_human is empty"
    assert math.isnan(summary.table.macro.overall)


def test_micro_stands_beside_macro() -> None:
    rows = [*full(sc=4, pq=4, each=1), *(verdict("text_change", f"more{n}", 9, 9) for n in range(10))]
    [summary, _] = summarize(rows)
    assert summary.table.micro.overall == pytest.approx((11 * 4 + 10 * 9) / 21)
    assert summary.table.macro.overall == pytest.approx((10 * 4 + (4 + 90) / 11) / 11)


def test_a_failed_pq_keeps_its_good_sc() -> None:
    means = aggregate([verdict("ps_human", "a", 6, None), verdict("ps_human", "b", 8, 9)]).categories["ps_human"]
    assert (means.sc, means.n_sc) == (7, 2)
    assert (means.pq, means.n_pq) == (9, 1)
    assert means.n_overall == 1


def test_the_band_takes_the_failed_aspect_as_0_and_10_and_keeps_the_good_one() -> None:
    part = coverage([verdict("ps_human", "a", None, 9)])
    assert (part.low, part.high) == (0, pytest.approx(math.sqrt(90)))
    assert part.statuses == {"SC filtered": 1}


def test_below_95_percent_in_one_category_is_unranked() -> None:
    rows = full(each=20)
    assert summarize(rows)[0].rankable
    rows[0] = verdict(TASKS[0], "failed", None, 8)
    assert summarize(rows)[0].rankable  # 19 of 20
    rows[1] = verdict(TASKS[0], "failed too", None, 8)
    summary = summarize(rows)[0]
    assert not summary.rankable
    assert summary.why_unranked == f"coverage below 95 %: {TASKS[0]} 90%"
    assert summary.headline is not None


def test_a_share_of_94_point_9_is_not_called_95_percent() -> None:
    rows = [*full(), *(verdict("text_change", f"more{n}", 8, 8) for n in range(97))]
    failed = [row for row in rows if row.sample.id.task_type == "text_change"][:5]
    rows = [verdict("text_change", row.sample.id.key, None, 8) if row in failed else row for row in rows]
    assert summarize(rows)[0].why_unranked == "coverage below 95 %: text_change 94%"


def test_many_thin_and_empty_categories_are_counted_and_the_lowest_named() -> None:
    rows = [*full(each=2), *(verdict("ps_human", f"lost{n}", None, 8) for n in range(4))]
    rows += [verdict(task, "lost", None, 8) for task in TASKS]
    summary = summarize(rows)[0]
    assert (
        summary.why_unranked == "coverage below 95 %: ps_human 28%, background_change 66%, color_alter 66% and 8 more"
    )
    [none, _] = summarize([verdict(task, "lost", None, None) for task in TASKS])
    assert (
        none.why_none == "no headline: categories background_change, color_alter, material_alter and 8 more are empty"
    )


def test_a_partial_row_has_a_headline_only_on_request() -> None:
    rows = [*full(), Verdict(Sample(SampleId("ps_human", "en", "later"), "x", True, 0), None)]
    assert summarize(rows)[0].headline is None
    assert "1 of 23 samples were never brought to an end" in summarize(rows)[0].why_none
    assert summarize(rows, allow_partial=True)[0].headline is not None


def test_a_failed_edit_is_a_failure_not_partial() -> None:
    sample = Sample(SampleId("ps_human", "en", "refused"), "x", True, 0)
    failed = Verdict(sample, Edit(sample=sample.id, status=EditStatus.REFUSED, seed=0))
    [summary, _] = summarize([*full(each=30), failed])
    assert (summary.coverage.partial, summary.headline is not None) == (0, True)
    assert summary.coverage.statuses == {"edit refused": 1}
    assert summary.band[0] < summary.band[1]


scores = st.none() | st.floats(0, 10)


@given(st.lists(st.tuples(st.sampled_from(TASKS), scores, scores), min_size=1, max_size=60))
def test_the_means_lie_in_the_band(rows: list[tuple[str, float | None, float | None]]) -> None:
    found = [verdict(task, str(index), sc, pq) for index, (task, sc, pq) in enumerate(rows)]
    part = coverage(found)
    assert -1e-9 <= part.low <= part.high <= 10 + 1e-9
    scored = [row.overall for row in found if row.overall is not None]
    assert part.scored == len(scored)
    if len(scored) == len(found):
        assert part.low == pytest.approx(sum(scored) / len(scored))
        assert part.low == pytest.approx(part.high)
