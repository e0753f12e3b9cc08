"""How far a run is: counted from its lines, for `status` and for whoever asks from Python."""

from collections import Counter
from dataclasses import dataclass

from gedit_bench.engine.editing import to_edit
from gedit_bench.records import Json
from gedit_bench.results import score, summary_json
from gedit_bench.scoring.summary import Summary
from gedit_bench.store.imported import MODEL as IMPORTED
from gedit_bench.store.run import Judgement, Run


@dataclass(frozen=True, slots=True)
class JudgementState:
    """How far a judgement is, and the tokens that its replies took, failed ones included."""

    judge_id: str
    request_id: str
    path: str
    replies: int
    prompt_tokens: int
    completion_tokens: int
    summaries: list[Summary]

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "judge_id": self.judge_id,
            "request_id": self.request_id,
            "path": self.path,
            "replies": self.replies,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "summaries": [summary_json(summary) for summary in self.summaries],
        }


@dataclass(frozen=True, slots=True)
class RunState:
    """How far a run is: `edits` and `flags` count statuses and flags, `to_edit` what is still to be made."""

    name: str
    path: str
    selected: int
    to_edit: int
    edits: dict[str, int]
    flags: dict[str, int]
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
            "judgements": [judgement.to_json() for judgement in self.judgements],
        }


def run_state(run: Run) -> RunState:
    """Return how far a run and its judgements are. Verifies the images' SHA-256."""
    samples, edits = run.samples(), run.edits()
    made = [edits[sample.id] for sample in samples if sample.id in edits]
    return RunState(
        name=run.manifest.name,
        path=str(run.path),
        selected=len(samples),
        to_edit=0 if run.manifest.model == IMPORTED else len(to_edit(run, samples)),
        edits=dict(Counter(str(edit.status) for edit in made)),
        flags=dict(Counter(flag for edit in made for flag in edit.flags)),
        judgements=[_judgement_state(run, judgement) for judgement in run.judgements()],
    )


def _judgement_state(run: Run, judgement: Judgement) -> JudgementState:
    replies = judgement.replies()
    return JudgementState(
        judge_id=judgement.manifest.judge_id,
        request_id=judgement.manifest.request_id,
        path=str(judgement.path),
        replies=len(replies),
        prompt_tokens=sum(reply.prompt_tokens or 0 for reply in replies),
        completion_tokens=sum(reply.completion_tokens or 0 for reply in replies),
        summaries=score(run, judgement).summaries(),
    )
