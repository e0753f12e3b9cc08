"""Claim cards: all that pins a number down, for ranked rows alone, and no name that breaks out of its block."""

import csv
import io
import re
from pathlib import Path

from report_fixtures import failed, judged, make_samples
from test_latex import HOSTILE, varied

from gedit_bench.records import EditStatus
from gedit_bench.report.board import make_board
from gedit_bench.report.build import build_report
from gedit_bench.report.claim import claim_texts, claims, claims_markdown
from gedit_bench.report.latex import latex_row
from gedit_bench.report.sample_scores import COLUMNS, scores_csv

FENCE = "```\n# Not a heading\n"


def test_a_card_says_all_that_pins_the_number_down(tmp_path: Path) -> None:
    samples = make_samples(each=3)
    board = make_board([judged(tmp_path, samples, answers=varied(0), run={"notes": "random weights"})])
    table, row = board.tables[0], board.tables[0].rows[0]
    card = claims(board)[0]
    facts = dict(card.facts)
    assert row.summary.headline is not None
    assert row.uncertainty is not None
    overall, interval = row.summary.headline.overall, row.uncertainty.headline.overall
    assert facts["O"] == f"{overall:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
    assert facts["n"] == "33 of 33 samples scored (100 %)"
    assert facts["rank"] == "1 of 1 in its table"
    assert facts["judge"] == "judge-1@api.example"
    assert facts["returned model"] == "judge-1-2026"
    assert facts["edit fingerprint"] == row.entry.manifest.fingerprint
    assert (facts["request id"], facts["scoring id"]) == ("official-0a1b2c3d", "official.1")
    assert facts["selection id"] == table.key.selection
    assert facts["dataset"] == "sample, revision r1"
    assert facts["remarks"] == "random weights"
    assert facts["date"] == "edited 2026-01-02, judged 2026-01-02"
    assert facts["trust"].startswith("run here")
    [writer] = row.entry.scored.judgement.writers()
    assert facts["judged with"].startswith("gedit-bench ")
    assert (writer.commit or "") in facts["judged with"]
    assert facts["command"].startswith("gedit-bench run --model painter@default --data sample --seed 42")
    assert card.row == latex_row(table, row)
    for name, value in facts.items():
        assert f"\n{name}: {value}" in card.text


def test_left_out_samples_are_told(tmp_path: Path) -> None:
    samples = make_samples(each=21)
    run = {"edits": lambda s, e: failed(e, EditStatus.TIMEOUT) if s is samples[0] else e}
    facts = dict(claims(make_board([judged(tmp_path, samples, run=run)]))[0].facts)
    assert facts["n"] == "230 of 231 samples scored (99.5 %); left out: edit timeout 1"


def test_only_ranked_rows_claim_anything(tmp_path: Path) -> None:
    samples = make_samples()
    run = {"edits": lambda s, e: failed(e, EditStatus.TIMEOUT) if s is samples[0] else e}
    thin = judged(tmp_path, samples, name="thin", run=run)
    board = make_board([thin, judged(tmp_path, samples, name="whole")])
    assert {claim.heading.split(" on ")[0] for claim in claims(board)} == {"whole"}
    assert len(claims(board)) == 2  # full and intersection
    [texts] = claim_texts(board).values()
    assert [text.splitlines()[0] for text in texts] == [
        "whole on GEdit-Bench, English, full set",
        "whole on GEdit-Bench, English, intersection subset",
    ]
    assert "No row is ranked." in claims_markdown(make_board([thin]))


def test_no_name_breaks_out_of_its_block(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    notes = f"x | <b>y</b>\n\n{FENCE}````"
    board = make_board([judged(tmp_path, samples, name=FENCE + HOSTILE, run={"notes": notes})])
    text = claims_markdown(board)
    assert [line for line in text.splitlines() if line.startswith("# ")] == ["# Claim cards"]
    assert "<b>" not in outside_fences(text)
    assert all(claim.text.count("\n") == len(claim.facts) for claim in claims(board))
    for line in outside_fences(text).splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 3


def outside_fences(text: str) -> str:
    """The Markdown without its blocks of code, which end where as many backticks stand as at the beginning."""
    kept, fence = [], ""
    for line in text.splitlines():
        found = re.match(r"`{3,}", line)
        if not fence and found:
            fence = found[0]
        elif fence and line == fence:
            fence = ""
        elif not fence:
            kept.append(line)
    assert not fence
    return "\n".join(kept)


def test_the_page_shows_the_cards_as_text_and_links_the_files(tmp_path: Path) -> None:
    samples = make_samples()
    page = build_report([judged(tmp_path, samples, name="<script>alert(1)</script>")], tmp_path / "out")
    html = page.read_text()
    assert "<script>alert(1)" not in html
    assert html.count('<pre class="command claim"') == 2
    assert "&lt;script&gt;alert(1)&lt;/script&gt; on GEdit-Bench, English, full set" in html
    for name in ("leaderboard.tex", "scores.csv", "claims.md", "leaderboard.json"):
        assert (page.parent / name).is_file()
        assert f'href="{name}"' in html


def test_scores_of_all_rows_stand_in_one_table(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    run = {"edits": lambda s, e: failed(e, EditStatus.REFUSED) if s is samples[3] else e}
    board = make_board([judged(tmp_path, samples, run=run), judged(tmp_path, samples, name="other")])
    rows = list(csv.DictReader(io.StringIO(scores_csv(board))))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 2 * len(samples)
    assert [row["entry"] for row in rows[:: len(samples)]] == [entry.id for entry in board.entries]
    lacking = rows[3]
    assert (lacking["edit_status"], lacking["sc_status"], lacking["sc"], lacking["overall"]) == ("refused", "", "", "")
    for row, verdict in zip(rows, [v for entry in board.entries for v in entry.scored.verdicts], strict=True):
        assert (row["task_type"], row["instruction_language"], row["key"]) == tuple(verdict.sample.id)
        assert row["overall"] == ("" if verdict.overall is None else str(verdict.overall))
