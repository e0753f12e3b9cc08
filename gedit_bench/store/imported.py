"""Scores that another tool gave: one line a sample, with the row that they were read from."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from gedit_bench.records import Json, SampleId
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.codec import from_json, to_json
from gedit_bench.store.jsonl import read_lines

MODEL = "imported"
"""What a run's manifest calls its backend where there are scores alone, and no images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedScore:
    """What another tool says of a sample: SC and PQ in 0..10, None where it gives no such number.

    `original` holds the fields of the row as they were, texts and all.
    """

    sample: SampleId
    sc: float | None = None
    pq: float | None = None
    original: dict[str, Json] = field(default_factory=dict)


def read_imported(judgement: Path) -> list[ImportedScore]:
    """Return the scores in a judgement's folder, in the order of the files that they came from."""
    return [from_json(ImportedScore, line) for line in read_lines(judgement / layout.IMPORTED)]


def write_imported(judgement: Path, scores: Iterable[ImportedScore]) -> None:
    """Write all scores of a judgement, whole or not at all."""
    lines = [json.dumps(to_json(score), ensure_ascii=True, separators=(",", ":")) for score in scores]
    write_bytes(judgement / layout.IMPORTED, "".join(f"{line}\n" for line in lines).encode())
