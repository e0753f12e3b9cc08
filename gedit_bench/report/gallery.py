"""The gallery's data: one JSON object inside the page, with each reply in it once."""

import base64
import gzip
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

from gedit_bench.errors import DataError
from gedit_bench.records import Edit, EditStatus, Json, Reading, Reply, Verdict
from gedit_bench.report.board import Board, Entry
from gedit_bench.report.cards import Card, Pictures
from gedit_bench.report.words import subset_words, task_words
from gedit_bench.results import FALLBACK
from gedit_bench.scoring.coverage import coverage
from gedit_bench.store.run import Run


def gallery_json(board: Board, cards: Sequence[Card], pictures: Pictures, out: Path) -> dict[str, Json]:
    """Return what the page's script draws: entries, tables, and cards with their cells."""
    judges = {(entry.judge.judge_id, entry.judge.request_id) for entry in board.entries}
    entries: list[Json] = [_entry(entry, out, several=len(judges) > 1) for entry in board.entries]
    seen: Counter[str] = Counter()
    samples: list[Json] = []
    for card in cards:
        seen[str(card.sample.id)] += 1
        samples.append(_sample(card, seen[str(card.sample.id)], board.entries, pictures))
    return {"entries": entries, "tables": _tables(board), "samples": samples}


PLAIN_LIMIT = 1_000_000
"""Bytes of JSON that stand in the page as they are; more is compressed."""


def script_data(value: Json) -> tuple[str, str]:
    """Return type and text of the `<script>` that holds `value`: nothing in it can end the element.

    JSON as it is, or gzip in base64 where it is large: 20 models over the whole benchmark would make
    a page of some 30 MB otherwise.
    """
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    if len(text) > PLAIN_LIMIT:
        return "application/gzip", base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
    return "application/json", text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _entry(entry: Entry, out: Path, *, several: bool) -> dict[str, Json]:
    manifest, judge = entry.manifest, entry.judge
    settings: dict[str, Json] = {name: json.dumps(value) for name, value in manifest.settings.items()}
    return {
        "id": entry.id,
        "label": entry.label,
        "judge": f"{judge.label}, {judge.request_id}{'' if judge.vlm else ', no VLM'}{_other(entry)}",
        "judgeShort": (judge.judge if judge.vlm else "offline, no VLM") + _other(entry)
        if several or not judge.vlm or entry.scored.fallback
        else "",
        "about": f"{manifest.recipe} · {manifest.fingerprint}",
        "notes": manifest.notes,
        "settings": settings,
        "base": _base(entry.scored.run, out),
    }


def _other(entry: Entry) -> str:
    """The fallback judge in words, if one was asked."""
    fallback = entry.scored.fallback
    return f", with fallback {fallback.judgement.manifest.judge_id}" if fallback else ""


def _base(run: Run, out: Path) -> str | None:
    """Where the run's folder lies as seen from the page, if both are in the same results folder."""
    try:
        relative = Path(os.path.relpath(run.path.resolve(), out.resolve())).as_posix()
    except ValueError:  # another drive
        return None
    return None if relative.startswith("../..") else quote(relative) + "/"


def _tables(board: Board) -> list[Json]:
    return [
        {
            "id": table.id,
            "label": f"{table.number} · {subset_words(table.key.language, table.key.subset)} · {table.key.judge_id}"
            + ("" if table.vlm else ", no VLM"),
            "language": table.key.language,
            "subset": table.key.subset,
            "entries": [row.entry.index for row in table.rows],
        }
        for table in board.tables
    ]


def _sample(card: Card, nth: int, entries: Sequence[Entry], pictures: Pictures) -> dict[str, Json]:
    sample = card.sample
    cells = [_cell(index, verdict, entries[index], pictures) for index, verdict in sorted(card.verdicts.items())]
    return {
        "id": str(sample.id) + (f"~{nth}" if nth > 1 else ""),
        "task": sample.id.task_type,
        "taskWords": task_words(sample.id.task_type),
        "language": sample.id.language,
        "key": sample.id.key,
        "instruction": sample.instruction,
        "intersection": sample.intersection,
        "source": pictures.sources.get(card.source_id or ""),
        "cells": cast(list[Json], cells),
    }


def _cell(index: int, verdict: Verdict, entry: Entry, pictures: Pictures) -> dict[str, Json]:
    shortfalls = list(coverage([verdict]).statuses)
    overall = verdict.overall
    cell: dict[str, Json] = {
        "e": index,
        "not": cast(list[Json], shortfalls),
        "o": None if overall is None else round(overall, 4),
        "sc": _aspect(verdict.sc, verdict.sc_reply, entry),
        "pq": _aspect(verdict.pq, verdict.pq_reply, entry),
        "imported": verdict.imported,
    }
    return _without_empty(cell) | (_edit(verdict.edit, entry.scored.run, pictures) if verdict.edit else {})


def _edit(edit: Edit, run: Run, pictures: Pictures) -> dict[str, Json]:
    made = edit.status is EditStatus.OK
    return _without_empty(
        {
            "status": str(edit.status),
            "message": edit.message,
            "sent": edit.extra.get("instruction_sent"),
            "thumb": pictures.edits.get(edit.sha256 or "") if made else None,
            "file": edit.file,
            "full": made and _is_inside(edit, run),
            "size": f"{edit.width} × {edit.height}" if edit.width and edit.height else "",
            "seed": edit.seed,
            "seconds": edit.seconds,
            "flags": list(edit.flags),
        }
    )


def _is_inside(edit: Edit, run: Run) -> bool:
    try:
        run.image_path(edit)
    except DataError:
        return False
    return True


def _aspect(reading: Reading | None, reply: Reply | None, entry: Entry) -> dict[str, Json] | None:
    if reading is None:
        return None
    reply_json: dict[str, Json] = {}
    if reply is not None:
        reply_json = {
            "reply": reply.content,
            "why": _span(reading.reasoning, reply.content or ""),
            "refusal": reply.refusal,
            "message": reply.message,
            "finish": reply.finish_reason,
            "attempt": reply.attempt or None,
            "reused": reply.reused_from,
            "model": reply.model if entry.judge_changed or FALLBACK in reading.flags else None,
        }
    return _without_empty(
        {"status": str(reading.status), "score": reading.score, "flags": list(reading.flags), **reply_json}
    )


def _span(reasoning: str, content: str) -> list[Json]:
    """Where the reasoning stands in the reply as a JSON string, in UTF-16 units, so that it isn't held twice."""
    for ascii_only in (False, True):
        literal = json.dumps(reasoning, ensure_ascii=ascii_only)
        start = content.find(literal) if reasoning else -1
        if start >= 0:
            return [_units(content[:start]), _units(content[: start + len(literal)])]
    return []


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _without_empty(value: Mapping[str, Json]) -> dict[str, Json]:
    return {name: part for name, part in value.items() if part not in ("", [], {}, None) and part is not False}
