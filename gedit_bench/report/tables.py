"""The board as files: `leaderboard.csv`, `leaderboard.json`, `leaderboard.md`."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict
from math import isnan
from types import MappingProxyType

from gedit_bench.derived import fallback_json, noise_json, summary_json, to_text
from gedit_bench.records import TASKS, Json
from gedit_bench.report import words
from gedit_bench.report.beside import Beside, PublishedRow
from gedit_bench.report.board import Board, BoardTable, Row
from gedit_bench.report.markup import markdown
from gedit_bench.scoring.bootstrap import Intervals, RowUncertainty
from gedit_bench.scoring.ranking import Ranking

SCHEMA = 1

COLUMNS = (
    *("table", "language", "subset", "judge_id", "vlm", "returned_model", "request_id", "scoring_id"),
    *("selection_id", "rank", "model", "backend", "recipe", "fingerprint", "notes", "replayed_from"),
    *("sc", "pq", "overall", "micro_sc", "micro_pq", "micro_overall", "band_low", "band_high"),
    *("scored", "selected", "partial", "coverage", "statuses", "flags", "seconds_per_image", "reason"),
    *("judging_usd", "calls_of_unknown_cost", "editing_usd"),
    *(f"overall:{task}" for task in TASKS),
    *("repeats", "mean_of_repeats", "se_judge", "se_judge_once", "se_sampling", "se_total", "fallback"),
    *("sc_low", "sc_high", "pq_low", "pq_high", "overall_low", "overall_high", "overall_se"),
    *("rank_low", "rank_high", "tie_groups"),
    *(f"overall_{end}:{task}" for task in TASKS for end in ("low", "high")),
)
"""The columns of `leaderboard.csv`; `sc`, `pq` and `overall` are the headline's and empty without one.

`_low` and `_high` are the ends of 95 % intervals, but for the band's.
"""


def board_json(
    board: Board,
    *,
    title: str,
    created: str,
    warnings: Mapping[str, list[str]],
    published: Mapping[str, Beside] = MappingProxyType({}),
) -> dict[str, Json]:
    """Return the board as JSON, every number in full precision.

    The object holds `schema` (1), `title`, `created`, `warnings` (sentences by kind) and `tables`. A table
    holds what its rows have in common (`language`, `subset`, `judge_id`, `vlm`, `returned_models`,
    `protocol`, `request_id`, `scoring_id`, `selection_id`, `imported`), `selected`, `caption`, `differs`,
    `ranking` (each pair of ranked rows, by index) and `rows`; then, of what others published, `published` (a
    model, the range of its O, its sources), `published_left_out` (counts by reason) and `no_published_because`.
    A row names its run (`model`, `backend`, `recipe`, `fingerprint`, `notes`, `replayed_from`), its place (`rank`,
    or null and `reason`; `standing`), and holds the judgement's `summary.json` entry of that language and subset,
    `intervals`, `flags`, `seconds_per_image` and `cost`. A mean of nothing is null, and so are an interval and a
    cost that nobody knows.
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


def board_csv(board: Board) -> str:
    """Return one line per row of each table, numbers in full precision."""
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    for table in board.tables:
        for row in table.rows:
            lines.writerow(_csv_row(table, row))
    return text.getvalue()


def board_markdown(
    board: Board, *, title: str, created: str, published: Mapping[str, Beside] = MappingProxyType({})
) -> str:
    """Return the tables as Markdown, two decimals, each under its caption."""
    parts = [f"# {markdown(title)}", f"{created[:10]} · GEdit-Bench"]
    for table in board.tables:
        parts += [f"## {table.number}. {table.title}{'' if table.vlm else ' (no VLM)'}", markdown(table.caption)]
        parts += [markdown(table.differs)] if table.differs else []
        parts.append(
            "\n".join(
                [
                    _line(_HEADS),
                    f"|---|---|---|{'--:|' * 3}---|--:|---|{'--:|' * 3}---|",
                    *map(_markdown_row, table.rows),
                ]
            )
        )
        parts += _published_markdown(published[table.id]) if table.id in published else []
        parts += [words.resolution(table.ranking)] if table.ranking else []
    return "\n\n".join(parts) + "\n"


_HEADS = (
    "rank",
    "ranks, 95 %",
    "model",
    "SC",
    "PQ",
    "O",
    "95 %",
    "micro O",
    "band",
    "scored",
    "coverage",
    "judging",
    "remarks",
)


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
        "published": [_published_json(row) for row in around.rows] if around else [],
        "published_left_out": dict(around.left_out) if around else {},
        "no_published_because": around.why or None if around else None,
    }


def _published_json(row: PublishedRow) -> dict[str, Json]:
    shared = {"model", "language", "subset", "family"}  # the row and its table say them
    sources = [{name: value for name, value in one.to_json().items() if name not in shared} for one in row.results]
    ends = {"overall_low": row.values[0], "overall_high": row.values[-1]}
    return {"model": row.model, **ends, "remarks": row.remarks, "sources": sources}


def _published_markdown(around: Beside) -> list[str]:
    if around.why:
        return [markdown(around.why)]
    left_out = f" Left out: {around.left_out_words}." if around.left_out else ""
    head = f"Published elsewhere with {around.judges} as judge, for orientation; not measured here.{left_out}"
    return [markdown(head), "\n".join(_published_line(row) for row in around.rows)]


def _published_line(row: PublishedRow) -> str:
    told = []
    for one in row.results:
        by = markdown(one.source.reported_by)
        link = f"[{by}](<{one.source.address}>)" if one.source.address else by
        told.append(f"{words.two(one.overall)} by {link}, {markdown(one.source.date)}")
    remarks = f" ({markdown('; '.join(row.remarks))})" if row.remarks else ""
    return f"- *{markdown(row.model)}*: O {row.range_of('overall')}{remarks}: {'; '.join(told)}"


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
        "intervals": _uncertainty_json(row.uncertainty) if row.uncertainty else None,
        "standing": asdict(row.standing) if row.standing else None,
        "flags": dict(row.flags),
        "seconds_per_image": row.seconds,
        "cost": {"judging": row.judging.to_json(), "editing_usd": row.editing_usd},
        "noise": noise_json(row.noise),
        "fallback": fallback_json(row.entry.scored),
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
    values = (*values, row.noise.repeats, found.mean, *errors, row.with_fallback, *_intervals_csv(row))
    return {name: None if value != value else value for name, value in zip(COLUMNS, values, strict=True)}  # NaN


def _intervals_csv(row: Row) -> tuple[object, ...]:
    known, standing = row.uncertainty, row.standing
    if known is None:
        return (None,) * (10 + 2 * len(TASKS))
    headline = known.headline
    ends = [end for one in (headline.sc, headline.pq, headline.overall) for end in (one.low, one.high)]
    places = (standing.rank_low, standing.rank_high, standing.groups) if standing else (None, None, None)
    categories = [known.categories[task].overall for task in TASKS]
    return (*ends, known.standard_error, *places, *(end for one in categories for end in (one.low, one.high)))


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
            words.places(row.standing),
            f"{manifest.name} {manifest.recipe} {manifest.fingerprint}",
            words.two(headline.sc if headline else None),
            words.two(headline.pq if headline else None),
            words.two(headline.overall if headline else None),
            words.interval(row.uncertainty.headline.overall if row.uncertainty else None),
            words.two(row.summary.table.micro.overall),
            f"{words.two(low)} to {words.two(high)}",
            f"{part.scored}/{part.selected}",
            words.percent(part.share),
            words.money(row.judging),
            "; ".join(remark for remark in remarks if remark),
        )
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(markdown(cell) for cell in cells)} |"
