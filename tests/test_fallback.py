"""A judge for what another fails on: named, counted, in rows of its own, and only where the first one has no score."""

import csv
import json
from pathlib import Path

import pytest
from judge_process import judge_process
from report_fixtures import good, make_judgement, make_run, make_samples, reply_text
from scripted_judge import Scripted, ScriptedJudge, completion
from small_benchmark import editing, lines, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, ReplyStatus, Run, edit, judge
from gedit_bench.api import build_report, scored_runs
from gedit_bench.comparison import compare
from gedit_bench.errors import DataError, UsageError
from gedit_bench.fallback import failed_aspects, score_all, with_fallback
from gedit_bench.records import Aspect
from gedit_bench.report.board import make_board
from gedit_bench.results import score
from gedit_bench.state import run_state
from gedit_bench.store import layout

REFUSAL = "I'm sorry, but I can't help with that."


@pytest.fixture
def run(tmp_path: Path) -> Run:
    data = write_benchmark(tmp_path / "benchmark")
    return edit("identity", selection(data), editing(tmp_path / "results"))


def settings(url: str, name: str = "fake-judge") -> JudgeSettings:
    return JudgeSettings(name=name, base_url=url, timeout=20.0, retry_for=20.0, concurrency=16)


def judging(url: str, other: str, **more: object) -> Judging:
    return Judging(judge=settings(url), protocol="native", fallback=settings(other, "other-judge"), **more)


def scripted(*models: str) -> ScriptedJudge:
    """A judge that calls itself by one name after another, the last one for good."""
    replies = [Scripted({**completion(), "model": model}) for model in models]
    return ScriptedJudge(Scripted({"data": []}), *replies)


def test_only_what_failed_is_asked_and_stays_apart(run: Run) -> None:
    with judge_process("filter:0.3,refusal:0.2") as first, scripted("other-1") as other:
        both = judge(run, judging=judging(first.url, other.url))
        asked = sum(received.method == "POST" for received in other.received)
        before = first.stats()["requests"]
        judge(run, judging=judging(first.url, other.url))
        assert first.stats()["requests"] == before
        assert sum(received.method == "POST" for received in other.received) == asked  # nobody was asked again
    assert both.fallback is not None
    alone = both.fallback.without
    failed = sum(len(aspects) for aspects in failed_aspects(alone.verdicts).values())
    assert 0 < failed == asked < 44
    assert len(both.fallback.judgement.replies()) == failed
    assert both.fallback.judgement.path.parent.parent == alone.judgement.path
    for verdict, lone in zip(both.verdicts, alone.verdicts, strict=True):
        for now, then in ((verdict.sc, lone.sc), (verdict.pq, lone.pq)):
            assert now is not None
            assert then is not None
            if then.status is ReplyStatus.OK:
                assert now == then
            else:
                assert (now.status, now.score, now.flags) == (ReplyStatus.OK, 8, ("fallback",))
    assert both.models == alone.models == ("fake-judge-1",)
    assert both.fallback.models == ("other-1",)
    # The first judge's files say nothing of another.
    assert "other" not in "".join(lines(alone.judgement.path / layout.SCORES))
    rows = list(csv.DictReader(lines(both.fallback.judgement.path / layout.SCORES)))
    assert sum(row[name].split().count("fallback") for row in rows for name in ("sc_flags", "pq_flags")) == failed
    manifest = both.fallback.judgement.manifest
    assert {row["scoring_id"] for row in rows} == {f"official.1+fallback:{manifest.judge_id}_{manifest.request_id}"}
    summary = json.loads((both.fallback.judgement.path / layout.SUMMARY).read_text())
    assert summary["fallback"]["aspects"] == failed
    assert (both.spent.calls, both.spent.prompt_tokens) == (
        alone.spent.calls + failed,
        alone.spent.prompt_tokens + 1000 * failed,
    )
    assert summary["cost"]["judging"]["calls"] == both.spent.calls
    [told] = run_state(run).judgements[0].fallbacks
    assert told.startswith(
        f"with fallback other-judge@127.0.0.1 for {failed} aspects; it cost unknown for {failed} calls"
    )


def test_a_replay_takes_over_the_fallbacks_replies_too(run: Run) -> None:
    with judge_process("filter:0.3,refusal:0.2") as first, scripted("other-1") as other:
        both = judge(run, judging=judging(first.url, other.url))
    assert both.fallback is not None
    replaying = Judging(judge=JudgeSettings(name=f"replay:{run.path}"))
    again = judge(run, judging=replaying)
    assert again.fallback is not None
    assert (again.verdicts, again.scoring_id) == (both.verdicts, both.scoring_id)
    assert again.fallback.without.verdicts == both.fallback.without.verdicts
    for name in (layout.SCORES, layout.REPLIES):
        theirs, ours = (one.fallback.judgement.path / name for one in (both, again) if one.fallback)
        assert theirs.read_bytes() == ours.read_bytes()
        assert theirs != ours
    replies = both.fallback.judgement.path / layout.REPLIES
    replies.write_text("\n".join(lines(replies)[:-1]) + "\n")
    with pytest.raises(DataError, match="lacks a reply about"):
        judge(run, judging=replaying)


def test_the_report_has_a_row_for_each_and_never_ranks_them_together(run: Run) -> None:
    with judge_process("filter:0.3") as first, scripted("other-1") as other:
        judge(run, judging=judging(first.url, other.url))
    found = scored_runs([run.path])
    assert [bool(one.fallback) for one in found] == [False, True]
    english = {one.comparability("en", "full") for one in found}
    assert len(english) == 2
    count = found[1].decided_by_fallback("en", "full")
    assert any(f"aspects: {count})" in part for key in english for part in key)
    board = make_board(found)
    assert len({entry.id for entry in board.entries}) == 2
    assert all(len(table.rows) == 1 for table in board.tables)
    page = build_report([run.path], run.path.parent / "page").read_text()
    assert f"with fallback other-judge@127.0.0.1 for {count} aspect" in page
    assert "another scoring (official.1+fallback:" in page
    assert "fake-judge, with fallback other-judge@127.0.0.1" in page  # the gallery's label
    table = json.loads((run.path.parent / "page" / "leaderboard.json").read_text())
    assert {row["fallback"] and row["fallback"]["judge_id"] for one in table["tables"] for row in one["rows"]} == {
        None,
        "other-judge@127.0.0.1",
    }


def test_a_first_judge_that_answers_after_all_counts(run: Run) -> None:
    with judge_process("filter:0.3") as first, scripted("other-1") as other:
        both = judge(run, judging=judging(first.url, other.url))
    assert both.decided_by_fallback("en", "full") > 0
    with judge_process() as mended, scripted("other-1") as other:
        both = judge(run, judging=judging(mended.url, other.url, only="failed"))
        assert other.received == []
    assert both.decided_by_fallback("en", "full") == both.decided_by_fallback("cn", "full") == 0
    [judgement] = run.judgements()
    assert len(score_all(run, judgement)) == 1  # a fallback that decides nothing is no row


def test_a_fallback_that_fails_too_changes_no_status(run: Run) -> None:
    with judge_process("filter:1") as first, judge_process("refusal:1") as other:
        both = judge(run, judging=judging(first.url, other.url))
    assert {reading.status for one in both.verdicts for reading in (one.sc, one.pq) if reading} == {
        ReplyStatus.FILTERED
    }
    with judge_process("filter:1") as first, scripted("other-1") as other:
        both = judge(run, judging=judging(first.url, other.url, only="failed"))
    assert both.decided_by_fallback("en", "full") == 22


def test_who_cannot_be_a_fallback_is_told_before_any_work(run: Run) -> None:
    with scripted("x") as first:
        for other in (settings(first.url), JudgeSettings(name="offline")):
            with pytest.raises(UsageError):
                judge(run, judging=Judging(judge=settings(first.url), protocol="native", fallback=other))
        assert first.received == []


def test_a_fallback_that_changed_in_mid_run_gets_no_rank(tmp_path: Path) -> None:
    samples = make_samples()
    made = make_run(tmp_path, samples)
    first = make_judgement(made, samples, answers=lambda s, a: REFUSAL if a is Aspect.PQ else reply_text(8, 9))
    folder = layout.fallback_folder(first.path, "o@api", "official-1")
    for place, half in (("a", samples[:5]), ("b", samples[5:])):
        other = make_judgement(made, half, judge=f"o{place}", returned=f"other-{place}", answers=good)
        folder.mkdir(parents=True, exist_ok=True)
        for file in other.path.iterdir():
            with (folder / file.name).open("ab" if file.name != layout.MANIFEST else "wb") as into:
                into.write(file.read_bytes())
    [fallback] = first.fallbacks()
    both = with_fallback(score(made, first), fallback)
    assert both.fallback is not None
    assert both.fallback.models == ("other-a", "other-b")
    [row] = make_board([both]).tables[0].rows
    assert (row.rank, row.reason) == (None, "the judge answered as 2 models")
    assert row.summary.headline is not None


def test_compare_takes_a_fallback_by_its_folder(run: Run) -> None:
    with judge_process("filter:0.3") as first, scripted("other-1") as other:
        both = judge(run, judging=judging(first.url, other.url))
    assert both.fallback is not None
    found = compare(both.judgement.path, both.fallback.judgement.path)
    assert any(one.startswith("scoring: official.1 against official.1+fallback:") for one in found.differences)
    agreed = found.agreement("en")["all"]["SC"]
    assert agreed.n == sum(one.sc is not None and one.sc.score is not None for one in found.first.verdicts[:11])
    assert agreed.difference == 0  # what the first judge scored is not another's
