"""Runs the program as a process of its own and says what it took. Linux only: it reads /proc."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROGRAM = (sys.executable, "-c", "from gedit_bench.cli.app import main; main()")
"""`gedit-bench` of this checkout, whatever is installed."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """What one process tree took. Seconds, and megabytes of 10^6 bytes.

    `anonymous` is the highest sum of RssAnon over all its processes, so mapped files don't count;
    `rss` is the largest process's peak, where they do. `idle` and `others` are shares of the
    machine's cores: not used by anybody, and used by other processes.
    """

    wall: float
    cpu: float
    anonymous: float
    rss: float
    idle: float
    others: float
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end and return what it took; exit if it failed."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    machine, started = machine_seconds(), time.perf_counter()
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    anonymous = 0.0
    while True:
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            break
        anonymous = max(anonymous, anonymous_memory(process.pid))
        time.sleep(0.05)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stdout is not None
    with process.stdout:
        output = process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    total, idle = (after - before for before, after in zip(machine, machine_seconds(), strict=True))
    cpu = usage.ru_utime + usage.ru_stime
    others = max(total - idle - cpu, 0.0)
    return Measured(wall, cpu, anonymous, usage.ru_maxrss * 1024 / 1e6, idle / total, others / total, output)


def anonymous_memory(session: int) -> float:
    """Return the megabytes of anonymous memory of all processes of a session."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and os.getsid(int(folder.name)) == session:
                lines = (folder / "status").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
        except OSError:
            continue  # it has ended
    return total * 1024 / 1e6


def machine_seconds() -> tuple[float, float]:
    """Return the seconds of all cores since the machine started, and those in which they were idle."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) / _TICKS, (fields[3] + fields[4]) / _TICKS


def load() -> str:
    """Return the machine's cores and load average in words."""
    return f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
