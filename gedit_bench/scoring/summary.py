"""One row of a leaderboard: the official table with everything that says how far to trust it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from gedit_bench.records import LANGUAGES, SUBSETS, Language, Subset, Verdict
from gedit_bench.scoring.coverage import Coverage, coverage, coverage_by_category, macro_band
from gedit_bench.scoring.official import Means, Table, aggregate, chosen


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of one judgement in one language and subset.

    `headline` is the official macro mean of O and its companions, or None with `why_none` saying why.
    `rankable` is False where a category's coverage is below 95 %; `why_unranked` says which.
    """

    language: Language
    subset: Subset
    table: Table
    coverage: Coverage
    categories: dict[str, Coverage]
    headline: Means | None
    why_none: str
    why_unranked: str

    @property
    def band(self) -> tuple[float, float]:
        """The official mean of O if each failed aspect were 0, and if it were 10."""
        return macro_band(self.categories.values())

    @property
    def rankable(self) -> bool:
        """True if the row may stand in a ranking."""
        return self.headline is not None and not self.why_unranked


def summarize(verdicts: Sequence[Verdict], *, allow_partial: bool = False) -> list[Summary]:
    """Return a summary for each language and subset that has a sample.

    Args:
        verdicts: one per selected sample.
        allow_partial: give a headline although samples were never brought to an end.
    """
    groups = ((language, subset, chosen(verdicts, language, subset)) for language in LANGUAGES for subset in SUBSETS)
    return [_summary(language, subset, rows, allow_partial) for language, subset, rows in groups if rows]


def _summary(language: Language, subset: Subset, rows: list[Verdict], allow_partial: bool) -> Summary:
    table = aggregate(rows)
    total = coverage(rows)
    categories = coverage_by_category(rows)
    why_none = _why_none(table, total, allow_partial)
    thin = [f"{task} {part.share:.0%}" for task, part in categories.items() if part.selected and not part.enough]
    why_unranked = f"coverage below 95 %: {', '.join(thin)}" if thin else ""
    return Summary(
        language, subset, table, total, categories, None if why_none else table.macro, why_none, why_unranked
    )


def _why_none(table: Table, total: Coverage, allow_partial: bool) -> str:
    if total.partial and not allow_partial:
        return f"partial: {total.partial} of {total.selected} samples were never brought to an end"
    if table.empty:
        plural = "categories" if len(table.empty) > 1 else "category"
        verb = "are" if len(table.empty) > 1 else "is"
        return f"no headline: {plural} {', '.join(table.empty)} {verb} empty"
    if isnan(table.macro.sc) or isnan(table.macro.pq):
        return "no headline: a category has no SC or no PQ"
    return ""
