"""Several servers as one judge: balance, servers that die, hang, refuse or slow down, over real HTTP."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any, TypeVar

import pytest
from judge_process import judge_process
from scripted_judge import Scripted, ScriptedJudge, completion, error

from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.judging import pool_server
from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.judging.pool import PoolJudge, pool_label
from gedit_bench.judging.registry import JudgeSettings, make_judge
from gedit_bench.records import Aspect, Delivery
from gedit_bench.transport import patience
from gedit_bench.transport.pressure import Exchange

T = TypeVar("T")
QUESTION = Question(Aspect.PQ, "Rate it.", (EncodedImage(b"\xff\xd8edit", "image/jpeg"),))
GOOD = Scripted(completion())
BUSY = Scripted(completion(), delay=0.05)
DOWN = Scripted(error("down"), 503)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, quick_http: None) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "correct-horse-battery")
    monkeypatch.setattr(pool_server, "_FIRST_REST", 0.1)
    monkeypatch.setattr(pool_server, "_LONGEST_REST", 0.3)
    monkeypatch.setattr(pool_server, "_SPELL", 0.0)


def url_of(server: ScriptedJudge | str) -> str:
    return server if isinstance(server, str) else server.url


def make(*servers: ScriptedJudge | str, **options: Any) -> PoolJudge:
    settings = {"timeout": 5.0, "retry_for": 5.0, **options}
    judge = make_judge(JudgeSettings(name="m", base_url=[url_of(server) for server in servers], **settings))
    assert isinstance(judge, PoolJudge)
    return judge


@asynccontextmanager
async def closing(judge: PoolJudge) -> AsyncIterator[PoolJudge]:
    try:
        yield judge
    finally:
        await judge.close()


def run(judge: PoolJudge, work: Callable[[PoolJudge], Awaitable[T]]) -> T:
    async def inside() -> T:
        async with closing(judge):
            return await work(judge)

    return asyncio.run(inside())


def ask(judge: PoolJudge, times: int = 1) -> list[Answer]:
    async def one_by_one(judge: PoolJudge) -> list[Answer]:
        return [await judge.ask(QUESTION) for _ in range(times)]

    return run(judge, one_by_one)


def ask_at_once(judge: PoolJudge, times: int) -> list[Answer]:
    async def together(judge: PoolJudge) -> list[Answer]:
        return await asyncio.gather(*(judge.ask(QUESTION) for _ in range(times)))

    return run(judge, together)


def host(server: ScriptedJudge) -> str:
    return f"127.0.0.1:{server.port}"


def delivered(answers: list[Answer]) -> Counter[Delivery]:
    return Counter(answer.delivery for answer in answers)


# --- Balance ------------------------------------------------------------------------------------


def test_idle_servers_take_turns_and_each_reply_says_who_answered() -> None:
    with ScriptedJudge() as first, ScriptedJudge() as second, ScriptedJudge() as third:
        answers = ask(make(first, second, third), 9)
    assert {len(server.received) for server in (first, second, third)} == {3}
    assert Counter(answer.server for answer in answers) == {host(server): 3 for server in (first, second, third)}
    assert {answer.tries for answer in answers} == {1}


def test_a_slow_server_gets_fewer_questions() -> None:
    with ScriptedJudge(Scripted(completion(), delay=0.4)) as slow, ScriptedJudge(BUSY) as quick:

        async def four_workers(judge: PoolJudge) -> None:
            left = iter(range(40))

            async def work() -> None:
                for _ in left:
                    await judge.ask(QUESTION)

            await asyncio.gather(*(work() for _ in range(4)))

        run(make(slow, quick), four_workers)
    assert len(slow.received) + len(quick.received) == 40
    assert len(quick.received) > 2 * len(slow.received) > 0


def test_what_is_asked_at_once_is_spread_evenly() -> None:
    with ScriptedJudge(BUSY) as first, ScriptedJudge(BUSY) as second:
        ask_at_once(make(first, second), 20)
    assert len(first.received) == len(second.received) == 10


# --- Servers that fail --------------------------------------------------------------------------


def test_a_question_that_fails_on_one_server_is_asked_on_another_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_WAIT", 30.0)
    monkeypatch.setattr(patience, "LONGEST_WAIT", 30.0)
    for failing in (DOWN, Scripted(drop=True), Scripted("<html>?</html>"), Scripted(error("slow"), 429)):
        with ScriptedJudge(failing) as bad, ScriptedJudge() as good:
            (answer,) = ask(make(bad, good))
        assert (answer.delivery, answer.tries, answer.server) == (Delivery.ANSWERED, 2, host(good))
        assert bad.received[0].body == good.received[0].body


def test_a_server_that_keeps_failing_is_left_alone(caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    monkeypatch.setattr(pool_server, "_FIRST_REST", 60.0)
    monkeypatch.setattr(pool_server, "_LONGEST_REST", 60.0)
    with ScriptedJudge(DOWN) as bad, ScriptedJudge() as good:
        answers = ask(make(bad, good), 30)
    assert delivered(answers) == {Delivery.ANSWERED: 30}
    assert len(bad.received) == 3
    warnings = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"{host(bad)} is left alone for a while: HTTP 503: down"]


def test_failures_among_answers_are_no_reason_to_leave_a_server_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_server, "_SPELL", 1.0)
    flaky = [DOWN, DOWN, DOWN, DOWN, GOOD] * 8
    with ScriptedJudge(*flaky) as first, ScriptedJudge() as second:
        assert delivered(ask_at_once(make(first, second), 60)) == {Delivery.ANSWERED: 60}
    assert not caplog.records


def test_many_failures_at_once_are_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_server, "_SPELL", 60.0)
    monkeypatch.setattr(pool_server, "_FIRST_REST", 60.0)
    monkeypatch.setattr(pool_server, "_LONGEST_REST", 60.0)
    with ScriptedJudge(DOWN) as bad, ScriptedJudge() as good:
        answers = ask(make(bad, good), 30)
    assert delivered(answers) == {Delivery.ANSWERED: 30}
    assert len(bad.received) == 10


def test_single_hiccups_cost_a_server_nothing() -> None:
    with ScriptedJudge(DOWN, GOOD, DOWN, DOWN, GOOD) as first, ScriptedJudge() as second:
        answers = ask(make(first, second), 20)
    assert delivered(answers) == {Delivery.ANSWERED: 20}
    assert len(first.received) >= 8


def test_a_server_that_comes_back_is_found_by_a_single_question(caplog: pytest.LogCaptureFixture) -> None:
    mended = [Scripted(error("down"), 503, delay=0.02)] * 3 + [Scripted(error("down"), 503, delay=0.3), GOOD]
    with ScriptedJudge(*mended) as first, ScriptedJudge(BUSY) as second:

        async def watch(judge: PoolJudge) -> list[int]:
            seen, ends = [0], time.monotonic() + 20
            while seen[-1] <= 6 and time.monotonic() < ends:
                await asyncio.gather(*(judge.ask(QUESTION) for _ in range(6)))
                seen.append(len(first.received))
            return seen

        seen = run(make(first, second), watch)
    # While the fourth request was on its way, nothing else went there.
    assert 4 in seen
    assert seen[-1] > 6
    assert [record.message for record in caplog.records][-1] == f"{host(first)} answers again"


def test_a_process_that_is_killed_and_restarted(caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(judge_process(latency=0.02)) for _ in range(2))
        port = int(first.url.rsplit(":", 1)[1].removesuffix("/v1"))

        async def work(judge: PoolJudge) -> tuple[list[Answer], Counter[str | None]]:
            answers: list[Answer] = []

            async def worker() -> None:
                while not done.is_set():
                    answers.append(await judge.ask(QUESTION))

            async def until(more: int, server: str | None = None) -> None:
                start, ends = len(answers), time.monotonic() + 20
                while sum(server in (None, one.server) for one in answers[start:]) < more:
                    assert time.monotonic() < ends
                    await asyncio.sleep(0.02)

            done = asyncio.Event()
            workers = [asyncio.create_task(worker()) for _ in range(8)]
            await until(20)
            first.process.kill()
            first.process.wait()
            await until(40)
            alone = len(answers)
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, lambda: stack.enter_context(judge_process(latency=0.02, port=port)))
            await until(20, f"127.0.0.1:{port}")
            done.set()
            await asyncio.gather(*workers)
            return answers, Counter(answer.server for answer in answers[alone:])

        answers, later = run(make(first.url, second.url), work)
    assert delivered(answers) == {Delivery.ANSWERED: len(answers)}
    assert len(later) == 2
    assert min(later.values()) > 10
    assert f"127.0.0.1:{port} answers again" in caplog.text


def test_a_server_that_hangs_costs_no_question_its_answer() -> None:
    with ScriptedJudge(Scripted(delay=30)) as silent, ScriptedJudge() as good:
        start = time.monotonic()
        answers = ask_at_once(make(silent, good, timeout=0.3), 12)
        assert delivered(answers) == {Delivery.ANSWERED: 12}
        assert {answer.server for answer in answers} == {host(good)}
        assert time.monotonic() - start < 5


def test_a_long_timeout_leaves_time_for_another_server() -> None:
    with ScriptedJudge(Scripted(delay=30)) as silent, ScriptedJudge() as good:
        (answer,) = ask(make(silent, good, timeout=60.0, retry_for=2.0))
    assert (answer.delivery, answer.server, answer.tries) == (Delivery.ANSWERED, host(good), 2)


def test_when_all_are_gone_a_question_waits_for_the_first_that_comes_back() -> None:
    with ScriptedJudge() as gone:
        pass
    down = [DOWN] * 6
    with ScriptedJudge(*down, GOOD) as back:
        answers = ask_at_once(make(gone, back), 4)
    assert delivered(answers) == {Delivery.ANSWERED: 4}
    assert {answer.server for answer in answers} == {host(back)}


def test_when_all_stay_gone_the_time_of_a_question_ends() -> None:
    with ScriptedJudge() as first, ScriptedJudge() as second:
        pass
    start = time.monotonic()
    answers = ask_at_once(make(first, second, retry_for=0.8), 4)
    assert time.monotonic() - start < 3
    assert delivered(answers) == {Delivery.TRANSPORT: 4}
    assert all("connect" in answer.message.lower() and answer.server for answer in answers)


def test_a_question_that_comes_while_all_rest_learns_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_server, "_FIRST_REST", 60.0)
    monkeypatch.setattr(pool_server, "_LONGEST_REST", 60.0)
    with ScriptedJudge(DOWN) as first, ScriptedJudge(DOWN) as second:
        answers = ask(make(first, second, retry_for=1.0), 3)
    assert (answers[-1].delivery, answers[-1].message, answers[-1].tries) == (Delivery.TRANSPORT, "HTTP 503: down", 0)


def test_retry_after_of_one_server_sends_the_question_to_another_and_of_all_is_waited_for() -> None:
    limited = Scripted(error("slow down"), 429, {"Retry-After": "0.4"})
    with ScriptedJudge(limited, GOOD) as first, ScriptedJudge(limited, GOOD) as second:
        start = time.monotonic()
        (answer,) = ask(make(first, second))
    assert (answer.delivery, answer.tries) == (Delivery.ANSWERED, 3)
    assert 0.4 <= time.monotonic() - start < 2


def test_what_is_no_servers_fault_is_asked_once() -> None:
    filtered = Scripted(error("Filtered.", "content_filter"), 400)
    with ScriptedJudge(filtered) as first, ScriptedJudge(filtered) as second:
        (answer,) = ask(make(first, second))
    assert (answer.delivery, answer.tries) == (Delivery.FILTERED, 1)
    assert len(first.received) + len(second.received) == 1


# --- Servers that refuse ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, error("Incorrect key correct-horse-battery"), "refuses the key"),
        (404, error("The model `m` does not exist", "model_not_found"), "doesn't know the model"),
        (429, error("quota", "insufficient_quota"), "topped up"),
    ],
)
def test_a_server_that_refuses_is_left_out_and_named_once(
    status: int, body: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ScriptedJudge(Scripted(body, status)) as bad, ScriptedJudge() as good:
        answers = ask(make(bad, good), 10)
    assert delivered(answers) == {Delivery.ANSWERED: 10}
    assert len(bad.received) == 1
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"{host(bad)} is left out" in record.message
    assert words in record.message
    assert "battery" not in record.message


def test_when_all_refuse_the_run_stops() -> None:
    refusal = Scripted(error("wrong key"), 401)
    with ScriptedJudge(refusal) as first, ScriptedJudge(refusal) as second:
        with pytest.raises(UnavailableError, match="All 2 servers refuse") as caught:
            ask(make(first, second))
        assert "OPENAI_API_KEY" in caught.value.hint
    unpaid = Scripted(error("pay", "insufficient_quota"), 429)
    with ScriptedJudge(refusal) as first, ScriptedJudge(unpaid) as second, pytest.raises(QuotaError):
        ask(make(first, second))


# --- Being reachable ----------------------------------------------------------------------------

MODELS = Scripted({"data": [{"id": "m"}]})


def reach(*servers: ScriptedJudge | str) -> str:
    return run(make(*servers), lambda judge: judge.reachable())


def test_reachable_says_which_servers_are_not(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedJudge() as gone:
        pass
    with ScriptedJudge(MODELS) as good, ScriptedJudge(Scripted(error("no"), 401)) as closed:
        sentence = reach(good, gone, closed)
    assert sentence.startswith("127.0.0.1 has 3 servers, 1 of which can be asked.")
    assert f"{host(good)} answers and has m." in sentence
    assert f"{host(gone)} can't be reached" in sentence
    assert f"{host(closed)} refuses the key" in caplog.text
    assert len(caplog.records) == 2


def test_one_of_them_must_be_reachable() -> None:
    with ScriptedJudge() as first, ScriptedJudge() as second:
        pass
    with pytest.raises(UnavailableError, match="None of the 2 servers can be asked") as caught:
        reach(first, second)
    assert host(first) in str(caught.value)
    assert host(second) in str(caught.value)
    assert caught.value.hint


def test_a_server_that_refused_at_the_start_is_not_asked_and_one_that_was_away_is() -> None:
    # The first response is to the question which models there are, which the client asks twice if it is dropped.
    with (
        ScriptedJudge(Scripted(error("no"), 401)) as closed,
        ScriptedJudge(Scripted(drop=True), Scripted(drop=True), GOOD) as late,
        ScriptedJudge(MODELS, GOOD) as good,
    ):

        async def start(judge: PoolJudge) -> list[Answer]:
            await judge.reachable()
            return [await judge.ask(QUESTION) for _ in range(6)]

        answers = run(make(closed, late, good), start)
    assert delivered(answers) == {Delivery.ANSWERED: 6}
    assert [len(server.received) for server in (closed, late, good)] == [1, 5, 4]


# --- Names, signals, loops ----------------------------------------------------------------------


def test_the_label_forgets_order_and_ports_but_not_hosts() -> None:
    urls = ["http://b:1/v1", "http://a:1/v1", "http://me:secret@b:2/v1"]
    assert make(*urls).endpoint == make(*reversed(urls)).endpoint == "a+b"
    assert make("http://a:1/v1", "http://a:2/v1").endpoint == "a"
    assert make(*urls, endpoint_label="pool").endpoint == "pool"
    many = [f"node-{number:03}.example" for number in range(30)]
    assert pool_label(many) == pool_label(reversed(many)) != pool_label(many[1:])
    assert len(pool_label(many)) < 20


def test_one_address_is_no_pool_and_neither_is_one_named_twice() -> None:
    for urls in (["http://a:1/v1"], ["http://a:1/v1", "http://a:1/v1"]):
        assert type(make_judge(JudgeSettings(name="m", base_url=urls))) is OpenAICompatibleJudge


def test_a_pool_is_one_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-horse-battery")
    with pytest.raises(UsageError, match="must be one judge, not azure:m, m"):
        make("http://a:1/v1", "https://mine.openai.azure.com")
    with pytest.raises(UsageError, match="is no base URL"):
        make("http://a:1/v1", "b:1")


def exchanges(judge: PoolJudge, times: int = 1) -> list[Exchange]:
    heard: list[Exchange] = []
    judge.listener = heard.append
    ask(judge, times)
    return heard


def test_the_listener_hears_of_every_exchange_and_waits_only_if_all_must() -> None:
    budget = {"x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-requests": "1s"}
    limited = Scripted(error("slow down"), 429, {"Retry-After": "0.2", **budget})
    with ScriptedJudge(limited, GOOD) as first, ScriptedJudge(DOWN, GOOD) as second:
        heard = exchanges(make(first, second))
    assert [one.outcome for one in heard] == ["throttled", "failed", "answered"]
    assert {(one.wait, one.remaining, one.reset) for one in heard} == {(None, None, None)}
    assert all(0 < one.seconds < 2 for one in heard)
    with ScriptedJudge(limited, GOOD) as first, ScriptedJudge(limited, GOOD) as second:
        heard = exchanges(make(first, second))
    assert [one.outcome for one in heard] == ["throttled", "throttled", "answered"]
    assert heard[1].wait == pytest.approx(0.2, abs=0.1)


def test_a_pool_can_be_asked_in_another_loop() -> None:
    with ScriptedJudge(DOWN, DOWN, DOWN, GOOD) as first, ScriptedJudge() as second:
        judge = make(first, second)
        for _ in range(2):
            assert delivered(ask_at_once(judge, 8)) == {Delivery.ANSWERED: 8}
