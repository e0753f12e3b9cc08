"""What the readers of other tools' JSON lines share: strict lines, and metrics by name."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gedit_bench.errors import DataError
from gedit_bench.records import Json

Fields = Mapping[str, Json]


def numbered_lines(path: Path) -> Iterator[tuple[int, Fields]]:
    """Yield each line's number, from 1, and object.

    Raises:
        DataError: a line is no JSON object. Another tool's file is taken whole or not at all.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    value = json.loads(line)
                    if not isinstance(value, dict):
                        raise DataError(f"{path}:{number} is no JSON object.", "Copy the file again.")
                    yield number, value
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} can't be read as JSON lines: {error}.", "Copy the file again.") from error


def first_line(path: Path) -> Fields:
    """Return the first line's object; empty if there is none, as in a file that is something else."""
    try:
        return next((value for _, value in numbered_lines(path)), {})
    except DataError:
        return {}


def plain_name(name: str) -> str:
    """Return a metric's name in small letters with `_` for all that is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def text_of(places: Sequence[Fields], *names: str) -> str | None:
    """Return the first text that one of the objects has under one of the names."""
    for place in places:
        for name in names:
            if isinstance(found := place.get(name), str):
                return found
    return None


def value_of(places: Sequence[Fields], *names: str) -> Json:
    """Return the first value other than null that one of the objects has under one of the names."""
    return next((place[name] for place in places for name in names if place.get(name) is not None), None)


def objects(value: Json) -> list[Fields]:
    """Return `value` in a list if it is an object, else none."""
    return [value] if isinstance(value, Mapping) else []
