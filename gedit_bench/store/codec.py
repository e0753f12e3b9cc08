"""Records as JSON objects and back. Unknown fields are ignored, so older code reads newer files."""

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from enum import Enum
from functools import cache
from sys import intern
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from gedit_bench.errors import DataError
from gedit_bench.records import Json, SampleId

T = TypeVar("T")

_LONGEST_NAME = 64
"""Characters: a SHA-256 in hex digits."""


def to_json(record: object) -> dict[str, Json]:
    """Return a record's fields; a `SampleId` becomes its three names, empty optional fields are left out."""
    fields: dict[str, Json] = {}
    for field in dataclasses.fields(record):  # type: ignore[arg-type]  # any of our records
        value = getattr(record, field.name)
        if isinstance(value, SampleId):
            fields |= {"task_type": value.task_type, "instruction_language": value.language, "key": value.key}
        elif value is not None:
            fields[field.name] = _plain(value)
    return fields


def from_json(kind: type[T], value: Mapping[str, Json]) -> T:
    """Return the record of class `kind` that `value` holds.

    Raises:
        DataError: a field is missing or has a value that the record can't take.
    """
    try:
        fields: dict[str, object] = {}
        for name, read in _readers(cast(Hashable, kind)):
            if read is _sample_id:
                fields[name] = _sample_id(value)
            elif name in value:
                fields[name] = _shared(value[name]) if read is None else read(value[name])
        return kind(**fields)
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"Not a valid {kind.__name__} line: {error}.", "Was the file edited by hand?") from error


@cache
def _readers(kind: type) -> tuple[tuple[str, Callable[[Any], object] | None], ...]:
    """Each field's name, and what makes its value of what JSON holds; None where that is the value itself."""
    return tuple((name, _reader(hint)) for name, hint in get_type_hints(kind).items())


def _reader(hint: Any) -> Callable[[Any], object] | None:
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if hint is SampleId:
        return _sample_id
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return _tuple_of_list if get_origin(hint) is tuple else None


def _sample_id(value: Mapping[str, Json]) -> SampleId:
    return SampleId(*(intern(str(value[name])) for name in ("task_type", "instruction_language", "key")))


def _shared(value: Json) -> Json:
    # Hashes and names stand in many lines: a third of what records take in memory.
    return intern(value) if type(value) is str and len(value) <= _LONGEST_NAME else value


def _tuple_of_list(value: Json) -> object:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value  # type: ignore[return-value]  # str (enums too), numbers and booleans remain
