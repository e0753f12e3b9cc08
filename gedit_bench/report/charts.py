"""Where the marks of given numbers lie in a chart's view box; the templates draw what stands here.

Pure functions of numbers. One path holds all marks of a kind, so that a chart is few elements. A number that is NaN
gets no mark.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, isfinite, pi, sin
from typing import NamedTuple
from unicodedata import east_asian_width

from gedit_bench.scoring.bootstrap import Interval

LOWEST, HIGHEST = 0.0, 10.0
"""Of all scores."""

_JOINTS = " .-_"
_LINE = 1.1
"""Distance of two lines of a label, in em."""


class Point(NamedTuple):
    """A place in a view box: x to the right, y downwards."""

    x: float
    y: float


class Tick(NamedTuple):
    """A number on an axis: the end of its text's baseline, or its middle."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of scores and the values at which it is marked, both ends among them."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float, start: float, end: float) -> float:
        """Return where `value` lies if the axis runs from `start` to `end`."""
        return start + (value - self.low) / (self.high - self.low) * (end - start)


class Spoke(NamedTuple):
    """The label at a spoke's outer end; `rise` moves its first line, in em."""

    x: float
    y: float
    anchor: str
    rise: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Radar:
    """A radar's grid, labels, and for each series its outline as a path; an empty one where nothing is known."""

    width: float
    height: float
    grid: str
    ticks: tuple[Tick, ...]
    spokes: tuple[Spoke, ...]
    outlines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DotPlot:
    """Dots with whiskers, one row each. `baselines` are those of the rows' names, which end at x = `names_end`.

    `dots` are those of ranked rows, `rings` those of the others; `mean` is a line at the mean of all.
    """

    width: float
    height: float
    names_end: float
    baselines: tuple[float, ...]
    grid: str
    guides: str
    ticks: tuple[Tick, ...]
    whiskers: str
    dots: str
    rings: str
    mean: str


def axis(values: Iterable[float]) -> Axis:
    """Return a range that holds all values, from 0 to 10 at most, with 3 to 7 round ticks; NaN is left out."""
    known = [value for value in values if isfinite(value)]
    if not known:
        low, high = LOWEST, HIGHEST
    else:
        low, high = floor(min(known)), ceil(max(known))
        if low == high:
            low, high = low - 1, high + 1
        low, high = max(low, LOWEST), min(high, HIGHEST)
    step = next(step for step in (0.25, 0.5, 1.0, 2.0) if (high - low) / step <= 6)
    low, high = floor(low / step) * step, ceil(high / step) * step
    return Axis(low, high, tuple(low + number * step for number in range(round((high - low) / step) + 1)))


def radar(names: Sequence[str], series: Sequence[Sequence[float]]) -> Radar:
    """Return a radar from 0 in the middle to 10 at the rim, the first spoke pointing up, then clockwise.

    Args:
        names: the spokes' labels, three or more; each word on a line of its own.
        series: for each outline its values by spoke. A gap is left where a value is NaN.
    """
    width, height, centre, radius = 600.0, 500.0, Point(300, 250), 185.0
    angles = [2 * pi * number / len(names) for number in range(len(names))]

    def at(angle: float, value: float, beyond: float = 0.0) -> Point:
        reach = radius * value / HIGHEST + beyond
        return Point(centre.x + reach * sin(angle), centre.y - reach * cos(angle))

    marked = (2.0, 4.0, 6.0, 8.0, 10.0)
    rings = "".join(_outline([at(angle, value) for angle in angles]) for value in marked)
    lines = "".join(_line(centre, at(angle, HIGHEST)) for angle in angles)
    outlines = [
        _outline([at(angle, value) if isfinite(value) else None for angle, value in zip(angles, values, strict=True)])
        for values in series
    ]
    spokes = [
        _spoke(at(angle, HIGHEST, 14), angle, tuple(name.split())) for angle, name in zip(angles, names, strict=True)
    ]
    ticks = [Tick(centre.x + 5, at(0, value).y + 4, f"{value:g}") for value in marked]
    return Radar(width, height, rings + lines, tuple(ticks), tuple(spokes), tuple(outlines))


def dot_plot(estimates: Sequence[Interval], scale: Axis, solid: Sequence[bool]) -> DotPlot:
    """Return one row for each estimate, the first on top.

    Args:
        estimates: means and intervals that lie on `scale`; without an interval there is no whisker.
        scale: the axis below.
        solid: whether a row's dot is filled.
    """
    width, names_end, left, right, top, row, dot = 360.0, 136.0, 150.0, 350.0, 6.0, 19.0, 4.0
    bottom = top + row * len(estimates)
    height = bottom + 24
    rows = [top + row * (number + 0.5) for number in range(len(estimates))]
    marks = [
        (scale.place(estimate.estimate, left, right), y, filled)
        for estimate, y, filled in zip(estimates, rows, solid, strict=True)
        if isfinite(estimate.estimate)
    ]
    whiskers = [
        _line(Point(scale.place(estimate.low, left, right), y), Point(scale.place(estimate.high, left, right), y))
        for estimate, y in zip(estimates, rows, strict=True)
        if estimate.known
    ]
    places = [scale.place(value, left, right) for value in scale.ticks]
    mean = sum(x for x, _, _ in marks) / len(marks) if marks else 0.0
    return DotPlot(
        width,
        height,
        names_end,
        tuple(y + 4.5 for y in rows),
        "".join(_line(Point(x, top), Point(x, bottom)) for x in places),
        "".join(_line(Point(left, y), Point(right, y)) for y in rows),
        tuple(Tick(x, bottom + 17, f"{value:g}") for x, value in zip(places, scale.ticks, strict=True)),
        "".join(whiskers),
        "".join(_circle(x, y, dot) for x, y, filled in marks if filled),
        "".join(_circle(x, y, dot) for x, y, filled in marks if not filled),
        _line(Point(mean, top), Point(mean, bottom)) if len(marks) > 1 else "",
    )


def shorten(name: str, columns: int) -> str:
    """Return a name cut in its middle to so many columns; characters of East Asian width take two."""
    if _columns(name) <= columns:
        return name
    start, end = "", ""
    for head, tail in zip(name, reversed(name), strict=True):
        if _columns(start + head + end) > columns - 1:
            break
        start += head
        if _columns(start + tail + end) > columns - 1:
            break
        end = tail + end
    return f"{start.rstrip(_JOINTS)}…{end.lstrip(_JOINTS)}"


def _columns(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _spoke(place: Point, angle: float, lines: tuple[str, ...]) -> Spoke:
    """Centred where it points up or down, else away from the chart."""
    aside = sin(angle)
    anchor = "middle" if abs(aside) < 0.2 else "start" if aside > 0 else "end"
    tall = _LINE * len(lines)
    return Spoke(place.x, place.y, anchor, round(-cos(angle) * tall / 2 - tall / 2 + 0.85, 2), lines)


def _outline(points: Sequence[Point | None]) -> str:
    """A closed path; open where a point is missing, so that a point between two gaps stands alone."""
    if None not in points:
        return f"M{'L'.join(_place(point) for point in points if point)}Z"
    gap = points.index(None)
    runs: list[list[Point]] = [[]]
    for point in (*points[gap:], *points[:gap]):
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return "".join(f"M{'L'.join(_place(point) for point in (*run, run[0])[: max(len(run), 2)])}" for run in runs if run)


def _line(start: Point, end: Point) -> str:
    return f"M{_place(start)}L{_place(end)}"


def _circle(x: float, y: float, radius: float) -> str:
    half = f"a{radius:g} {radius:g} 0 1 0"
    return f"M{_place(Point(x - radius, y))}{half}{2 * radius:g} 0{half}{-2 * radius:g} 0Z"


def _place(point: Point) -> str:
    return f"{round(point.x, 1):g} {round(point.y, 1):g}"
