"""What the program must never do: steer the terminal, tell a key, load what it doesn't need, or be mute about a bug."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from program import KEY, ROOT, gedit_bench, judgements, process, runs
from scripted_judge import Scripted, ScriptedJudge, completion, error

from gedit_bench.cli.console import harmless
from gedit_bench.cli.watching import described, watching
from gedit_bench.engine.progress import Progress

STEERING = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202eturned\r gone \ud800"
HEAVY = ("torch", "transformers", "diffusers", "datasets", "openai", "pandas", "numpy", "rich", "PIL", "pyarrow")
NATIVE = ("--judge", "fake-judge", "--protocol", "native")


def is_harmless(text: str) -> bool:
    return not any(character in text for character in "\x1b\x07\x9b\u202e\r\ud800")


@pytest.fixture
def hostile(results: Path) -> Path:
    """Runs whose instructions, replies and names hold control characters."""
    for path in (*results.rglob("samples.jsonl"), *results.rglob("replies.jsonl"), *results.glob("*/*/manifest.json")):
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.suffix == ".jsonl" else []
        for line in lines:
            if "instruction" in line:
                line["instruction"] = STEERING + line["instruction"] + "\nsecond line"
            if "content" in line:
                sc = 7 if "identity" in path.parts else 8
                line["content"] = json.dumps({"score": [sc, sc]}) + STEERING
        if lines:
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        else:
            path.write_text(json.dumps(json.loads(path.read_text()) | {"name": f"{STEERING}{path.parts[1]}"}))
    return results


def test_nothing_in_a_run_steers_the_terminal(hostile: Path) -> None:
    first, second = runs()
    key = f"ps_human/en/{4:032x}"
    for command in (
        ("show", first, key),
        ("status",),
        ("compare", first, second),
        ("compare", first, second, "--format", "md"),
        ("compare", first, second, "--format", "latex"),
        ("explain", first, second),
        ("explain", first, second, "--format", "md"),
        ("check", first),
        ("ls", "runs"),
        ("judge", first, "--judge", "offline"),
    ):
        ended = gedit_bench(*command)
        assert ended.code == 0, ended.err
        assert is_harmless(ended.out + ended.err), command
    assert "\\u001b[31mred" in gedit_bench("show", first, key).out
    for command in (("show", first, key), ("status",), ("compare", first, second), ("check", first), ("ls", "runs")):
        ended = gedit_bench(*command, "--json")
        assert is_harmless(ended.out)
        ended.json()
    assert gedit_bench("show", first, key, "--json").json()[0]["sample"]["instruction"].startswith(STEERING)


def test_a_row_of_a_table_is_one_line(hostile: Path) -> None:
    out = gedit_bench("compare", *runs()).out
    assert next(line for line in out.splitlines() if line.startswith("ps_human/cn/")).endswith("second line")


def test_the_words_of_a_judge_do_not_steer_the_terminal(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32)).save("a.png")
    answer = Scripted(completion('{"score": [8, 9]} ' + "\x1b[31m"))
    with ScriptedJudge(answer) as server:
        ended = gedit_bench("score", "a.png", "a.png", STEERING[:-1], *NATIVE, "--base-url", server.url)
    assert ended.code == 0
    assert "\\u001b[31m" in ended.out
    assert is_harmless(ended.out)


def test_plain_text_is_left_alone() -> None:
    text = "añadir 一只猫 «x»\tand\na line, 👩‍👩‍👧 even"
    assert harmless(text) == text


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_every_terminal_gets_the_words_it_can_show(run: Path, here: Path, encoding: str) -> None:
    key = f"{4:032x}"
    samples = run / "samples.jsonl"
    samples.write_text(samples.read_text().replace("cn ps_human", "\\u4e00\\u53ea caf\\u00e9"))
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    words = process("show", run, key, folder=here, env=environment)
    assert words.code == 0
    assert ("一只 café" in words.out) == (encoding == "utf-8")
    found = process("show", run, key, "--json", folder=here, env=environment).json()
    assert "一只 café" in found[1]["sample"]["instruction"]


@pytest.mark.parametrize("verbose", [(), ("-v",)])
def test_a_judge_that_tells_the_key_is_not_repeated(
    run: Path, monkeypatch: pytest.MonkeyPatch, verbose: tuple[str, ...]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    bad = error(f"Incorrect API key provided: {KEY}", "invalid_api_key")
    Image.new("RGB", (32, 32)).save("a.png")
    for status in (400, 401, 429, 500):
        with ScriptedJudge(Scripted(bad, status)) as server:
            where = (*NATIVE, "--base-url", server.url.replace("://", f"://me:{KEY}@"), "--timeout", 1)
            for command in (
                ("judge", run, *where, "--retry-for", 0.2),
                ("score", "a.png", "a.png", "x", *where, "--retry-for", 0.2),
                ("doctor", *where),
                ("plan", "--model", "identity", "--data", "sample", *where),
                ("show", run, f"{4:032x}"),
            ):
                ended = gedit_bench(*verbose, *command)
                assert KEY not in ended.out + ended.err
                assert ended.code in (0, 3, 5)
    assert all(KEY.encode() not in path.read_bytes() for path in judgements()[0].parent.rglob("*") if path.is_file())


def test_help_needs_nothing_heavy(here: Path) -> None:
    code = f"""
import sys
from gedit_bench.cli.app import app
for words in (["--help"], ["run", "--help"], ["plan", "--help"], ["--version"]):
    try:
        app(words)
    except SystemExit as end:
        assert end.code == 0
heavy = {{name.partition(".")[0] for name in sys.modules}} & set({HEAVY!r})
assert not heavy, heavy
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, cwd=here, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "gedit-bench demo" in ended.stdout


def test_judging_needs_no_torch(run: Path, here: Path, tmp_path: Path) -> None:
    broken = tmp_path / "path" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('libcudart.so.12 is not here')\n")
    environment = {"PYTHONPATH": f"{broken.parent}{os.pathsep}{ROOT}"}
    (replies,) = run.glob("judgments/*/replies.jsonl")
    replies.unlink()
    assert process("judge", run, "--judge", "offline", folder=here, env=environment).code == 0
    assert len(replies.read_text().splitlines()) == 8
    assert process("report", folder=here, env=environment).code == 0
    looked = process("doctor", "--judge", "offline", folder=here, env=environment)
    assert looked.code == 0
    assert "torch can't be imported (libcudart.so.12 is not here); judging works without it" in looked.out


def test_an_expected_error_shows_where_it_arose_only_if_asked(here: Path) -> None:
    quiet = gedit_bench("show", "nowhere", "x")
    assert len(quiet.err.splitlines()) == 1
    for words, environment in ((("-v",), {}), ((), {"GEDIT_BENCH_VERBOSE": "1"})):
        loud = _loud(*words, "show", "nowhere", "x", folder=here, env=environment)
        assert "Traceback (most recent call last)" in loud
        assert loud.endswith(quiet.err)


def _loud(*words: str, folder: Path, env: dict[str, str]) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    command = [sys.executable, "-m", "gedit_bench", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True).stderr


def test_a_bug_keeps_its_traceback(here: Path, data: Path) -> None:
    (here / "buggy.py").write_text(
        "from gedit_bench import EditModel\nclass Buggy(EditModel):\n    def label(self):\n        1 / 0\n"
    )
    command = ("edit", "--model", "buggy.py:Buggy", "--data", str(data))
    said = _loud(*command, folder=here, env={})
    assert "Traceback" in said
    assert "ZeroDivisionError" in said


def test_a_backend_that_cannot_be_loaded_says_so_and_shows_where_if_asked(here: Path, data: Path) -> None:
    (here / "buggy.py").write_text(
        "from gedit_bench import EditModel\nclass Buggy(EditModel):\n    def load(self):\n        1 / 0\n"
    )
    command = ("edit", "--model", "buggy.py:Buggy", "--data", str(data))
    ended = gedit_bench(*command)
    assert ended.code == 5
    assert "Error: Buggy can't be loaded: ZeroDivisionError: division by zero. With -v" in ended.err
    assert "in load" in gedit_bench("-v", *command).err


def test_progress_is_plain_lines_unless_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("judge x", total=2)
    with watching() as watch:
        for _ in range(2):
            watch(progress)
            progress.done += 1
            progress.counts["refused"] += 1
        for _ in range(3):  # asked once more: more answers than there were questions
            progress.total += 1
            progress.done += 1
            watch(progress)
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "judge x  0/2"
    assert len(err) == 2
    assert err[1].startswith("judge x  5/5 · ")
    assert err[1].endswith(" · 2 refused")


def test_a_name_is_no_markup_on_a_terminal(here: Path, run: Path) -> None:
    """Run on a pseudo-terminal, where progress is one live line."""
    name = "[/red] [bold]x"
    manifest = json.loads((run / "manifest.json").read_text()) | {"name": name}
    (run / "manifest.json").write_text(json.dumps(manifest))
    controller, terminal = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "120"}
    command = [sys.executable, "-m", "gedit_bench", "judge", str(run), "--judge", "offline"]
    with subprocess.Popen(command, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=terminal) as running:
        assert running.stdout is not None
        out = running.stdout.read().decode()
    os.close(terminal)
    shown = os.read(controller, 100_000).decode()
    os.close(controller)
    assert running.returncode == 0, shown
    assert f"judge {name}  0/0" in shown
    assert "\x1b[3" not in shown  # no colour
    assert out.startswith(f"\n{name} · ")


def test_described_says_how_much_each_device_did_if_they_are_few() -> None:
    progress = Progress("edit x", total=10, done=4, devices={"cuda 0": 3, "cuda 1": 1}, given_up=1)
    assert described(progress) == "edit x  4/10 · 2 devices (3 + 1) · 1 given up"
    progress.devices = {f"cuda {number}": 1 for number in range(32)}
    assert described(progress) == "edit x  4/10 · 32 devices · 1 given up"


def test_described_says_how_it_goes() -> None:
    progress = Progress("edit x", total=10, done=4)
    progress.counts.update({"ok": 3, "refused": 1})
    assert described(progress).startswith("edit x  4/10 · ")
    assert described(progress).endswith("1 refused")
