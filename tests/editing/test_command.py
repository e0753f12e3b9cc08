"""The command backend, with real worker processes."""

import json
import logging
import os
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.editing.command import Command, CommandSettings
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.records import EditStatus, SampleId

PRELUDE = """\
import json, os, sys, time
from PIL import Image
def say(**message): print(json.dumps(message), flush=True)
say(ready=True, protocol=1)
for line in sys.stdin:
    request = json.loads(line)
    done = {"id": request["id"], "status": "ok"}
"""


def request(instruction: str = "Make it red", key: str = "a") -> EditRequest:
    return EditRequest(SampleId("tone_transfer", "en", key), instruction, Image.new("RGB", (8, 6), "navy"), 7)


def script(folder: Path, body: str, prelude: str = PRELUDE) -> Path:
    path = folder / "worker.py"
    path.write_text(prelude + textwrap.indent(textwrap.dedent(body), "    ") if prelude else textwrap.dedent(body))
    return path


@contextmanager
def running(path: Path, **settings: float) -> Iterator[Command]:
    model = Command(CommandSettings(command=str(path), **{"timeout": 5, "startup_timeout": 10} | settings))
    try:
        model.load()
        yield model
    finally:
        model.close()


def ask(model: Command, *instructions: str) -> list[Outcome]:
    return list(model.edit([request(text, str(index)) for index, text in enumerate(instructions or ["x"])]))


def gone(pid: int, within: float = 3) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_keeps_the_workers_file_byte_for_byte(tmp_path: Path) -> None:
    keep = tmp_path / "keep"
    worker = script(
        tmp_path,
        f"""
        image = Image.open(request["source"])
        assert image.size == (8, 6) and image.getpixel((0, 0)) == (0, 0, 128)
        Image.new("RGB", image.size, "red").save(request["output"], format="WEBP", lossless=True)
        open({str(keep)!r}, "wb").write(open(request["output"], "rb").read())
        extra = {{"seed": request["seed"], "said": request["instruction"]}}
        say(**done, cost_usd=0.25, extra=extra)
        """,
    )
    with running(worker) as model:
        (outcome,) = ask(model, "Turn «it» red 红\n")
    assert outcome.status is EditStatus.OK
    assert (outcome.encoded, outcome.suffix) == (keep.read_bytes(), ".webp")
    assert outcome.cost_usd == 0.25
    assert outcome.extra == {"seed": 7, "said": "Turn «it» red 红\n"}


def test_another_format_is_taken_as_pixels(tmp_path: Path) -> None:
    with running(
        script(tmp_path, 'Image.new("L", (4, 4), 9).save(request["output"], format="TIFF"); say(**done)')
    ) as model:
        (outcome,) = ask(model)
    assert outcome.encoded is None
    assert outcome.image is not None
    assert outcome.image.mode == "RGB"
    assert outcome.image.getpixel((0, 0)) == (9, 9, 9)


@pytest.mark.parametrize("status", ["refused", "filtered", "no_image", "edit_failed"])
def test_other_endings_keep_their_status_and_message(tmp_path: Path, status: str) -> None:
    body = f'say(id=request["id"], status="{status}", message="because api_key=abcdef")'
    with running(script(tmp_path, body)) as model:
        (outcome,) = ask(model)
    assert outcome.status == status
    assert outcome.message == "because api_key=[secret]"
    assert outcome.encoded is None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("say(**done)", "wrote no image"),
        ('open(request["output"], "w").write("no"); say(**done)', "no image"),
        ('open(request["output"], "w"); say(**done)', "empty"),
        ('say(id=request["id"], status="great")', "great"),
        ('say(id=request["id"])', "odd"),
        ('say(id="zzz", status="ok")', "another id"),
        ('say(id=request["id"], status="ok", extra=[1])', "odd"),
        ("[print('spam', n) for n in range(1000)]; sys.stdout.flush()", "spam 999"),
    ],
)
def test_garbage_fails_the_edit_and_not_the_run(tmp_path: Path, body: str, expected: str) -> None:
    body = f"""
    if request["instruction"] == "good":
        Image.new("RGB", (4, 4)).save(request["output"])
        say(**done)
        continue
    {body}
    """
    with running(script(tmp_path, body)) as model:
        bad, good = ask(model, "bad", "good")
    assert bad.status is EditStatus.EDIT_FAILED
    assert expected in bad.message
    assert good.status is EditStatus.OK


def test_chatter_on_stdout_is_passed_over_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    body = """
    print("{'not': json}"); print("[1, 2]"); print("12"); print("step 1/2 token=hunter22")
    Image.new("RGB", (4, 4)).save(request["output"])
    say(**done)
    """
    with caplog.at_level(logging.INFO, "gedit_bench"), running(script(tmp_path, body)) as model:
        assert [outcome.status for outcome in ask(model, "a", "b")] == ["ok", "ok"]
    assert "worker: step 1/2 token=[secret]" in caplog.text


def test_a_crash_fails_one_edit_with_the_last_words(tmp_path: Path) -> None:
    body = """
    if request["instruction"] == "die":
        print("out of memory", file=sys.stderr, flush=True)
        os._exit(3)
    Image.new("RGB", (4, 4)).save(request["output"])
    say(**done)
    """
    with running(script(tmp_path, body)) as model:
        first, second, third = ask(model, "a", "die", "b")
    assert (first.status, second.status, third.status) == ("ok", "edit_failed", "ok")
    assert second.message == "The worker exited with code 3. It said last: out of memory"


def test_a_signal_is_named(tmp_path: Path) -> None:
    with running(script(tmp_path, "os.kill(os.getpid(), 9)")) as model:
        (outcome,) = ask(model)
    assert "SIGKILL" in outcome.message


def test_gives_up_after_too_many_crashes_in_a_row(tmp_path: Path) -> None:
    with running(script(tmp_path, "os._exit(1)"), max_restarts=1) as model:
        outcomes = model.edit([request(key=str(n)) for n in range(4)])
        assert [next(outcomes).status, next(outcomes).status] == ["edit_failed", "edit_failed"]
        with pytest.raises(UnavailableError, match="2 times in a row"):
            next(outcomes)


def test_a_worker_that_ends_between_edits_is_started_again(tmp_path: Path) -> None:
    body = """
    Image.new("RGB", (4, 4)).save(request["output"])
    say(**done)
    break
    """
    with running(script(tmp_path, body)) as model:
        statuses = []
        for _ in range(2):
            statuses += [outcome.status for outcome in ask(model)]
            deadline = time.monotonic() + 3
            while not model._worker.ended and time.monotonic() < deadline:
                time.sleep(0.02)
    assert statuses == ["ok", "ok"]


def test_a_hang_is_a_timeout_and_leaves_no_process(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    body = f"""
    if request["instruction"] == "hang":
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
        time.sleep(60)
    Image.new("RGB", (4, 4)).save(request["output"])
    say(**done)
    """
    with running(script(tmp_path, body), timeout=1) as model:
        hung, fine = ask(model, "hang", "go")
    assert hung.status is EditStatus.TIMEOUT
    assert "1 s" in hung.message
    assert fine.status is EditStatus.OK
    assert all(gone(int(pid)) for pid in pids.read_text().split())


def test_close_ends_a_worker_that_ignores_the_end_of_its_input(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    worker = script(
        tmp_path,
        f"""
        import os, time
        open({str(pid)!r}, "w").write(str(os.getpid()))
        print('{{"ready": true, "protocol": 1}}', flush=True)
        time.sleep(60)
        """,
        prelude="",
    )
    with running(worker):
        pass
    assert gone(int(pid.read_text()))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("import sys; sys.exit('no weights here')", "no weights here"),
        ("""print('{"ready": true, "protocol": 2}', flush=True)""", "'protocol': 2"),
        ("""print('{"ready": false, "message": "needs a GPU"}', flush=True)""", "needs a GPU"),
        ("import time; time.sleep(30)", "within 0.5 s"),
    ],
)
def test_a_worker_that_is_never_ready_stops_the_run(tmp_path: Path, body: str, expected: str) -> None:
    model = Command(CommandSettings(command=str(script(tmp_path, body, prelude="")), startup_timeout=0.5))
    if "within" not in expected:
        model = Command(CommandSettings(command=model.settings.command, startup_timeout=10))
    with pytest.raises(UnavailableError, match="ready") as caught:
        model.load()
    model.close()
    assert expected in str(caught.value)


def test_chatter_before_ready_may_be_long(tmp_path: Path) -> None:
    body = """
    for n in range(3000): print("loading", n)
    print('{"level": "info"}')
    print('{"ready": true, "protocol": 1}', flush=True)
    input()
    """
    with running(script(tmp_path, body, prelude="")) as model:
        assert model.label() == "worker"


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no program 'no-such-program'"):
        Command(CommandSettings(command="no-such-program --fast")).load()
    plain = tmp_path / "plain.txt"
    plain.write_text("hello")
    with pytest.raises(UnavailableError, match="may not be run") as caught:
        Command(CommandSettings(command=str(plain))).load()
    assert "chmod" in caught.value.hint


@pytest.mark.parametrize("command", ["", "   ", "python 'worker.py"])
def test_a_command_that_is_none(command: str) -> None:
    with pytest.raises(UsageError):
        Command(CommandSettings(command=command)).load()


def test_an_executable_is_run_by_its_first_line(tmp_path: Path) -> None:
    worker = tmp_path / "my worker"
    worker.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'import sys; print(sys.argv[1:], file=sys.stderr); sys.exit(4)'\n"
    )
    worker.chmod(0o755)
    with pytest.raises(UnavailableError, match="code 4"):
        Command(CommandSettings(command=str(worker))).load()
    worker.write_text("nonsense without a first line")
    with pytest.raises(UnavailableError, match=r"(?i)can't be started|exited"):
        Command(CommandSettings(command=str(worker))).load()


def test_label_and_artifacts_name_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bagel.py").write_text("one")
    Path("conf.toml").write_text("two")
    chosen = choose_model("command:conda run -n env python bagel.py --config=conf.toml")
    assert chosen.model.label() == "bagel"
    assert list(chosen.artifacts) == ["bagel.py", "--config=conf.toml"]
    before = chosen.artifacts["bagel.py"]
    Path("bagel.py").write_text("changed")
    assert choose_model("command:./bagel.py").artifacts["./bagel.py"] != before
    assert choose_model("command:./bagel.py", ["timeout=5"]).handling["timeout"] == 5


def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    worker = script(
        tmp_path, f"open({str(pid)!r}, 'w').write(str(os.getpid())); say(id=request['id'], status='refused')"
    )
    program = f"""
import os
from PIL import Image
from gedit_bench.editing.base import EditRequest
from gedit_bench.editing.command import Command, CommandSettings
model = Command(CommandSettings(command={str(worker)!r}))
model.load()
list(model.edit([EditRequest(("a", "en", "k"), "x", Image.new("RGB", (4, 4)), 1)]))
os.kill(os.getpid(), 9)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    assert os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", program], environment) == -9
    assert gone(int(pid.read_text()))


def test_requests_are_one_ascii_line_each(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    body = f"""
    open({str(seen)!r}, "a").write(line)
    say(id=request["id"], status="no_image")
    """
    with running(script(tmp_path, body)) as model:
        ask(model, "把它变红\n", "x")
    lines = seen.read_text().splitlines()
    assert all(line.isascii() for line in lines)
    first, second = map(json.loads, lines)
    assert set(first) == {"id", "source", "instruction", "seed", "output"}
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    ("device", "outer", "seen"),
    [(None, "3", "3"), ("cuda", "3", "3"), ("cuda:1", "4,7", "7"), ("cuda:0", None, "0"), ("cpu", "3", "")],
)
def test_a_worker_sees_the_gpu_that_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str | None, outer: str | None, seen: str
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if outer is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", outer)
    body = """
        done["status"], done["message"] = "refused", repr(os.environ.get("CUDA_VISIBLE_DEVICES"))
        say(**done)
    """
    model = Command(CommandSettings(command=str(script(tmp_path, body)), timeout=5, startup_timeout=10))
    model.device = device
    try:
        model.load()
        assert [outcome.message for outcome in ask(model)] == [repr(seen)]
    finally:
        model.close()
