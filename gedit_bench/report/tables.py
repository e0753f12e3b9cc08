"""The board as files: `leaderboard.csv`, `leaderboard.json`, `leaderboard.md`."""

import csv
import io
import re
from collections.abc import Mapping

from gedit_bench.derived import fallback_json, noise_json, summary_json, to_text
from gedit_bench.records import TASKS, Json
from gedit_bench.report import words
from gedit_bench.report.board import Board, BoardTable, Row

SCHEMA = 1

COLUMNS = (
    *("table", "language", "subset", "judge_id", "vlm", "returned_model", "request_id", "scoring_id"),
    *("selection_id", "rank", "model", "backend", "recipe", "fingerprint", "notes", "replayed_from"),
    *("sc", "pq", "overall", "micro_sc", "micro_pq", "micro_overall", "band_low", "band_high"),
    *("scored", "selected", "partial", "coverage", "statuses", "flags", "seconds_per_image", "reason"),
    *("judging_usd", "calls_of_unknown_cost", "editing_usd"),
    *(f"overall:{task}" for task in TASKS),
    *("repeats", "mean_of_repeats", "se_judge", "se_judge_once", "se_sampling", "se_total", "fallback"),
)
"""The columns of `leaderboard.csv`; `sc`, `pq` and `overall` are the headline's and empty without one."""


def board_json(board: Board, *, title: str, created: str, warnings: Mapping[str, list[str]]) -> dict[str, Json]:
    """Return the board as JSON, every number in full precision.

    The object holds `schema` (1), `title`, `created`, `warnings` (sentences by kind) and `tables`. A table
    holds what its rows have in common (`language`, `subset`, `judge_id`, `vlm`, `returned_models`,
    `protocol`, `request_id`, `scoring_id`, `selection_id`, `imported`), `selected`, `caption`, `differs`
    and `rows`. A row names its run (`model`, `backend`, `recipe`, `fingerprint`, `notes`,
    `replayed_from`), its place
    (`rank`, or null and `reason`), and holds the judgement's `summary.json` entry of that language and
    subset, `flags`, `seconds_per_image` and `cost`. A mean of nothing is null, and so is a cost that nobody knows.
    """
    return {
        "schema": SCHEMA,
        "title": title,
        "created": created,
        "warnings": {kind: list(texts) for kind, texts in warnings.items()},
        "tables": [_table_json(table) for table in board.tables],
    }


def board_json_text(value: dict[str, Json]) -> str:
    """Return the text of `leaderboard.json`."""
    return to_text(value) + "\n"


def board_csv(board: Board) -> str:
    """Return one line per row of each table, numbers in full precision."""
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    for table in board.tables:
        for row in table.rows:
            lines.writerow(_csv_row(table, row))
    return text.getvalue()


def board_markdown(board: Board, *, title: str, created: str) -> str:
    """Return the tables as Markdown, two decimals, each under its caption."""
    parts = [f"# {_escaped(title)}", f"{created[:10]} · GEdit-Bench"]
    for table in board.tables:
        parts += [f"## {table.number}. {table.title}{'' if table.vlm else ' (no VLM)'}", _escaped(table.caption)]
        parts += [_escaped(table.differs)] if table.differs else []
        parts.append(
            "\n".join([_line(_HEADS), "|---|---|--:|--:|--:|--:|---|--:|--:|--:|---|", *map(_markdown_row, table.rows)])
        )
    return "\n\n".join(parts) + "\n"


_HEADS = ("rank", "model", "SC", "PQ", "O", "micro O", "band", "scored", "coverage", "judging", "remarks")


def _table_json(table: BoardTable) -> dict[str, Json]:
    key = table.key
    return {
        "id": table.id,
        "language": key.language,
        "subset": key.subset,
        "judge_id": key.judge_id,
        "vlm": table.vlm,
        "returned_models": list(table.rows[0].entry.scored.models),
        "protocol": table.judge.protocol,
        "request_id": key.request_id,
        "scoring_id": key.scoring_id,
        "selection_id": key.selection,
        "imported": key.imported,
        "selected": table.selected,
        "caption": table.caption,
        "differs": table.differs or None,
        "rows": [_row_json(row) for row in table.rows],
    }


def _row_json(row: Row) -> dict[str, Json]:
    manifest = row.entry.manifest
    summary = summary_json(row.summary)
    shared = {"language", "subset"}  # the table says them
    return {
        "rank": row.rank,
        "reason": row.reason or None,
        "model": manifest.name,
        "backend": manifest.backend or manifest.model,
        "recipe": manifest.recipe,
        "fingerprint": manifest.fingerprint,
        "notes": manifest.notes or None,
        "replayed_from": row.entry.judge.replayed_from or None,
        **{name: value for name, value in summary.items() if name not in shared},
        "flags": dict(row.flags),
        "seconds_per_image": row.seconds,
        "cost": {"judging": row.judging.to_json(), "editing_usd": row.editing_usd},
        "noise": noise_json(row.noise),
        "fallback": fallback_json(row.entry.scored),
    }


def _csv_row(table: BoardTable, row: Row) -> dict[str, object]:
    headline, micro, part = row.summary.headline, row.summary.table.micro, row.summary.coverage
    manifest, key = row.entry.manifest, table.key
    common = (table.id, key.language, key.subset, key.judge_id, table.vlm, key.returned, key.request_id)
    mine = (key.scoring_id, key.selection, row.rank, manifest.name, manifest.backend or manifest.model, manifest.recipe)
    means = (headline.sc, headline.pq, headline.overall) if headline else (None, None, None)
    numbers = (*means, micro.sc, micro.pq, micro.overall, *row.summary.band)
    counted = (part.scored, part.selected, part.partial, round(part.share, 6))
    told = (_pairs(part.statuses), _pairs(row.flags), row.seconds, row.reason)
    categories = [row.summary.table.categories[task].overall for task in TASKS]
    origin = (manifest.fingerprint, manifest.notes, row.entry.judge.replayed_from)
    costs = (row.judging.known_usd, row.judging.unknown, row.editing_usd)
    values = (*common, *mine, *origin, *numbers, *counted, *told, *costs, *categories)
    found = row.noise.headline
    errors = (found.judge, found.judge_once, found.sampling, found.total)
    values = (*values, row.noise.repeats, found.mean, *errors, row.with_fallback)
    return {name: None if value != value else value for name, value in zip(COLUMNS, values, strict=True)}  # NaN


def _pairs(counted: Mapping[str, int]) -> str:
    return "; ".join(f"{name}={count}" for name, count in counted.items())


def _markdown_row(row: Row) -> str:
    headline, part, manifest = row.summary.headline, row.summary.coverage, row.entry.manifest
    low, high = row.summary.band
    remarks = [row.reason, "" if row.reason else row.partial, words.counts(part.statuses), words.counts(row.flags)]
    remarks += ["replayed" if row.entry.judge.replayed_from else "", manifest.notes, row.with_fallback]
    remarks.append(f"judge noise {words.noise_words(row.noise)}" if row.noise.known else "")
    return _line(
        (
            words.NONE if row.rank is None else str(row.rank),
            f"{manifest.name} {manifest.recipe} {manifest.fingerprint}",
            words.two(headline.sc if headline else None),
            words.two(headline.pq if headline else None),
            words.two(headline.overall if headline else None),
            words.two(row.summary.table.micro.overall),
            f"{words.two(low)} to {words.two(high)}",
            f"{part.scored}/{part.selected}",
            words.percent(part.share),
            words.money(row.judging),
            "; ".join(remark for remark in remarks if remark),
        )
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|~&])", r"\\\1", re.sub(r"\s+", " ", text))
