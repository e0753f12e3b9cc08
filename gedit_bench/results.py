"""What a judgement says: verdicts and summaries, rebuilt from the raw replies whenever they are asked for."""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import isnan

from gedit_bench.accounting import Spent, spent_by_sample, total
from gedit_bench.errors import UsageError
from gedit_bench.judging.answering import NOBODY, Answerer, Answering, answering
from gedit_bench.judging.reading import SCORING_ID, later_verdicts, verdicts
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import (
    LANGUAGES,
    Json,
    Language,
    Reading,
    Reply,
    ReplyStatus,
    Sample,
    SampleId,
    Subset,
    Verdict,
)
from gedit_bench.scoring.coverage import Coverage
from gedit_bench.scoring.noise import Noise, Spread, noise
from gedit_bench.scoring.official import Means, chosen
from gedit_bench.scoring.scorings import OFFICIAL, SCORINGS, Scoring, counted
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


FALLBACK = "fallback"
"""The flag of a reading that the fallback judge gave."""


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another judge that was asked where the first one failed.

    `judgement` holds its replies, `models` what its server called itself and `answering` when, `without` what the
    first judge alone came to.
    """

    judgement: Judgement
    models: tuple[str, ...]
    answering: Answering
    without: "Scored"


@dataclass(frozen=True, slots=True)
class Scored:
    """A judgement with what its replies are worth today.

    `models` are the model strings that the judge's server returned; more than one means that the
    judge changed in mid-run. `verdicts` are those of the first repeat, which alone makes the numbers:
    the official evaluation asks once. `later` are those of the repeats after it.
    `answering` is over all repeats. `fallback` is None unless another judge decided where this one failed.
    `judging_costs` holds what the replies about each sample have cost, `editing_usd` what its edits have,
    where their backend stated it.
    """

    run: Run
    judgement: Judgement
    verdicts: list[Verdict]
    models: tuple[str, ...]
    scoring_id: str = SCORING_ID
    later: Sequence[list[Verdict]] = ()
    answering: Answering = NOBODY
    fallback: Fallback | None = None
    scoring: Scoring = OFFICIAL
    judging_costs: Mapping[SampleId, Spent] = field(default_factory=dict)
    editing_usd: Mapping[SampleId, float] = field(default_factory=dict)

    @property
    def spent(self) -> Spent:
        """What judging has cost in all."""
        return total(self.judging_costs.values())

    @property
    def counted(self) -> list[Verdict]:
        """The verdicts as they enter the means, where a scoring makes a number of a failure."""
        return counted(self.verdicts, self.scoring)

    @property
    def repeats(self) -> int:
        """How often each aspect was asked independently, at most."""
        return 1 + len(self.later)

    @property
    def reused(self) -> int:
        """How many deciding replies, in all repeats, were taken from elsewhere instead of asked for."""
        return sum(
            reply is not None and reply.reused
            for repeat in range(self.repeats)
            for verdict in self.verdicts_of(repeat)
            for reply in (verdict.sc_reply, verdict.pq_reply)
        )

    def verdicts_of(self, repeat: int) -> list[Verdict]:
        """Return what one repeat said of the selected samples; `repeat` is in 0..`repeats` - 1."""
        return [self.verdicts, *self.later][repeat]

    def noise(self, language: Language, subset: Subset) -> Noise:
        """Return how far judge and sampling move the headline of a language and subset."""
        return noise([chosen(self.verdicts_of(repeat), language, subset) for repeat in range(self.repeats)])

    def decided_by_fallback(self, language: Language, subset: Subset) -> int:
        """Return how many aspects of a language and subset the fallback judge decided."""
        if self.fallback is None:
            return 0
        rows = chosen(self.verdicts, language, subset)
        return sum(FALLBACK in reading.flags for row in rows for reading in (row.sc, row.pq) if reading)

    def summaries(self, *, allow_partial: bool = False) -> list[Summary]:
        """Return a summary for each language and subset that has a sample."""
        return summarize(self.verdicts, allow_partial=allow_partial, scoring=self.scoring)

    def comparability(self, language: Language, subset: Subset) -> tuple[str, ...]:
        """Return what must be equal for two rows to share a table.

        That is the judge, the model string it returned, how it was asked, how its replies were
        scored (with a fallback judge, who it is, as what it answered and how many aspects it decided), the language,
        the subset, and the selected samples.
        """
        selected = [verdict.sample for verdict in chosen(self.verdicts, language, subset)]
        manifest = self.judgement.manifest
        returned = " + ".join(self.models)
        scoring = self.scoring_id
        if self.fallback:
            as_models = " + ".join(self.fallback.models)
            scoring += f" ({as_models or 'no model named'}; aspects: {self.decided_by_fallback(language, subset)})"
        return (
            *(manifest.judge_id, returned, manifest.request_id, scoring),
            *(language, subset, selection_id(selected)),
        )


def selection_id(samples: Iterable[Sample]) -> str:
    """Return 8 hex digits that name a set of samples with their instructions, whatever chose them."""
    lines = sorted(f"{sample.id}\t{sample.instruction}\t{sample.intersection}" for sample in samples)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def find_scoring(name: str) -> Scoring:
    """Return the scoring called `name`; UsageError with the nearest match if there is none."""
    if name not in SCORINGS:
        raise UsageError(f"There is no scoring {name!r}.", did_you_mean(name, SCORINGS))
    return SCORINGS[name]


def score(run: Run, judgement: Judgement, scoring: Scoring = OFFICIAL) -> Scored:
    """Read a judgement's replies and return what they are worth, by the official scoring or another.

    Imported scores stand as they are, whatever the scoring.
    """
    if judgement.manifest.imported:
        return _imported(run, judgement)
    replies = judgement.replies()
    samples, edits = judgement.samples(), run.edits()
    found = verdicts(samples, edits, replies, scoring=scoring)
    later = later_verdicts(samples, edits, replies, scoring=scoring)
    decided = [reply for verdicts_of_repeat in (found, *later) for reply in deciding(verdicts_of_repeat)]
    models = tuple(sorted({reply.model for reply in deciding(found) if reply.model}))
    return Scored(
        run,
        judgement,
        found,
        models,
        scoring_id=scoring.id,
        later=later,
        answering=answering(decided),
        scoring=scoring,
        judging_costs=spent_by_sample(judgement, replies),
        editing_usd=run.paid_for_edits(),
    )


def deciding(found: Iterable[Verdict]) -> list[Reply]:
    """Return the replies that scores and statuses rest on."""
    return [reply for verdict in found for reply in (verdict.sc_reply, verdict.pq_reply) if reply is not None]


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
