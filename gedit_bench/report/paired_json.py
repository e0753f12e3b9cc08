"""A comparison as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isnan

from gedit_bench.comparison import Comparison
from gedit_bench.derived import summary_json
from gedit_bench.records import LANGUAGES, Json
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.paired import Pair


def comparison_json(found: Comparison, *, by: str = "task", top: int = 20) -> dict[str, Json]:
    """Return a comparison as JSON, numbers in full precision; a mean of nothing and an unknown end are null.

    The object holds `first` and `second` (the judgements' folders), `names`, `differences` and `remarks` in
    words, and `languages`. A language holds `means` of O and, in `aspects`, of SC and PQ, by category and as
    `macro` or `micro` (`by` says whether the categories are there); the means of each side by itself in
    `headlines`; `agreement` on images that are the same; and samples: `lost`, `gained` and, of both,
    `moved_most`, `top` of each at most.
    """
    return {
        "first": str(found.first.judgement.path),
        "second": str(found.second.judgement.path),
        "names": list(found.names),
        "differences": list(found.differences),
        "remarks": found.remarks,
        "languages": {language: _language(found, language, by, top) for language in LANGUAGES},
    }


def _language(found: Comparison, language: str, by: str, top: int) -> dict[str, Json]:
    lost, gained = found.lost(language), found.gained(language)
    intervals = found.intervals(language)
    moved = sorted(found.pairs(language), key=lambda pair: -abs(pair.difference))
    return {
        "agreement": {
            task: {measure: _known(asdict(one)) for measure, one in measures.items()}
            for task, measures in found.agreement(language).items()
        },
        "means": _means(found, language, "O", by, intervals),
        "aspects": {value: _means(found, language, value, by, intervals) for value in ("SC", "PQ")},
        "headlines": _headlines(found, language),
        "moved_most": _samples(moved[:top]),
        "lost": _samples(lost[:top]),
        "gained": _samples(gained[:top]),
    }


def _means(
    found: Comparison, language: str, value: str, by: str, intervals: Mapping[str, Mapping[str, Interval]]
) -> dict[str, Json]:
    ends = intervals[value]
    return {
        name: _known(asdict(means) | {"low": ends[name].low, "high": ends[name].high})
        for name, means in found.means(language, value).items()
        if means.n and (by == "task" or name == found.average)
    }


def _headlines(found: Comparison, language: str) -> Json:
    """Each side's headline, what it is, and the same as JSON; None where a side has no sample."""
    sides = found.summaries(language)
    if sides is None:
        return None
    return [
        {"name": name, "scoring_id": side.scoring.id, "average": side.scoring.average, **summary_json(side)}
        for name, side in zip(found.names, sides, strict=True)
    ]


def _samples(pairs: Sequence[Pair]) -> list[Json]:
    return [
        {
            "sample": str(pair.sample.id),
            "instruction": pair.sample.instruction,
            "first": pair.first,
            "second": pair.second,
            "difference": pair.difference,
        }
        for pair in pairs
    ]


def _known(values: Mapping[str, float]) -> dict[str, Json]:
    return {name: None if isnan(value) else value for name, value in values.items()}
