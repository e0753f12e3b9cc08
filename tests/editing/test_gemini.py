"""Gemini's `generateContent` against a real server that speaks its protocol."""

import io
import json
import logging
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from editing_servers import KEY, base64, everything, noise, png
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scripted_judge import Scripted, ScriptedJudge
from small_benchmark import OFFLINE, editing, selection, write_benchmark

from gedit_bench import EditStatus, Run, edit, run
from gedit_bench.editing.apis.gemini_answers import Answer, Details, usage_of
from gedit_bench.editing.gemini import RATIOS, nearest_ratio
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.records import Edit

INLINE = {"inlineData": {"mimeType": "image/png", "data": base64(png())}}
USAGE = {
    "promptTokenCount": 270,
    "candidatesTokenCount": 1300,
    "thoughtsTokenCount": 5,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 258}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, quick_http: None) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


def answer(*parts: Any, reason: str = "STOP", **more: Any) -> dict[str, Any]:
    """An answer as Google sends it."""
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": reason, "index": 0}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "gemini-2.5-flash-image", **more}


def failure(code: int, status: str, message: str = "no", *details: Any) -> Scripted:
    """An error as Google sends it."""
    return Scripted({"error": {"code": code, "message": message, "status": status, "details": list(details)}}, code)


def made(server: ScriptedJudge, data: Path, out: Path, *options: str, **more: Any) -> Run:
    base = f"base_url={server.url.removesuffix('/v1')}/v1beta"
    chosen = selection(data, tasks=["ps_human"])
    return edit("gemini:gemini-2.5-flash-image", chosen, editing(out, options=(base, *options), **more))


def one(server: ScriptedJudge, data: Path, out: Path, *options: str, **more: Any) -> Edit:
    [found] = made(server, data, out, *options, **more).edits().values()
    return found


def test_an_edit_is_sent_as_the_api_documents_it_and_kept_as_it_came(data: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nmodels = ["gemini-*"]\ninput = 0.3\noutput = 2.5\nimages = { input = 0.3, output = 30 }\n'
    )
    with ScriptedJudge(Scripted(answer({"text": "Here it is. "}, INLINE))) as server:
        opened = made(server, data, tmp_path, "image_size=2K", prices=prices)
    [received] = server.received
    assert (received.method, received.path) == ("POST", "/v1beta/models/gemini-2.5-flash-image:generateContent")
    assert (received.headers["x-goog-api-key"], received.headers.get("authorization")) == (KEY, None)
    body = received.json()
    [content] = body["contents"]
    image, words = content["parts"]
    assert words == {"text": "en ps_human 0 "}
    assert image["inlineData"]["mimeType"] == "image/png"
    assert Image.open(io.BytesIO(b64decode(image["inlineData"]["data"]))).size == (48, 32)
    assert body["generationConfig"] == {
        "responseModalities": ["TEXT", "IMAGE"],
        "imageConfig": {"aspectRatio": "3:2", "imageSize": "2K"},
    }
    [found] = opened.edits().values()
    assert opened.image_path(found).read_bytes() == png()
    assert found.extra == {
        "tokens": {"text_in": 12, "image_in": 258, "text_out": 15, "image_out": 1290},
        **{"text": "Here it is. ", "finish_reason": "STOP", "answered_by": "gemini-2.5-flash-image"},
    }
    assert found.cost_usd == pytest.approx((270 * 0.3 + 15 * 2.5 + 1290 * 30) / 1e6)


def test_the_aspect_may_be_left_to_the_model(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(answer(INLINE))) as server:
        one(server, data, tmp_path, "aspect=auto")
        one(server, data, tmp_path, "aspect=16:9")
    first, second = (received.json()["generationConfig"] for received in server.received)
    assert "imageConfig" not in first
    assert second["imageConfig"] == {"aspectRatio": "16:9"}
    with pytest.raises(UsageError, match="aspect can't be '7:5'"):
        choose_model("gemini", ["aspect=7:5"])


def test_drafts_are_passed_over_and_the_last_image_counts(data: Path, tmp_path: Path) -> None:
    draft = {"inlineData": {"mimeType": "image/png", "data": base64(png(seed=1))}, "thought": True}
    renamed = {"inline_data": {"mime_type": "image/png", "data": base64(png(seed=2))}}
    with ScriptedJudge(Scripted(answer(draft, INLINE, renamed))) as server:
        opened = made(server, data, tmp_path)
    [found] = opened.edits().values()
    assert opened.image_path(found).read_bytes() == png(seed=2)


@pytest.mark.parametrize(
    ("body", "ends", "words"),
    [
        (answer({"text": "I can describe it instead."}), EditStatus.NO_IMAGE, "STOP: I can describe it instead."),
        (answer(reason="NO_IMAGE"), EditStatus.NO_IMAGE, "NO_IMAGE"),
        (answer(reason="IMAGE_OTHER"), EditStatus.NO_IMAGE, "IMAGE_OTHER"),
        (answer(reason="MAX_TOKENS"), EditStatus.NO_IMAGE, "MAX_TOKENS"),
        (answer(reason="IMAGE_SAFETY"), EditStatus.FILTERED, "IMAGE_SAFETY"),
        (answer(reason="PROHIBITED_CONTENT"), EditStatus.FILTERED, "PROHIBITED_CONTENT"),
        (answer(reason="IMAGE_RECITATION"), EditStatus.FILTERED, "IMAGE_RECITATION"),
        ({"promptFeedback": {"blockReason": "OTHER"}, "usageMetadata": USAGE}, EditStatus.FILTERED, "OTHER"),
        (
            {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "No."}},
            EditStatus.FILTERED,
            "SAFETY: No.",
        ),
        ({"candidates": []}, EditStatus.NO_IMAGE, "The answer holds no image."),
        (answer({"inlineData": {"data": "*"}}), EditStatus.EDIT_FAILED, "base64"),
        (answer({"inlineData": {"data": base64(b"GIF?")}}), EditStatus.EDIT_FAILED, "no image"),
    ],
)
def test_what_is_no_image_is_recorded_and_not_asked_again(
    data: Path, tmp_path: Path, body: Any, ends: EditStatus, words: str
) -> None:
    with ScriptedJudge(Scripted(body)) as server:
        found = one(server, data, tmp_path)
        assert (found.status, words in found.message) == (ends, True), found.message
        assert one(server, data, tmp_path) == found
    assert len(server.received) == 1


def test_a_text_beside_no_image_is_kept(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(answer({"text": "Which cat "}, {"text": "do you mean?"}, reason="NO_IMAGE"))) as server:
        found = one(server, data, tmp_path)
    assert (found.extra["text"], found.extra["finish_reason"]) == ("Which cat do you mean?", "NO_IMAGE")


def test_what_may_pass_is_tried_again_when_google_says(data: Path, tmp_path: Path) -> None:
    again = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.3s"}
    script = (
        failure(429, "RESOURCE_EXHAUSTED", "slow down", again),
        failure(503, "UNAVAILABLE", "overloaded"),
        Scripted("<html>hm</html>"),
        Scripted({"unexpected": True}),
        Scripted(answer(INLINE)),
    )
    with ScriptedJudge(*script) as server:
        found = one(server, data, tmp_path)
    assert (found.status, found.extra["tries"]) == (EditStatus.OK, 5)
    assert found.seconds is not None
    assert found.seconds > 0.3


def test_silence_ends_as_a_timeout(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(delay=30)) as server:
        found = one(server, data, tmp_path, "timeout=0.3", "retry_for=0.5")
    assert found.status is EditStatus.TIMEOUT


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        (
            failure(400, "INVALID_ARGUMENT", f"API key not valid: {KEY}", {"reason": "API_KEY_INVALID"}),
            UnavailableError,
            "refuses the key",
        ),
        (failure(403, "PERMISSION_DENIED"), UnavailableError, "refuses the key"),
        (failure(404, "NOT_FOUND"), UnavailableError, "doesn't know the model or has no generateContent"),
        (failure(400, "FAILED_PRECONDITION", "location"), UnavailableError, "doesn't serve this account"),
        (
            failure(429, "RESOURCE_EXHAUSTED", "quota", {"violations": [{"quotaId": "RequestsPerDayPerModel"}]}),
            QuotaError,
            "in a day",
        ),
    ],
)
def test_what_no_edit_can_get_over_stops_the_run_with_nothing_recorded(
    data: Path, tmp_path: Path, script: Scripted, kind: type[Exception], words: str
) -> None:
    with ScriptedJudge(script) as server, pytest.raises(kind, match=words) as raised:
        made(server, data, tmp_path)
    assert KEY not in str(raised.value)
    [lines] = tmp_path.rglob("edits.jsonl")
    assert lines.read_text() == ""


def test_a_request_that_is_refused_as_such_is_that_edits_failure(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(failure(400, "INVALID_ARGUMENT", "Unable to process input image.")) as server:
        found = one(server, data, tmp_path)
    assert (found.status, found.message) == (EditStatus.EDIT_FAILED, "HTTP 400: Unable to process input image.")
    assert found.cost_usd == 0.0


def test_a_large_image_is_kept_as_it_is(data: Path, tmp_path: Path) -> None:
    large = noise(1300)
    part = {"inlineData": {"mimeType": "image/png", "data": base64(large)}}
    with ScriptedJudge(Scripted(answer(part))) as server:
        opened = made(server, data, tmp_path)
    [found] = opened.edits().values()
    assert (found.width, found.flags) == (1300, ("aspect_changed",))
    assert opened.image_path(found).read_bytes() == large


def test_the_key_is_in_no_file_message_or_log(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = answer({"text": f"Your key is {KEY}"}, INLINE)
    with ScriptedJudge(failure(400, "INVALID_ARGUMENT", f"key {KEY}"), Scripted(echo)) as server:
        run(
            "gemini",
            selection(data, tasks=["color_alter", "ps_human"]),
            editing(tmp_path / "results", options=[f"base_url={server.url}", "concurrency=1"]),
            OFFLINE,
        )
    assert len(server.received) == 2
    written = everything(tmp_path) + caplog.text.encode()
    assert b"[secret]" in written
    assert KEY.encode() not in written


def test_a_missing_key_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(UnavailableError, match="GEMINI_API_KEY is not set"):
        edit("gemini", selection(data), editing(tmp_path))


def test_a_models_name_stays_in_its_place(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(answer(INLINE))) as server:
        edit(
            "gemini:../files/x?key=1",
            selection(data, tasks=["ps_human"]),
            editing(tmp_path, options=[f"base_url={server.url}"]),
        )
    assert server.received[0].path.startswith("/v1/models/..%2Ffiles%2Fx%3Fkey")


@pytest.mark.parametrize(
    ("source", "ratio"), [((512, 512), "1:1"), ((640, 480), "4:3"), ((900, 300), "21:9"), ((300, 420), "3:4")]
)
def test_the_nearest_aspect(source: tuple[int, int], ratio: str) -> None:
    assert nearest_ratio(source) == ratio


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_every_source_has_a_nearest_aspect(width: int, height: int) -> None:
    assert nearest_ratio((width, height)) in RATIOS


NAMES = (
    *("candidates", "content", "parts", "inlineData", "data", "text", "error", "details", "violations"),
    *("promptTokenCount", "candidatesTokensDetails", "tokenCount", "retryDelay", "promptFeedback", "finishReason"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_whatever_comes_back_is_read(value: Any) -> None:
    value = json.loads(json.dumps(value))
    Details.of(value)
    usage = usage_of(value)
    assert usage is None or min(usage.text_in, usage.image_in, usage.text_out, usage.image_out) >= 0
    if isinstance(value, dict):
        assert isinstance(Answer.of(value).words, str)
