"""The fake judge as a process of its own, so that it can be killed like one."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "perf" / "fake_judge.py"


@dataclass
class JudgeProcess:
    """A running fake judge; `url` is its base URL."""

    process: subprocess.Popen[str]
    url: str

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/stats", timeout=5) as response:
            return json.load(response)


@contextmanager
def judge_process(
    faults: str = "", latency: float = 0.0, port: int = 0, cap: int | None = None
) -> Iterator[JudgeProcess]:
    """Run a fake judge on a free port."""
    command = [sys.executable, str(SCRIPT), "--faults", faults, "--latency", str(latency), "--port", str(port)]
    command += ["--cap", str(cap)] if cap else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield JudgeProcess(process, process.stdout.readline().split()[-1])
        finally:
            process.kill()
