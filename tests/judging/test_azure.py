"""Azure OpenAI against a local server with Azure's paths, headers and error bodies."""

import asyncio
import json
import logging
from typing import Any

import pytest
from scripted_judge import Scripted, ScriptedJudge, completion, error

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.azure import AzureJudge, is_azure
from gedit_bench.judging.base import Answer, EncodedImage, Judge, Question
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.judging.registry import JudgeSettings, make_judge
from gedit_bench.records import Aspect, Delivery

KEY = "azure-horse-battery"
QUESTION = Question(Aspect.PQ, "Rate it.", (EncodedImage(b"\xff\xd8edit", "image/jpeg"),), parameters={"max_tokens": 9})


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, quick_http: None) -> None:
    for name in ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_AD_TOKEN", "OPENAI_API_VERSION", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-somebody-else")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)


def safe(**held: str) -> dict[str, Any]:
    """Azure's findings: everything is safe but what is given with its severity."""
    kinds = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
    return {**kinds, **{kind: {"filtered": True, "severity": severity} for kind, severity in held.items()}}


def azure_completion(content: str | None = "[8, 9]", finish: str = "stop", **held: str) -> dict[str, Any]:
    body = completion(content, finish)
    body["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": safe()}]
    body["choices"][0]["content_filter_results"] = safe(**held)
    return body


def address(server: ScriptedJudge) -> str:
    return server.url.removesuffix("/v1")


def ask(judge: Judge) -> Answer:
    async def run() -> Answer:
        try:
            return await judge.ask(QUESTION)
        finally:
            await judge.close()

    return asyncio.run(run())


def play(*script: Scripted, name: str = "azure:judge-4", **options: Any) -> tuple[Answer, ScriptedJudge]:
    with ScriptedJudge(*(script or (Scripted(azure_completion()),))) as server:
        settings = JudgeSettings(name=name, **{"base_url": address(server), "retry_for": 5.0, **options})
        return ask(make_judge(settings)), server


def test_the_request_is_azures() -> None:
    answer, server = play()
    (request,) = server.received
    assert request.path == "/openai/deployments/judge-4/chat/completions?api-version=2024-10-21"
    assert request.headers["api-key"] == KEY
    assert "somebody-else" not in json.dumps(request.headers)
    body = request.json()
    assert (body["model"], body["max_tokens"]) == ("judge-4", 9)
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "image_url"]
    assert (answer.delivery, answer.content, answer.model) == (Delivery.ANSWERED, "[8, 9]", "judge-2025-04-14")


def test_the_environment_says_where_and_which_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_VERSION", "2023-07-01-preview")
    with ScriptedJudge(Scripted(azure_completion())) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", address(server) + "/")
        judge = make_judge(JudgeSettings(name="azure:judge-4"))
        assert ask(judge).delivery is Delivery.ANSWERED
    assert server.received[0].path == "/openai/deployments/judge-4/chat/completions?api-version=2023-07-01-preview"
    assert (judge.name, judge.endpoint) == ("azure:judge-4", "127.0.0.1")


@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_more_of_the_address_than_needed_does_no_harm(path: str) -> None:
    with ScriptedJudge(Scripted(azure_completion())) as server:
        ask(AzureJudge("azure:judge-4", base_url=address(server) + path))
    assert server.received[0].path.startswith("/openai/deployments/judge-4/chat/completions?")


@pytest.mark.parametrize(
    ("name", "url", "azure"),
    [
        ("azure:d", None, True),
        ("azure:d", "https://gateway.example/azure", True),
        ("d", "https://mine.openai.azure.com", True),
        ("d", "https://mine.openai.azure.com/openai", True),
        ("d", "https://mine.openai.azure.com/openai/v1/", False),
        ("d", "https://openai.azure.com.evil.example", False),
        ("d", "http://[::1", False),
        ("d", None, False),
    ],
)
def test_what_is_azure(name: str, url: str | None, azure: bool) -> None:
    assert is_azure(name, url) is azure


def test_a_resource_is_recognised_by_its_host() -> None:
    judge = make_judge(JudgeSettings(name="gpt-4.1", base_url="https://mine.openai.azure.com"))
    assert isinstance(judge, AzureJudge)
    assert (judge.name, judge.endpoint) == ("azure:gpt-4.1", "mine.openai.azure.com")
    plain = make_judge(JudgeSettings(name="gpt-4.1", base_url="https://mine.openai.azure.com/openai/v1/"))
    assert type(plain) is OpenAICompatibleJudge


BLOCKED = error(
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "content_filter",
    param="prompt",
    status=400,
    innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": safe(violence="high")},
)


def test_a_blocked_prompt_is_filtered_and_says_why() -> None:
    answer, server = play(Scripted(BLOCKED, 400))
    assert (answer.delivery, answer.tries) == (Delivery.FILTERED, 1)
    assert answer.message.startswith("HTTP 400: violence (high): The response was filtered")
    assert len(server.received) == 1


def without_message() -> dict[str, Any]:
    body = azure_completion(None, "content_filter", sexual="medium")
    del body["choices"][0]["message"]
    return body


def flagged_prompt() -> dict[str, Any]:
    body = azure_completion("", "stop")
    body["prompt_filter_results"][0]["content_filter_results"]["sexual"] = {"filtered": True, "severity": "medium"}
    return body


@pytest.mark.parametrize(
    "body", [azure_completion(None, "content_filter", sexual="medium"), without_message(), flagged_prompt()]
)
def test_a_blocked_answer_is_filtered_and_says_why(body: dict[str, Any]) -> None:
    answer, _ = play(Scripted(body))
    assert answer.delivery is Delivery.FILTERED
    assert "sexual (medium)" in answer.message
    assert answer.prompt_tokens == 1000


def test_findings_beside_an_answer_change_nothing() -> None:
    answer, _ = play(Scripted(azure_completion(violence="low")))
    assert (answer.delivery, answer.content, answer.message) == (Delivery.ANSWERED, "[8, 9]", "")


def test_a_token_limit_is_waited_for() -> None:
    limited = error("Requests have exceeded the token rate limit. Please retry after 6 seconds.", "429")
    answer, _ = play(Scripted(limited, 429, {"retry-after-ms": "50"}), Scripted(azure_completion()))
    assert (answer.delivery, answer.tries) == (Delivery.ANSWERED, 2)


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (401, error(f"Access denied due to invalid subscription key {KEY}.", "401"), "AZURE_OPENAI_API_KEY"),
        (401, {"statusCode": 401, "message": "Unauthorized. Access token is missing."}, "AZURE_OPENAI_API_KEY"),
        (404, error("The API deployment for this resource does not exist.", "DeploymentNotFound"), "deployment's name"),
        (404, error("Resource not found", "404"), "OPENAI_API_VERSION"),
    ],
)
def test_what_stops_a_run_says_what_to_set(status: int, body: dict[str, Any], hint: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        play(Scripted(body, status))
    assert hint in caught.value.hint
    assert KEY not in str(caught.value) + caught.value.hint


def test_the_key_never_shows(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer, _ = play(Scripted(error(f"bad header api-key: {KEY}"), 500), retry_for=0.05)
    assert answer.delivery is Delivery.TRANSPORT
    assert KEY not in answer.message + caplog.text + repr(AzureJudge("azure:d", base_url="https://a.example"))


def test_what_is_missing_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="AZURE_OPENAI_ENDPOINT is not set"):
        make_judge(JudgeSettings(name="azure:d"))
    with pytest.raises(UsageError, match="names no deployment"):
        make_judge(JudgeSettings(name="azure:"))
    with pytest.raises(UsageError, match="is no base URL"):
        make_judge(JudgeSettings(name="azure:d", base_url="mine.openai.azure.com"))
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    with pytest.raises(UnavailableError, match="AZURE_OPENAI_API_KEY is not set"):
        make_judge(JudgeSettings(name="azure:d", base_url="https://mine.openai.azure.com"))


def test_reachable_asks_for_the_models_of_the_resource() -> None:
    models = {"object": "list", "data": [{"id": "gpt-4.1-2025-04-14"}]}
    with ScriptedJudge(Scripted(models)) as server:
        judge = AzureJudge("azure:judge-4", base_url=address(server))

        async def run() -> str:
            try:
                return await judge.reachable()
            finally:
                await judge.close()

        assert "whether it has the deployment judge-4 shows" in asyncio.run(run())
    assert server.received[0].path == "/openai/models?api-version=2024-10-21"
    assert server.received[0].headers["api-key"] == KEY


def test_deployments_of_one_name_make_a_pool() -> None:
    with ScriptedJudge(Scripted(azure_completion())) as first, ScriptedJudge(Scripted(azure_completion())) as second:
        judge = make_judge(JudgeSettings(name="azure:judge-4", base_url=[address(first), address(second)]))
        servers = {ask(judge).server for _ in range(2)}
    assert (judge.name, judge.endpoint) == ("azure:judge-4", "127.0.0.1")
    assert servers == {f"127.0.0.1:{first.port}", f"127.0.0.1:{second.port}"}
