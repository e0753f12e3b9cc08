"""One row of a leaderboard: the official table with everything that says how far to trust it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from gedit_bench.records import LANGUAGES, SUBSETS, Language, Subset, Verdict
from gedit_bench.scoring.coverage import Coverage, coverage, coverage_by_category, macro_band
from gedit_bench.scoring.official import Means, Table, aggregate, chosen
from gedit_bench.scoring.scorings import OFFICIAL, Scoring, counted

_NAMED = 3
"""So many categories are named where something is wrong with many."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The numbers of one judgement in one language and subset.

    `headline` is the mean of O and its companions that the scoring takes for it, officially the macro mean,
    or None with `why_none` saying why. `coverage` is of what was judged, whatever failures count as.
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
    scoring: Scoring = OFFICIAL

    @property
    def band(self) -> tuple[float, float]:
        """The headline's mean of O if each failed aspect were 0, and if it were 10."""
        if self.scoring.average == "micro":
            return self.coverage.low, self.coverage.high
        return macro_band(self.categories.values())

    @property
    def rankable(self) -> bool:
        """True if the row may stand in a ranking."""
        return self.headline is not None and not self.why_unranked


def summarize(
    verdicts: Sequence[Verdict], *, allow_partial: bool = False, scoring: Scoring = OFFICIAL
) -> list[Summary]:
    """Return a summary for each language and subset that has a sample.

    Args:
        verdicts: one per selected sample.
        allow_partial: give a headline although samples were never brought to an end.
        scoring: what failures count as, and what the headline is.
    """
    groups = ((language, subset, chosen(verdicts, language, subset)) for language in LANGUAGES for subset in SUBSETS)
    return [_summary(language, subset, rows, allow_partial, scoring) for language, subset, rows in groups if rows]


def _summary(language: Language, subset: Subset, rows: list[Verdict], allow_partial: bool, scoring: Scoring) -> Summary:
    table = aggregate(counted(rows, scoring))
    mean = table.macro if scoring.average == "macro" else table.micro
    total = coverage(rows)
    categories = coverage_by_category(rows)
    why_none = _why_none(table, mean, total, allow_partial)
    thin = {task: part.share for task, part in categories.items() if part.selected and not part.enough}
    lowest = [f"{task} {int(100 * share + 1e-9)}%" for task, share in sorted(thin.items(), key=lambda one: one[1])]
    why_unranked = f"coverage below 95 %: {_listed(lowest)}" if thin else ""
    headline = None if why_none else mean
    return Summary(language, subset, table, total, categories, headline, why_none, why_unranked, scoring)


def _listed(names: Sequence[str]) -> str:
    """Name a few, and count the others."""
    return (
        ", ".join(names) if len(names) <= _NAMED + 1 else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    )


def _why_none(table: Table, mean: Means, total: Coverage, allow_partial: bool) -> str:
    if total.partial and not allow_partial:
        return f"partial: {total.partial} of {total.selected} samples were never brought to an end"
    if table.empty and isnan(mean.overall):  # a mean over samples needs no category to be there
        plural = "categories" if len(table.empty) > 1 else "category"
        verb = "are" if len(table.empty) > 1 else "is"
        return f"no headline: {plural} {_listed(table.empty)} {verb} empty"
    if isnan(mean.sc) or isnan(mean.pq):
        return "no headline: a category has no SC or no PQ"
    return ""
