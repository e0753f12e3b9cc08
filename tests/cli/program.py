"""The program as tests call it: in this process for speed, or as one of its own."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from typer.testing import CliRunner

from gedit_bench.cli.app import app

ROOT = Path(__file__).parents[2]
KEY = "plain-value-of-a-key"


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The result; nothing but JSON may be on stdout."""
        return json.loads(self.out)

    def continuing(self) -> list[str]:
        """The words of the command that the last line prints."""
        found = re.fullmatch(r"Continue with: gedit-bench (.*)", self.err.strip().splitlines()[-1])
        assert found is not None, self.err
        return shlex.split(found[1])


def gedit_bench(*words: object, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command in this process."""
    arguments = [str(word) for word in words]
    with patch.object(sys, "argv", ["gedit-bench", *arguments]):
        result = CliRunner().invoke(app, arguments, env=dict(env or {}))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.stderr or "-v" in words
    return Ended(result.exit_code, result.stdout, result.stderr)


def start(*words: object, folder: Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command as a process of its own, in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "gedit_bench", *(str(word) for word in words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def process(*words: object, folder: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run a command as a process of its own, in a folder."""
    with start(*words, folder=folder, env=env) as running:
        out, err = running.communicate(timeout=120)
    assert "Traceback" not in err
    return Ended(running.returncode, out, err)


def tree(*folders: Path) -> dict[Path, bytes]:
    """Everything in some folders."""
    return {path: path.read_bytes() for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()}


def runs(root: Path = Path("results")) -> list[Path]:
    """The run folders below a folder of runs."""
    return sorted(path.parent for path in root.glob("*/*/manifest.json"))


def judgements(root: Path = Path("results")) -> list[Path]:
    """The judgement folders of all runs."""
    return sorted(path.parent for path in root.glob("*/*/judgments/*/manifest.json"))


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())
