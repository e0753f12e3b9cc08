"""What a judgement says: verdicts and summaries, rebuilt from the raw replies whenever they are asked for."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gedit_bench.accounting import Spent, spent_by_sample, total
from gedit_bench.errors import UsageError
from gedit_bench.judging.answering import NOBODY, Answering, answering
from gedit_bench.judging.reading import SCORING_ID, later_verdicts, verdicts
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import (
    LANGUAGES,
    Language,
    Reading,
    Reply,
    ReplyStatus,
    Sample,
    SampleId,
    Subset,
    Verdict,
)
from gedit_bench.scoring.bootstrap import sources_of
from gedit_bench.scoring.language_gap import LanguageGap, language_gap
from gedit_bench.scoring.noise import Noise, noise
from gedit_bench.scoring.official import chosen
from gedit_bench.scoring.scorings import OFFICIAL, SCORINGS, Scoring, counted
from gedit_bench.scoring.summary import Summary, summarize
from gedit_bench.store.imported import read_imported
from gedit_bench.store.run import Judgement, Run

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
    judge changed mid-run. `verdicts` are those of the first repeat, which alone makes the numbers:
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
        repeats = [counted(self.verdicts_of(repeat), self.scoring) for repeat in range(self.repeats)]
        return noise([chosen(one, language, subset) for one in repeats], self.scoring.average)

    def language_gap(self, subset: Subset) -> LanguageGap | None:
        """Return how far the headlines in Chinese and English differ; None where no source has an O in both."""
        rows = [verdict for language in LANGUAGES for verdict in chosen(self.counted, language, subset)]
        return language_gap(rows, sources_of([rows]), average=self.scoring.average)

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
