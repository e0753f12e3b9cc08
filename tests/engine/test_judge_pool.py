"""A run judged by a pool of servers, one of which dies on the way, and by an Azure deployment."""

from collections import Counter

import pytest
from judge_process import judge_process
from scripted_judge import Scripted, ScriptedJudge, completion
from small_benchmark import editing, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, Run, edit, judge
from gedit_bench.engine.progress import Progress
from gedit_bench.judging import pool
from gedit_bench.records import ReplyStatus
from gedit_bench.results import Scored


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pool")
    data = write_benchmark(folder / "benchmark", keys=2)
    return edit("identity", selection(data), editing(folder / "results"))


def statuses(scored: Scored) -> Counter[str]:
    readings = [reading for verdict in scored.verdicts for reading in (verdict.sc, verdict.pq)]
    return Counter(reading.status if reading else "not judged" for reading in readings)


def test_a_server_that_dies_in_mid_run_costs_no_score(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "_FIRST_REST", 0.2)
    with judge_process(latency=0.1) as first, judge_process(latency=0.1) as second:
        settings = JudgeSettings(
            name="fake-judge", base_url=(first.url, second.url), timeout=5.0, retry_for=20.0, concurrency=8
        )

        def kill_at_20(progress: Progress) -> None:
            if progress.done == 20:
                first.process.kill()

        scored = judge(run, judging=Judging(judge=settings, protocol="native"), watch=kill_at_20)
        survived = second.stats()["requests"]
    assert statuses(scored) == {ReplyStatus.OK: 88}
    assert scored.judgement.manifest.judge_id == "fake-judge@127.0.0.1"
    answered = Counter(reply.server for reply in scored.judgement.replies())
    hosts = [one.url.removeprefix("http://").removesuffix("/v1") for one in (first, second)]
    assert set(answered) == set(hosts)
    assert 44 < answered[hosts[1]] == survived
    assert any(reply.tries > 1 for reply in scored.judgement.replies())


def test_the_deployment_and_the_returned_model_are_recorded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-horse-battery")
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)
    with ScriptedJudge(Scripted(completion('{"reasoning": "", "score": [8, 9]}'))) as server:
        settings = JudgeSettings(
            name="azure:judge-4", base_url=server.url.removesuffix("/v1"), endpoint_label="mine", timeout=5.0
        )
        server.script = [Scripted({"data": []}), *server.script]
        scored = judge(run, judging=Judging(judge=settings, protocol="native"))
    assert statuses(scored) == {ReplyStatus.OK: 88}
    assert scored.judgement.manifest.judge_id == "azure:judge-4@mine"
    assert scored.models == ("judge-2025-04-14",)
    assert {reply.server for reply in scored.judgement.replies()} == {None}
    assert {request.path.split("?")[0] for request in server.received[1:]} == {
        "/openai/deployments/judge-4/chat/completions"
    }
    written = b"".join(path.read_bytes() for path in scored.judgement.path.rglob("*") if path.is_file())
    assert b"horse" not in written
