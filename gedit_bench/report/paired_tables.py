"""A comparison as tables of text: means by category and headline, agreement, the samples that were gained and lost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gedit_bench.comparison import VALUES, Comparison
from gedit_bench.records import TASKS
from gedit_bench.report.words import LANGUAGE_WORDS, NONE, signed, three
from gedit_bench.scoring.agreement import Agreement
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.official import Means
from gedit_bench.scoring.paired import Pair
from gedit_bench.scoring.summary import Summary

BY = ("task", "headline")
"""What a row of a paired table can be: each category and the headline, or the headline alone."""


class Table(NamedTuple):
    """What a table shows, its header, and its rows."""

    caption: str
    header: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


def tables(found: Comparison, language: str, *, by: str = "task", top: int = 20) -> list[Table]:
    """Return all tables of one language; none where no sample has a partner.

    Args:
        found: the comparison.
        language: `en` or `cn`.
        by: what a row of the paired tables is, see `BY`.
        top: how many lost and how many gained samples are listed at most.
    """
    alone = headline_tables(found, language) if found.rescored else []
    if not found.pairs(language):
        return alone
    paired = [] if alone and found.same_replies else paired_tables(found, language, by)
    return [*alone, *paired, *agreement_tables(found, language, by), *moved_tables(found, language, top)]


def paired_tables(found: Comparison, language: str, by: str = "task") -> list[Table]:
    """Return the paired means of O, SC and PQ, with the 95 % intervals of their differences."""
    intervals = found.intervals(language)
    return [_paired(found, language, value, by, intervals[value]) for value in VALUES]


def _paired(found: Comparison, language: str, value: str, by: str, intervals: Mapping[str, Interval]) -> Table:
    means = found.means(language, value)
    shown = means if by == "task" else [found.average]
    rows = []
    for name in shown:
        one = means[name]
        told = group_words(name, len(means) - 1)
        figures = (three(one.first), three(one.second), signed(one.difference, 3), interval(intervals[name]))
        rows.append((told, one.n, *figures, one.gained, one.lost, one.same))
    header = (f"{value}, {language}", "n", *found.names, "difference", "95 % interval", "gained", "lost", "same")
    caption = (
        f"{value}, {LANGUAGE_WORDS[language]}: {_both(found)} over the samples that both "
        "have scores of; the difference is second minus first, its interval from a bootstrap clustered by source."
    )
    return Table(caption, header, rows)


def group_words(name: str, categories: int) -> str:
    """Return what a row of a paired table is called: a category, or the average over those that have pairs."""
    if name not in ("macro", "micro"):
        return name
    if name == "micro":
        return "headline (micro)"
    return "headline (macro)" if categories == len(TASKS) else f"macro of {categories} categories"


def moved_tables(found: Comparison, language: str, top: int) -> list[Table]:
    """Return the samples whose O fell, most lost first, and those whose O rose, most gained first."""
    both = (("lost", found.lost(language)), ("gained", found.gained(language)))
    return [_moved(found, language, name, pairs, top) for name, pairs in both if pairs[:top]]


def _moved(found: Comparison, language: str, name: str, pairs: Sequence[Pair], top: int) -> Table:
    rows = [
        (str(one.sample.id), f"{one.first:.2f}", f"{one.second:.2f}", signed(one.difference), one.sample.instruction)
        for one in pairs[:top]
    ]
    count = f"{len(rows)} of {len(pairs)}" if len(rows) < len(pairs) else f"{len(pairs)}"
    caption = f"Samples that {name} in O, {LANGUAGE_WORDS[language]}: {count}, most {name} first."
    return Table(caption, (f"{name}, {language} ({count})", *found.names, "difference", "instruction"), rows)


def agreement_tables(found: Comparison, language: str, by: str = "task") -> list[Table]:
    """Return how far two judgements agree on images that are the same; none where there are no such images."""
    agreed = {} if found.same_replies else found.agreement(language)
    if not agreed:
        return []
    header = ("the same images", "of", "n", "Spearman", "Krippendorff's α", "mean difference")
    rows = [
        row for task, measures in agreed.items() if by == "task" or task == "all" for row in _agreed(task, measures)
    ]
    return [Table(f"Agreement on the same images, {LANGUAGE_WORDS[language]}: {_both(found)}.", header, rows)]


def _both(found: Comparison) -> str:
    return " against ".join(found.names)


def _agreed(task: str, measures: Mapping[str, Agreement]) -> Iterator[tuple[object, ...]]:
    """Yield a category's rows: O alone, over all categories the two aspects, too."""
    for measure, one in measures.items():
        if measure == "O" or task == "all":
            yield task, measure, one.n, three(one.spearman), three(one.alpha), signed(one.difference, 3)


def headline_tables(found: Comparison, language: str) -> list[Table]:
    """Return what each side says over all that counts for it, by category, and the headlines: O, SC and PQ.

    Two scorings count different samples, which pairs would hide. Empty where a side has no sample.
    """
    sides = found.summaries(language)
    if sides is None:
        return []
    first, second = found.names
    header = (f"n {first}", f"n {second}", first, second, "difference")
    return [
        Table(
            f"{value}, {LANGUAGE_WORDS[language]}: each side over all that counts for it.",
            (f"{value} of all that counts, {language}", *header),
            [(name, *_counts(value, one, two), *_moved_by(value, one, two)) for name, one, two in _rows(sides)],
        )
        for value in VALUES
    ]


def _rows(sides: tuple[Summary, Summary]) -> Iterable[tuple[str, Means, Means]]:
    first, second = sides
    for task, one in first.table.categories.items():
        other = second.table.categories[task]
        if one.n_sc or one.n_pq or other.n_sc or other.n_pq:
            yield task, one, other
    averages = " against ".join(dict.fromkeys(side.scoring.average for side in sides))
    yield f"headline ({averages})", _headline(first), _headline(second)


def _headline(side: Summary) -> Means:
    return side.table.macro if side.scoring.average == "macro" else side.table.micro


def _counts(value: str, *sides: Means) -> tuple[int, ...]:
    return tuple({"O": one.n_overall, "SC": one.n_sc, "PQ": one.n_pq}[value] for one in sides)


def _moved_by(value: str, *sides: Means) -> tuple[str, str, str]:
    mine, yours = ({"O": one.overall, "SC": one.sc, "PQ": one.pq}[value] for one in sides)
    return three(mine), three(yours), signed(yours - mine, 3)


def interval(found: Interval) -> str:
    """Return an interval's two ends, or a dash where it is unknown."""
    return f"[{signed(found.low, 3)}, {signed(found.high, 3)}]" if found.known else NONE
