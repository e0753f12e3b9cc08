import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest
from foreign_files import official_row, sample, write_table
from report_fixtures import failed, judged, make_judgement, make_samples, reply_text

from gedit_bench.fallback import with_fallback
from gedit_bench.interop.importing import import_scores
from gedit_bench.records import TASKS, Aspect, EditStatus, Sample
from gedit_bench.report.beside import Beside, PublishedRow
from gedit_bench.report.board import make_board
from gedit_bench.report.board_json import board_json, board_json_text
from gedit_bench.report.published import read_published
from gedit_bench.report.tables import COLUMNS, board_csv, board_markdown


def _board(root: Path):
    samples = make_samples(each=2)
    thin = judged(
        root,
        samples,
        name="th|in\n*x*",
        run={"edits": lambda s, e: failed(e, EditStatus.TIMEOUT) if s is samples[0] else e, "notes": "random weights"},
    )
    return make_board([judged(root, samples[1:], name="short"), judged(root, samples, name="whole"), thin])


def test_csv_holds_every_row_in_full_precision(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(board_csv(_board(tmp_path)))))
    assert tuple(rows[0]) == COLUMNS
    whole, thin = rows[0], rows[1]
    assert (whole["model"], whole["rank"], whole["scored"], whole["coverage"]) == ("whole", "1", "22", "1.0")
    assert float(whole["overall"]) == (8 * 6) ** 0.5
    assert (thin["model"], thin["rank"], thin["statuses"]) == ("th|in\n*x*", "", "edit timeout=1")
    assert thin["reason"].startswith("coverage below 95 %")
    assert float(whole["overall:tone_transfer"]) == (8 * 6) ** 0.5
    assert len({row["table"] for row in rows}) == 4
    empty = next(row for row in rows if row["model"] == "short" and row["subset"] == "intersection")
    assert empty["overall"] == empty["overall:background_change"] == empty["band_low"] == ""
    assert "category background_change is empty" in empty["reason"]


def test_json_follows_its_schema(tmp_path: Path) -> None:
    board = _board(tmp_path)
    told = board_json(board, title="T", created="2026", warnings={"coverage": ["x"]})
    value = json.loads(board_json_text(told))
    assert (value["schema"], value["title"], value["warnings"]) == (1, "T", {"coverage": ["x"]})
    table = value["tables"][0]
    assert (table["judge_id"], table["returned_models"], table["selected"]) == (
        "judge-1@api.example",
        ["judge-1-2026"],
        22,
    )
    assert (table["vlm"], table["imported"], table["differs"]) == (True, False, None)
    row = table["rows"][1]
    assert (row["rank"], row["notes"], row["statuses"]) == (None, "random weights", {"edit timeout": 1})
    assert row["categories"]["background_change"]["n_overall"] == 1
    assert row["seconds_per_image"] == 2.5
    assert value["tables"][-1]["rows"][0]["headline"] is None or value["tables"][-1]["rows"][0]["rank"]


SCHEMA = json.loads((Path(__file__).parents[2] / "docs/leaderboard.schema.json").read_text(encoding="utf-8"))


def _problems(value: object) -> list[str]:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def test_the_published_schema_fits_and_knows_every_field(tmp_path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    samples = make_samples(("en", "cn"), each=2)
    first = judged(tmp_path, samples, name="first", answers=lambda s, a: reply_text(3 + s.row % 6, 7))
    helped = with_fallback(first, make_judgement(first.run, samples, judge="judge-2"))
    foreign = write_table(tmp_path / "m/gpt4o/m_ps_human_en_vie_score.csv", [official_row(sample(), 8, 9)])
    imported = import_scores(foreign, tmp_path).scored
    board = make_board([first, helped, judged(tmp_path, samples[:-1], name="short"), imported])
    rows = [PublishedRow(one.model, (one,)) for one in read_published()[::8]]
    beside = Beside(tuple(rows), judges="GPT", left_out={"with no judge named": 2})
    around = {table.id: beside for table in board.tables}
    told = board_json(board, title="T", created="2026", warnings={"coverage": ["x"]}, published=around)
    value = json.loads(board_json_text(told))
    assert _problems(value) == []
    more = board_json_text(board_json(_board(tmp_path / "more"), title="T", created="2026", warnings={}))
    assert _problems(json.loads(more)) == []
    assert _problems({**value, "more": 1})
    value["tables"][0]["rows"][0]["headline"]["sc"] = 11
    assert _problems(value)


def test_markdown_shows_names_as_they_are(tmp_path: Path) -> None:
    text = board_markdown(_board(tmp_path), title="My <b>title</b>", created="2026-01-02T00:00")
    assert r"# My \<b\>title\</b\>" in text
    assert r"th\|in \*x\* default" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace(r"\|", "").count("|") == 14 for line in lines)
    assert "## 1. English, full set" in text
    assert "Stands apart from table 1" in text
    assert "6.93" in text


def _varied(sample: Sample, aspect: Aspect, less: int = 0) -> str:
    score = int(sample.id.key[-2:], 16) % 7 + 4
    return reply_text(10, 10) if aspect is Aspect.PQ else reply_text(score - less, 10)


def test_intervals_and_standings_are_in_every_file(tmp_path: Path) -> None:
    samples = make_samples(each=5)
    board = make_board(
        [
            judged(tmp_path, samples, name="good", answers=_varied),
            judged(tmp_path, samples, name="as good", answers=_varied),
            judged(tmp_path, samples, name="worse", answers=lambda s, a: _varied(s, a, less=2)),
        ]
    )
    value = json.loads(board_json_text(board_json(board, title="T", created="2026", warnings={})))
    full, intersection = value["tables"]
    intervals = full["rows"][0]["intervals"]
    low, high = intervals["overall"]
    assert low < full["rows"][0]["headline"]["overall"] < high
    assert 0 < intervals["standard_error"] < high - low
    assert intervals["pq"] == pytest.approx([10, 10])
    assert set(intervals["categories"]) == set(TASKS)
    assert [row["standing"] for row in full["rows"]] == [
        {"rank_low": 1, "rank_high": 2, "groups": "a"},
        {"rank_low": 1, "rank_high": 2, "groups": "a"},
        {"rank_low": 3, "rank_high": 3, "groups": "b"},
    ]
    assert full["ranking"]["tie_groups"] == [[0, 1], [2]]
    pairs = full["ranking"]["pairs"]
    assert [(pair["first"], pair["second"], pair["told_apart"]) for pair in pairs] == [
        (0, 1, False),
        (0, 2, True),
        (1, 2, True),
    ]
    assert pairs[1]["low"] < pairs[1]["difference"] < pairs[1]["high"]
    assert intersection["rows"][0]["intervals"]["overall"] is None  # one sample in each category
    assert intersection["rows"][0]["standing"] is intersection["ranking"] is None

    lines = list(csv.DictReader(io.StringIO(board_csv(board))))
    assert (float(lines[0]["overall_low"]), float(lines[0]["overall_high"])) == (low, high)
    assert (lines[2]["rank_low"], lines[2]["rank_high"], lines[2]["tie_groups"]) == ("3", "3", "b")
    known = intervals["categories"]["text_change"]["overall"]
    assert [float(lines[0][f"overall_{end}:text_change"]) for end in ("low", "high")] == known
    assert lines[3]["overall_low"] == lines[3]["rank_low"] == ""

    text = board_markdown(board, title="T", created="2026-01-02")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert f"| {low:.2f} to {high:.2f} |" in rows[1]
    assert rows[1].startswith("| 1 | 1–2 |")
    assert rows[3].startswith("| 3 | 3 |")
    assert "2 of 3 pairs are told apart" in text
