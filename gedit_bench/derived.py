"""What a judgement says as files and JSON: `scores.csv` and `summary.json`, which may be deleted at any time."""

import csv
import io
import json
from dataclasses import asdict
from math import isnan

from gedit_bench.judging.answering import Answerer
from gedit_bench.records import LANGUAGES, Json
from gedit_bench.results import Scored
from gedit_bench.scoring.coverage import Coverage
from gedit_bench.scoring.noise import Noise, Spread
from gedit_bench.scoring.official import Means
from gedit_bench.scoring.summary import Summary
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes, write_json

COLUMNS = (
    *("task_type", "key", "instruction_language", "instruction", "intersection_exist", "edit_status", "edit_flags"),
    *("sc_status", "sc", "sc_how", "sc_flags", "pq_status", "pq", "pq_how", "pq_flags", "overall", "scoring_id"),
)
"""The columns of `scores.csv`."""


def write_derived(scored: Scored) -> None:
    """Write `scores.csv` and `summary.json` beside the replies; both may be deleted at any time."""
    folder = scored.fallback.judgement.path if scored.fallback else scored.judgement.path
    write_bytes(folder / layout.SCORES, scores_csv(scored).encode("utf-8", "backslashreplace"))
    manifest = scored.judgement.manifest
    write_json(
        folder / layout.SUMMARY,
        {
            "scoring_id": scored.scoring_id,
            "judge_id": manifest.judge_id,
            "request_id": manifest.request_id,
            "returned_models": list(scored.models),
            **({"replayed_from": manifest.replayed_from} if manifest.replayed_from else {}),
            "answered_as": [_answerer_json(one) for one in scored.answering.answerers],
            "repeats": scored.repeats,
            "reused": scored.reused,
            "cost": cost_json(scored),
            **({"fallback": fallback_json(scored)} if scored.fallback else {}),
            "summaries": [
                {**summary_json(summary), "noise": noise_json(scored.noise(summary.language, summary.subset))}
                for summary in scored.summaries(allow_partial=True)
            ],
        },
    )


def scores_csv(scored: Scored) -> str:
    """Return one row per selected sample: identity, statuses, scores, how they were read."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for verdict in scored.verdicts:
        sample, edit = verdict.sample, verdict.edit
        row: list[object] = [sample.id.task_type, sample.id.key, sample.id.language, sample.instruction]
        row += [sample.intersection, edit.status if edit else "", " ".join(edit.flags) if edit else ""]
        for reading in (verdict.sc, verdict.pq):
            row += [reading.status, reading.score, reading.how, " ".join(reading.flags)] if reading else [""] * 4
        rows.writerow([*row, verdict.overall, scored.scoring_id])
    return text.getvalue()


def cost_json(scored: Scored) -> dict[str, Json]:
    """Return what judging has cost, and in US dollars what the edits have; null where no backend stated it."""
    paid = scored.editing_usd
    return {"judging": scored.spent.to_json(), "editing_usd": sum(paid.values()) if paid else None}


def summary_json(summary: Summary) -> dict[str, Json]:
    """Return a summary as JSON; a mean of nothing is null."""
    low, high = summary.band
    categories: dict[str, Json] = {
        task: {**_means_json(means), **_coverage_json(part), "band": [_number(part.low), _number(part.high)]}
        for (task, means), part in zip(summary.table.categories.items(), summary.categories.values(), strict=True)
    }
    return {
        "language": summary.language,
        "subset": summary.subset,
        "headline": _means_json(summary.headline) if summary.headline else None,
        "no_headline_because": summary.why_none or None,
        "unranked_because": summary.why_unranked or None,
        "band": [_number(low), _number(high)],
        "macro": _means_json(summary.table.macro),
        "micro": _means_json(summary.table.micro),
        **_coverage_json(summary.coverage),
        "categories": categories,
    }


def noise_json(found: Noise) -> dict[str, Json]:
    """Return noise as JSON: means of O and their standard errors; null is unknown."""
    return {
        "repeats": found.repeats,
        **_spread_json(found.headline),
        "alpha": {measure: _number(alpha) for measure, alpha in found.alpha.items()},
        "spearman": {measure: _number(correlation) for measure, correlation in found.spearman.items()},
        "categories": {task: _spread_json(part) for task, part in found.categories.items()},
    }


def fallback_json(scored: Scored) -> dict[str, Json] | None:
    """Return who was asked where the judge failed, and how many aspects that decided; None if nobody was."""
    if scored.fallback is None:
        return None
    manifest = scored.fallback.judgement.manifest
    return {
        "judge_id": manifest.judge_id,
        "request_id": manifest.request_id,
        "returned_models": list(scored.fallback.models),
        "aspects": sum(scored.decided_by_fallback(language, "full") for language in LANGUAGES),
    }


def to_text(value: Json) -> str:
    """Return JSON for a file that people read: indented, ASCII only."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False)


def _means_json(means: Means) -> dict[str, Json]:
    return {
        "sc": _number(means.sc),
        "pq": _number(means.pq),
        "overall": _number(means.overall),
        "n_sc": means.n_sc,
        "n_pq": means.n_pq,
        "n_overall": means.n_overall,
    }


def _spread_json(part: Spread) -> dict[str, Json]:
    return {name: _number(value) if isinstance(value, float) else value for name, value in asdict(part).items()}


def _answerer_json(one: Answerer) -> dict[str, Json]:
    return {**asdict(one), "sample": str(one.sample)}


def _coverage_json(part: Coverage) -> dict[str, Json]:
    return {
        "selected": part.selected,
        "scored": part.scored,
        "partial": part.partial,
        "coverage": round(part.share, 6),
        "statuses": dict(part.statuses),
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else value
