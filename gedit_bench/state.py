"""How far a run is: counted from its lines, for `status` and for whoever asks from Python."""

from collections import Counter
from dataclasses import dataclass, field

from gedit_bench.accounting import Spent, spent_by_sample, total
from gedit_bench.derived import noise_json, summary_json
from gedit_bench.engine.editing import to_edit
from gedit_bench.fallback import with_fallback
from gedit_bench.judging.answering import alias_words
from gedit_bench.records import LANGUAGES, Json, Language
from gedit_bench.report.words import fallback_words
from gedit_bench.results import Scored, score
from gedit_bench.scoring.noise import Noise
from gedit_bench.scoring.scorings import OFFICIAL, Scoring
from gedit_bench.scoring.summary import Summary
from gedit_bench.store.imported import MODEL as IMPORTED
from gedit_bench.store.run import Judgement, Run


@dataclass(frozen=True, slots=True)
class JudgementState:
    """How far a judgement is, and what its replies took, failed ones included.

    `repeats` is how often each aspect was asked independently, at most; `noise` that of each language. `changed`
    says how who answered changed, `alias` what to know of a judge's name, `fallbacks` which other judges decided
    how much. `reused` counts replies taken from elsewhere: they took no tokens here.
    """

    judge_id: str
    request_id: str
    path: str
    replies: int
    spent: Spent
    summaries: list[Summary]
    repeats: int = 1
    noise: dict[Language, Noise] = field(default_factory=dict)
    changed: str = ""
    alias: str = ""
    fallbacks: tuple[str, ...] = ()
    scoring_id: str = OFFICIAL.id
    reused: int = 0
    replayed_from: str = ""

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "judge_id": self.judge_id,
            "request_id": self.request_id,
            "path": self.path,
            "replayed_from": self.replayed_from,
            "replies": self.replies,
            "repeats": self.repeats,
            "reused": self.reused,
            "noise": {language: noise_json(found) for language, found in self.noise.items()},
            "changed": self.changed or None,
            "alias": self.alias or None,
            "fallbacks": list(self.fallbacks),
            "prompt_tokens": self.spent.prompt_tokens,
            "completion_tokens": self.spent.completion_tokens,
            "cost": self.spent.to_json(),
            "scoring_id": self.scoring_id,
            "summaries": [summary_json(summary) for summary in self.summaries],
        }


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is: `edits` and `flags` count statuses and flags, `to_edit` what is still to be made.

    `editing_usd` is None where the backend stated no cost.
    """

    name: str
    path: str
    selected: int
    to_edit: int
    edits: dict[str, int]
    flags: dict[str, int]
    editing_usd: float | None
    judgements: list[JudgementState]

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "name": self.name,
            "path": self.path,
            "selected": self.selected,
            "to_edit": self.to_edit,
            "edits": dict(self.edits),
            "flags": dict(self.flags),
            "editing_usd": self.editing_usd,
            "judgements": [judgement.to_json() for judgement in self.judgements],
        }


def run_state(run: Run, scoring: Scoring = OFFICIAL) -> RunState:
    """Return how far a run and its judgements are, by a scoring. Verifies the images' SHA-256."""
    samples, edits, paid = run.samples(), run.edits(), run.paid_for_edits()
    made = [edits[sample.id] for sample in samples if sample.id in edits]
    return RunState(
        name=run.manifest.name,
        path=str(run.path),
        selected=len(samples),
        to_edit=0 if run.manifest.model == IMPORTED else len(to_edit(run, samples)),
        edits=dict(Counter(str(edit.status) for edit in made)),
        flags=dict(Counter(flag for edit in made for flag in edit.flags)),
        editing_usd=sum(paid.values()) if paid else None,
        judgements=[_judgement_state(run, judgement, scoring) for judgement in run.judgements()],
    )


def _judgement_state(run: Run, judgement: Judgement, scoring: Scoring) -> JudgementState:
    scored = score(run, judgement, scoring)
    return JudgementState(
        judge_id=judgement.manifest.judge_id,
        request_id=judgement.manifest.request_id,
        path=str(judgement.path),
        replies=scored.spent.calls + scored.reused,
        spent=scored.spent,
        summaries=scored.summaries(),
        repeats=scored.repeats,
        noise={one.language: scored.noise(one.language, "full") for one in scored.summaries() if one.subset == "full"},
        changed=scored.answering.words(),
        alias=alias_words(judgement.manifest.judge, scored.models),
        fallbacks=tuple(_fallback(scored, other) for other in judgement.fallbacks()),
        scoring_id=scoring.id,
        reused=scored.reused,
        replayed_from=judgement.manifest.replayed_from,
    )


def _fallback(scored: Scored, other: Judgement) -> str:
    both = with_fallback(scored, other)
    count = sum(both.decided_by_fallback(language, "full") for language in LANGUAGES)
    spent = total(spent_by_sample(other, other.replies()).values())
    cost = f"; it cost {spent.words()}" if spent.worth_telling else ""
    return fallback_words(other.manifest.judge_id, count) + cost
