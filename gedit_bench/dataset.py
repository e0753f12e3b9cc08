"""Loads the benchmark: from the hub, a local folder, or the bundled sample, all through one loader.

Metadata first, pixels one at a time: opening 1212 rows decodes nothing. What isn't a benchmark is
refused with the row that is wrong; instructions are taken to the last blank.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from gedit_bench.dataset_files import HUB_ID, locate, open_rows
from gedit_bench.errors import DataError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import LANGUAGES, TASKS, Sample, SampleId, SourceKind

__all__ = ["HUB_ID", "Benchmark", "decode_source", "load_benchmark"]

_METADATA = ("task_type", "instruction_language", "key", "instruction", "Intersection_exist")
_IMAGES: Mapping[SourceKind, str] = {"input": "input_image", "raw": "input_image_raw"}
_UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow raises on damaged images."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark whose rows are known and whose pixels are read on demand, from any thread.

    `revision` is the commit on the hub, or `local-` and 8 hex digits for a folder. These are over
    the metadata of all rows and the sizes of the data files, so that the same data have the same
    revision anywhere; pixels changed without changing any file's size are not noticed.
    """

    name: str
    revision: str
    samples: tuple[Sample, ...]
    _images: Mapping[SourceKind, Any] = field(repr=False, compare=False)

    def image_bytes(self, sample: Sample, kind: SourceKind = "input") -> bytes:
        """Return a source's bytes as they stand in the dataset, undecoded.

        Raises:
            DataError: the row holds no image.
        """
        content = self._images[kind][sample.row][_IMAGES[kind]]
        data = content["bytes"] if content else None
        if not data:
            raise DataError(f"The {_IMAGES[kind]} of {sample.id} is missing.", "Copy or download the data again.")
        return bytes(data)

    def source_id(self, sample: Sample) -> str:
        """Return the SHA-256 (hex) of `input_image`'s bytes: twins in two languages share it."""
        return hashlib.sha256(self.image_bytes(sample, "input")).hexdigest()

    def source(self, sample: Sample, kind: SourceKind = "input") -> Image.Image:
        """Return a source decoded: RGB, upright by its EXIF orientation as `datasets` decodes it.

        Raises:
            DataError: the row holds no image, or one that is damaged or cut off.
        """
        return decode_source(self.image_bytes(sample, kind), sample.id, kind)


def decode_source(data: bytes, sample: SampleId, kind: SourceKind = "input") -> Image.Image:
    """Return a source whose bytes stand in the dataset, decoded as `Benchmark.source` says.

    Raises:
        DataError: the image is damaged or cut off.
    """
    try:
        with Image.open(BytesIO(data)) as image:
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image.convert("RGB")
    except _UNREADABLE as error:
        raise DataError(
            f"The {_IMAGES[kind]} of {sample} can't be read as an image: {error}.",
            "Copy or download the data again.",
        ) from error


def load_benchmark(data: str = HUB_ID, revision: str | None = None, *, fetch: bool = True) -> Benchmark:
    """Open a benchmark.

    Args:
        data: a dataset on the hub, a local folder (parquet files, flat or one level down, or what
            `save_to_disk` wrote), or `sample`, the bundled one.
        revision: a commit, branch or tag on the hub (default: `main`, resolved to its commit, by
            the cache where the hub can't be asked). For local data, the revision they must have.
        fetch: False takes what is in the cache and downloads nothing.

    Raises:
        UsageError: there is no such dataset, folder or revision.
        DataError: the data are damaged or no benchmark, or local data are of another revision.
        UnavailableError: neither the network nor the cache has the dataset.
    """
    place = locate(data, revision, fetch=fetch)
    rows, files = open_rows(place.folder)
    _check_columns(rows, place.name)
    columns = rows.select_columns(list(_METADATA))[:]
    samples = _samples(columns)
    found = place.commit or _local_revision(columns, files)
    if place.commit is None and revision not in (None, found):
        raise DataError(
            f"The data {place.name} are of revision {found}, not {revision}.", "Use the data that the run began with."
        )
    return Benchmark(place.name, found, samples, {kind: _undecoded(rows, name) for kind, name in _IMAGES.items()})


def _check_columns(rows: Any, name: str) -> None:
    from datasets import Image as ImageColumn

    for column in (*_METADATA, *_IMAGES.values()):
        if column not in rows.features:
            raise DataError(f"The data {name} have no column {column!r}.", did_you_mean(column, rows.features))
    for column in _IMAGES.values():
        if not isinstance(rows.features[column], ImageColumn):
            raise DataError(
                f"The column {column!r} of the data {name} holds {rows.features[column]}, not images.",
                "Declare it as datasets.Image() before saving.",
            )
    if not len(rows):
        raise DataError(f"The data {name} have no rows.", "Copy or download them again.")


def _undecoded(rows: Any, column: str) -> Any:
    from datasets import Image as ImageColumn

    return rows.select_columns([column]).cast_column(column, ImageColumn(decode=False))


def _samples(columns: Mapping[str, list[Any]]) -> tuple[Sample, ...]:
    samples: list[Sample] = []
    rows_by_id: dict[SampleId, int] = {}
    for row, values in enumerate(zip(*(columns[name] for name in _METADATA), strict=True)):
        sample = _sample(row, dict(zip(_METADATA, values, strict=True)))
        first = rows_by_id.setdefault(sample.id, row)
        if first != row:
            raise DataError(
                f"The rows {first} and {row} are the same sample {sample.id}.", "Each sample may appear only once."
            )
        samples.append(sample)
    return tuple(samples)


def _sample(row: int, values: Mapping[str, Any]) -> Sample:
    """Return a row as a sample; `row` counts from 0."""
    for column in _METADATA[:-1]:
        if not isinstance(values[column], str):
            raise DataError(f"Row {row} has {values[column]!r} for {column}, not a text.")
    if not isinstance(values["Intersection_exist"], bool):
        raise DataError(f"Row {row} has {values['Intersection_exist']!r} for Intersection_exist, not true or false.")
    _check_known(row, "task_type", values["task_type"], TASKS)
    _check_known(row, "instruction_language", values["instruction_language"], LANGUAGES)
    identity = SampleId(values["task_type"], values["instruction_language"], values["key"])
    return Sample(identity, values["instruction"], values["Intersection_exist"], row)


def _check_known(row: int, column: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise DataError(f"Row {row} has the unknown {column} {value!r}.", did_you_mean(value, known))


def _local_revision(columns: Mapping[str, list[Any]], files: Iterable[Path]) -> str:
    content = {
        "sizes": [file.stat().st_size for file in files],
        "rows": list(zip(*(columns[name] for name in _METADATA), strict=True)),
    }
    return "local-" + hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8]
