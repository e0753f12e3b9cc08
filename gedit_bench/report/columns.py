"""The board's columns: what each says, and which of them say something in a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gedit_bench.report.board import BoardTable
from gedit_bench.trust import TRUST_WORDS, TRUSTS

Kind = Literal["number", "text", "drawing"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its name in the page, with its head and one sentence on what it says.

    Rows can be sorted by a number or a text. A column that is not `fixed` can be taken away; `shown` is False where
    it is only there on demand, or without JavaScript.
    """

    name: str
    head: str
    words: str
    kind: Kind = "number"
    fixed: bool = False
    shown: bool = True


COLUMNS = (
    Column(
        "rank",
        "Rank",
        "By O; below it the ranks that the samples leave possible, 95 % for all pairs of models at once. Only rows of "
        "which 95 % of each category were scored have one.",
        fixed=True,
    ),
    Column("model", "Model", "Its recipe and the fingerprint of all that decides the pixels.", "text", fixed=True),
    Column("overall", "O", "Overall: √(SC·PQ) of each sample, then the table’s mean as its caption says.", fixed=True),
    Column(
        "interval",
        "95 % interval of O",
        "How far O would move with other samples: a bootstrap of whole sources within their categories.",
        "drawing",
    ),
    Column(
        "groups", "Tied", "Tie groups: rows that share a letter are not told apart, 95 % for all pairs at once.", "text"
    ),
    Column("sc", "SC", "Semantic consistency: was it done, and only that? Below it the 95 % interval."),
    Column("pq", "PQ", "Perceptual quality: does it look right? Below it the 95 % interval."),
    Column("band", "O band", "O if each failed aspect were 0, and if it were 10; one number where nothing failed."),
    Column(
        "judge",
        "Judge ±",
        "Standard error of O that comes from the judge alone, beside the one that comes from which samples there are; "
        "unknown where each aspect was asked once.",
    ),
    Column("micro", "Micro O", "Mean of O over samples instead of categories.", shown=False),
    Column("scored", "Scored", "Samples that have an O, of those selected; below it what the others came to."),
    Column("flags", "Flags", "What was noticed about edits and replies. A flag never removes a score.", "text"),
    Column(
        "trust",
        "Origin",
        ". ".join(f"{name[0].upper()}{name[1:]}: {TRUST_WORDS[name]}" for name in TRUSTS) + ".",
        "text",
    ),
    Column("seconds", "s / image", "Mean seconds per finished edit."),
    Column(
        "cost",
        "Cost",
        "US dollars for all judging of these samples, failed calls included, and for one sample; below it the edits, "
        "where their backend states a cost. A question mark stands for calls of unknown cost.",
    ),
)
"""In the page's order."""


def columns(table: BoardTable) -> tuple[Column, ...]:
    """Return the columns that say something about a row of the table."""
    rows = table.rows
    told = {
        "interval": bool(table.drawn),
        "groups": table.ranking is not None,
        "judge": table.repeated,
        "flags": any(row.flags for row in rows),
        "seconds": any(row.seconds is not None for row in rows),
        "cost": any(row.judging.usd or row.editing_usd is not None for row in rows),
    }
    return tuple(column for column in COLUMNS if told.get(column.name, True))


def used(tables: Iterable[BoardTable]) -> tuple[Column, ...]:
    """Return the columns that stand in at least one of the tables."""
    found = {column for table in tables for column in columns(table)}
    return tuple(column for column in COLUMNS if column in found)
