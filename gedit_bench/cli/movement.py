"""How far two sides of a comparison lie apart, as tables: paired by sample, and each side by itself."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.comparison import Comparison
    from gedit_bench.records import Json
    from gedit_bench.scoring.official import Means
    from gedit_bench.scoring.summary import Summary

Table = tuple[tuple[str, ...], list[tuple[object, ...]]]
"""A header and its rows."""


def paired_table(found: "Comparison", language: str, value: str) -> Table:
    """Return the paired means of `O`, `SC` or `PQ` by category, and over all categories."""
    means = found.means(language, value)
    header = (f"{value}, {language}", "n", *found.names, "difference", "gained", "lost")
    rows: list[tuple[object, ...]] = [
        (task, one.n, f"{one.first:.3f}", f"{one.second:.3f}", f"{one.difference:+.3f}", one.gained, one.lost)
        for task, one in means.items()
    ]
    return header, rows


def headline_tables(found: "Comparison", language: str) -> list[Table]:
    """Return what each side says over all that counts for it, by category, and the headlines: O, SC and PQ.

    Two scorings count different samples, which pairs would hide. Empty where a side has no sample.
    """
    sides = found.summaries(language)
    if sides is None:
        return []
    first, second = found.names
    header = (f"n {first}", f"n {second}", first, second, "difference")
    return [
        (
            (f"{value} of all that counts, {language}", *header),
            [(name, *cells(one, two)) for name, one, two in _rows(sides)],
        )
        for value, cells in (("O", _overall), ("SC", _sc), ("PQ", _pq))
    ]


def headlines_json(found: "Comparison", language: str) -> "Json":
    """Return each side's headline, what it is, and the same as JSON; None where a side has no sample."""
    from gedit_bench.derived import summary_json

    sides = found.summaries(language)
    if sides is None:
        return None
    return [
        {"name": name, "scoring_id": side.scoring.id, "average": side.scoring.average, **summary_json(side)}
        for name, side in zip(found.names, sides, strict=True)
    ]


def _rows(sides: "tuple[Summary, Summary]") -> "list[tuple[str, Means, Means]]":
    first, second = sides
    categories = [
        (task, one, second.table.categories[task])
        for task, one in first.table.categories.items()
        if one.n_sc or one.n_pq or second.table.categories[task].n_sc or second.table.categories[task].n_pq
    ]
    averages = " against ".join(dict.fromkeys(side.scoring.average for side in sides))
    return [*categories, (f"headline ({averages})", _headline(first), _headline(second))]


def _headline(side: "Summary") -> "Means":
    return side.table.macro if side.scoring.average == "macro" else side.table.micro


def _overall(one: "Means", two: "Means") -> tuple[object, ...]:
    return one.n_overall, two.n_overall, *_moved(one.overall, two.overall)


def _sc(one: "Means", two: "Means") -> tuple[object, ...]:
    return one.n_sc, two.n_sc, *_moved(one.sc, two.sc)


def _pq(one: "Means", two: "Means") -> tuple[object, ...]:
    return one.n_pq, two.n_pq, *_moved(one.pq, two.pq)


def _moved(mine: float, yours: float) -> tuple[str, str, str]:
    return _three(mine), _three(yours), _three(yours - mine, "+")


def _three(value: float, sign: str = "") -> str:
    return "–" if value != value else f"{value:{sign}.3f}"  # NaN
