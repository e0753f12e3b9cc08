"""docs/judges.md says what the code does: numbers, defaults, commands that the program takes, a judge that judges."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from small_benchmark import editing, selection, write_benchmark

from gedit_bench import Judging, edit, judge
from gedit_bench.cli.app import app
from gedit_bench.judging import azure, pool_server
from gedit_bench.judging.registry import DEFAULT_JUDGE, JudgeSettings

TEXT = (Path(__file__).parents[1] / "docs" / "judges.md").read_text(encoding="utf-8")
BLOCKS = "".join(re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)).replace("\\\n", " ")
COMMANDS = [line for line in BLOCKS.splitlines() if line.startswith("gedit-bench ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_the_program_takes_the_commands(line: str) -> None:
    _, verb, *words = shlex.split(line, comments=True)
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    with command.make_context(verb, words) as context:
        if verb == "judge":
            assert str(context.params["target"]) in {"my_images", "RUN", "OTHER"}


def test_there_are_commands_for_one_server_and_for_a_pool() -> None:
    assert sorted(filter(None, (line.count("--base-url") for line in COMMANDS))) == [1, 3]


def test_the_judge_in_a_file_judges(tmp_path: Path) -> None:
    [code] = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    path = tmp_path / "brightness.py"
    path.write_text(code, encoding="utf-8")
    data = write_benchmark(tmp_path / "benchmark")
    run = edit("identity", selection(data, limit=1), editing(tmp_path / "results"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name=f"{path}:Brightness"), protocol="native"))
    scores = {verdict.sc.score for verdict in scored.verdicts if verdict.sc}
    assert None not in scores
    assert len(scores) > 1
    assert scored.judgement.manifest.judge_id.startswith("brightness@local-")
    assert not scored.judgement.manifest.vlm


def test_the_numbers_are_those_of_the_code() -> None:
    words = " ".join(TEXT.split())
    few, many, spell = pool_server._FEW, pool_server._MANY, pool_server._SPELL
    assert f"fails {many} times running, or {few} times over {spell:g} s, is left alone" in words
    assert f"left alone for {pool_server._FIRST_REST:g} s" in words
    assert f"up to {pool_server._LONGEST_REST:g} s" in words
    assert f"without it, `{azure.DEFAULT_API_VERSION}`" in words
    assert f"`--timeout` seconds ({JudgeSettings().timeout:g})" in words
    assert f"`--retry-for` ({JudgeSettings().retry_for:g})" in words
    assert f"`{DEFAULT_JUDGE}` (default)" in words
