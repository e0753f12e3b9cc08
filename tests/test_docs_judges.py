"""docs/judges.md says what the code does: numbers, defaults, and commands that the program takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from gedit_bench.cli.app import app
from gedit_bench.judging import azure, pool
from gedit_bench.judging.registry import DEFAULT_JUDGE, JudgeSettings

TEXT = (Path(__file__).parents[1] / "docs" / "judges.md").read_text(encoding="utf-8")
BLOCKS = "".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
COMMANDS = [line for line in BLOCKS.splitlines() if line.startswith("gedit-bench ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_program_takes_the_commands(line: str) -> None:
    _, verb, *words = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    with command.make_context(verb, words) as context:
        assert str(context.params["target"]) == "my_images"


def test_there_are_commands_for_one_server_and_for_a_pool() -> None:
    assert sorted(line.count("--base-url") for line in COMMANDS) == [0, 0, 0, 1, 3]


def test_the_numbers_are_those_of_the_code() -> None:
    words = " ".join(TEXT.split())
    rests = f"fails {pool._STRIKES} times running is left alone for {pool._FIRST_REST:g} s"
    assert rests in words
    assert f"up to {pool._LONGEST_REST:g} s" in words
    assert f"without it, `{azure.DEFAULT_API_VERSION}`" in words
    assert f"`--timeout` seconds ({JudgeSettings().timeout:g})" in words
    assert f"`--retry-for` ({JudgeSettings().retry_for:g})" in words
    assert f"`{DEFAULT_JUDGE}` (default)" in words
