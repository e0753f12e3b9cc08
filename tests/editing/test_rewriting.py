"""Prompt rewriting around any backend: a real chat server rewrites, the edit is told its words, the judge is not."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from scripted_judge import Received, Scripted, ScriptedJudge, completion, error
from small_benchmark import editing, picture, selection, write_benchmark

from gedit_bench import EditModel, EditRequest, EditStatus, Outcome, Run, edit, register, run
from gedit_bench.api import Budget, JudgeSettings, Judging, build_report
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import BudgetError, QuotaError, UnavailableError, UsageError
from gedit_bench.records import Edit

KEY = "correct-horse-battery"


@dataclass(frozen=True)
class Told:
    usd: float = 0.0


@register
class Telling(EditModel):
    """Makes an image, and remembers what it was told."""

    name = "telling"
    Settings = Told
    told: list[str] = []  # noqa: RUF012 - shared on purpose

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
        for request in requests:
            self.told.append(request.instruction)
            image = request.source.point(lambda value: 255 - value)
            yield Outcome(image, cost_usd=self.settings.usd) if self.settings.usd else image


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quick_http: None) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path / "cache"))
    Telling.told = []


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


def wish(received: Received) -> str:
    parts = received.json()["messages"][1]["content"]
    return next(part["text"] for part in parts if part["type"] == "text")


def polishing(received: Received) -> Scripted:
    return Scripted(completion(f"Please: {wish(received).strip()}.\n"))


def options(server: ScriptedJudge, *more: str) -> tuple[str, ...]:
    return (f"rewrite_base_url={server.url}", "rewrite_model=writer", "rewrite=polish", *more)


TASKS = ("color_alter", "ps_human")


def made(server: ScriptedJudge, data: Path, out: Path, *more: str, **settings: Any) -> Run:
    return edit("telling", selection(data, tasks=TASKS), editing(out, options=options(server, *more), **settings))


def one(found: Run, task: str = "color_alter") -> Edit:
    return next(edit for edit in found.edits().values() if edit.sample.task_type == task)


def test_the_backend_is_told_other_words_and_they_are_kept(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(polishing) as server:
        opened = made(server, data, tmp_path)
    assert sorted(Telling.told) == ["Please: en color_alter 0.", "Please: en ps_human 0."]
    found = one(opened)
    assert found.status is EditStatus.OK
    assert found.extra == {"instruction_sent": "Please: en color_alter 0.", "rewritten_by": "judge-2025-04-14"}
    system, user = server.received[0].json()["messages"]
    assert "DECLINED" in system["content"]
    assert [part["type"] for part in user["content"]] == ["image_url", "text"]
    assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
    manifest = opened.manifest
    assert (manifest.settings["rewrite"], manifest.settings["rewrite_model"]) == ("polish", "writer")
    assert re.fullmatch("[0-9a-f]{64}", manifest.artifacts["rewriting prompt"])
    assert manifest.artifacts["rewriting endpoint"] == "127.0.0.1"
    assert KEY not in json.dumps([*map(str, opened.path.rglob("*"))]) + (opened.path / "manifest.json").read_text()


def test_rewriting_is_part_of_the_runs_identity_and_without_it_nothing_changes(tmp_path: Path) -> None:
    def identity(*chosen: str) -> object:
        choice = choose_model("telling", chosen)
        return choice.settings, choice.artifacts

    own = tmp_path / "own.txt"
    own.write_text("Say it in verse.")
    plain, polished = identity(), identity("rewrite=polish")
    mine = identity(f"rewrite={own}")
    own.write_text("Say it in prose.")
    assert identity("rewrite=none") == plain == ({"usd": 0.0}, {})
    variants = [plain, polished, mine, identity(f"rewrite={own}"), identity("rewrite=polish", "rewrite_image=false")]
    assert all(first != second for index, first in enumerate(variants) for second in variants[:index])
    assert identity("rewrite=polish", "rewrite_timeout=3") == polished


def test_a_lost_image_is_made_again_from_the_same_words(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(polishing) as server:
        opened = made(server, data, tmp_path)
        opened.image_path(one(opened)).unlink()
        again = made(server, data, tmp_path)
    assert len(server.received) == 2
    assert Telling.told.count("Please: en color_alter 0.") == 2
    assert one(again).extra == one(opened).extra


@pytest.mark.parametrize(
    ("script", "ends", "words"),
    [
        (Scripted(completion("DECLINED")), EditStatus.REFUSED, "DECLINED"),
        (Scripted(completion("I'm sorry, I can't help with that.")), EditStatus.REFUSED, "I'm sorry"),
        (Scripted(completion(None, refusal="No.")), EditStatus.REFUSED, "No."),
        (Scripted(completion("  ")), EditStatus.EDIT_FAILED, "empty"),
        (Scripted(completion("Make the", "length")), EditStatus.EDIT_FAILED, "cut off"),
        (Scripted(error("Blocked.", "content_filter"), 400), EditStatus.FILTERED, "Blocked."),
        (Scripted(error("Too long.", "context_length"), 400), EditStatus.EDIT_FAILED, "Too long."),
        (Scripted("<p>down</p>", 503), EditStatus.TRANSPORT, "HTTP 503: down"),
    ],
)
def test_what_can_not_be_rewritten_is_not_edited_by_the_raw_words(
    data: Path, tmp_path: Path, script: Scripted, ends: EditStatus, words: str
) -> None:
    def respond(received: Received) -> Scripted:
        return script if "color_alter" in wish(received) else polishing(received)

    with ScriptedJudge(respond) as server:
        opened = made(server, data, tmp_path, "rewrite_retry_for=0.3")
    found = one(opened)
    assert (found.status, words in found.message, found.file) == (ends, True, None), found.message
    assert found.message.startswith("Rewriting the instruction: ")
    assert one(opened, "ps_human").status is EditStatus.OK
    assert Telling.told == ["Please: en ps_human 0."]


def test_an_apology_that_is_to_be_written_is_no_refusal(data: Path, tmp_path: Path) -> None:
    with ScriptedJudge(Scripted(completion('Make the sign read "I\'m sorry, we are closed".'))) as server:
        assert one(made(server, data, tmp_path)).status is EditStatus.OK


def test_an_exhausted_account_stops_the_run_and_what_was_rewritten_is_kept(data: Path, tmp_path: Path) -> None:
    def respond(received: Received) -> Scripted:
        return (
            Scripted(error("Top up", "insufficient_quota"), 429)
            if "ps_human" in wish(received)
            else polishing(received)
        )

    with ScriptedJudge(respond) as server, pytest.raises(QuotaError):
        made(server, data, tmp_path)
    assert not Telling.told
    with ScriptedJudge(polishing) as server:
        made(server, data, tmp_path)
    assert [wish(received).strip() for received in server.received] == ["en ps_human 0"]


def test_rewriting_is_paid_for_and_limited(data: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[[price]]\nmodels = ["writer"]\ninput = 100\noutput = 1000\n')
    each = (1000 * 100 + 40 * 1000) / 1e6
    with ScriptedJudge(polishing) as server:
        where = editing(tmp_path, options=options(server, "usd=0.01"), prices=prices)
        budget = Budget(2)  # one edit may cost $1.30
        with pytest.raises(BudgetError):
            edit("telling", selection(data), where, budget=budget)
        assert len(server.received) > 2
        opened = edit("telling", selection(data), where, budget=Budget(100))
    assert sum(opened.paid_for_edits().values()) == pytest.approx(11 * (each + 0.01))
    with ScriptedJudge(polishing) as server, pytest.raises(UsageError, match="nobody knows what an edit by telling"):
        edit("telling", selection(data), editing(tmp_path / "x", options=options(server)), budget=Budget(1))


def test_the_judge_sees_the_users_own_words(data: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def judging(received: Received) -> Scripted:
        if received.method == "GET":
            return Scripted({"object": "list", "data": [{"id": "m", "object": "model"}]})
        asked.append(received.body.decode())
        return Scripted(completion())

    with ScriptedJudge(polishing) as server, ScriptedJudge(judging) as judge:
        run(
            "telling",
            selection(data, tasks=["ps_human"]),
            editing(tmp_path, options=options(server)),
            Judging(judge=JudgeSettings(name="m", base_url=judge.url), protocol="native"),
        )
    assert len(asked) == 2
    assert any("en ps_human 0" in body for body in asked)
    assert not any("Please" in body for body in asked)
    assert "Please: en ps_human 0." in build_report([tmp_path]).read_text()


def test_wrong_rewriters_are_said(monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rewriter 'polished'") as raised:
        choose_model("telling", ["rewrite=polished"])
    assert "polish" in raised.value.hint
    with pytest.raises(UsageError, match="can't be read"):
        choose_model("telling", [f"rewrite={tmp_path / 'none.txt'}"])
    with pytest.raises(UsageError, match="rewrite_model means nothing without a rewriter"):
        choose_model("telling", ["rewrite_model=x"])
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UnavailableError, match="no key for the rewriter: OPENAI_API_KEY is not set"):
        edit("telling", selection(data), editing(tmp_path, options=["rewrite=polish"]))


def test_rewriting_wraps_a_backend_that_fails_alone(data: Path, tmp_path: Path) -> None:
    @register
    class Fragile(Telling):
        """Fails on people."""

        name = "fragile"

        def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
            for request in requests:
                if "ps_human" in request.instruction:
                    raise RuntimeError("no people")
                yield picture(1)

    with ScriptedJudge(polishing) as server:
        opened = edit("fragile", selection(data), editing(tmp_path, options=options(server)), budget=None)
    assert len(server.received) == 11
    assert one(opened, "ps_human").status is EditStatus.EDIT_FAILED
    assert sum(found.status is EditStatus.OK for found in opened.edits().values()) == 10
