"""What a judgement says of itself: who answered, how it was asked, how far it varies."""

import json
from pathlib import Path

import pytest
from report_fixtures import judged, make_judgement, make_run, make_samples, picture, reply_text
from scripted_judge import Scripted, ScriptedJudge, completion
from small_benchmark import editing, lines, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, Run, edit, judge
from gedit_bench.api import build_report
from gedit_bench.comparison import compare
from gedit_bench.derived import summary_json, write_derived
from gedit_bench.judging.protocol import PROTOCOLS
from gedit_bench.records import Sample
from gedit_bench.report.board import make_board
from gedit_bench.report.build import build_report as render
from gedit_bench.report.method import methods
from gedit_bench.report.words import noise_words
from gedit_bench.results import Scored, score
from gedit_bench.state import run_state
from gedit_bench.store import layout
from gedit_bench.store.jsonl import JsonlWriter


@pytest.fixture
def run(tmp_path: Path) -> Run:
    data = write_benchmark(tmp_path / "benchmark")
    return edit("identity", selection(data), editing(tmp_path / "results"))


def asked(server: ScriptedJudge, name: str = "fake-judge", **more: object) -> Judging:
    settings = JudgeSettings(name=name, base_url=server.url, timeout=20, retry_for=20, concurrency=1)
    return Judging(judge=settings, protocol="native", **more)


def answers(*names: tuple[str, str], each: int) -> list[Scripted]:
    """So many answers by each model and fingerprint, the last for good."""
    return [
        Scripted({**completion(), "model": model, "system_fingerprint": fingerprint})
        for model, fingerprint in names
        for _ in range(each)
    ]


def test_a_model_that_changes_in_mid_run_is_recorded_reported_and_gets_no_rank(run: Run) -> None:
    script = answers(("judge-april", "fp_1"), ("judge-june", "fp_2"), each=20)
    with ScriptedJudge(Scripted({"data": []}), *script) as server:
        scored = judge(run, judging=asked(server))
    assert scored.models == ("judge-april", "judge-june")
    assert [(one.model, one.fingerprint, one.replies) for one in scored.answering.answerers] == [
        ("judge-april", "fp_1", 20),
        ("judge-june", "fp_2", 24),
    ]
    assert scored.answering.changes == 1
    assert "judge-april + judge-june" in scored.comparability("en", "full")
    [row] = make_board([scored]).tables[0].rows
    assert (row.rank, row.reason) == (None, "the judge answered as 2 models")
    told = run_state(run).judgements[0].changed
    assert "judge-june (fp_2): 24 replies from 2" in told
    assert f"first for {scored.answering.answerers[1].sample}" in told
    page = build_report([run.path], run.path.parent / "page").read_text()
    assert "changed in mid-run and answered as judge-april and as judge-june; the row gets no rank." in page
    assert "judge-june (fp_2): 24 replies" in page
    summary = json.loads((scored.judgement.path / layout.SUMMARY).read_text())
    assert [one["fingerprint"] for one in summary["answered_as"]] == ["fp_1", "fp_2"]


def test_a_fingerprint_that_changes_is_reported_and_keeps_the_rank(run: Run) -> None:
    with ScriptedJudge(Scripted({"data": []}), *answers(("judge", "fp_1"), ("judge", "fp_2"), each=5)) as server:
        scored = judge(run, judging=asked(server))
    [row] = make_board([scored]).tables[0].rows
    assert row.rank == 1
    page = build_report([run.path], run.path.parent / "page")
    warnings = json.loads((page.parent / "leaderboard.json").read_text())["warnings"]
    assert "judge" not in warnings
    assert "judge (fp_2): 39 replies" in warnings["fingerprint"][0]


def test_an_alias_is_allowed_flagged_and_its_snapshot_said(run: Run) -> None:
    with ScriptedJudge(Scripted({"data": []}), *answers(("gpt-4.1-2025-04-14", "fp"), each=1)) as server:
        scored = judge(run, judging=asked(server, "gpt-4.1"))
    assert scored.models == ("gpt-4.1-2025-04-14",)
    assert run_state(run).judgements[0].alias.endswith("its server answered as gpt-4.1-2025-04-14")
    page = build_report([run.path], run.path.parent / "page").read_text()
    assert (
        "gpt-4.1 is an alias, which may be another model tomorrow; its server answered as gpt-4.1-2025-04-14." in page
    )


def test_temperature_and_seed_are_sent_where_the_protocol_has_them_and_recorded_either_way(
    run: Run, tmp_path: Path
) -> None:
    with ScriptedJudge(Scripted({"data": []}), Scripted(completion())) as server:
        scored = judge(run, judging=asked(server))
    bodies = [received.json() for received in server.received if received.method == "POST"]
    sent = scored.judgement.manifest.request["parameters"]
    assert isinstance(sent, dict)
    assert (sent["temperature"], sent["seed"]) == (0, 42)
    for body in bodies:
        assert {name: value for name, value in body.items() if name not in {"model", "messages"}} == sent
    assert {"temperature", "seed"}.isdisjoint(PROTOCOLS["official"].parameters)
    official = judged(tmp_path, make_samples())
    facts = [dict(one.judgements[0].facts) for one in methods(make_board([scored, official]).entries)]
    assert [(one["temperature"], one["seed"]) for one in facts] == [
        ("0", "42"),
        ("not sent: the endpoint's own", "not sent: the endpoint's own"),
    ]


def repeated(root: Path, samples: list[Sample], shifts: tuple[int, ...]) -> Scored:
    """A judgement whose repeat r scores SC = 5 ± `shifts[r]`, up for one sample and down for the next."""
    run = make_run(root, samples)

    def words(row: int, shift: int) -> str:
        value = 5 + (shift if row % 2 else -shift)
        return reply_text(value, value)

    judgement = make_judgement(run, samples, answers=lambda sample, aspect: words(sample.row, shifts[0]))
    rows = {sample.id.key: sample.row for sample in samples}
    first = [json.loads(line) for line in lines(judgement.path / layout.REPLIES)]
    writer = JsonlWriter(judgement.path / layout.REPLIES)
    for repeat, shift in enumerate(shifts[1:], start=1):
        for line in first:
            writer.append({**line, "repeat": repeat, "content": words(rows[line["key"]], shift)})
    writer.close()
    return score(run, judgement)


def test_noise_is_shown_wherever_the_headline_is(tmp_path: Path) -> None:
    samples = make_samples(each=4)
    scored = repeated(tmp_path, samples, (1, 2, 3))
    assert scored.repeats == 3
    noise = scored.noise("en", "full")
    # O is the scores themselves: within each sample they are 1 apart, so σ² = 1; 4 samples in each of 11 categories.
    assert noise.headline.judge_once == pytest.approx((1 / 4 / 11) ** 0.5)
    assert noise.headline.judge == pytest.approx((1 / 12 / 11) ** 0.5)
    assert noise.headline.mean == pytest.approx(scored.summaries()[0].table.macro.overall)
    write_derived(scored)
    full = json.loads((scored.judgement.path / layout.SUMMARY).read_text())["summaries"][0]
    assert full["noise"]["repeats"] == 3
    assert full["noise"]["judge_once"] == noise.headline.judge_once
    assert full["noise"]["alpha"]["O"] == noise.alpha["O"]
    assert set(summary_json(scored.summaries()[0])) <= set(full)
    page = render([scored], tmp_path / "page").read_text()
    assert 'data-column="judge"' in page
    assert "mean of 3: 5.00" in page
    assert ">0.151<" in page
    assert "± 0.151 on the headline of one repeat" in page
    assert run_state(scored.run).judgements[0].noise["en"] == noise
    row = json.loads((tmp_path / "page" / "leaderboard.json").read_text())["tables"][0]["rows"][0]
    assert row["noise"]["judge"] == noise.headline.judge


def test_asked_once_the_page_says_that_the_noise_is_unknown(tmp_path: Path) -> None:
    scored = judged(tmp_path, make_samples())
    page = render([scored], tmp_path / "page").read_text()
    assert 'data-column="judge"' not in page
    assert "unknown: each aspect was asked once" in page
    write_derived(scored)
    full = json.loads((scored.judgement.path / layout.SUMMARY).read_text())["summaries"][0]
    assert full["noise"]["judge"] is None


def test_noise_that_is_not_known_says_why(tmp_path: Path) -> None:
    lone = repeated(tmp_path / "lone", make_samples(each=1), (1, 2)).noise("en", "full")
    assert noise_words(lone).endswith("; that of sampling is unknown, as a category has one sample")
    some = [sample for sample in make_samples(each=2) if sample.id.task_type != "ps_human"]
    assert noise_words(repeated(tmp_path / "some", some, (1, 2)).noise("en", "full")) == (
        "unknown: nothing is scored in ps_human"
    )


def test_two_judges_of_the_same_images_are_compared(tmp_path: Path) -> None:
    samples = make_samples(each=3)
    run = make_run(tmp_path, samples)
    low, high = (
        make_judgement(
            run,
            samples,
            judge=name,
            answers=lambda sample, aspect, more=more: reply_text(sample.row % 5 + more, 9),
        )
        for name, more in (("low", 0), ("high", 2))
    )
    found = compare(low.path, high.path).agreement("en")
    assert set(found) == {*{sample.id.task_type for sample in samples}, "all"}
    assert found["all"]["SC"].n == 33
    assert found["all"]["SC"].spearman == pytest.approx(1)
    assert found["all"]["SC"].difference == 2
    assert found["all"]["SC"].alpha < 1
    image = {"image": lambda sample: picture((sample.row, 0, 0))}
    other = judged(tmp_path / "other", samples, name="other", run=image)
    assert compare(low.path, other.judgement.path).agreement("en") == {}
