"""One long-lived process that answers JSON lines: started, asked, timed, and stopped with all its children."""

import contextlib
import json
import logging
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from gedit_bench.errors import GeditBenchError, UnavailableError
from gedit_bench.records import Json
from gedit_bench.secrets import redact

logger = logging.getLogger(__name__)

MAX_NOISE = 1000
"""Lines between question and answer that may be something else than JSON objects."""

_LINE_LIMIT = 1 << 20
_TAIL = 5
_GRACE = 2.0

Message = dict[str, Json]


def program(tokens: Sequence[str]) -> list[str]:
    """Return the command with its program as a path.

    Raises:
        UnavailableError: there is no such program, or it may not be run.
    """
    path = Path(tokens[0]).expanduser()
    if not path.is_file():
        found = shutil.which(tokens[0])
        if found is None:
            raise UnavailableError(
                f"There is no program {tokens[0]!r}.",
                "Give its path, such as ./worker.py, or a name that the shell finds.",
            )
        return [found, *tokens[1:]]
    if os.access(path, os.X_OK):
        return [str(path.absolute()), *tokens[1:]]
    if path.suffix == ".py":
        return [sys.executable, str(path.absolute()), *tokens[1:]]
    raise UnavailableError(f"{path} may not be run.", f"Try: chmod +x {shlex.quote(str(path))}")


class WorkerError(GeditBenchError):
    """The process can't answer any more; the message says why."""


class WorkerCrashed(WorkerError):
    """It ended, or closed its output."""


class WorkerTimeout(WorkerError):
    """It gave no answer in time."""


class WorkerGarbled(WorkerError):
    """It wrote far too much that is no answer."""


class Worker:
    """A running process. It has its own process group, so that stopping it stops what it started.

    Lines on its output that are no JSON objects are logged and passed over, since libraries print. What it
    writes to its error stream is logged too; the last lines of both go into error messages, without secrets.
    """

    def __init__(self, argv: Sequence[str], name: str, gpus: str | None = None) -> None:
        """Start it.

        Args:
            argv: program and arguments; the environment is passed on.
            name: what log lines call it.
            gpus: the only ones that it sees, as CUDA_VISIBLE_DEVICES names them; those that are seen here if None.

        Raises:
            OSError: the program can't be started.
        """
        self._name = name
        self._said: deque[str] = deque(maxlen=_TAIL)
        self._answers: queue.Queue[Message | WorkerError] = queue.Queue()
        self._noise: int | None = None
        self._process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            env=None if gpus is None else {**os.environ, "CUDA_VISIBLE_DEVICES": gpus},
        )
        self._threads = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._take_output), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self._take_log), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def ended(self) -> bool:
        """True once the process is gone."""
        return self._process.poll() is not None

    def send(self, message: Message) -> None:
        """Write one line.

        Raises:
            WorkerCrashed: nobody reads any more.
        """
        assert self._process.stdin is not None
        self._noise = 0
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._crashed() from error

    def receive(self, timeout: float) -> Message:
        """Return the next JSON object that the process writes, within `timeout` seconds.

        Raises:
            WorkerCrashed: it ended first.
            WorkerTimeout: it wrote none in time.
            WorkerGarbled: it wrote more than `MAX_NOISE` other lines.
        """
        try:
            answer = self._answers.get(timeout=timeout)
        except queue.Empty:
            raise WorkerTimeout(f"No answer within {timeout:.3g} s.{self._tail()}") from None
        if isinstance(answer, WorkerCrashed):
            raise self._crashed() from None
        if isinstance(answer, WorkerError):
            raise answer
        return answer

    def stop(self, grace: float = _GRACE) -> None:
        """End it: close its input, wait `grace` seconds, then end its process group by force."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace)
        # the process itself may be gone and its children not
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for thread, stream in zip(self._threads, (self._process.stdout, self._process.stderr), strict=True):
            thread.join(_GRACE)
            if stream is not None and not thread.is_alive():
                stream.close()

    def _read(self, stream: IO[str], take: Callable[[str], None]) -> None:
        while line := stream.readline(_LINE_LIMIT):
            take(line.rstrip())
        if take == self._take_output:
            self._answers.put(WorkerCrashed("It closed its output."))

    def _take_output(self, line: str) -> None:
        message = _object(line)
        if message is not None:
            self._answers.put(message)
            return
        self._take_log(line)
        if self._noise is None:
            # nothing was asked yet: programs may say what they like while they load
            return
        self._noise += 1
        if self._noise == MAX_NOISE:
            self._answers.put(WorkerGarbled(f"{MAX_NOISE} lines without an answer.{self._tail()}"))

    def _take_log(self, line: str) -> None:
        if line.strip():
            clean = redact(line)
            logger.info("%s: %s", self._name, clean)
            self._said.append(clean[-300:])

    def _crashed(self) -> WorkerCrashed:
        deadline = time.monotonic() + _GRACE
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        # its last words may still be on the way
        self._threads[1].join(max(0.0, min(0.5, deadline - time.monotonic())))
        code = self._process.returncode
        if code is None:
            how = "The worker closed its output"
        elif code < 0:
            how = f"The worker was ended by {signal.Signals(-code).name}"
        else:
            how = f"The worker exited with code {code}"
        return WorkerCrashed(f"{how}.{self._tail()}")

    def _tail(self) -> str:
        said = list(self._said)
        return f" It said last: {' | '.join(said)}" if said else ""


def _object(line: str) -> Message | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
