"""The gallery's data as they stand in the page: as they are, or in columns and compressed where they are large."""

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from typing import cast

from gedit_bench.records import Json
from gedit_bench.report.thumbnails import thumbnail_path

PLAIN_LIMIT = 1_000_000
"""Bytes of JSON that stand in the page as they are; more is packed."""

_THUMBNAIL = re.compile(r"thumbs/[0-9a-f]{2}/([0-9a-f]{64})\.webp")
_PICTURES = ("source", "thumb")
_FEW = 4  # a column becomes an index into its different values if each stands there so often or more
_NOTHING = -1

Object = Mapping[str, Json]


def script_data(value: Object) -> tuple[str, str]:
    """Return type and text of the `<script>` that holds the gallery's data: nothing in it can end the element.

    JSON as it is, or packed JSON in gzip and base64 where it is large: 20 models over the whole benchmark would
    make a page of some 40 MB otherwise.
    """
    text = _text(value)
    if len(text) > PLAIN_LIMIT:
        return "application/gzip", base64.b64encode(gzip.compress(_text(packed(value)).encode(), 9, mtime=0)).decode()
    return "application/json", text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def packed(data: Object) -> dict[str, Json]:
    """Return the gallery's data with samples and cells as columns, which compress to half of what objects do.

    A table of columns is `{"rows": n, "columns": {name: column}}`. A column is a list with one value a row and null
    where there is none, or `{"values": [...], "at": [...]}`, an index into few values for each row, -1 for none. A
    name such as `sc.reply` is the field `reply` of an object `sc`. The cells of all samples follow one
    another; `cells` of a sample is their number. Thumbnails are named by their SHA-256 in base64url alone.
    """
    samples = [cast(Object, sample) for sample in cast(Sequence[Json], data["samples"])]
    cells = [[cast(Object, cell) for cell in cast(Sequence[Json], sample["cells"])] for sample in samples]
    counted: list[Object] = [{**one, "cells": len(of)} for one, of in zip(samples, cells, strict=True)]
    return {**data, "samples": _columns(counted), "cells": _columns([cell for of in cells for cell in of])}


def _columns(rows: Sequence[Object]) -> dict[str, Json]:
    flat = [_flat(row) for row in rows]
    names = dict.fromkeys(name for row in flat for name in row)
    return {"rows": len(rows), "columns": {name: _column([row.get(name) for row in flat]) for name in names}}


def _flat(row: Object) -> dict[str, Json]:
    """Fields of objects in the row become fields `object.field` of the row."""
    found: dict[str, Json] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": part for inner, part in value.items()}
        else:
            found[name] = _short(value) if name in _PICTURES else value
    return found


def _short(value: Json) -> Json:
    """A thumbnail's path as the 43 characters of its hash; anything else as it is."""
    if not isinstance(value, str) or not (path := _THUMBNAIL.fullmatch(value)) or thumbnail_path(path[1]) != value:
        return value
    return base64.urlsafe_b64encode(bytes.fromhex(path[1])).decode().rstrip("=")


def _column(values: Sequence[Json]) -> Json:
    keys: list[object] = [
        _NOTHING if value is None else (type(value), value if isinstance(value, str) else _text(value))
        for value in values
    ]
    different = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
    if len(different) * _FEW > len(values):
        return list(values)
    places: dict[object, int] = {_NOTHING: _NOTHING} | {key: index for index, key in enumerate(different)}
    return {"values": list(different.values()), "at": [places[key] for key in keys]}


def _text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
