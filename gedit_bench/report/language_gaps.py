"""What each row of a table gains or loses by being asked in Chinese instead of English."""

from dataclasses import dataclass
from math import isnan

from gedit_bench.records import TASKS, Json
from gedit_bench.report.board import BoardTable, Row
from gedit_bench.report.pairs import signed, tint_of
from gedit_bench.report.words import NONE, task_words
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.language_gap import LanguageGap


@dataclass(frozen=True, slots=True)
class GapCell:
    """O in Chinese minus O in English, its interval, the class of its tint, and all of it in one sentence."""

    difference: str
    interval: str
    tint: str
    words: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """A row of the table: the gap of its headline, then those of the 11 categories."""

    row: Row
    cells: tuple[GapCell, ...]


def language_gaps(table: BoardTable) -> list[GapRow]:
    """Return the rows that were judged in both languages, in the table's order."""
    return [_row(row, row.gap) for row in table.rows if row.gap is not None]


def gap_json(gap: LanguageGap | None) -> Json:
    """Return the gap in O as JSON; what nobody knows is null."""
    if gap is None:
        return None
    categories: dict[str, Json] = {
        task: {**_ends(found.overall), "sources": gap.sources[task]} for task, found in gap.categories.items()
    }
    return {**_ends(gap.headline.overall), "categories": categories}


def _row(row: Row, gap: LanguageGap) -> GapRow:
    over_all = _cell("headline", gap.headline.overall, sum(gap.sources.values()))
    headline = over_all if row.summary.headline else GapCell(NONE, NONE, "", "no headline")
    return GapRow(
        row,
        (headline, *(_cell(task_words(task), gap.categories[task].overall, gap.sources[task]) for task in TASKS)),
    )


def _cell(name: str, found: Interval, sources: int) -> GapCell:
    if isnan(found.estimate):
        return GapCell(NONE, NONE, "", f"{name}: no source was scored in both languages")
    ends = signed(found.low), signed(found.high)
    clear = found.low > 0 or found.high < 0
    inside = f", 95 % interval {' to '.join(ends)}" if found.known else ""
    told = f"{name}: {signed(found.estimate)}{inside}, over {sources} source{'' if sources == 1 else 's'}"
    tint = tint_of(found.estimate) if clear else ""
    return GapCell(signed(found.estimate), ", ".join(ends) if found.known else NONE, tint, told)


def _ends(found: Interval) -> dict[str, Json]:
    values = {"difference": found.estimate, "low": found.low, "high": found.high}
    return {name: None if isnan(value) else value for name, value in values.items()}
