"""The judge loop through `judge()`, over real HTTP: every fault gets its status and none becomes a score."""

import csv
import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from fake_judge import FAULTS
from judge_process import judge_process
from scripted_judge import Received, Scripted, ScriptedJudge, completion
from small_benchmark import OFFLINE, editing, lines, selection, write_benchmark

from gedit_bench import EditStatus, JudgeSettings, Judging, Run, edit, judge
from gedit_bench.errors import Interrupted, QuotaError, RunLockedError, UnavailableError, UsageError
from gedit_bench.records import Aspect, ReplyStatus
from gedit_bench.results import Scored
from gedit_bench.store import layout
from gedit_bench.store.lock import sole_writer
from gedit_bench.transport.pacing import Pace


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark")


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    return edit("identity", selection(data), editing(tmp_path / "results"))


def native(url: str | list[str], **more: object) -> Judging:
    """The native protocol, whose rubric needs no download, at a fake judge."""
    settings = {"name": "fake-judge", "base_url": url, "timeout": 20.0, "retry_for": 20.0, "concurrency": 16}
    only = more.pop("only", "missing")
    return Judging(judge=JudgeSettings(**{**settings, **more}), protocol="native", only=only)


def statuses(scored: Scored) -> Counter[str]:
    readings = [reading for verdict in scored.verdicts for reading in (verdict.sc, verdict.pq)]
    return Counter(reading.status if reading else "not judged" for reading in readings)


def test_the_offline_judge_walks_the_whole_way(run: Run) -> None:
    scored = judge(run, judging=OFFLINE)
    assert statuses(scored) == {ReplyStatus.OK: 44}
    assert {verdict.sc.score for verdict in scored.verdicts if verdict.sc} == {0}  # nothing changed
    assert all(verdict.overall == 0 for verdict in scored.verdicts)
    folder = scored.judgement.path
    assert folder.name.startswith("offline@local_pixels-")
    assert len(list(csv.DictReader(lines(folder / "scores.csv")))) == 22
    assert json.loads((folder / "summary.json").read_text())["scoring_id"] == "official.1"


def test_twins_wait_for_each_other_so_that_their_source_is_prepared_once(tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "benchmark", keys=4, side_by_side=True)
    run = edit("identity", selection(data), editing(tmp_path / "results"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name="offline", concurrency=1)))
    languages = [json.loads(line)["instruction_language"] for line in lines(scored.judgement.path / layout.REPLIES)]
    assert (set(languages[:40]), set(languages[-40:])) == ({"en"}, {"cn"})


def test_derived_files_can_be_deleted_and_come_back(run: Run) -> None:
    folder = judge(run, judging=OFFLINE).judgement.path
    before = {name: (folder / name).read_bytes() for name in (layout.SCORES, layout.SUMMARY)}
    for name in before:
        (folder / name).unlink()
    judge(run, judging=OFFLINE)
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert len(lines(folder / layout.REPLIES)) == 44  # nobody was asked again


@pytest.mark.parametrize(
    ("fault", "status", "asked"),
    [
        ("429", ReplyStatus.TRANSPORT, None),
        pytest.param("500", ReplyStatus.TRANSPORT, None, marks=pytest.mark.slow),
        pytest.param("html", ReplyStatus.TRANSPORT, None, marks=pytest.mark.slow),
        ("drop", ReplyStatus.TRANSPORT, None),
        ("hang", ReplyStatus.TIMEOUT, None),
        ("filter", ReplyStatus.FILTERED, 1),
        ("policy", ReplyStatus.FILTERED, 1),
        ("null", ReplyStatus.FILTERED, 1),
        ("vllm400", ReplyStatus.REJECTED, 1),
        ("refusal", ReplyStatus.REFUSED, 2),
        ("empty", ReplyStatus.EMPTY, 2),
        ("badjson", ReplyStatus.UNPARSABLE, 2),
        ("strings", ReplyStatus.UNPARSABLE, 2),
        ("range", ReplyStatus.OUT_OF_RANGE, 2),
    ],
)
def test_a_judge_that_always_fails_ends_in_a_status(
    run: Run, fault: str, status: ReplyStatus, asked: int | None
) -> None:
    with judge_process(f"{fault}:1") as server:
        patience = {"timeout": 0.5, "retry_for": 1.0} if asked is None else {"timeout": 20.0, "retry_for": 20.0}
        scored = judge(run, judging=native(server.url, **patience))
        requests = server.stats()["requests"]
    assert statuses(scored) == {status: 44}
    assert all(verdict.overall is None for verdict in scored.verdicts)
    assert asked is None or requests == 44 * asked
    [summary, *_] = scored.summaries()
    assert (summary.coverage.scored, summary.coverage.partial) == (0, 0)


@pytest.mark.parametrize(("fault", "flag"), [("fence", ()), ("trunc", ("truncated", "list"))])
def test_what_the_official_parser_reads_counts(run: Run, fault: str, flag: tuple[str, ...]) -> None:
    with judge_process(f"{fault}:1") as server:
        scored = judge(run, judging=native(server.url))
    assert statuses(scored) == {ReplyStatus.OK: 44}
    assert {verdict.sc.flags for verdict in scored.verdicts if verdict.sc} == {flag}


def test_faults_that_pass_are_survived_and_no_score_is_invented(run: Run) -> None:
    kinds = [kind for kind in (*FAULTS, "drop")]
    with judge_process(",".join(f"{kind}:0.03" for kind in kinds)) as server:
        scored = judge(run, judging=native(server.url, retry_for=20.0))
        stats = server.stats()
    assert "not judged" not in statuses(scored)
    assert any(name.startswith("fault") for name in stats)
    for reply in scored.judgement.replies():
        if reply.content and "Measured by nobody" in reply.content:
            assert reply.model == "fake-judge-1"
    for verdict in scored.verdicts:
        for reading, reply in ((verdict.sc, verdict.sc_reply), (verdict.pq, verdict.pq_reply)):
            assert reading is not None
            assert reply is not None
            if reading.score is not None:
                assert f"{reading.score:g}" in (reply.content or "")


def test_only_failed_asks_just_those(run: Run) -> None:
    with judge_process("refusal:0.3,filter:0.2") as server:
        first = judge(run, judging=native(server.url))
    failed = 44 - statuses(first)[ReplyStatus.OK]
    assert failed > 0
    with judge_process() as server:
        judge(run, judging=native(server.url))
        assert server.stats().get("requests", 0) == 0
        again = judge(run, judging=native(server.url, only="failed"))
        assert server.stats()["requests"] == failed
    assert statuses(again) == {ReplyStatus.OK: 44}
    assert again.judgement.path == first.judgement.path


def test_an_edit_that_failed_is_not_judged_and_counts_against_coverage(data: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "fullset" / "ps_human" / "en").mkdir(parents=True)
    run = edit(f"folder:{tmp_path / 'images'}", selection(data), editing(tmp_path / "out"))
    scored = judge(run, judging=OFFLINE)
    assert {verdict.edit.status for verdict in scored.verdicts if verdict.edit} == {EditStatus.MISSING_IMAGE}
    summary = scored.summaries()[0]
    assert (summary.coverage.scored, summary.coverage.partial) == (0, 0)
    assert summary.coverage.statuses == {"edit missing_image": 11}


def test_replies_about_an_earlier_image_do_not_count(run: Run, data: Path) -> None:
    judge(run, judging=OFFLINE)
    image = sorted(run.path.rglob("*.png"))[0]
    image.write_bytes(b"damaged")
    scored = judge(run, judging=OFFLINE)
    assert statuses(scored) == {ReplyStatus.OK: 44}  # its line still names the image that was judged
    image.unlink()
    edit("identity", selection(data), editing(run.path.parents[1]))
    assert statuses(judge(run, judging=OFFLINE)) == {ReplyStatus.OK: 44}


def test_an_image_that_changed_before_it_was_judged_is_left_open(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    sorted(run.path.rglob("*.png"))[0].write_bytes(b"damaged")
    scored = judge(run, judging=OFFLINE)
    assert statuses(scored) == {ReplyStatus.OK: 42, "not judged": 2}
    assert "changed or vanished" in caplog.text
    assert scored.summaries()[0].why_none or scored.summaries()[2].why_none


def test_the_key_of_the_judge_is_nowhere(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "plain-value-of-a-key")
    with judge_process("filter:0.5,500:0.2") as server:
        judge(run, judging=native(server.url))
    everything = b"".join(path.read_bytes() for path in run.path.parents[1].rglob("*") if path.is_file())
    assert b"plain-value-of-a-key" not in everything


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"name": "offline", "protocol": "official"}, UsageError),
        ({"name": "fake", "protocol": "pixels", "base_url": "http://127.0.0.1:9/v1"}, UsageError),
        ({"name": "fake", "protocol": "nativ", "base_url": "http://127.0.0.1:9/v1"}, UsageError),
        ({"name": "gpt-4.1-2025-04-14", "protocol": "native"}, UnavailableError),
        ({"name": "fake", "protocol": "native", "base_url": "http://127.0.0.1:9/v1"}, UnavailableError),
    ],
)
def test_what_cannot_be_asked_is_said_before_any_work(run: Run, settings: dict, error: type[Exception]) -> None:
    protocol = settings.pop("protocol")
    with pytest.raises(error):
        judge(run, judging=Judging(judge=JudgeSettings(**settings, timeout=1, retry_for=1), protocol=protocol))
    assert not list(run.path.rglob("replies.jsonl"))


def test_a_second_judge_of_the_same_kind_is_told(run: Run) -> None:
    folder = judge(run, judging=OFFLINE).judgement.path
    with sole_writer(layout.lock_file(folder)), pytest.raises(RunLockedError):
        judge(run, judging=OFFLINE)


def test_ctrl_c_saves_what_is_in_flight(run: Run) -> None:
    with judge_process(latency=0.3) as server:

        def interrupt() -> None:
            while server.stats().get("requests", 0) < 5:
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(Interrupted):
            judge(run, judging=native(server.url, concurrency=4))
        time.sleep(0.1)
        answered = server.stats()["requests"]
        replies = lines(next(run.path.rglob("replies.jsonl")))
        assert 0 < len(replies) == answered < 44
        judge(run, judging=native(server.url))
        assert server.stats()["requests"] == 44


@pytest.mark.parametrize("servers", [1, 2])
def test_ctrl_c_does_not_wait_for_a_judge_that_is_away(run: Run, servers: int) -> None:
    models = Scripted({"data": [{"id": "fake-judge"}]})
    away = Scripted({"error": {"message": "overloaded"}}, 503, headers={"Retry-After": "100"})
    tried = threading.Event()

    def respond(received: Received) -> Scripted:
        if received.method == "GET":
            return models
        tried.set()
        return away

    def interrupt() -> None:
        tried.wait(20)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    with ScriptedJudge(respond) as first, ScriptedJudge(respond) as second:
        threading.Thread(target=interrupt, daemon=True).start()
        url = [first.url, second.url][:servers]
        started = time.monotonic()
        with pytest.raises(Interrupted):
            judge(run, judging=native(url, retry_for=600.0, concurrency=4))
        assert time.monotonic() - started < 15
    assert lines(next(run.path.rglob("replies.jsonl"))) == []  # nothing came, so all of it is asked next time


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": {"message": "bad key", "code": "invalid_api_key"}}, UnavailableError),
        (404, {"error": {"message": "no such model", "code": "model_not_found"}}, UnavailableError),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, QuotaError),
    ],
)
def test_what_nobody_can_answer_stops_the_run_and_records_nothing(
    run: Run, status: int, body: dict, error: type[Exception]
) -> None:
    models = Scripted({"data": [{"id": "fake-judge"}]})
    with ScriptedJudge(models, Scripted(body, status)) as server, pytest.raises(error):
        judge(run, judging=native(server.url))
    assert lines(next(run.path.rglob("replies.jsonl"))) == []


def test_a_judge_that_takes_few_at_once_is_not_overrun(data: Path, tmp_path: Path) -> None:
    run = edit("identity", selection(data), editing(tmp_path / "results"))
    with judge_process("", 0.05, 0, "--cap", 4) as server:
        scored = judge(run, judging=native(server.url, concurrency=None, retry_for=60.0))
        stats = server.stats()
    assert statuses(scored) == {ReplyStatus.OK: 44}
    assert stats["good"] == 44
    assert stats["requests"] < 4 * 44


def test_a_judge_that_takes_many_at_once_gets_them(tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "data", keys=5)
    run = edit("identity", selection(data), editing(tmp_path / "results"))
    with judge_process(latency=0.5) as server:
        scored = judge(run, judging=native(server.url, concurrency=None))
        stats = server.stats()
    assert statuses(scored) == {ReplyStatus.OK: 220}
    assert stats["in_flight_peak"] > 40  # it starts with fewer


def test_a_judge_that_tells_of_no_exchange_is_paced_by_its_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    hear = Pace.told
    monkeypatch.setattr(Pace, "told", lambda self, exchange: (told.append(exchange.outcome), hear(self, exchange)))
    judge(run, judging=OFFLINE)
    assert told == ["answered"] * 44


def test_sc_and_pq_are_asked_as_the_protocol_says(run: Run) -> None:
    models = Scripted({"data": [{"id": "fake-judge"}]})
    with ScriptedJudge(models, Scripted(completion())) as server:
        scored = judge(run, judging=native(server.url, concurrency=1))
    bodies = [received.json() for received in server.received if received.method == "POST"]
    assert len(bodies) == 44
    assert Counter(len(body["messages"][0]["content"]) for body in bodies) == {3: 22, 2: 22}
    assert scored.models == ("judge-2025-04-14",)
    reply = next(reply for reply in scored.judgement.replies() if reply.aspect is Aspect.SC)
    assert (reply.prompt_tokens, reply.fingerprint, len(reply.request_sha256)) == (1000, "fp_1", 64)
