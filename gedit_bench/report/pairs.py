"""Differences of a table's rows, two by two, and which of them the samples tell apart."""

from dataclasses import dataclass

from gedit_bench.report.board import BoardTable, Row
from gedit_bench.scoring.ranking import Ranking

_STRONGER = (0.5, 1.0, 2.0)
"""From these differences on, in points, a cell's tint is one step stronger."""


@dataclass(frozen=True, slots=True)
class Cell:
    """O of one row minus O of another, with the interval that holds for all pairs at once."""

    first: Row
    second: Row
    difference: float
    low: float
    high: float
    told_apart: bool

    @property
    def words(self) -> str:
        """All of it in one sentence, for who can't see or hover over the rest."""
        inside = f"{signed(self.low)} to {signed(self.high)}"
        told = "told apart" if self.told_apart else "not told apart"
        return f"{self.first.entry.label} minus {self.second.entry.label}: {signed(self.difference)}, {inside}, {told}"

    @property
    def tint(self) -> str:
        """The class of its tint; empty where the two are not told apart."""
        return tint_of(self.difference) if self.told_apart else ""


@dataclass(frozen=True, slots=True)
class TieGroup:
    """Rows that share a letter: no two of them are told apart. Alone, a row is told from all others."""

    letter: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The rows that take part, best first, and a line of cells for each; None where a row meets itself."""

    rows: tuple[Row, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    groups: tuple[TieGroup, ...]
    left_out: tuple[Row, ...]
    smallest_difference: float

    @property
    def pairs(self) -> int:
        """How many there are."""
        return len(self.rows) * (len(self.rows) - 1) // 2

    @property
    def told_apart(self) -> int:
        """How many of the pairs are."""
        return sum(cell is not None and cell.told_apart for line in self.cells for cell in line) // 2


def matrix(table: BoardTable) -> Matrix | None:
    """Return a table's paired differences, row minus column; None where fewer than two rows can be compared."""
    ranking = table.ranking
    if ranking is None:
        return None
    known: dict[tuple[int, int], Cell] = {}
    for pair in ranking.pairs:
        first, second = table.rows[pair.first], table.rows[pair.second]
        known[pair.first, pair.second] = Cell(first, second, pair.difference, pair.low, pair.high, pair.told_apart)
        known[pair.second, pair.first] = Cell(second, first, -pair.difference, -pair.high, -pair.low, pair.told_apart)
    part = [number for number, standing in enumerate(ranking.standings) if standing is not None]
    return Matrix(
        tuple(table.rows[number] for number in part),
        tuple(tuple(known.get((first, second)) for second in part) for first in part),
        _groups(table, ranking),
        tuple(row for number, row in enumerate(table.rows) if number not in part),
        ranking.smallest_difference,
    )


def tint_of(difference: float) -> str:
    """Return the class of the tint that says how large a difference is, and on which side."""
    strength = 1 + sum(abs(difference) >= bound for bound in _STRONGER)
    return f"{'up' if difference > 0 else 'down'}{strength}"


def signed(value: float) -> str:
    """Return a difference with its sign and two decimals; nothing has none."""
    text = f"{value:+.2f}".replace("-", "−")
    return text[1:] if float(f"{value:.2f}") == 0 else text


def _groups(table: BoardTable, ranking: Ranking) -> tuple[TieGroup, ...]:
    """A row's letters stand in the order of the groups that it is in."""
    groups = []
    for number, group in enumerate(ranking.tie_groups):
        standing = ranking.standings[group[0]]
        before = sum(group[0] in other for other in ranking.tie_groups[:number])
        groups.append(TieGroup(standing.groups[before] if standing else "", tuple(table.rows[row] for row in group)))
    return tuple(groups)
