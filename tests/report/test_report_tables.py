import csv
import io
import json
from pathlib import Path

from report_fixtures import failed, judged, make_samples

from gedit_bench.records import EditStatus
from gedit_bench.report.board import make_board
from gedit_bench.report.board_json import board_json, board_json_text
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
    value = json.loads(board_json_text(board_json(board, title="T", created="2026", warnings={"coverage": ["x"]})))
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


def test_markdown_shows_names_as_they_are(tmp_path: Path) -> None:
    text = board_markdown(_board(tmp_path), title="My <b>title</b>", created="2026-01-02T00:00")
    assert r"# My \<b\>title\</b\>" in text
    assert r"th\|in \*x\* default" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace(r"\|", "").count("|") == 12 for line in lines)
    assert "## 1. English, full set" in text
    assert "Stands apart from table 1" in text
    assert "6.93" in text
