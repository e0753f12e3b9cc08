"""Records as JSON objects and back. Unknown fields are ignored, so older code reads newer files."""

import dataclasses
from collections.abc import Hashable, Mapping
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from gedit_bench.errors import DataError
from gedit_bench.records import Json, SampleId

T = TypeVar("T")


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
        return kind(
            **{
                name: _typed(hint, name, value)
                for name, hint in _hints(cast(Hashable, kind)).items()
                if _holds(hint, name, value)
            }
        )
    except (TypeError, ValueError, KeyError) as error:
        raise DataError(f"Not a valid {kind.__name__} line: {error}.", "Was the file edited by hand?") from error


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _holds(hint: object, name: str, value: Mapping[str, Json]) -> bool:
    return hint is SampleId or name in value


def _typed(hint: Any, name: str, value: Mapping[str, Json]) -> object:
    if hint is SampleId:
        return SampleId(str(value["task_type"]), str(value["instruction_language"]), str(value["key"]))
    field = value[name]
    if isinstance(hint, UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(field)
    if get_origin(hint) is tuple and isinstance(field, list):
        return tuple(field)
    return field


def _plain(value: object) -> Json:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    return value  # type: ignore[return-value]  # str (enums too), numbers and booleans remain
