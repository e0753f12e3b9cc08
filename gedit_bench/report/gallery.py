"""The gallery's data: one JSON object inside the page, with each reply in it once."""

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

from gedit_bench.records import Edit, EditStatus, Json, Reading, Reply, SampleId, Verdict
from gedit_bench.report.board import Board, Entry
from gedit_bench.report.cards import Card, Pictures
from gedit_bench.report.words import subset_words, task_words
from gedit_bench.results import FALLBACK
from gedit_bench.scoring.coverage import shortfalls
from gedit_bench.store.run import Run


def gallery_json(board: Board, cards: Sequence[Card], pictures: Pictures, out: Path | None) -> dict[str, Json]:
    """Return what the page's script draws: entries, tables, and cards with their cells.

    `out` is the page's folder, from which images in full are found; None if only what is in `pictures` may be shown.
    """
    judges = {(entry.judge.judge_id, entry.judge.request_id) for entry in board.entries}
    several = len(judges) > 1
    runs = {path: index for index, path in enumerate(dict.fromkeys(e.scored.run.path for e in board.entries))}
    entries: list[Json] = [_entry(entry, out, runs[entry.scored.run.path], several=several) for entry in board.entries]
    names, twins = _names(cards), _twins(cards)
    samples: list[Json] = [
        _sample(card, name, names[twins[index]] if index in twins else None, board.entries, pictures)
        for index, (card, name) in enumerate(zip(cards, names, strict=True))
    ]
    return {"entries": entries, "tables": _tables(board), "samples": samples}


def _names(cards: Sequence[Card]) -> list[str]:
    """Each card's name in links: its sample's, with a number where several samples share one."""
    seen: Counter[str] = Counter()
    names = []
    for card in cards:
        name = str(card.sample.id)
        seen[name] += 1
        names.append(name + (f"~{seen[name]}" if seen[name] > 1 else ""))
    return names


def _twins(cards: Sequence[Card]) -> dict[int, int]:
    """Which card shows the same source under the other language's instruction, by index.

    Of several in one category those of one key belong together, others in the dataset's order.
    """
    found: dict[tuple[str, str], dict[str, list[int]]] = {}
    for index, card in enumerate(cards):
        task, language, _ = card.sample.id
        if card.source_id is not None:
            found.setdefault((task, card.source_id), {}).setdefault(language, []).append(index)
    twins: dict[int, int] = {}
    for languages in found.values():
        if len(languages) != 2:
            continue
        first, second = (sorted(of, key=lambda index: cards[index].sample.id.key) for of in languages.values())
        same = {cards[index].sample.id.key for index in first} & {cards[index].sample.id.key for index in second}
        for shared in (True, False):
            ones, others = ([i for i in of if (cards[i].sample.id.key in same) is shared] for of in (first, second))
            for one, other in zip(ones, others, strict=False):
                twins[one], twins[other] = other, one
    return twins


def _entry(entry: Entry, out: Path | None, run: int, *, several: bool) -> dict[str, Json]:
    manifest, judge = entry.manifest, entry.judge
    settings: dict[str, Json] = {name: json.dumps(value) for name, value in manifest.settings.items()}
    return {
        "id": entry.id,
        "label": entry.label,
        "run": run,
        "judge": f"{judge.label}, {judge.request_id}{'' if judge.vlm else ', no VLM'}{_other(entry)}",
        "judgeShort": (judge.judge if judge.vlm else "offline, no VLM") + _other(entry)
        if several or entry.scored.fallback
        else "",
        "about": f"{manifest.recipe} · {manifest.fingerprint}",
        "notes": manifest.notes,
        "settings": settings,
        "base": _base(entry.scored.run, out) if out else None,
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


def _sample(card: Card, name: str, twin: str | None, entries: Sequence[Entry], pictures: Pictures) -> dict[str, Json]:
    sample = card.sample
    cells = [_cell(index, verdict, entries[index], pictures) for index, verdict in sorted(card.verdicts.items())]
    return {
        "id": name,
        "task": sample.id.task_type,
        "taskWords": task_words(sample.id.task_type),
        "language": sample.id.language,
        "key": sample.id.key,
        "instruction": sample.instruction,
        "intersection": sample.intersection,
        "source": pictures.sources.get(card.source_id or ""),
        "twin": twin,
        "cells": cast(list[Json], cells),
    }


def _cell(index: int, verdict: Verdict, entry: Entry, pictures: Pictures) -> dict[str, Json]:
    overall = verdict.overall
    cell: dict[str, Json] = {
        "e": index,
        "not": cast(list[Json], sorted(shortfalls(verdict))),
        "o": None if overall is None else round(overall, 4),
        "sc": _aspect(verdict.sc, verdict.sc_reply, entry),
        "pq": _aspect(verdict.pq, verdict.pq_reply, entry),
        "imported": verdict.imported,
    }
    return _without_empty(cell) | (_edit(verdict.edit, index, pictures) if verdict.edit else {})


def _edit(edit: Edit, index: int, pictures: Pictures) -> dict[str, Json]:
    made = edit.status is EditStatus.OK
    return _without_empty(
        {
            "status": str(edit.status),
            "message": edit.message,
            "sent": edit.extra.get("instruction_sent"),
            "thumb": pictures.edits.get(edit.sha256 or "") if made else None,
            "file": None if edit.file == _official_place(edit.sample) else edit.file,
            "full": (index, edit.sample) in pictures.images,
            "size": f"{edit.width} × {edit.height}" if edit.width and edit.height else "",
            "seed": edit.seed,
            "seconds": None if edit.seconds is None else round(edit.seconds, 2),
            "flags": list(edit.flags),
        }
    )


def _official_place(sample: SampleId) -> str:
    """Where an edit is unless its line says otherwise; the page's script knows this, too."""
    return f"images/fullset/{sample.task_type}/{sample.language}/{sample.key}.png"


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
    """Where the reasoning stands in the reply as a JSON string, in UTF-16 units, so that it isn't held twice.

    Empty also where the reply is a JSON object with this `reasoning`: there the page's script finds it.
    """
    if not reasoning or _reasoning_of(content) == reasoning:
        return []
    for ascii_only in (False, True):
        literal = json.dumps(reasoning, ensure_ascii=ascii_only)
        start = content.find(literal)
        if start >= 0:
            return [_units(content[:start]), _units(content[: start + len(literal)])]
    return []


def _reasoning_of(content: str) -> Json:
    try:
        value = json.loads(content) if content.startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return value.get("reasoning") if isinstance(value, dict) else None


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _without_empty(value: Mapping[str, Json]) -> dict[str, Json]:
    return {name: part for name, part in value.items() if part not in ("", [], {}, None) and part is not False}
