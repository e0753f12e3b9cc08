"""The board as text tables: `leaderboard.csv` and `leaderboard.md`."""

import csv
import io
from collections.abc import Mapping
from types import MappingProxyType

from gedit_bench.records import TASKS
from gedit_bench.report import words
from gedit_bench.report.beside import Beside
from gedit_bench.report.beside_tables import beside_markdown
from gedit_bench.report.board import Board, BoardTable, Row
from gedit_bench.report.markup import markdown

COLUMNS = (
    *("table", "language", "subset", "judge_id", "vlm", "returned_model", "request_id", "scoring_id"),
    *("selection_id", "rank", "model", "backend", "recipe", "fingerprint", "notes", "replayed_from", "trust"),
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
        parts += beside_markdown(published[table.id]) if table.id in published else []
        parts += [words.resolution(table.ranking)] if table.ranking else []
    return "\n\n".join(parts) + "\n"


_HEADS = (
    *("rank", "ranks, 95 %", "model", "SC", "PQ", "O", "95 %"),
    *("micro O", "band", "scored", "coverage", "judging", "remarks"),
)


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
    origin = (manifest.fingerprint, manifest.notes, row.entry.judge.replayed_from, row.entry.trust)
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
    remarks += ["" if row.entry.trust == "run here" else row.entry.trust]
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
