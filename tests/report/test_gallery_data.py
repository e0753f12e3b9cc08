"""The gallery's data: twins, columns, and which pictures a single file holds."""

import base64
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import judged, make_samples, picture, sources

from gedit_bench.report.board import make_board
from gedit_bench.report.build import build_report
from gedit_bench.report.cards import Pictures, make_cards
from gedit_bench.report.embedding import embed
from gedit_bench.report.gallery import gallery_json
from gedit_bench.report.packing import packed
from gedit_bench.report.thumbnails import thumbnail_path
from gedit_bench.results import Scored

NO_PICTURES = Pictures({}, {}, frozenset(), {})


def unpacked(table: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page's script does, by the description in `packing`."""
    rows: list[dict[str, Any]] = [{} for _ in range(table["rows"])]
    for name, column in table["columns"].items():
        outer, _, inner = name.partition(".")
        for nth, row in enumerate(rows):
            if isinstance(column, list):
                value = column[nth]
            else:
                value = None if column["at"][nth] == -1 else column["values"][column["at"][nth]]
            if value is not None:
                (row.setdefault(outer, {}) if inner else row)[inner or outer] = value
    return rows


texts = st.text("a.é好𝄞", max_size=3)
aspects = st.fixed_dictionaries({}, optional={"status": texts, "score": st.floats(0, 10), "flags": st.lists(texts)})
cells = st.fixed_dictionaries(
    {"e": st.integers(0, 3)},
    optional={"o": st.floats(0, 10), "seed": st.integers(0, 2), "full": st.just(True), "sc": aspects, "message": texts},
)


@given(st.lists(st.lists(cells, max_size=3), max_size=12))
def test_columns_say_what_objects_did(rows: list[list[dict[str, Any]]]) -> None:
    samples = [{"id": f"s{nth}", "instruction": "x", "cells": of} for nth, of in enumerate(rows)]
    found = json.loads(json.dumps(packed({"entries": [], "samples": samples})))
    left = unpacked(found["cells"])
    for sample, before in zip(unpacked(found["samples"]), samples, strict=True):
        of, left = left[: sample["cells"]], left[sample["cells"] :]
        whole = [{name: value for name, value in cell.items() if value != {}} for cell in before["cells"]]
        assert {**sample, "cells": of} == {**before, "cells": whole}
    assert left == []


def test_only_thumbnails_become_hashes() -> None:
    sha256 = "ab" * 32
    path = thumbnail_path(sha256)
    sample = {"id": path, "source": path, "instruction": path, "cells": [{"thumb": path, "message": path}]}
    found = packed({"samples": [sample, {**sample, "source": "thumbs/cd/" + path[10:]}]})
    name = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    first, second = unpacked(found["samples"])  # type: ignore[arg-type]
    assert (first["source"], first["instruction"], first["id"]) == (name, path, path)
    assert second["source"] == "thumbs/cd/" + path[10:]
    assert unpacked(found["cells"])[0] == {"thumb": name, "message": path}  # type: ignore[arg-type]


def test_twins_are_found_by_their_source(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    alone = samples[0]

    def edits(sample: Any, edit: Any) -> Any:
        return replace(edit, source_id="0" * 64) if sample is alone else edit

    board = make_board([judged(tmp_path, samples, run={"edits": edits})])
    data = gallery_json(board, make_cards(board.entries), NO_PICTURES, tmp_path)
    twins = {one["id"]: one["twin"] for one in data["samples"]}  # type: ignore[union-attr,index,call-overload]
    assert twins[str(alone.id)] is None
    assert Counter(twin is None for twin in twins.values()) == {False: 20, True: 2}
    assert all(twins[twin] == name and twin != name for name, twin in twins.items() if twin)


@pytest.fixture
def two(tmp_path: Path) -> list[Scored]:
    """Two models of three samples a category and language, with pictures of their own."""
    samples = make_samples(("en", "cn"), each=3)
    return [
        judged(tmp_path, samples, name=name, run={"image": lambda s, shade=shade: picture((shade, s.row, 9))})
        for name, shade in (("a", 10), ("b", 200))
    ]


def test_a_selection_is_stratified_and_keeps_models_together(tmp_path: Path, two: list[Scored]) -> None:
    board = make_board(two)
    cards = make_cards(board.entries)
    _, everything = embed(board.entries, cards, tmp_path, sources, 20)
    assert (everything.pictures, sum(everything.chosen.values())) == (2 * 66 + 33, 66)
    assert everything.words.startswith("This page is one file and holds the pictures of all 66 samples: 165 thumbnails")
    budget = len(everything.text) / 2e6
    held, some = embed(board.entries, cards, tmp_path, sources, budget)
    assert len(some.text) <= budget * 1e6
    assert set(some.chosen.values()) <= {1, 2}
    assert f"holds the pictures of {sum(some.chosen.values())} of 66 samples (1 to 2 of each category" in some.words
    whole = [sum(bool(held.edits.get(edit.sha256 or "")) for _, edit in card.edits) for card in cards]
    assert set(whole) == {0, 2}
    assert embed(board.entries, cards, tmp_path, sources, budget)[1] == some
    assert embed(board.entries, cards, tmp_path, sources, 0)[1].text == ""


def test_what_is_not_embedded_is_neither_named_nor_called_missing(tmp_path: Path, two: list[Scored]) -> None:
    page = build_report(two, tmp_path / "out", sources=sources, single_file=True, embed_budget=0.01)
    source = page.read_text()
    assert "keep it beside" not in source
    assert "are missing, unreadable" not in source
    assert "are not available here" not in source
    data = json.loads(source.split('id="data">')[1].split("</script>")[0])
    held = {line.split(" ")[0] for line in source.split('id="pictures">')[1].split("</script>")[0].splitlines()}
    named = {cell["thumb"] for one in data["samples"] for cell in one["cells"] if "thumb" in cell}
    assert named
    assert named <= held
    assert all(entry["base"] is None for entry in data["entries"])
