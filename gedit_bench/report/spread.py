"""A strip that shows how far several numbers for the same thing lie apart."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 120, 12

_STRIP = Markup(
    '<svg class="spread" role="img" width="{width}" height="{height}" viewBox="-1 0 {room} {height}">'
    '<title>{title}</title><path class="scale" d="M0 {middle}H{width}"/>'
    '<path class="range" d="M{first:g} {middle}H{last:g}"/><path class="ticks" d="{ticks}"/></svg>'
)


def spread_svg(values: Sequence[float], title: str, *, low: float = 0.0, high: float = 10.0) -> Markup:
    """Return a strip from `low` to `high` with a tick for each value, and a bar from the lowest to the highest.

    Args:
        values: at least one; what lies outside the scale is drawn at its end.
        title: what the strip says, for those who can't see it.
        low: the scale's left end.
        high: its right end, above `low`.
    """
    places = sorted(round(WIDTH * (min(max(low, value), high) - low) / (high - low), 1) for value in values)
    ticks = "".join(f"M{place:g} 1V{HEIGHT - 1}" for place in dict.fromkeys(places))
    size = {"width": WIDTH, "height": HEIGHT, "room": WIDTH + 2, "middle": HEIGHT // 2}
    return _STRIP.format(title=title, first=places[0], last=places[-1], ticks=ticks, **size)
