"""`explain` on runs on disk: what was done to a copy is what is named, and the rows add up."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from foreign_files import write_lines
from report_fixtures import failed, judged, make_judgement, make_run, make_samples, reply_text

from gedit_bench.explaining import Gap, explain
from gedit_bench.interop.exporting import export_official
from gedit_bench.interop.importing import Origin, import_scores
from gedit_bench.records import Aspect, EditStatus, Sample
from gedit_bench.results import score
from gedit_bench.scoring.official import aggregate, chosen

SAMPLES = make_samples(("en", "cn"), each=3)


def answers(sample: Sample, aspect: Aspect) -> str:
    chance = random.Random(f"{sample.id}{aspect}")
    return reply_text(chance.randint(1, 10), chance.randint(1, 10))


def adds_up(gap: Gap) -> bool:
    return all(
        sum(part.differences[measure] for part in gap.parts) == pytest.approx(gap.second[measure] - gap.first[measure])
        for measure in ("SC", "PQ", "O")
    )


def kinds(gap: Gap) -> set[str]:
    return {part.kind for part in gap.parts if any(part.differences.values())}


def test_the_headlines_are_the_official_ones_and_statuses_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, SAMPLES)
    first = make_judgement(run, SAMPLES, answers=answers)
    bad = {SAMPLES[0].id, SAMPLES[40].id}
    second = make_judgement(
        run,
        SAMPLES,
        answers=lambda one, aspect: "I'm sorry, I can't help." if one.id in bad else answers(one, aspect),
        judge="judge-2",
        request_id="official-ffffffff",
        request={"protocol": "official", "parameters": {"max_tokens": 512}},
    )
    found = explain(first.path, second.path)
    assert [gap.language for gap in found.gaps] == ["en", "cn"]
    for gap in found.gaps:
        rows = chosen(score(run, first).verdicts, gap.language, "full")
        means = aggregate(rows).macro
        assert (gap.first["SC"], gap.first["PQ"], gap.first["O"]) == pytest.approx((means.sc, means.pq, means.overall))
        assert adds_up(gap)
        assert kinds(gap) == {"status"}
    [part] = [part for part in found.gaps[0].parts if part.kind == "status" and part.differences["O"]]
    assert (part.what, part.side, part.samples) == ("SC refused and PQ refused", "first", 1)
    assert "judge: judge-1@api.example against judge-2@api.example" in found.differences
    assert [(one.field, one.first, one.second) for one in found.asked] == [
        ("judge", "judge-1@api.example", "judge-2@api.example"),
        ("parameters.max_tokens", "1400", "512"),
    ]
    assert all(gap.rescored == pytest.approx({"SC": 0, "PQ": 0, "O": 0}) for gap in found.gaps)
    back = explain(second.path, first.path)
    for gap, reverse in zip(found.gaps, back.gaps, strict=True):
        assert (gap.first, gap.second) == (reverse.second, reverse.first)
        assert adds_up(reverse)


def test_a_category_that_was_judged_otherwise_is_the_whole_gap(tmp_path: Path) -> None:
    run = make_run(tmp_path, SAMPLES)
    first = make_judgement(run, SAMPLES, answers=answers)
    second = make_judgement(
        run,
        SAMPLES,
        answers=lambda one, a: reply_text(1, 1) if one.id.task_type == "motion_change" else answers(one, a),
        judge="judge-2",
    )
    gap = explain(first.path, second.path).gaps[0]
    moving = [part for part in gap.parts if any(part.differences.values())]
    assert [(part.kind, part.what) for part in moving] == [("category", "motion_change")]
    assert moving[0].differences["O"] == pytest.approx(gap.second["O"] - gap.first["O"])
    assert gap.rescored == pytest.approx(moving[0].differences)
    assert {one.sample.id.task_type for one in gap.moved} == {"motion_change"}
    assert sum(one.share for one in gap.moved) == pytest.approx(gap.second["O"] - gap.first["O"])
    assert [abs(one.share) for one in gap.moved] == sorted((abs(one.share) for one in gap.moved), reverse=True)


def test_unfinished_failed_and_unselected_samples_are_told_apart(tmp_path: Path) -> None:
    first = judged(tmp_path, SAMPLES, name="first", answers=answers)
    refused, unfinished = SAMPLES[0].id, SAMPLES[1].id

    def edits(one: Sample, edit: object) -> object:
        if one.id == unfinished:
            return None
        return failed(edit, EditStatus.REFUSED) if one.id == refused else edit  # type: ignore[arg-type]

    fewer = [one for one in SAMPLES if one.id != SAMPLES[2].id]
    second = judged(tmp_path, fewer, name="second", run={"edits": edits}, answers=answers)
    gap = explain(first.run, second.run).gaps[0]
    assert adds_up(gap)
    assert [(part.kind, part.what) for part in gap.parts if part.side == "first"] == [
        ("selection", "not selected, or no row"),
        ("unfinished", "never brought to an end"),
        ("status", "edit refused"),
    ]
    said = "second has no official headline: nothing is scored in background_change. The other categories count here."
    assert gap.notes == (said,)


def test_the_intersection_alone_is_a_subset(tmp_path: Path) -> None:
    first = judged(tmp_path, SAMPLES, name="first", answers=answers)
    second = judged(tmp_path, [one for one in SAMPLES if one.intersection], name="second", answers=answers)
    gap = explain(first.run, second.run).gaps[0]
    assert adds_up(gap)
    assert kinds(gap) == {"subset"}


def test_an_official_table_of_the_same_replies_has_no_gap(tmp_path: Path) -> None:
    ours = judged(tmp_path / "results", SAMPLES, answers=answers)
    export_official(ours, tmp_path / "csv")
    theirs = import_scores(tmp_path / "csv", tmp_path / "results").scored
    found = explain(ours.run.path, theirs.run.path)
    for gap in found.gaps:
        assert adds_up(gap)
        assert not kinds(gap)
        assert not gap.moved
    assert any(words.startswith("origin: painter is imported") for words in found.differences)
    assert {one.second for one in found.asked if one.field.startswith("parameters")} == {"not recorded"}


def test_zeros_and_the_plain_mean_of_another_tool_are_named(tmp_path: Path) -> None:
    # categories of different sizes, so that the two ways of averaging differ
    samples = [one for one in SAMPLES if one.id.task_type != "ps_human" or one.intersection]
    ours = judged(tmp_path / "results", samples, answers=answers)
    scores = {verdict.sample.id: verdict for verdict in ours.verdicts}
    rows = [replace(one, row=number) for number, one in enumerate(samples)]
    lines = [
        {
            "doc_id": one.row,
            "doc_hash": "ab",
            "semantics": scores[one.id].sc.score if number % 7 else 0.0,  # type: ignore[union-attr]
            "quality": scores[one.id].pq.score if number % 7 else 0.0,  # type: ignore[union-attr]
        }
        for number, one in enumerate(rows)
    ]
    log = write_lines(tmp_path / "m" / "x_samples_gedit_bench.jsonl", lines)
    theirs = import_scores(log, tmp_path / "results", origin=Origin("small", "r1", rows)).scored
    gap = explain(ours.run.path, theirs.run.path).gaps[0]
    assert adds_up(gap)
    assert kinds(gap) == {"suspect", "averaging"}
    plain = aggregate(chosen(theirs.verdicts, "en", "full")).micro
    assert gap.second["O"] == pytest.approx(plain.overall)
