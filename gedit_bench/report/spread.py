"""A strip that shows how far several numbers for the same thing lie apart, on the scale of the whiskers above it."""

from collections.abc import Sequence

from markupsafe import Markup

from gedit_bench.report.whisker import HEIGHT, WIDTH, Scale

_STRIP = Markup(
    '<svg class="spread" role="img" width="{width}" height="{height}"><title>{title}</title>'
    '{range}<path class="marks" d="{marks}"/></svg>'
)
_RANGE = Markup('<path class="range" d="M{first:g} {middle}H{last:g}"/>')


def spread_svg(scale: Scale, values: Sequence[float], title: str) -> Markup:
    """Return a strip with a mark for each value, and a bar from the lowest to the highest where they differ.

    Args:
        scale: the table's.
        values: at least one; what lies outside the scale is drawn at its end.
        title: what the strip says, for those who can't see it.
    """
    places = sorted(scale.place(value) for value in values)
    marks = "".join(f"M{place:g} 2V{HEIGHT - 2}" for place in dict.fromkeys(places))
    between = _RANGE.format(first=places[0], last=places[-1], middle=HEIGHT // 2) if places[0] < places[-1] else ""
    return _STRIP.format(title=title, range=between, marks=marks, width=WIDTH, height=HEIGHT)
