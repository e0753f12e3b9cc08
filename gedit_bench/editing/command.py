"""Any program as a backend: one process that is asked over JSON lines, so its libraries need not fit ours.

Protocol, version 1. Every message is one line of JSON in UTF-8; the worker must flush after each.

1. The worker starts, loads its model, and writes `{"ready": true, "protocol": 1}`. If it can't:
   `{"ready": false, "message": "…"}`.
2. For each edit it reads from standard input one line with `id` (text, to be repeated), `source` (path of a
   PNG to read), `instruction` (text), `seed` (whole number) and `output` (path of the image to write: PNG,
   JPEG or WebP, whatever the name ends in; the bytes are kept as they are).
3. It answers `{"id": …, "status": "ok"}` once the image is written, or with the status `refused`, `filtered`,
   `no_image` or `edit_failed` and a `message`. `cost_usd` (number) and `extra` (object) may be added.
4. At the end of its input it exits.

Other lines on standard output are passed over and logged (up to 1000 for each edit), as is everything on
standard error. A worker that ends or answers for another id fails that one edit and is started again, and a
worker that gives no answer in time is ended, with its children, and started again. Where a device was chosen, the
worker sees no GPU but that one.
"""

import hashlib
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Annotated

from pydantic import Field

from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
from gedit_bench.editing.devices import visible_gpus
from gedit_bench.editing.keeping import keep
from gedit_bench.editing.worker import Message, Worker, WorkerError, WorkerTimeout, program
from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.records import EditStatus
from gedit_bench.secrets import redact

PROTOCOL = 1
_STATUSES = ("ok", "refused", "filtered", "no_image", "edit_failed")
_SCRIPTS = (".py", ".sh")
_EXAMPLE = "For example --model command:./worker.py, or --model 'command:conda run -n env python worker.py'."


@dataclass(frozen=True)
class CommandSettings:
    """What can be set."""

    command: str = setting("", "The worker: a program or .py file, with its arguments.")
    timeout: Annotated[float, Field(gt=0)] = setting(600, "Seconds that one edit may take.", decides_pixels=False)
    startup_timeout: Annotated[float, Field(gt=0)] = setting(
        600, "Seconds until the worker must be ready.", decides_pixels=False
    )
    max_restarts: Annotated[int, Field(ge=0)] = setting(
        3, "Restarts after crashes in a row; one more crash gives the worker up.", decides_pixels=False
    )


class Command(EditModel):
    """Asks a program of yours over a pipe: any language, any environment, loaded once."""

    name = "command"
    Settings = CommandSettings
    argument = "command"
    settings: CommandSettings

    def __init__(self, settings: CommandSettings | None = None) -> None:
        super().__init__(settings)
        self._worker: Worker | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._asked = 0
        self._crashes = 0

    def label(self) -> str:
        """Return the stem of the worker's script, or of the program where there is none."""
        tokens = self._tokens()
        scripts = [token for token in tokens if Path(token).suffix in _SCRIPTS]
        return Path((scripts or tokens)[0]).stem

    def artifacts(self) -> Mapping[str, str]:
        """Return the SHA-256 of the files that the command names; the program itself only if it is the only one."""
        found = {}
        for token, path in _files(self._tokens()).items():
            with path.open("rb") as stream:
                found[token] = hashlib.file_digest(stream, "sha256").hexdigest()
        return found

    def load(self) -> None:
        """Start the worker and wait until it is ready.

        Raises:
            UsageError: no command was given, or its quotes don't match.
            UnavailableError: the program isn't there, fails to start, or speaks another protocol.
        """
        self._ready_worker()
        self._folder = tempfile.TemporaryDirectory(prefix="gedit-bench-")

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        """Yield what the worker makes of each request.

        Raises:
            UnavailableError: it crashed more than `max_restarts` times in a row, or can't be started again.
        """
        for request in requests:
            yield self._ask(self._ready_worker(), request)

    def close(self) -> None:
        """End the worker with its children, and remove the temporary files."""
        self._stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _tokens(self) -> list[str]:
        command = self.settings.command.strip()
        try:
            # one path with blanks in it needs no quotes
            tokens = [command] if Path(command).is_file() else shlex.split(command)
        except ValueError as error:
            raise UsageError(f"The command {redact(command)!r} can't be read: {error}.", _EXAMPLE) from error
        if not tokens:
            raise UsageError("The model command needs a program.", _EXAMPLE)
        return tokens

    def _ready_worker(self) -> Worker:
        if self._worker is not None and self._worker.ended:
            self._stop(grace=0)
        if self._worker is None:
            if self._crashes > self.settings.max_restarts:
                raise UnavailableError(
                    f"The worker {self.label()} crashed {self._crashes} times in a row and was given up.",
                    "The failed edits' messages hold its last words; run it by hand with one request.",
                )
            self._worker = self._started()
        return self._worker

    def _started(self) -> Worker:
        argv = program(self._tokens())
        chosen = self.device == "cpu" or (self.device or "").startswith("cuda:")
        try:
            worker = Worker(argv, self.label(), visible_gpus([self.device or ""]) if chosen else None)
        except OSError as error:
            raise UnavailableError(
                f"{argv[0]} can't be started: {error.strerror}.",
                "A script needs a first line such as #!/usr/bin/env python3.",
            ) from error
        try:
            greeting = _greeting(worker, self.settings.startup_timeout)
        except WorkerError as error:
            worker.stop(grace=0)
            raise UnavailableError(
                f"The worker {self.label()} didn't get ready. {error}",
                'It must first write {"ready": true, "protocol": 1}.',
            ) from error
        if greeting.get("ready") is True and greeting.get("protocol") == PROTOCOL:
            return worker
        worker.stop()
        said = redact(str(greeting.get("message") or greeting))[:300]
        raise UnavailableError(f"The worker {self.label()} isn't ready: {said}", f"The protocol is version {PROTOCOL}.")

    def _ask(self, worker: Worker, request: EditRequest) -> Outcome:
        assert self._folder is not None
        self._asked += 1
        name = str(self._asked)
        source, output = (Path(self._folder.name) / f"{name}-{what}.png" for what in ("source", "output"))
        request.source.save(source, compress_level=1)
        try:
            worker.send(
                {
                    "id": name,
                    "source": str(source),
                    "instruction": request.instruction,
                    "seed": request.seed,
                    "output": str(output),
                }
            )
            answer = worker.receive(self.settings.timeout)
            if answer.get("id") != name:
                raise WorkerError(f"It answered for another id: {_excerpt(answer)}")
            self._crashes = 0
            return _outcome(answer, output)
        except WorkerTimeout as error:
            self._stop(grace=0)
            return Outcome(status=EditStatus.TIMEOUT, message=str(error))
        except WorkerError as error:
            self._stop(grace=0)
            self._crashes += 1
            return Outcome(status=EditStatus.EDIT_FAILED, message=str(error))
        finally:
            source.unlink(missing_ok=True)
            output.unlink(missing_ok=True)

    def _stop(self, grace: float = 2.0) -> None:
        if self._worker is not None:
            self._worker.stop(grace)
            self._worker = None


def _greeting(worker: Worker, timeout: float) -> Message:
    deadline = time.monotonic() + timeout
    while "ready" not in (message := worker.receive(max(0.0, deadline - time.monotonic()))):
        pass
    return message


def _outcome(answer: Message, output: Path) -> Outcome:
    status, extra, cost = answer.get("status"), answer.get("extra") or {}, answer.get("cost_usd")
    message = redact(str(answer.get("message") or ""))[:1000]
    paid = float(cost) if isinstance(cost, int | float) and 0 <= cost < inf else None
    if status not in _STATUSES or not isinstance(extra, dict):
        return Outcome(status=EditStatus.EDIT_FAILED, message=f"The worker's answer is odd: {_excerpt(answer)}")
    if status != "ok":
        return Outcome(status=EditStatus(status), message=message, cost_usd=paid, extra=extra)
    try:
        made = keep(output.read_bytes())
    except FileNotFoundError:
        return Outcome(status=EditStatus.EDIT_FAILED, message="The worker said ok and wrote no image.", cost_usd=paid)
    except (DataError, OSError) as error:
        return Outcome(status=EditStatus.EDIT_FAILED, message=f"The worker's image: {error}", cost_usd=paid)
    return replace(made, message=message, cost_usd=paid, extra=extra)


def _files(tokens: Sequence[str]) -> dict[str, Path]:
    """Return the arguments (`--option=FILE` too) that are files; the program only where there is no other."""
    found = {}
    for token in tokens[1:]:
        for part in (token, token.partition("=")[2]):
            if part and Path(part).expanduser().is_file():
                found[token] = Path(part).expanduser()
    program = Path(tokens[0]).expanduser()
    if not program.is_file() or (found and program.suffix != ".py"):
        return found
    return {tokens[0]: program} | found


def _excerpt(answer: Message) -> str:
    return redact(str(answer))[:200]
