"""The board as LaTeX: what stands in a paper is what stands on the page, whatever a model calls itself."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_fixtures import failed, judged, make_samples, reply_text

from gedit_bench.records import Aspect, EditStatus, Sample
from gedit_bench.report.board import Board, make_board
from gedit_bench.report.latex import board_latex

HOSTILE = "a_b & 50% #1 $x$ {y} \\input{/etc/passwd} ~^<>|\x07\n\\end{table} --- ``x''"


def varied(seed: int):
    """Scores that differ from sample to sample."""

    def answers(sample: Sample, aspect: Aspect) -> str:
        number = sample.row * 7 + seed
        return reply_text(4 + number % 5, 5 + number % 4) if aspect is Aspect.SC else reply_text(5 + number % 3, 6)

    return answers


@pytest.fixture
def board(tmp_path: Path) -> Board:
    samples = make_samples(each=3)
    thin = {"edits": lambda s, e: failed(e, EditStatus.TIMEOUT) if s is samples[0] else e}
    return make_board(
        [
            judged(tmp_path, samples, name="painter", answers=varied(0)),
            judged(tmp_path, samples, name=HOSTILE, answers=varied(1)),
            judged(tmp_path, samples, name="thin", run=thin),
        ]
    )


def body(text: str) -> str:
    """The rows of the first table."""
    return text.split("\\midrule\n", 1)[1].split("\\bottomrule")[0]


def test_numbers_and_intervals_are_those_of_the_board(board: Board) -> None:
    text = board_latex(board, created="2026-01-02T03:04:05")
    assert text.startswith("% GEdit-Bench, 2026-01-02. Needs \\usepackage{booktabs}.")
    table = board.tables[0]
    for row in table.rows:
        if row.rank is None:
            continue
        assert row.uncertainty is not None
        known, means = row.uncertainty.headline, row.summary.headline
        assert means is not None
        for value, interval in ((means.sc, known.sc), (means.pq, known.pq), (means.overall, known.overall)):
            cell = f"${value:.2f}$\\,{{\\scriptsize$[{interval.low:.2f}, {interval.high:.2f}]$}}"
            assert cell in body(text)
            assert interval.low <= value <= interval.high
    places = table.rows[0].standing
    assert places is not None
    assert body(text).startswith(f"1 ({places.rank_low}" if places.rank_low != places.rank_high else "1 (1)")


def test_there_is_a_table_for_each_of_the_board_with_judge_protocol_and_n(board: Board) -> None:
    text = board_latex(board, created="2026-01-02")
    captions = re.findall(r"\\caption\{(.*)\}\n", text)
    assert len(captions) == text.count("\\begin{tabular}") == text.count("\\toprule") == len(board.tables)
    for table, caption in zip(board.tables, captions, strict=True):
        for word in (table.title, f"n = {table.selected}", "judge-1@api.example", "judge-1-2026", "official-0a1b2c3d"):
            assert word in caption
        assert table.id in text
    assert "95 \\% intervals" in captions[0]


def test_rows_without_a_rank_stand_below_with_the_reason(board: Board) -> None:
    text = board_latex(board, created="2026-01-02")
    ranked, others = body(text).split("\\midrule\n")
    assert "thin" not in ranked
    assert others.startswith("-- & thin$^{1}$ & ")
    assert "32/33" in others
    assert "$^{1}$~coverage below 95 \\%" in text


def test_unknown_intervals_are_left_out_and_not_explained(tmp_path: Path) -> None:
    text = board_latex(make_board([judged(tmp_path, make_samples())]), created="2026-01-02")
    assert "$6.93$" in text
    assert "scriptsize" not in text
    assert "In brackets" not in text
    assert "In parentheses" not in text
    assert body(text).startswith("1 & painter & ")


def test_no_name_is_markup(board: Board) -> None:
    text = board_latex(board, created="2026-01-02")
    assert "\\input" not in text
    assert text.count("\\end{table}") == len(board.tables)
    assert "\x07" not in text
    assert r"a\_b \& 50\% \#1 \$x\$ \{y\} \textbackslash{}input\{/etc/passwd\}" in text
    for line in body(text).splitlines():
        if line.endswith(r" \\"):
            assert len(re.findall(r"(?<!\\)&", line)) == 5
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not here")
def test_it_can_be_set(board: Board, tmp_path: Path) -> None:
    tables = board_latex(board, created="2026-01-02")
    source = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{tables}\\end{{document}}"
    (tmp_path / "x.tex").write_text(source)
    done = subprocess.run(["pdflatex", "-halt-on-error", "x.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
