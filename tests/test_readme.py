"""What README promises is what happens: its backend and its Python are run as they stand there."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gedit_bench.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def python_block(beginning: str) -> str:
    blocks = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(beginning)]
    return found


def test_the_backend_is_complete_in_15_lines_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = python_block("from dataclasses")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    (tmp_path / "warmer.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    [command] = re.findall(r"^gedit-bench (run --model warmer.*)$", README, re.MULTILINE)
    done = CliRunner().invoke(app, [*command.split(), "--limit", "1"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "results" / "leaderboard" / "index.html").stat().st_size > 0
    [run] = (tmp_path / "results" / "warmer").iterdir()
    assert len(list(run.rglob("*.png"))) == 22


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(python_block("from gedit_bench import Editing"), "README.md", "exec"), {})
    assert "no_op" in capsys.readouterr().out


def test_every_file_and_verb_that_is_named_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target
    verbs = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"^gedit-bench (\w+)", README, re.MULTILINE)) <= verbs
