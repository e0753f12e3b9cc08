"""The board for programs: `leaderboard.json`, described by `docs/leaderboard.schema.json`."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from types import MappingProxyType

from gedit_bench.derived import fallback_json, noise_json, summary_json, to_text
from gedit_bench.records import Json
from gedit_bench.report.beside import Beside
from gedit_bench.report.beside_tables import beside_json
from gedit_bench.report.board import Board, BoardTable, Row
from gedit_bench.report.language_gaps import gap_json
from gedit_bench.scoring.bootstrap import Intervals, RowUncertainty
from gedit_bench.scoring.ranking import Ranking

SCHEMA = 1


def board_json(
    board: Board,
    *,
    title: str,
    created: str,
    warnings: Mapping[str, list[str]],
    published: Mapping[str, Beside] = MappingProxyType({}),
) -> dict[str, Json]:
    """Return the board as JSON, every number in full precision.

    A mean of nothing is null, and so are an interval and a cost that nobody knows. Rows of a table's `ranking` are
    named by their index.
    """
    return {
        "schema": SCHEMA,
        "title": title,
        "created": created,
        "warnings": {kind: list(texts) for kind, texts in warnings.items()},
        "tables": [_table_json(table, published.get(table.id)) for table in board.tables],
    }


def board_json_text(value: dict[str, Json]) -> str:
    """Return the text of `leaderboard.json`."""
    return to_text(value) + "\n"


def _table_json(table: BoardTable, around: Beside | None) -> dict[str, Json]:
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
        "ranking": _ranking_json(table.ranking) if table.ranking else None,
        "rows": [_row_json(row) for row in table.rows],
        **beside_json(around),
    }


def _row_json(row: Row) -> dict[str, Json]:
    manifest = row.entry.manifest
    summary = summary_json(row.summary)
    shared = {"language", "subset"}  # the table says them
    return {
        "entry": row.entry.id,
        "rank": row.rank,
        "reason": row.reason or None,
        "model": manifest.name,
        "backend": manifest.backend or manifest.model,
        "recipe": manifest.recipe,
        "fingerprint": manifest.fingerprint,
        "notes": manifest.notes or None,
        "replayed_from": row.entry.judge.replayed_from or None,
        "trust": row.entry.trust,
        **{name: value for name, value in summary.items() if name not in shared},
        "intervals": _uncertainty_json(row.uncertainty) if row.uncertainty else None,
        "standing": asdict(row.standing) if row.standing else None,
        "flags": dict(row.flags),
        "seconds_per_image": row.seconds,
        "cost": {"judging": row.judging.to_json(), "editing_usd": row.editing_usd},
        "noise": noise_json(row.noise),
        "fallback": fallback_json(row.entry.scored),
        "language_gap": gap_json(row.gap),
    }


def _ranking_json(ranking: Ranking) -> dict[str, Json]:
    return {
        "smallest_difference": _number(ranking.smallest_difference),
        "tie_groups": ranking.tie_groups,
        "pairs": [{**asdict(pair), "told_apart": pair.told_apart} for pair in ranking.pairs],
    }


def _uncertainty_json(found: RowUncertainty) -> dict[str, Json]:
    return {
        **_intervals_json(found.headline),
        "standard_error": _number(found.standard_error),
        "categories": {task: _intervals_json(intervals) for task, intervals in found.categories.items()},
    }


def _intervals_json(found: Intervals) -> dict[str, Json]:
    parts = {"sc": found.sc, "pq": found.pq, "overall": found.overall}
    return {name: [one.low, one.high] if one.known else None for name, one in parts.items()}


def _number(value: float) -> float | None:
    return None if isnan(value) else value
