"""Image APIs through the command line: named models, interruptions, prices, and no key anywhere."""

import re
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from editing_servers import KEY, edited, everything, form
from program import gedit_bench, manifest, process, runs, start
from scripted_judge import Received, Scripted, ScriptedJudge, error

from gedit_bench.transport import patience

ENVIRONMENT = {"OPENAI_API_KEY": KEY, "GEMINI_API_KEY": KEY}
Words = tuple[object, ...]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setattr(patience, "FIRST_WAIT", 0.01)


@pytest.fixture
def prices(here: Path) -> Path:
    path = here / "prices.toml"
    path.write_text(
        '[[price]]\nmodels = ["gpt-image-*"]\ninput = 5\noutput = 40\n'
        "images = { input = 10, output = 40, tokens_in = [200, 400], tokens_out = { high = [4160, 4200] } }\n"
    )
    return path


def command(server: ScriptedJudge, data: Path, *more: object) -> Words:
    chosen = ("--model", "gpt-image-1", "-o", f"base_url={server.url}", "--data", data, "--lang", "en", "--limit", 1)
    return ("edit", *chosen, "--out", "results", *more)


def test_a_named_model_is_edited_judged_and_shown(data: Path, ids: Path, prices: Path) -> None:
    def respond(received: Received) -> Scripted:
        if "color_alter" in form(received)["prompt"]:
            return Scripted(error(f"Blocked, {KEY}", "moderation_blocked"), 400)
        return edited()

    with ScriptedJudge(respond) as server:
        words = ("--data", data, "--ids", ids, "-o", f"base_url={server.url}", "--judge", "offline", "--prices", prices)
        ended = gedit_bench("run", "--model", "gpt-image-1", *words, env=ENVIRONMENT)
    assert ended.code == 3, ended.err  # one category has no image
    [folder] = runs()
    assert folder.parent.name == "gpt-image-1"
    found = manifest(folder)
    assert (found["model"], found["recipe"], found["settings"]["quality"]) == ("gpt-image-1", "default", "high")
    assert len(server.received) == 4
    assert "editing cost $0.51" in ended.out
    state = gedit_bench("status", folder, "--json").json()[0]
    assert state["edits"] == {"ok": 3, "filtered": 1}
    assert KEY.encode() not in everything(Path("results")) + (ended.out + ended.err).encode()


def test_prices_say_what_edits_cost(data: Path, prices: Path) -> None:
    with ScriptedJudge(edited()) as server:
        unknown = gedit_bench(*command(server, data), "--max-cost", 1, env=ENVIRONMENT)
        assert (unknown.code, "nobody knows what an edit by gpt-image-1 costs" in unknown.err) == (2, True)
        assert not server.received
        plan = gedit_bench(
            "plan", *command(server, data, "--prices", prices)[1:], "--judge", "offline", env=ENVIRONMENT
        )
        assert re.search(r"^cost of edits: +about \$1\.85 to \$1\.89$", plan.out, re.MULTILINE)
        ended = gedit_bench(*command(server, data), "--prices", prices, "--max-cost", 1, env=ENVIRONMENT)
        assert ended.code == 4
        assert 5 <= len(server.received) <= 5
        assert str(prices) in ended.continuing()
        assert gedit_bench(*ended.continuing(), "--max-cost", 5, env=ENVIRONMENT).code == 0
    assert len(server.received) == 11
    told = gedit_bench("status", "results").out
    assert "$1.8" in told


def test_ctrl_c_finishes_what_is_in_flight_and_a_killed_run_goes_on(data: Path, here: Path) -> None:
    in_flight = threading.Semaphore(0)
    release = threading.Event()
    asked: Counter[str] = Counter()

    def respond(received: Received) -> Scripted:
        asked[form(received)["prompt"]] += 1
        in_flight.release()
        release.wait(30)
        return edited()

    with ScriptedJudge(respond) as server:
        words = command(server, data, "-o", "concurrency=4")
        with start(*words, folder=here, env=ENVIRONMENT) as running:
            for _ in range(4):
                assert in_flight.acquire(timeout=60)
            running.send_signal(signal.SIGINT)
            release.set()
            _, err = running.communicate(timeout=60)
        assert running.returncode == 130, err
        assert "4 of 11 samples are edited" in err
        assert sum(asked.values()) == 4
        release.clear()
        with start(*words, folder=here, env=ENVIRONMENT) as running:
            for _ in range(4):
                assert in_flight.acquire(timeout=60)
            running.kill()
        release.set()
        ended = process(*words, folder=here, env=ENVIRONMENT)
    assert ended.code == 0, ended.err
    assert sorted(asked.values()) == [1] * 7 + [2] * 4  # what was in flight at the kill, and nothing else
    assert KEY not in err + ended.out + ended.err
