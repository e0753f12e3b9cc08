"""What the charts of a table show: which rows, under which names, on which axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan

from gedit_bench.records import TASKS
from gedit_bench.report import words
from gedit_bench.report.board import BoardTable, Row
from gedit_bench.report.charts import Axis, DotPlot, Radar, axis, dot_plot, radar, shorten
from gedit_bench.scoring.bootstrap import Interval

DRAWN = 6
"""So many outlines of a radar can be told from each other."""
PLOTTED = 20
"""So many rows fit in a small panel."""
_NAME_COLUMNS = 18
"""At 13 units a letter is some 7 wide; the names have 136."""


@dataclass(frozen=True, slots=True)
class Series:
    """A row that a radar can draw. `slot` is its line's style, from 1; 0 while it is not drawn."""

    row: Row
    outline: str
    slot: int


@dataclass(frozen=True, slots=True)
class RadarFigure:
    """A radar of O by category, of all rows that have any."""

    radar: Radar
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A row's name beside its dot, and all of it with its numbers in words."""

    y: float
    short: str
    full: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One dot plot: the headline's or a category's. `task` is empty for the headline."""

    task: str
    title: str
    words: str
    plot: DotPlot
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class PanelFigure:
    """The headline's panel and 11 of categories, of the first 20 rows, on one axis; `known` is False without a dot."""

    axis: Axis
    panels: tuple[Panel, ...]
    left_out: int
    known: bool

    @property
    def words(self) -> str:
        """What the axis covers, in words."""
        whole = (self.axis.low, self.axis.high) == (0, 10)
        return "from 0 to 10" if whole else f"from {self.axis.low:g} to {self.axis.high:g}, not from 0 to 10"


def interval_of(row: Row, task: str = "") -> Interval:
    """Return O of a category, or of the headline, with its interval; NaN where nothing is known."""
    if row.uncertainty is not None:
        known = row.uncertainty.categories[task] if task else row.uncertainty.headline
        return known.overall
    means = row.summary.table.categories[task] if task else row.summary.headline
    return Interval(means.overall if means else nan, nan, nan)


def between(interval: Interval) -> str:
    """Return `5.98–6.41`, or a dash where there is no interval."""
    return f"{interval.low:.2f}–{interval.high:.2f}" if interval.known else words.NONE


def radar_figure(table: BoardTable) -> RadarFigure:
    """Return a table's radar, its first six rows drawn."""
    values = {row.entry.id: [interval_of(row, task).estimate for task in TASKS] for row in table.rows}
    rows = [row for row in table.rows if not all(map(isnan, values[row.entry.id]))]
    drawn = radar([words.task_words(task) for task in TASKS], [values[row.entry.id] for row in rows])
    series = [
        Series(row, outline, number if number <= DRAWN else 0)
        for number, (row, outline) in enumerate(zip(rows, drawn.outlines, strict=True), start=1)
    ]
    return RadarFigure(drawn, tuple(series))


def panel_figure(table: BoardTable) -> PanelFigure:
    """Return a table's dot plots."""
    rows = table.rows[:PLOTTED]
    columns = {task: [interval_of(row, task) for row in rows] for task in ("", *TASKS)}
    scale = axis(bound for column in columns.values() for one in column for bound in (one.estimate, one.low, one.high))
    panels = tuple(_panel(task, rows, column, scale) for task, column in columns.items())
    known = any(not isnan(one.estimate) for column in columns.values() for one in column)
    return PanelFigure(scale, panels, len(table.rows) - len(rows), known)


def _panel(task: str, rows: Sequence[Row], column: Sequence[Interval], scale: Axis) -> Panel:
    plot = dot_plot(column, scale, [row.rank is not None for row in rows])
    labels = [row.entry.label for row in rows]
    names = tuple(
        Name(y, shorten(label, _NAME_COLUMNS), f"{label}: {_numbers(one)}")
        for y, label, one in zip(plot.baselines, labels, column, strict=True)
    )
    known = [(one.estimate, label) for one, label in zip(column, labels, strict=True) if not isnan(one.estimate)]
    if known:
        (high, best), (low, last) = max(known), min(known)
        told = f"Highest: {best}, {high:.2f}. Lowest: {last}, {low:.2f}. All numbers stand in the table."
    else:
        told = "Nothing was scored."
    return Panel(task, words.task_words(task) if task else "headline", told, plot, names)


def _numbers(one: Interval) -> str:
    inside = f", 95 % interval {words.interval(one)}" if one.known else ""
    return f"O {words.two(one.estimate)}{inside}"
