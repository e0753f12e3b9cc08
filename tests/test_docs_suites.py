"""docs/suites.md: its suite and its Python are run as they stand there, and it names every key and no other."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gedit_bench.cli.app import app
from gedit_bench.cli.suites import BESIDE_A_SUITE
from gedit_bench.suites import reading

TEXT = (Path(__file__).parents[1] / "docs" / "suites.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    first, *_ = blocks(language)
    return first


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_suite_runs_as_it_stands_there() -> None:
    Path("leaderboard.toml").write_text(block("toml"), encoding="utf-8")
    command = block("sh").splitlines()[1]
    assert command == "gedit-bench run --suite leaderboard.toml"
    done = CliRunner().invoke(app, command.split()[1:])
    assert done.exit_code == 0, done.output
    tables = json.loads(Path("results/leaderboard/leaderboard.json").read_text())["tables"]
    assert {table["scoring_id"] for table in tables} == {"official.1", "micro.1"}
    assert {row["model"] for table in tables for row in table["rows"]} == {
        "identity",
        "pil-filters",
        "PIL at half strength",
    }


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python"), "suites.md", "exec"), {})
    assert capsys.readouterr().out == "results/leaderboard/index.html [1, 1] []\n"


def test_the_keys_are_those_that_are_read() -> None:
    rows = dict(re.findall(r"^\| (top|`\w+`) \| (.*) \|$", TEXT, re.MULTILINE))
    kinds = {"top": reading._File} | {f"`{name}`": kind for name, kind in reading._TABLES.items()}
    assert rows.keys() == kinds.keys()
    for name, kind in kinds.items():
        assert set(re.findall(r"`(\w+)`", rows[name])) - {"results"} == set(kind.model_fields), name


def test_the_options_beside_a_suite_are_named() -> None:
    (sentence,) = re.findall(r"stands beside `--suite`:(.*?)\.", TEXT, re.DOTALL)
    named = {name.replace("-", "_") for name in re.findall(r"`--([\w-]+)`", sentence)}
    assert named == BESIDE_A_SUITE - {"suite", "as_json"}


def test_all_suites_can_be_read() -> None:
    for text in blocks("toml"):
        Path("suite.toml").write_text(text, encoding="utf-8")
        assert reading.read_suite(Path("suite.toml")).models
