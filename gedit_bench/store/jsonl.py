"""Append-only files of JSON lines: one line is one write, and a line cut by a crash harms no other."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gedit_bench.records import Json
from gedit_bench.store.atomic import disk_error, make_folder

log = logging.getLogger(__name__)


class JsonlWriter:
    """Appends lines to one file. Exactly one writer may have a file open; locks see to that.

    A line that a crash cut short is removed on opening, and said; a whole line that only lacks its
    newline is kept.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise disk_error(path, error) from error
        self._mend()

    def append(self, value: Mapping[str, Json]) -> None:
        """Write one line; after an error the file ends where it ended before.

        Raises:
            UnavailableError: the disk is full.
        """
        line = json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, line)
            while written < len(line):
                written += os.write(self._file, line[written:])
        except OSError as error:
            os.ftruncate(self._file, size)
            raise disk_error(self.path, error) from error

    def close(self) -> None:
        """Close the file; the writer can't be used again."""
        os.close(self._file)

    def _mend(self) -> None:
        data = self.path.read_bytes()
        if not data or data.endswith(b"\n"):
            return
        start = data.rfind(b"\n") + 1
        if _parsed(data[start:]) is None:
            os.ftruncate(self._file, start)
            log.warning("%s: removed a last line that was cut short (%d bytes)", self.path, len(data) - start)
        else:
            os.write(self._file, b"\n")


def read_lines(path: Path) -> Iterator[dict[str, Json]]:
    """Yield each line's object. Lines that are no JSON object are left out and said in the log."""
    if not path.exists():
        return
    damaged = 0
    with path.open("rb") as lines:
        for line in lines:
            value = _parsed(line)
            if value is None:
                damaged += bool(line.strip())
            else:
                yield value
    if damaged:
        log.warning("%s: left out %d damaged line(s)", path, damaged)


def _parsed(line: bytes) -> dict[str, Json] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
