"""Lines, circles and outlines as SVG path data, to a tenth of a unit."""

from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """A place in a view box: x to the right, y downwards."""

    x: float
    y: float


def outline(points: Sequence[Point | None]) -> str:
    """Return a closed path, open where a point is None; a point between two such gaps becomes a line of no length."""
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


def line(start: Point, end: Point) -> str:
    """Return a straight line."""
    return f"M{_place(start)}L{_place(end)}"


def circle(x: float, y: float, radius: float) -> str:
    """Return a circle around a point."""
    half = f"a{radius:g} {radius:g} 0 1 0"
    return f"M{_place(Point(x - radius, y))}{half}{2 * radius:g} 0{half}{-2 * radius:g} 0Z"


def _place(point: Point) -> str:
    return f"{round(point.x, 1):g} {round(point.y, 1):g}"
