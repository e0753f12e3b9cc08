"""What a model loses or gains by being asked in Chinese: cn minus en over the sources that have both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gedit_bench.records import SampleId, Verdict
from gedit_bench.scoring.bootstrap import RESAMPLES, Intervals, Resampled, resample, uncertainty
from gedit_bench.scoring.scorings import Average


@dataclass(frozen=True, slots=True)
class LanguageGap:
    """Differences cn - en in -10..10, by category and of the headline, with their 95 % intervals.

    `sources` counts, by category, the sources that have an O in both languages; a category without any is NaN.
    """

    headline: Intervals
    categories: dict[str, Intervals]
    sources: dict[str, int]


def language_gap(
    verdicts: Iterable[Verdict],
    sources: Mapping[SampleId, str],
    *,
    average: Average = "macro",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> LanguageGap | None:
    """Return how far one model's means in the two languages differ; None if no source has an O in both.

    The two instructions about one picture are drawn together, so what makes the picture hard cancels out.

    Args:
        verdicts: of one model, both languages, one subset.
        sources: each sample's source id.
        average: what the headline is.
        resamples: how many draws.
        seed: of the draws.
    """
    scored = [verdict for verdict in verdicts if verdict.overall is not None]

    def place(verdict: Verdict) -> tuple[str, str]:
        return verdict.sample.id.task_type, sources[verdict.sample.id]

    english, chinese = (
        {place(verdict) for verdict in scored if verdict.sample.id.language == language} for language in ("en", "cn")
    )
    common = english & chinese
    if not common:
        return None
    kept = [verdict for verdict in scored if place(verdict) in common]
    rows = [[verdict for verdict in kept if verdict.sample.id.language == language] for language in ("cn", "en")]
    drawn = resample(rows, sources, average=average, resamples=resamples, seed=seed)
    difference = Resampled(drawn.estimates[:1] - drawn.estimates[1:], drawn.draws[:1] - drawn.draws[1:])
    (found,) = uncertainty(difference)
    counts = {task: sum(own == task for own, _ in common) for task in found.categories}
    return LanguageGap(found.headline, found.categories, counts)
