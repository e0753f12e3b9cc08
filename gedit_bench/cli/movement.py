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
    """Return the paired means of `O`, `SC` or `PQ` by category; no rows where no sample has both."""
    means = found.means(language, value)
    header = (f"{value}, {language}", "n", *found.names, "difference", "gained", "lost")
    rows: list[tuple[object, ...]] = [
        (task, one.n, f"{one.first:.3f}", f"{one.second:.3f}", f"{one.difference:+.3f}", one.gained, one.lost)
        for task, one in means.items()
    ]
    return header, rows if means["macro"].n else []


def headline_table(found: "Comparison", language: str) -> Table | None:
    """Return what each side says over all that counts for it, category by category, and the headlines.

    Two scorings count different samples, which pairs would hide. None where a side has no sample.
    """
    sides = found.summaries(language)
    if sides is None:
        return None
    parts = [f"{value} {name}" for value in ("SC", "PQ", "O") for name in (*found.names, "difference")]
    header = (f"all that counts, {language}", *(f"n {name}" for name in found.names), *parts)
    return header, [(name, one.n_overall, two.n_overall, *_numbers(one, two)) for name, one, two in _rows(sides)]


def headlines_json(found: "Comparison", language: str) -> "Json":
    """Return each side's headline, what it is, and the same as JSON; None where a side has no sample."""
    from gedit_bench.results import summary_json

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


def _numbers(one: "Means", two: "Means") -> list[str]:
    cells = []
    for mine, yours in ((one.sc, two.sc), (one.pq, two.pq), (one.overall, two.overall)):
        cells += [_three(mine), _three(yours), _three(yours - mine, "+")]
    return cells


def _three(value: float, sign: str = "") -> str:
    return "–" if value != value else f"{value:{sign}.3f}"  # NaN
