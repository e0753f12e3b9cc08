"""A mean and its interval as a small drawing, all of one table on one scale; the numbers stand beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from markupsafe import Markup

from gedit_bench.scoring.bootstrap import Interval

WIDTH, HEIGHT, MARGIN = 176, 14, 12
"""In pixels; the margin leaves room for half of a dot or of a tick's label."""

_STEPS = {0.1: 5, 0.2: 5, 0.5: 6, 1.0: 10}
"""Distances of ticks, and how many of them leave room for their labels."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A piece of 0..10 with its ticks, of which the first and the last are its ends."""

    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where a value lies, in pixels from the left; what lies outside is drawn at the end."""
        low, high = self.ticks[0], self.ticks[-1]
        inside = min(max(value, low), high)
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (inside - low) / (high - low), 1)


def scale_of(values: Sequence[float]) -> Scale:
    """Return the smallest round scale that holds all values in 0..10; there is at least one."""
    low, high = min(values), max(values)
    step = next(step for step, most in _STEPS.items() if _steps(low, high, step) <= most)
    first = min(floor(low / step + 1e-9), round(10 / step) - 1)
    return Scale(tuple(round((first + n) * step, 1) for n in range(_steps(low, high, step) + 1)))


def _steps(low: float, high: float, step: float) -> int:
    return max(ceil(high / step - 1e-9) - floor(low / step + 1e-9), 1)


def whisker_svg(scale: Scale, mean: Interval, title: str) -> Markup:
    """Return a dot at the mean and a line over its interval, on faint ticks.

    Args:
        scale: the table's.
        mean: its estimate is known; without an interval there is no line.
        title: what the drawing says, for those who can't see it.
    """
    return _DRAWING.format(
        width=WIDTH,
        height=HEIGHT,
        title=title,
        ticks="".join(f"M{scale.place(tick):g} 0V{HEIGHT}" for tick in scale.ticks),
        line=_LINE.format(low=scale.place(mean.low), high=scale.place(mean.high), middle=_MIDDLE) if mean.known else "",
        mean=scale.place(mean.estimate),
        middle=_MIDDLE,
    )


def axis_svg(scale: Scale) -> Markup:
    """Return the scale's numbers, to stand above its whiskers."""
    labels = Markup("").join(_LABEL.format(place=scale.place(tick), tick=tick) for tick in scale.ticks)
    return _AXIS.format(width=WIDTH, labels=labels)


_MIDDLE = HEIGHT // 2
_DRAWING = Markup(
    '<svg class="mean" role="img" width="{width}" height="{height}"><title>{title}</title>'
    '<path class="ticks" d="{ticks}"/>{line}<circle cx="{mean:g}" cy="{middle}" r="3.5"/></svg>'
)
_LINE = Markup('<path class="whisker" d="M{low:g} {middle}H{high:g}"/>')
_AXIS = Markup('<svg class="mean-axis" aria-hidden="true" width="{width}" height="16">{labels}</svg>')
_LABEL = Markup('<text x="{place:g}" y="12" text-anchor="middle">{tick:g}</text>')
