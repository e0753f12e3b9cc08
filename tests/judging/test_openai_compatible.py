"""The judge over HTTP, against a real server that answers from a script."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from scripted_judge import Scripted, ScriptedJudge, completion, error

from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.records import Aspect, Delivery
from gedit_bench.transport import patience
from gedit_bench.transport.failures import requested_wait
from gedit_bench.transport.pressure import Exchange

KEY = "correct-horse-battery"
SOURCE = EncodedImage(b"\xff\xd8source", "image/jpeg")
EDIT = EncodedImage(b"\xff\xd8edit", "image/jpeg")
QUESTION = Question(Aspect.SC, 'Put a "hat" on the 猫 ', (SOURCE, EDIT), parameters={"max_tokens": 1400})


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, quick_http: None) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def ask(server: ScriptedJudge, question: Question = QUESTION, **options: Any) -> Answer:
    async def run() -> Answer:
        judge = OpenAICompatibleJudge("m", **{"base_url": server.url, "retry_for": 5, **options})
        try:
            return await judge.ask(question)
        finally:
            await judge.close()

    return asyncio.run(run())


def play(*script: Scripted, **options: Any) -> tuple[Answer, ScriptedJudge]:
    with ScriptedJudge(*script) as server:
        return ask(server, **options), server


def reach(server: ScriptedJudge, name: str = "m") -> str:
    async def run() -> str:
        judge = OpenAICompatibleJudge(name, base_url=server.url)
        try:
            return await judge.reachable()
        finally:
            await judge.close()

    return asyncio.run(run())


# --- What is sent -------------------------------------------------------------------------------


def test_the_official_request_to_the_byte() -> None:
    _, server = play()
    uris = ["data:image/jpeg;base64," + b64encode(image.data).decode() for image in (SOURCE, EDIT)]
    content = [{"type": "text", "text": QUESTION.prompt}]
    content += [{"type": "image_url", "image_url": {"url": uri}} for uri in uris]
    body = {"model": "m", "messages": [{"role": "user", "content": content}], "max_tokens": 1400}
    (request,) = server.received
    assert request.body == json.dumps(body, separators=(",", ":")).encode()
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"


def test_images_first_and_nested_parameters() -> None:
    parameters = {"seed": 42, "response_format": {"type": "json_schema", "json_schema": {"strict": True}}}
    png = EncodedImage(b"\x89PNG", "image/png")
    question = Question(Aspect.PQ, "text", (png,), images_first=True, parameters=parameters)
    with ScriptedJudge() as server:
        ask(server, question)
    body = server.received[0].json()
    assert [part["type"] for part in body["messages"][0]["content"]] == ["image_url", "text"]
    assert body["messages"][0]["content"][0]["image_url"] == {"url": "data:image/png;base64,iVBORw=="}
    assert list(body) == ["model", "messages", "seed", "response_format"]
    assert body["response_format"] == parameters["response_format"]


def test_retries_send_the_same_bytes() -> None:
    answer, server = play(Scripted(error(), 500), Scripted(drop=True), Scripted(completion()))
    assert answer.tries == 3
    assert len({request.body for request in server.received}) == 1


# --- What comes back ----------------------------------------------------------------------------


def test_an_answer_with_everything() -> None:
    answer, _ = play()
    assert answer == Answer(
        delivery=Delivery.ANSWERED,
        content='{"score": [8, 9]}',
        finish_reason="stop",
        model="judge-2025-04-14",
        fingerprint="fp_1",
        prompt_tokens=1000,
        completion_tokens=40,
    )


def bare(content: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content}}]}


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (bare("hi"), "hi"),
        (bare(None), None),
        (bare("  "), "  "),
        (bare([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "x"}, "b"]), "ab"),
        (bare({"score": [1, 2]}), '{"score": [1, 2]}'),
        ({**bare("hi"), "usage": None, "model": 7, "error": None}, "hi"),
        ({**bare("hi"), "usage": {"prompt_tokens": True, "completion_tokens": "3"}}, "hi"),
    ],
)
def test_deviating_answers_are_read(body: dict[str, Any], content: str | None) -> None:
    answer, _ = play(Scripted(body))
    assert answer == Answer(delivery=Delivery.ANSWERED, content=content)


def test_a_refusal_and_a_cut_reply_are_answers() -> None:
    answer, _ = play(Scripted(completion(None, refusal="I can't.")))
    assert (answer.delivery, answer.content, answer.refusal) == (Delivery.ANSWERED, None, "I can't.")
    answer, _ = play(Scripted(completion('{"score": [8,', "length")))
    assert (answer.delivery, answer.finish_reason) == (Delivery.ANSWERED, "length")


@pytest.mark.parametrize(
    ("content", "finish"),
    [(None, "content_filter"), ("", "content_filter"), (" \n", "content_filter"), (None, "content_filter: SAFETY")],
)
def test_nothing_but_a_filter_is_filtered(content: str | None, finish: str) -> None:
    answer, server = play(Scripted(completion(content, finish, refusal="I can't.")))
    assert (answer.delivery, answer.finish_reason, answer.prompt_tokens) == (Delivery.FILTERED, finish, 1000)
    assert answer.message
    assert len(server.received) == 1


def test_text_beside_a_filter_is_an_answer() -> None:
    answer, _ = play(Scripted(completion("[8, 9]", "content_filter")))
    assert (answer.delivery, answer.content) == (Delivery.ANSWERED, "[8, 9]")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, error("The prompt was filtered.", "content_filter")),
        (400, error("Rejected.", "content_policy_violation", "invalid_request_error")),
        (400, error("Blocked.", "moderation_blocked")),
        (400, error("Filtered.", "400", None, innererror={"code": "ResponsibleAIPolicyViolation"})),
        (400, error("Filtered.", None, "content_filter")),
        (400, error("Flagged.", "data_inspection_failed")),
        (403, error("Flagged.", 403, metadata={"reasons": ["violence"], "flagged_input": "…"})),
        (200, error("Filtered.", "content_filter")),
    ],
)
def test_filter_codes_are_filtered_at_once(status: int, body: dict[str, Any]) -> None:
    answer, server = play(Scripted(body, status))
    assert (answer.delivery, answer.tries) == (Delivery.FILTERED, 1)
    assert body["error"]["message"] in answer.message
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, error("Unknown parameter", "unknown_parameter"), "HTTP 400: Unknown parameter"),
        (400, {"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}, "HTTP 400: too long"),
        (422, {"detail": [{"msg": "field required"}]}, 'HTTP 422: [{"msg": "field required"}]'),
        (400, {"detail": "no images"}, "HTTP 400: no images"),
        (400, [error("bad argument", 400)], "HTTP 400: bad argument"),
        (400, {"error": "too many images"}, "HTTP 400: too many images"),
        (413, "<html><h1>413 Request\n Entity Too Large</h1></html>", "HTTP 413: 413 Request Entity Too Large"),
        (418, b"\xff\xfe\x00", "HTTP 418: "),
        (400, b"", "HTTP 400: no reason given"),
    ],
)
def test_other_4xx_are_rejected_at_once(status: int, body: Any, said: str) -> None:
    answer, server = play(Scripted(body, status))
    assert (answer.delivery, answer.tries) == (Delivery.REJECTED, 1)
    assert answer.message.startswith(said)
    assert len(server.received) == 1


def test_long_complaints_are_cut() -> None:
    answer, _ = play(Scripted(error("x" * 5000), 400))
    assert len(answer.message) <= 320


HICCUPS = [
    Scripted(error("slow down", "rate_limit_exceeded"), 429),
    Scripted(error("oops"), 500),
    Scripted("<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"}),
    Scripted(drop=True),
    Scripted("<html>Log in</html>", 200, {"Content-Type": "text/html"}),
    Scripted({"choices": []}),
    Scripted("{}", 200, {"Content-Length": "500", "Connection": "close"}),
    Scripted(error("overloaded"), 529),
    Scripted(b"", 200),
    Scripted(b"\xff\x00garbage", 200),
    Scripted('{"choices": [{"mess', 200),
    Scripted({"choices": None}),
    Scripted({"choices": [{"message": None}]}),
    Scripted(error("provider is down", 502)),
    Scripted("[" * 100_000),
    Scripted("plain", 200, {"Content-Encoding": "gzip"}),
    Scripted(b"", 304),
]


def test_hiccups_are_tried_again() -> None:
    answer, server = play(*HICCUPS, Scripted(completion()), retry_for=30)
    assert answer.delivery is Delivery.ANSWERED
    assert answer.tries == len(server.received) == len(HICCUPS) + 1


@pytest.mark.parametrize("hiccup", HICCUPS[:7], ids=range(7))
def test_hiccups_that_persist_end_in_transport(hiccup: Scripted) -> None:
    answer, _ = play(hiccup, retry_for=1.0)
    assert answer.delivery is Delivery.TRANSPORT
    assert answer.tries > 1
    assert answer.message


def test_bytes_that_are_no_http_are_transport() -> None:
    async def garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xffno http\r\n\r\n")
        await writer.drain()
        writer.close()

    async def run() -> Answer:
        server = await asyncio.start_server(garbage, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        judge = OpenAICompatibleJudge("m", base_url=url, retry_for=0.1)
        async with server:
            try:
                return await judge.ask(QUESTION)
            finally:
                await judge.close()

    assert asyncio.run(run()).delivery is Delivery.TRANSPORT


def test_nobody_listens_is_transport() -> None:
    with ScriptedJudge() as server:
        pass
    answer = ask(server, retry_for=0.1)
    assert answer.delivery is Delivery.TRANSPORT
    assert "connect" in answer.message.lower()


# --- Time ---------------------------------------------------------------------------------------


def test_silence_is_a_timeout_and_tried_again() -> None:
    start = time.monotonic()
    answer, server = play(Scripted(delay=30), timeout=0.15, retry_for=0.4)
    assert answer.delivery is Delivery.TIMEOUT
    # The deadline may cut the last call off before its bytes are out.
    assert 2 <= len(server.received) <= answer.tries <= len(server.received) + 1
    assert time.monotonic() - start < 2
    answer, _ = play(Scripted(delay=30), Scripted(completion()), timeout=0.3)
    assert (answer.delivery, answer.tries) == (Delivery.ANSWERED, 2)


def test_a_call_never_outlives_the_deadline() -> None:
    start = time.monotonic()
    answer, _ = play(Scripted(delay=30), timeout=100, retry_for=1.0)
    assert answer.delivery is Delivery.TIMEOUT
    assert time.monotonic() - start < 1.5


def test_a_last_call_cut_short_does_not_hide_the_reason() -> None:
    answer, server = play(Scripted(error("down"), 503), Scripted(delay=30), retry_for=2.5)
    assert (answer.delivery, answer.message, answer.tries) == (Delivery.TRANSPORT, "HTTP 503: down", 2)
    assert len(server.received) == 2


# --- What is paid for ---------------------------------------------------------------------------


def test_tokens_of_every_try_that_tells_them_are_counted() -> None:
    usage = {"prompt_tokens": 500, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 128}}
    empty = Scripted({"choices": [], "usage": usage})
    answer, _ = play(empty, Scripted(error(), 429), Scripted(completion()))
    assert (answer.delivery, answer.tries, answer.lost_tries) == (Delivery.ANSWERED, 3, 0)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (1500, 47, 128)
    answer, _ = play(Scripted({"error": {"message": "no", "code": "content_filter"}, "usage": usage}, 400))
    assert (answer.delivery, answer.prompt_tokens, answer.completion_tokens) == (Delivery.FILTERED, 500, 7)
    answer, _ = play(empty, retry_for=0.2)
    assert answer.delivery is Delivery.TRANSPORT
    assert answer.prompt_tokens == 500 * (answer.tries - (answer.lost_tries or 0))


def test_tries_that_nobody_heard_of_again_are_counted() -> None:
    answer, _ = play(Scripted(drop=True), Scripted(error(), 503), Scripted(delay=30), Scripted(completion()), timeout=1)
    assert (answer.tries, answer.lost_tries, answer.prompt_tokens) == (4, 2, 1000)
    answer, _ = play(Scripted(error(), 503), Scripted(delay=30), retry_for=2.5)
    assert (answer.delivery, answer.tries, answer.lost_tries) == (Delivery.TRANSPORT, 2, 1)
    answer, _ = play(Scripted(error(), 429), Scripted(error(), 429), Scripted(error(), 400))
    assert (answer.tries, answer.lost_tries, answer.prompt_tokens) == (3, 0, None)


def test_what_never_got_there_is_not_lost() -> None:
    with ScriptedJudge() as server:
        pass
    answer = ask(server, retry_for=0.1)
    assert (answer.lost_tries or 0) <= 1 < answer.tries  # the deadline may cut the last one short


@pytest.mark.parametrize("count", [-5, True, "12", None, 1.5])
def test_senseless_usage_is_none(count: Any) -> None:
    usage = {"prompt_tokens": count, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": count}}
    answer, _ = play(Scripted({**completion(), "usage": usage}))
    assert (answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens) == (None, 3, None)


def test_408_is_a_timeout() -> None:
    answer, _ = play(Scripted(error(), 408), retry_for=0.1)
    assert answer.delivery is Delivery.TIMEOUT


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (429, {"Retry-After": "0.3"}),
        (503, {"Retry-After": "0.3"}),
        (429, {"retry-after-ms": "300", "Retry-After": "60"}),
        (429, {"retry-after-ms": "soon", "Retry-After": "0.3"}),
    ],
)
def test_retry_after_is_honoured(status: int, headers: dict[str, str]) -> None:
    start = time.monotonic()
    answer, _ = play(Scripted(error(), status, headers), Scripted(completion()))
    assert (answer.delivery, answer.tries) == (Delivery.ANSWERED, 2)
    assert 0.3 <= time.monotonic() - start < 3


def test_retry_after_as_a_date_is_honoured() -> None:
    start = time.monotonic()
    # A date has whole seconds, so this one lies 1 to 2 s ahead.
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    answer, _ = play(Scripted(error(), 429, {"Retry-After": date}), Scripted(completion()))
    assert (answer.delivery, answer.tries) == (Delivery.ANSWERED, 2)
    assert 0.9 < time.monotonic() - start < 4


@pytest.mark.parametrize(
    "value", ["nonsense", "-5", "nan", "inf", "", "Wed, 21 Oct 2015 07:28:00 GMT", "0", "1 Oct 99999999999 00:00"]
)
def test_senseless_retry_after_does_no_harm(value: str) -> None:
    assert requested_wait({"retry-after": value}) in {None, 0.0}


def test_retry_after_beyond_the_deadline_ends_at_once() -> None:
    start = time.monotonic()
    answer, server = play(Scripted(error("slow down"), 429, {"Retry-After": "60"}), retry_for=5)
    assert (answer.delivery, answer.tries, len(server.received)) == (Delivery.TRANSPORT, 1, 1)
    assert "slow down" in answer.message
    assert time.monotonic() - start < 1.5


def test_waits_grow_and_are_random(monkeypatch: pytest.MonkeyPatch) -> None:
    spans: list[float] = []
    monkeypatch.setattr(patience, "uniform", lambda _, high: spans.append(high) or 0.0)
    play(*[Scripted(error(), 500)] * 6, Scripted(completion()))
    assert spans == [0.01, 0.02, 0.04, 0.04, 0.04, 0.04]


def test_being_cancelled_is_no_timeout() -> None:
    async def run(server: ScriptedJudge) -> None:
        judge = OpenAICompatibleJudge("m", base_url=server.url)
        task = asyncio.create_task(judge.ask(QUESTION))
        while not server.received:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await judge.close()

    with ScriptedJudge(Scripted(delay=30)) as server:
        asyncio.run(run(server))


# --- What stops a run ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [error("Incorrect API key provided"), "<html>Forbidden</html>"])
def test_a_refused_key_stops(status: int, body: Any) -> None:
    with pytest.raises(UnavailableError, match="refuses the key") as caught:
        play(Scripted(body, status))
    assert "OPENAI_API_KEY" in caught.value.hint
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, error("The model `m` does not exist", "model_not_found"), "The model `m` does not exist"),
        (400, error("no model m", "model_not_found"), "no model m"),
        (404, {"detail": "Not Found"}, "Not Found"),
        (404, "<html>404 page not found</html>", "404 page not found"),
    ],
)
def test_an_unknown_model_or_address_stops(status: int, body: Any, words: str) -> None:
    with pytest.raises(UnavailableError, match=words) as caught:
        play(Scripted(body, status))
    assert "--base-url" in caught.value.hint


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error("You exceeded your current quota", "insufficient_quota", "insufficient_quota")),
        (403, error("quota", "insufficient_user_quota")),
        (400, error("limit", "billing_hard_limit_reached")),
        (402, error("Insufficient Balance")),
        (200, error("quota", "insufficient_quota")),
    ],
)
def test_an_exhausted_account_stops(status: int, body: dict[str, Any]) -> None:
    with ScriptedJudge(Scripted(body, status)) as server:
        with pytest.raises(QuotaError, match=body["error"]["message"]) as caught:
            ask(server)
        assert caught.value.exit_code == 4
        assert len(server.received) == 1


def test_openai_without_a_key_stops_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UnavailableError, match="OPENAI_API_KEY is not set"):
        OpenAICompatibleJudge("gpt-4.1-2025-04-14")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-“quoted”")
    with pytest.raises(UnavailableError, match="characters") as caught:
        OpenAICompatibleJudge("gpt-4.1-2025-04-14")
    assert "quoted" not in str(caught.value)


# --- Keys and labels ----------------------------------------------------------------------------


def test_other_endpoints_need_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    _, server = play()
    assert server.received[0].headers["authorization"] == "Bearer none"


@pytest.mark.parametrize("status", [400, 500])
def test_an_echoed_key_is_hidden(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = error("x" * 280 + f" Incorrect API key provided: {KEY}; sk-proj-abcdefgh12345678.")
    answer, _ = play(Scripted(body, status), retry_for=0.05)
    assert answer.message
    for part in (KEY, KEY[:8], "sk-proj"):
        assert part not in answer.message
        assert part not in caplog.text


def test_an_echoed_key_is_hidden_in_errors() -> None:
    with pytest.raises(UnavailableError) as caught:
        play(Scripted(error(f"Incorrect API key provided: {KEY}"), 401))
    assert KEY not in str(caught.value) + caught.value.hint


def test_no_key_in_the_representation() -> None:
    assert KEY not in repr(OpenAICompatibleJudge("m"))


def test_user_and_password_of_the_url_are_sent_and_never_shown() -> None:
    with ScriptedJudge(Scripted(error("you are bob:hunter2-secret"), 400)) as server:
        url = server.url.replace("//", "//bob:hunter2-secret@")
        answer = ask(server, base_url=url)
        assert OpenAICompatibleJudge("m", base_url=url).endpoint == "127.0.0.1"
    assert server.received[0].headers["authorization"] == "Basic " + b64encode(b"bob:hunter2-secret").decode()
    assert "hunter2" not in answer.message


@pytest.mark.parametrize(
    ("base_url", "environment", "label", "endpoint"),
    [
        (None, None, None, "api.openai.com"),
        (None, "https://Gateway.example:8443/openai/v1", None, "gateway.example"),
        ("http://me:pw@host.example:9/v1/", "https://other.example/v1", None, "host.example"),
        ("http://[::1]:8000/v1", None, None, "::1"),
        ("http://10.0.0.7:8000/v1", None, "pool-a", "pool-a"),
    ],
)
def test_labels(
    monkeypatch: pytest.MonkeyPatch, base_url: str | None, environment: str | None, label: str | None, endpoint: str
) -> None:
    if environment:
        monkeypatch.setenv("OPENAI_BASE_URL", environment)
    judge = OpenAICompatibleJudge("m", base_url=base_url, endpoint_label=label)
    assert (judge.name, judge.endpoint) == ("m", endpoint)


def test_the_environment_names_the_endpoint_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedJudge() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        assert ask(server, base_url=None).delivery is Delivery.ANSWERED
    assert len(server.received) == 1


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", "http://[::1"])
def test_what_is_no_base_url(url: str) -> None:
    with pytest.raises(UsageError, match="is no base URL"):
        OpenAICompatibleJudge("m", base_url=url)


# --- Being reachable, many at once, more than once -----------------------------------------------


def test_reachable() -> None:
    models = {"object": "list", "data": [{"id": "m"}, {"id": "n"}]}
    with ScriptedJudge(Scripted(models)) as server:
        assert reach(server) == "127.0.0.1 answers and has m."
        assert reach(server, "x") == "127.0.0.1 answers, but doesn't list x among its 2 models."
        assert (server.received[0].method, server.received[0].path) == ("GET", "/v1/models")
    with ScriptedJudge(Scripted(error(), 404)) as server:
        assert "doesn't say which models" in reach(server)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Scripted(error("wrong"), 401), "refuses the key"),
        (Scripted("<html>hello</html>"), "not as an OpenAI-compatible"),
        (Scripted({"data": "?"}), "not as an OpenAI-compatible"),
        (Scripted(drop=True), "can't be reached"),
    ],
)
def test_unreachable(response: Scripted, words: str) -> None:
    with ScriptedJudge(response) as server, pytest.raises(UnavailableError, match=words) as caught:
        reach(server)
    assert caught.value.hint


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_endpoint_is_reachable(status: int) -> None:
    with ScriptedJudge(Scripted(error("down"), status)) as server:
        assert f"HTTP {status} just now" in reach(server)


def test_nobody_there_is_unreachable() -> None:
    with ScriptedJudge() as server:
        pass
    with pytest.raises(UnavailableError, match="can't be reached"):
        reach(server)


def test_many_at_once_over_few_connections() -> None:
    async def run(server: ScriptedJudge) -> list[Answer]:
        judge = OpenAICompatibleJudge("m", base_url=server.url, concurrency=4)
        try:
            return await asyncio.gather(*[judge.ask(QUESTION) for _ in range(40)])
        finally:
            await judge.close()

    with ScriptedJudge() as server:
        answers = asyncio.run(run(server))
    assert {answer.delivery for answer in answers} == {Delivery.ANSWERED}
    assert len(server.received) == 40


def test_a_closed_judge_can_be_asked_in_another_loop() -> None:
    async def once(judge: OpenAICompatibleJudge) -> Answer:
        try:
            return await judge.ask(QUESTION)
        finally:
            await judge.close()

    with ScriptedJudge() as server:
        judge = OpenAICompatibleJudge("m", base_url=server.url)
        for _ in range(2):
            assert asyncio.run(once(judge)).delivery is Delivery.ANSWERED


def test_importing_the_module_is_cheap() -> None:
    code = "import sys, gedit_bench.judging.openai_compatible; print(sorted({'openai', 'aiohttp'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_listener_hears_of_every_exchange() -> None:
    heard: list[Exchange] = []
    budget = {"x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "6m0s"}
    script = [
        Scripted(error("slow down"), 429, {"retry-after-ms": "20"}),
        Scripted(error("down"), 500),
        Scripted(drop=True),
        Scripted(delay=30),
        Scripted(error("Filtered.", "content_filter"), 400, {**budget, "x-ratelimit-remaining-tokens": "2080"}),
        Scripted(completion(), 200, {**budget, "x-ratelimit-remaining-tokens": "2080"}),
        Scripted(error("wrong key"), 401),
    ]

    async def run(server: ScriptedJudge) -> None:
        judge = OpenAICompatibleJudge("m", base_url=server.url, timeout=0.3, retry_for=5)
        judge.listener = heard.append
        try:
            await judge.ask(QUESTION)
            await judge.ask(QUESTION)
            with pytest.raises(UnavailableError):
                await judge.ask(QUESTION)
        finally:
            await judge.close()

    with ScriptedJudge(*script) as server:
        asyncio.run(run(server))
    assert [one.outcome for one in heard] == ["throttled", *["failed"] * 3, *["answered"] * 3]
    assert [one.wait for one in heard] == [0.02, *[None] * 6]
    assert [(one.remaining, one.reset) for one in heard[4:6]] == [(59, 360.0), (2, None)]  # 1,040 tokens each
    assert 0.3 <= heard[3].seconds < 2
