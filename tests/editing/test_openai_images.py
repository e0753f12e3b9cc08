"""OpenAI's images API against a real server that speaks its protocol, through `edit()` and the command line."""

import io
import logging
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from editing_servers import KEY, base64, edited, everything, form, noise, png
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scripted_judge import Received, Scripted, ScriptedJudge, error
from small_benchmark import OFFLINE, editing, selection, write_benchmark

from gedit_bench import EditStatus, Run, edit, run
from gedit_bench.api import Budget
from gedit_bench.editing.apis import downloading
from gedit_bench.editing.openai_images import size_for
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import BudgetError, QuotaError, UnavailableError, UsageError
from gedit_bench.planning import make_plan
from gedit_bench.records import Edit


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, quick_http: None) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(
        '[[price]]\nmodels = ["gpt-*"]\ninput = 5\noutput = 40\n'
        "images = { input = 10, output = 40, tokens_in = [200, 400], tokens_out = { high = [4160, 6240] } }\n"
    )
    return path


COST = (27 * 5 + 323 * 10 + 4160 * 40) / 1e6


def made(server: ScriptedJudge, data: Path, out: Path, *options: str, tasks: int | None = 1, **more: Any) -> Run:
    """Edits of the first categories."""
    chosen = ("background_change", "color_alter", "material_alter", "motion_change")[:tasks]
    return edit(
        more.pop("model", "openai-images:gpt-image-1"),
        selection(data, tasks=() if tasks is None else chosen),
        editing(out, options=(f"base_url={server.url}", *options), prices=more.pop("prices", None), **more),
        budget=None,
    )


def one(server: ScriptedJudge, data: Path, out: Path, *options: str, **more: Any) -> Edit:
    [found] = made(server, data, out, *options, **more).edits().values()
    return found


# --- What is sent -------------------------------------------------------------------------------


def test_an_edit_is_sent_as_the_api_documents_it_and_kept_as_it_came(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(edited()) as server:
        opened = made(server, data, tmp_path, "quality=high", "input_fidelity=high")
    [received] = server.received
    assert (received.method, received.path) == ("POST", "/v1/images/edits")
    assert received.headers["authorization"] == f"Bearer {KEY}"
    sent = form(received)
    source = sent.pop("image")
    assert Image.open(io.BytesIO(source)).size == (48, 32)
    assert sent == {
        **{"model": "gpt-image-1", "prompt": "en background_change 0 ", "size": "1536x1024"},
        **{"quality": "high", "input_fidelity": "high", "output_format": "png", "n": "1"},
    }
    [found] = opened.edits().values()
    assert (found.status, found.width, found.height, found.seed) == (EditStatus.OK, 48, 32, 42)
    assert opened.image_path(found).read_bytes() == png()
    assert found.extra == {
        "tokens": {"text_in": 27, "image_in": 323, "text_out": 0, "image_out": 4160},
        "size": "1536x1024",
    }
    assert found.seconds is not None
    assert found.cost_usd is None  # nobody knows what this gateway takes


def test_what_the_api_chooses_is_left_to_it(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(edited()) as server:
        one(server, data, tmp_path, "size=auto")
    sent = form(server.received[0])
    assert (sent["size"], sent["quality"], "input_fidelity" in sent) == ("auto", "auto", False)


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_any_size_is_about_a_megapixel_in_the_sources_shape(width: int, height: int) -> None:
    wide, high = map(int, size_for((width, height), "any").split("x"))
    assert wide % 16 == high % 16 == 0
    assert 1 / 3 <= wide / high <= 3
    assert 0.9 < wide * high / 1024**2 < 1.1
    if 1 / 2.9 < width / height < 2.9:
        assert wide / high == pytest.approx(width / height, rel=0.05)


@pytest.mark.parametrize(
    ("source", "size"),
    [((512, 512), "1024x1024"), ((640, 480), "1536x1024"), ((600, 512), "1024x1024"), ((300, 900), "1024x1536")],
)
def test_the_nearest_of_the_sizes_on_offer(source: tuple[int, int], size: str) -> None:
    assert size_for(source, "nearest") == size


@pytest.mark.parametrize(
    "option", ["size=big", "quality=best", "concurrency=0", "key_variable=sk-abcdefgh1234", "model="]
)
def test_wrong_settings_are_said_without_the_key(option: str) -> None:
    with pytest.raises(UsageError) as raised:
        choose_model("openai-images", [option])
    assert "abcdefgh1234" not in f"{raised.value} {raised.value.hint}"


# --- What comes back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "ends", "words"),
    [
        (400, error("Blocked by our safety system.", "moderation_blocked"), EditStatus.FILTERED, "safety system"),
        (400, error("No.", "content_policy_violation"), EditStatus.FILTERED, "HTTP 400: No."),
        (400, error("Invalid size.", "invalid_value"), EditStatus.EDIT_FAILED, "Invalid size."),
        (200, {"data": []}, EditStatus.NO_IMAGE, "no image"),
        (200, {"data": [{"revised_prompt": "I can't do that."}]}, EditStatus.NO_IMAGE, "I can't do that."),
        (200, {"data": [{"b64_json": "*"}]}, EditStatus.EDIT_FAILED, "base64"),
        (200, {"data": [{"b64_json": base64(png()[:-40])}]}, EditStatus.EDIT_FAILED, "can't be read"),
        (200, {"data": [{"url": "file:///etc/passwd"}]}, EditStatus.TRANSPORT, "no web address"),
    ],
)
def test_what_is_no_image_is_recorded_and_not_asked_again(
    data: Path, tmp_path: Path, status: int, body: Any, ends: EditStatus, words: str
) -> None:
    with ScriptedJudge(Scripted(body, status)) as server:
        found = one(server, data, tmp_path)
        assert (found.status, words in found.message) == (ends, True), found.message
        assert one(server, data, tmp_path) == found  # done: a refusal is a result
    assert len(server.received) == 1


def test_what_may_pass_is_tried_again(data: Path, tmp_path: Path) -> None:
    page = Scripted("<html><body>Bad gateway</body></html>", 502, {"Content-Type": "text/html"})
    slow = Scripted(error("slow down"), 429, {"Retry-After": "0.3"})
    with ScriptedJudge(slow, page, Scripted("<p>hello</p>"), Scripted(drop=True), edited()) as server:
        found = one(server, data, tmp_path)
    assert (found.status, found.extra["tries"], found.extra["lost_tries"]) == (EditStatus.OK, 5, 1)
    assert found.seconds is not None
    assert found.seconds > 0.3
    assert len({form(received)["prompt"] for received in server.received}) == 1


@pytest.mark.parametrize(
    ("script", "ends", "words"),
    [
        (Scripted("<h1>Maintenance</h1>", 503), EditStatus.TRANSPORT, "HTTP 503: Maintenance"),
        (Scripted(delay=30), EditStatus.TIMEOUT, "no answer within"),
    ],
)
def test_what_does_not_pass_ends(data: Path, tmp_path: Path, script: Scripted, ends: EditStatus, words: str) -> None:
    with ScriptedJudge(script) as server:
        found = one(server, data, tmp_path, "timeout=0.4", "retry_for=0.8")
    assert (found.status, words in found.message, found.file) == (ends, True, None)
    assert len(server.received) >= 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, error("Incorrect API key provided: " + KEY), UnavailableError),
        (404, error("No such model", "model_not_found"), UnavailableError),
        (429, error("Top up", "insufficient_quota"), QuotaError),
    ],
)
def test_what_no_edit_can_get_over_stops_the_run_with_nothing_recorded(
    data: Path, tmp_path: Path, status: int, body: Any, kind: type[Exception]
) -> None:
    with ScriptedJudge(Scripted(body, status)) as server, pytest.raises(kind) as raised:
        made(server, data, tmp_path)
    assert KEY not in str(raised.value)
    [lines] = tmp_path.rglob("edits.jsonl")
    assert lines.read_text() == ""
    with ScriptedJudge(edited()) as server:
        assert one(server, data, tmp_path).status is EditStatus.OK


def test_what_was_in_flight_is_kept_when_the_account_runs_dry(data: Path, tmp_path: Path) -> None:
    late = threading.Event()

    def respond(received: Received) -> Scripted:
        if "color_alter" in form(received)["prompt"]:
            late.set()
            return Scripted(error("Top up", "insufficient_quota"), 429)
        assert late.wait(10)
        return edited()

    with ScriptedJudge(respond) as server, pytest.raises(QuotaError):
        made(server, data, tmp_path, tasks=4)
    [manifest] = tmp_path.rglob("manifest.json")
    assert [one.status for one in Run.open(manifest.parent).edits().values()] == [EditStatus.OK] * 3


def test_a_large_image_and_one_of_another_size_are_kept_as_they_are(data: Path, tmp_path: Path) -> None:
    large = noise(1300)
    assert len(large) > 5_000_000
    with ScriptedJudge(edited(data=[{"b64_json": base64(large)}])) as server:
        opened = made(server, data, tmp_path)
    [found] = opened.edits().values()
    assert (found.width, found.height, found.flags) == (1300, 1300, ("aspect_changed",))
    assert opened.image_path(found).read_bytes() == large


def wrapped(text: str) -> str:
    return "\n".join(text[start : start + 76] for start in range(0, len(text), 76))


@pytest.mark.parametrize(
    "image",
    [
        {"b64_json": wrapped(base64(png()))},
        {"b64_json": "data:image/png;base64," + base64(png())},
        {"url": "data:image/png;base64," + base64(png())},
    ],
)
def test_base64_is_read_however_a_gateway_puts_it(image: dict[str, str], data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(edited(data=[image])) as server:
        opened = made(server, data, tmp_path)
    [found] = opened.edits().values()
    assert found.status is EditStatus.OK, found.message
    assert opened.image_path(found).read_bytes() == png()
    assert len(server.received) == 1


@pytest.mark.parametrize(("status", "ends"), [(200, EditStatus.OK), (404, EditStatus.TRANSPORT)])
def test_a_gateways_address_is_fetched_without_the_key(
    data: Path, tmp_path: Path, prices: Path, status: int, ends: EditStatus
) -> None:
    def respond(received: Received) -> Scripted:
        if received.method == "GET":
            return Scripted(png(), status, {"Content-Type": "image/png"})
        return edited(data=[{"url": server.url + "/files/1.png?signature=abc"}])

    with ScriptedJudge(respond) as server:
        found = one(server, data, tmp_path, prices=prices)
    assert found.status is ends
    assert found.cost_usd == pytest.approx(COST)  # made, and paid for
    assert "authorization" not in server.received[1].headers
    assert [received.method for received in server.received] == ["POST", "GET"]
    assert b"signature=abc" not in everything(tmp_path)


def test_a_file_without_end_is_not_fetched(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "MOST_BYTES", 2**20)

    def respond(received: Received) -> Scripted:
        return Scripted(noise(700)) if received.method == "GET" else edited(data=[{"url": server.url + "/large.png"}])

    with ScriptedJudge(respond) as server:
        found = one(server, data, tmp_path)
    assert (found.status, found.message) == (EditStatus.TRANSPORT, "The image at 127.0.0.1 is larger than 1 MiB.")


# --- Several at once, money, secrets ------------------------------------------------------------


def test_several_are_in_flight_and_nothing_waits_for_those_before_it(data: Path, tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=10)
    rest = threading.Event()
    saved: list[int] = []

    def respond(received: Received) -> Scripted:
        together.wait()
        if "background_change" in form(received)["prompt"]:  # the first is the last to come back
            assert rest.wait(10)
        return edited()

    def watch(progress: Any) -> None:
        saved.append(progress.done)
        if progress.done == 3:
            rest.set()

    with ScriptedJudge(respond) as server:
        opened = edit(
            "openai-images:gpt-image-1",
            selection(data, tasks=["background_change", "color_alter", "material_alter", "motion_change"]),
            editing(tmp_path, options=[f"base_url={server.url}", "concurrency=4"]),
            watch=watch,
        )
    assert saved == [0, 1, 2, 3, 4]
    assert {sample.task_type: one.sample == sample for sample, one in opened.edits().items()} == dict.fromkeys(
        ["background_change", "color_alter", "material_alter", "motion_change"], True
    )


def test_a_slow_one_holds_nobody_up(data: Path, tmp_path: Path) -> None:
    rest = threading.Event()

    def respond(received: Received) -> Scripted:
        if "background_change" in form(received)["prompt"]:
            assert rest.wait(20)
        return edited()

    def watch(progress: Any) -> None:
        if progress.done == 10:
            rest.set()

    with ScriptedJudge(respond) as server:
        where = editing(tmp_path, options=[f"base_url={server.url}", "concurrency=2"])
        opened = edit("openai-images:gpt-image-1", selection(data), where, watch=watch)
    assert [one.status for one in opened.edits().values()] == [EditStatus.OK] * 11


def test_an_exhausted_account_is_asked_nothing_more(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(error("Pay first.", "insufficient_quota"), 429)) as server:
        where = editing(tmp_path, options=[f"base_url={server.url}", "concurrency=2"])
        with pytest.raises(QuotaError):
            edit("openai-images:gpt-image-1", selection(data), where)
        assert len(server.received) <= 2
    assert not Run.open(next(tmp_path.rglob("manifest.json")).parent).edits()


def test_costs_are_counted_and_the_limit_holds(data: Path, tmp_path: Path, prices: Path) -> None:
    with ScriptedJudge(edited()) as server:
        where = editing(tmp_path, options=[f"base_url={server.url}", "quality=high", "concurrency=2"], prices=prices)
        planned = make_plan("openai-images:gpt-image-1", selection(data), where, OFFLINE)
        budget = Budget(1.0)
        with pytest.raises(BudgetError):
            edit("openai-images:gpt-image-1", selection(data), where, budget=budget)
        done = len(server.received)
        most = (400 * 10 + 6240 * 40) / 1e6
        assert 1.0 - most < budget.spent <= 1.0
        assert budget.spent == pytest.approx(done * COST)
        opened = edit("openai-images:gpt-image-1", selection(data), where, budget=Budget(10))
    assert len(server.received) == 11  # nothing twice
    assert sum(opened.paid_for_edits().values()) == pytest.approx(11 * COST)
    assert planned.edit_usd is not None
    assert planned.edit_usd[0] <= 11 * COST <= planned.edit_usd[1]
    assert re.search(r"about \$1\.\d+ to \$2\.\d+", dict(planned.lines())["cost of edits"])


def test_a_limit_needs_a_price_and_a_filtered_edit_costs_nothing(data: Path, tmp_path: Path, prices: Path) -> None:
    with ScriptedJudge(Scripted(error("No.", "moderation_blocked"), 400)) as server:
        options = [f"base_url={server.url}"]
        with pytest.raises(UsageError, match="nobody knows what an edit by openai-images costs"):
            edit("openai-images:gpt-image-1", selection(data), editing(tmp_path, options=options), budget=Budget(1))
        assert not server.received
        budget = Budget(0.3)
        opened = edit(
            "openai-images:gpt-image-1",
            selection(data),
            editing(tmp_path, options=options, prices=prices),
            budget=budget,
        )
    assert (len(opened.edits()), budget.spent) == (11, 0.0)
    plan = make_plan("openai-images:gpt-image-1", selection(data), editing(tmp_path / "new", options=options), OFFLINE)
    assert dict(plan.lines())["cost of edits"].startswith("unknown")


def test_edits_that_nobody_heard_of_again_use_up_the_budget(data: Path, tmp_path: Path, prices: Path) -> None:
    with ScriptedJudge(Scripted(drop=True)) as server:
        options = [f"base_url={server.url}", "retry_for=20", "concurrency=3"]
        budget = Budget(0.9)
        with pytest.raises(BudgetError):
            edit(
                "openai-images:gpt-image-1",
                selection(data),
                editing(tmp_path, options=options, prices=prices),
                budget=budget,
            )
        asked = len(server.received)
    most = (400 * 10 + 6240 * 40) / 1e6
    assert budget.spent == pytest.approx(asked * most)
    assert 0.9 - most < budget.spent <= 0.9  # each lost try had money of its own
    opened = Run.open(next(tmp_path.rglob("manifest.json")).parent)
    assert {one.status for one in opened.edits().values()} == {EditStatus.OVER_BUDGET}


def test_the_key_is_in_no_file_message_or_log(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("A_NAME_LIKE_ANY_OTHER", KEY)
    monkeypatch.delenv("OPENAI_API_KEY")
    echo = Scripted(error(f"You sent {KEY}", "invalid_value"), 400)
    with ScriptedJudge(echo, Scripted(edited().body | {"size": KEY})) as server:
        address = server.url.replace("http://", "http://user:pass-phrase@")
        run(
            "openai-images:gpt-image-1",
            selection(data, tasks=["color_alter", "ps_human"]),
            editing(
                tmp_path / "results",
                options=[f"base_url={address}", "key_variable=A_NAME_LIKE_ANY_OTHER", "concurrency=1"],
            ),
            OFFLINE,
        )
    assert server.received[0].headers["authorization"].startswith("Basic ")
    written = everything(tmp_path) + caplog.text.encode()
    assert b"[secret]" in written
    for secret in (KEY, "pass-phrase", server.received[0].headers["authorization"].partition(" ")[2]):
        assert secret.encode() not in written


def test_a_missing_key_is_said_before_any_work(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UnavailableError, match="OPENAI_API_KEY is not set"):
        edit("openai-images:gpt-image-1", selection(data), editing(tmp_path))
    assert not list(tmp_path.rglob("*.json*"))


def test_a_gateway_is_part_of_the_model_and_its_port_is_not() -> None:
    def fingerprint(*options: str) -> object:
        choice = choose_model("openai-images:m", options)
        return choice.settings, choice.artifacts

    own, there = fingerprint(), fingerprint("base_url=http://localhost:1/v1", "concurrency=3")
    assert own != there
    assert there == fingerprint("base_url=http://localhost:2/v1")
    assert fingerprint("quality=low") != own
