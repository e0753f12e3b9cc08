"""Repeats: each aspect asked several times independently, stored apart, and the first alone makes the numbers."""

import json
from collections import Counter
from pathlib import Path

import pytest
from judge_process import judge_process
from scripted_judge import Scripted, ScriptedJudge, completion
from small_benchmark import OFFLINE, editing, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, Run, Selection, edit, judge
from gedit_bench.errors import DataError
from gedit_bench.judging.protocol import PROTOCOLS
from gedit_bench.records import Aspect, ReplyStatus
from gedit_bench.state import run_state
from gedit_bench.store import layout

MODELS = Scripted({"data": [{"id": "fake-judge"}]})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    return edit("identity", selection(data), editing(tmp_path / "results"))


def native(url: str, repeats: int, **more: object) -> Judging:
    settings = JudgeSettings(name="fake-judge", base_url=url, endpoint_label="here", timeout=20.0, retry_for=20.0)
    return Judging(judge=settings, protocol="native", repeats=repeats, **more)


def test_each_repeat_is_a_call_of_its_own_with_its_own_seed(run: Run) -> None:
    with ScriptedJudge(MODELS, Scripted(completion())) as server:
        scored = judge(run, judging=native(server.url, 3))
    bodies = [received.json() for received in server.received if received.method == "POST"]
    assert Counter(body["seed"] for body in bodies) == {42: 22, 43: 22, 44: 22}
    replies = scored.judgement.replies()
    assert Counter((reply.repeat, reply.seed, reply.attempt) for reply in replies) == {
        (repeat, 42 + repeat, 0): 22 for repeat in range(3)
    }
    assert len({reply.request_sha256 for reply in replies}) == 22  # the same was asked, each time


def test_a_protocol_without_a_seed_repeats_the_same_request() -> None:
    official = PROTOCOLS["official"]
    assert official.parameters_of(0) == official.parameters_of(2) == {"max_tokens": 1400}
    assert PROTOCOLS["native"].parameters_of(0) == PROTOCOLS["native"].parameters


def test_the_first_repeat_alone_makes_the_numbers(run: Run, data: Path, tmp_path: Path) -> None:
    once = edit("identity", selection(data), editing(tmp_path / "other"))
    with judge_process() as server:
        single = judge(once, judging=native(server.url, 1))
        scored = judge(run, judging=native(server.url, 3))
    assert scored.judgement.path.name == single.judgement.path.name  # how often is no way of asking
    assert (single.repeats, scored.repeats) == (1, 3)
    assert scored.summaries() == single.summaries()
    found = [[verdict.overall for verdict in scored.verdicts_of(repeat)] for repeat in range(3)]
    assert found[0] == [verdict.overall for verdict in scored.verdicts]
    assert found[0] != found[1] != found[2]
    assert json.loads((scored.judgement.path / layout.SUMMARY).read_text())["repeats"] == 3
    [state] = run_state(run).judgements
    assert (state.replies, state.repeats) == (66, 3)


def test_more_repeats_later_ask_only_the_new_ones(run: Run) -> None:
    with judge_process() as server:
        judge(run, judging=native(server.url, 2))
        assert server.stats()["requests"] == 44
        judge(run, judging=native(server.url, 1))
        assert server.stats()["requests"] == 44
        scored = judge(run, judging=native(server.url, 3))
        assert server.stats()["requests"] == 66
    asked = Counter((reply.sample, reply.aspect, reply.repeat) for reply in scored.judgement.replies())
    assert set(asked.values()) == {1}
    assert scored.repeats == 3


def test_each_repeat_has_its_own_attempts(run: Run) -> None:
    with judge_process("refusal:1") as server:
        scored = judge(run, judging=native(server.url, 2))
    replies = scored.judgement.replies()
    assert Counter((reply.repeat, reply.attempt) for reply in replies) == dict.fromkeys(
        [(0, 0), (0, 1), (1, 0), (1, 1)], 22
    )
    for repeat in range(2):
        verdicts = scored.verdicts_of(repeat)
        assert {reading.status for v in verdicts for reading in (v.sc, v.pq) if reading} == {ReplyStatus.REFUSED}
        assert {reply.repeat for v in verdicts for reply in (v.sc_reply, v.pq_reply) if reply} == {repeat}


def test_only_failed_asks_the_repeats_that_failed(run: Run) -> None:
    with judge_process("filter:0.3") as server:
        first = judge(run, judging=native(server.url, 3))
        failed = Counter(
            (reply.sample, reply.aspect, reply.repeat)
            for reply in first.judgement.replies()
            if reply.delivery == "filtered"
        )
    assert failed
    with judge_process() as server:
        judge(run, judging=native(server.url, 3, only="failed"))
        assert server.stats()["requests"] == len(failed)


def test_repeats_about_an_earlier_image_are_none_of_today(run: Run) -> None:
    scored = judge(run, judging=Judging(judge=OFFLINE.judge, repeats=2))
    assert scored.repeats == 2
    lines = (run.path / "edits.jsonl").read_text().splitlines()
    images = {line["file"]: line for line in map(json.loads, lines)}
    for name in images:  # every image is another one from now on
        images[name]["sha256"] = "0" * 64
    (run.path / "edits.jsonl").write_text("".join(json.dumps(line) + "\n" for line in images.values()))
    [state] = run_state(run).judgements
    assert state.repeats == 1


def test_a_replay_takes_over_every_repeat_and_misses_none(run: Run, data: Path) -> None:
    with judge_process() as server:
        judge(run, judging=native(server.url, 1))
        few = Selection(data=str(data), tasks=("ps_human",))
        scored = judge(run, few, native(server.url, 3))
    replaying = Judging(judge=JudgeSettings(name=f"replay:{scored.judgement.path}"))
    again = judge(run, judging=replaying)
    assert (again.repeats, again.later) == (3, scored.later)
    assert again.noise("en", "full").headline.judge == scored.noise("en", "full").headline.judge > 0
    replies = scored.judgement.path / layout.REPLIES
    every = [json.loads(line) for line in replies.read_text().splitlines()]
    kept = [line for line in every if (line["aspect"], line["repeat"]) != ("PQ", 1)]
    replies.write_text("".join(json.dumps(line) + "\n" for line in kept))
    with pytest.raises(DataError, match=r"lacks a reply about ps_human/en/\w+, PQ in repeat 2"):
        judge(run, judging=replaying)


def test_both_aspects_are_asked_in_every_repeat(run: Run) -> None:
    scored = judge(run, judging=Judging(judge=OFFLINE.judge, repeats=3))
    counts = Counter((reply.aspect, reply.repeat) for reply in scored.judgement.replies())
    assert counts == {(aspect, repeat): 11 for aspect in Aspect for repeat in range(3)}
