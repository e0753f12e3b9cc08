"""What a judgement says: verdicts and summaries, rebuilt from the raw replies whenever they are asked for."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import isnan

from gedit_bench.judging.reading import SCORING_ID, verdicts
from gedit_bench.records import Json, Language, Reading, ReplyStatus, Sample, Subset, Verdict
from gedit_bench.scoring.coverage import Coverage
from gedit_bench.scoring.official import Means, chosen
from gedit_bench.scoring.summary import Summary, summarize
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes, write_json
from gedit_bench.store.imported import read_imported
from gedit_bench.store.run import Judgement, Run

COLUMNS = (
    *("task_type", "key", "instruction_language", "instruction", "intersection_exist", "edit_status", "edit_flags"),
    *("sc_status", "sc", "sc_how", "sc_flags", "pq_status", "pq", "pq_how", "pq_flags", "overall", "scoring_id"),
)
"""The columns of `scores.csv`."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A judgement with what its replies are worth today.

    `models` are the model strings that the judge's server returned; more than one means that the
    judge changed in mid-run.
    """

    run: Run
    judgement: Judgement
    verdicts: list[Verdict]
    models: tuple[str, ...]
    scoring_id: str = SCORING_ID

    def summaries(self, *, allow_partial: bool = False) -> list[Summary]:
        """Return a summary for each language and subset that has a sample."""
        return summarize(self.verdicts, allow_partial=allow_partial)

    def comparability(self, language: Language, subset: Subset) -> tuple[str, ...]:
        """Return what must be equal for two rows to share a table.

        That is the judge, the model string it returned, how it was asked, how its replies were
        scored, the language, the subset, and the selected samples.
        """
        selected = [verdict.sample for verdict in chosen(self.verdicts, language, subset)]
        manifest = self.judgement.manifest
        returned = " + ".join(self.models)
        return (
            *(manifest.judge_id, returned, manifest.request_id, self.scoring_id),
            *(language, subset, selection_id(selected)),
        )


def selection_id(samples: Iterable[Sample]) -> str:
    """Return 8 hex digits that name a set of samples with their instructions, whatever chose them."""
    lines = sorted(f"{sample.id}\t{sample.instruction}\t{sample.intersection}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def score(run: Run, judgement: Judgement) -> Scored:
    """Read a judgement's replies and return what they are worth; of imported scores, these as they stand."""
    if judgement.manifest.imported:
        return _imported(run, judgement)
    replies = judgement.replies()
    found = verdicts(judgement.samples(), run.edits(), replies)
    deciding = [reply for verdict in found for reply in (verdict.sc_reply, verdict.pq_reply) if reply is not None]
    return Scored(run, judgement, found, tuple(sorted({reply.model for reply in deciding if reply.model})))


def _imported(run: Run, judgement: Judgement) -> Scored:
    scores = {one.sample: one for one in read_imported(judgement.path)}
    found = [
        Verdict(sample, None, Reading(ReplyStatus.UNKNOWN, one.sc), Reading(ReplyStatus.UNKNOWN, one.pq))
        for sample in judgement.samples()
        if (one := scores.get(sample.id)) is not None
    ]
    return Scored(run, judgement, found, (), f"imported-{judgement.manifest.imported['tool']}")


def write_derived(scored: Scored) -> None:
    """Write `scores.csv` and `summary.json` beside the replies; both may be deleted at any time."""
    folder = scored.judgement.path
    write_bytes(folder / layout.SCORES, scores_csv(scored).encode("utf-8", "backslashreplace"))
    manifest = scored.judgement.manifest
    write_json(
        folder / layout.SUMMARY,
        {
            "scoring_id": scored.scoring_id,
            "judge_id": manifest.judge_id,
            "request_id": manifest.request_id,
            "returned_models": list(scored.models),
            "summaries": [summary_json(summary) for summary in scored.summaries(allow_partial=True)],
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
