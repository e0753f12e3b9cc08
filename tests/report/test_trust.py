"""Where a row's numbers come from: made here, judged here, or reported."""

from dataclasses import replace
from pathlib import Path

import pytest
from foreign_files import official_row, sample, write_table
from report_fixtures import judged, make_judgement, make_run, make_samples

from gedit_bench.interop.importing import import_scores
from gedit_bench.report.board import make_board
from gedit_bench.report.tables import board_csv, board_markdown
from gedit_bench.results import Scored, score


def words(scored: Scored) -> set[str]:
    return {entry.trust for entry in make_board([scored]).entries}


def test_what_was_edited_and_judged_here_is_run_here(tmp_path: Path) -> None:
    assert words(judged(tmp_path, make_samples())) == {"run here"}


@pytest.mark.parametrize("run", [{"model": "folder"}, {"bundle": "ab" * 32}])
def test_images_from_elsewhere_are_re_judged(run: dict[str, str], tmp_path: Path) -> None:
    assert words(judged(tmp_path, make_samples(), run=run)) == {"re-judged"}


@pytest.mark.parametrize(
    "judgement", [{"bundle": "ab" * 32}, {"replayed_from": "x/y/judgments/z (12345678)"}, {"bundle": "c", "judge": "j"}]
)
def test_replies_that_were_not_given_here_are_reported(judgement: dict[str, str], tmp_path: Path) -> None:
    assert words(judged(tmp_path, make_samples(), **judgement)) == {"reported"}


def test_scores_of_another_tool_are_reported(tmp_path: Path) -> None:
    table = write_table(tmp_path / "m/gpt4o/m_ps_human_en_vie_score.csv", [official_row(sample(), 8, 9)])
    assert words(import_scores(table, tmp_path).scored) == {"reported"}


def test_the_tables_say_it_and_tell_two_judgements_of_a_run_apart(tmp_path: Path) -> None:
    samples = make_samples()
    run = make_run(tmp_path, samples, bundle="ab" * 32)
    here = make_judgement(run, samples)
    there = replace(here, manifest=replace(here.manifest, bundle="ab" * 32))
    board = make_board([score(run, here), score(run, there)])
    assert [entry.label for entry in board.entries] == ["painter", "painter (from a bundle)"]
    assert len({entry.id for entry in board.entries}) == 2
    lines = board_csv(board).splitlines()
    place = lines[0].split(",").index("trust")
    assert {line.split(",")[place] for line in lines[1:]} == {"re-judged", "reported"}
    text = board_markdown(board, title="T", created="2026-01-02")
    assert "reported" in text
    assert "re-judged" in text
