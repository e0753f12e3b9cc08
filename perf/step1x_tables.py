"""What the benchmark of Step1X-Edit prints: rows of fixed width, as soon as they are measured."""

from collections.abc import Sequence
from dataclasses import dataclass

OVER = "not run: out of time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way, mode or phase at one size and batch. None: not measured, or has no meaning here.

    Times are seconds an image, errors relative norms against the plain path, `share` is that of the attainable rate.
    """

    side: int
    batch: int
    name: str
    steps: int | None = None
    loop: float | None = None
    image: float | None = None
    rate: float | None = None
    share: float | None = None
    peak: int | None = None
    velocity_error: float | None = None
    loop_error: float | None = None
    note: str = ""
    failed: bool = False


HEADER = ("size", "batch", "way", "steps", "s loop", "s image", "TFLOP/s", "share", "peak GB", "err step", "err loop")
_WIDTHS = (5, 5, 12, 5, 8, 8, 8, 6, 7, 8, 8)


def line(cells: Sequence[str], note: str = "") -> str:
    """Return one line of the table of ways."""
    fixed = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"{fixed}  {note}".rstrip()


def way_line(row: Row) -> str:
    """Return a way's or mode's line."""
    cells = (
        str(row.side),
        str(row.batch),
        row.name,
        number(row.steps, "d"),
        number(row.loop, ".4g"),
        number(row.image, ".4g"),
        number(row.rate, ".4g", 1e-12),
        number(row.share, ".0%"),
        number(row.peak, ".2f", 1e-9),
        number(row.velocity_error, ".1e"),
        number(row.loop_error, ".1e"),
    )
    return line(cells, row.note)


def number(value: float | None, form: str, unit: float | None = None) -> str:
    """Return a figure in a unit, "-" where there is none."""
    if value is None:
        return "-"
    return format(value if unit is None else value * unit, form)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted of a figure, and the figure, None if it wasn't measured. `most`: it may not be more."""

    what: str
    wanted: float
    found: float | None
    most: bool = True

    @property
    def verdict(self) -> str:
        if self.found is None:
            return "not measured"
        return "met" if (self.found <= self.wanted if self.most else self.found >= self.wanted) else "not met"


def goals(rows: Sequence[Row]) -> list[Goal]:
    """Return the goals for one H100 at full size and what was found of each."""
    same = ("fast", "fused")
    of = {(row.side, row.batch, row.name): row for row in rows if not row.failed}

    def seconds(side: int, names: Sequence[str]) -> float | None:
        return min((row.image for name in names if (row := of.get((side, 1, name))) and row.image), default=None)

    def share(side: int) -> float | None:
        return max((row.share for name in same if (row := of.get((side, 1, name))) and row.share), default=None)

    batched = [3600 / row.image for row in of.values() if row.side == 512 and row.name in same and row.image]
    found = [
        Goal("s an image, 512²", 4.2, seconds(512, same)),
        Goal("s an image, 1024²", 17, seconds(1024, same)),
        Goal("stretch: s an image, 512²", 3.6, seconds(512, same)),
        Goal("stretch: s an image, 1024²", 14.5, seconds(1024, same)),
        Goal("stretch: share of the attainable, 512²", 0.8, share(512), most=False),
        Goal("stretch: share of the attainable, 1024²", 0.8, share(1024), most=False),
        Goal("images an hour in batches, 512²", 900, max(batched, default=None), most=False),
        Goal("s an image with FP8 products, 1024²", 12, seconds(1024, ("fp8-matmul", "fp8-fused"))),
    ]
    for side in (512, 1024):
        small, resident = of.get((side, 1, "24gb")), seconds(side, same)
        ratio = small.image / resident if small and small.image and resident else None
        found += [
            Goal(f"peak GB in mode 24gb, {side}²", 24, small.peak / 1e9 if small and small.peak else None),
            Goal(f"mode 24gb by resident, s an image, 16 together, {side}²", 1.15, ratio),
        ]
    return found
