"""Another judge for what the first one failed on: named in the scoring id, counted, and never mixed in silently.

The first judge's replies stay as they are. The other's lie in a folder of their own below them; the two are put
together when they are read, so a first judge that answers after all is the one that counts.
"""

from collections.abc import Iterable
from dataclasses import replace

from gedit_bench.accounting import Spent, spent_by_sample
from gedit_bench.judging.answering import answering
from gedit_bench.judging.reading import verdicts
from gedit_bench.records import Aspect, Reading, Reply, ReplyStatus, SampleId, Verdict
from gedit_bench.results import FALLBACK, Fallback, Scored, score
from gedit_bench.scoring.scorings import OFFICIAL, Scoring
from gedit_bench.store.run import Judgement, Run

_NOT_FAILED = frozenset({ReplyStatus.OK, ReplyStatus.UNKNOWN, ReplyStatus.OVER_BUDGET})


def failed_aspects(found: Iterable[Verdict]) -> dict[SampleId, frozenset[Aspect]]:
    """Return the aspects whose status is final and no score, for each sample that has any.

    What was never asked, or not for want of money, has not failed.
    """
    failed = {
        verdict.sample.id: frozenset(
            aspect for aspect, reading in ((Aspect.SC, verdict.sc), (Aspect.PQ, verdict.pq)) if _has_failed(reading)
        )
        for verdict in found
    }
    return {sample: aspects for sample, aspects in failed.items() if aspects}


def with_fallback(scored: Scored, judgement: Judgement) -> Scored:
    """Return a judgement's first repeat with another judge's scores where it has none.

    Args:
        scored: what the first judge alone came to.
        judgement: the other judge's replies, see `Judgement.fallbacks`.
    """
    samples = [verdict.sample for verdict in scored.verdicts]
    asked = judgement.replies()
    found = verdicts(samples, scored.run.edits(), asked, scoring=scored.scoring)
    costs = dict(scored.judging_costs)
    for sample, cost in spent_by_sample(judgement, asked).items():
        costs[sample] = costs.get(sample, Spent()) + cost
    both = [_together(first, other) for first, other in zip(scored.verdicts, found, strict=True)]
    manifest = judgement.manifest
    replies = [
        reply
        for verdict in both
        for reading, reply in ((verdict.sc, verdict.sc_reply), (verdict.pq, verdict.pq_reply))
        if reading and reply and FALLBACK in reading.flags
    ]
    models = tuple(sorted({reply.model for reply in replies if reply.model}))
    return replace(
        scored,
        verdicts=both,
        scoring_id=f"{scored.scoring_id}+fallback:{manifest.judge_id}_{manifest.request_id}",
        later=(),
        fallback=Fallback(judgement, models, answering(replies), scored),
        judging_costs=costs,  # both judges had to be paid for these numbers
    )


def score_all(run: Run, judgement: Judgement, scoring: Scoring = OFFICIAL) -> list[Scored]:
    """Return a judgement's scores, then those with each fallback that decided something."""
    alone = score(run, judgement, scoring)
    together = [with_fallback(alone, other) for other in judgement.fallbacks()]
    return [alone, *(one for one in together if one.verdicts != alone.verdicts)]


def _together(first: Verdict, other: Verdict) -> Verdict:
    sc, sc_reply = _either(first.sc, first.sc_reply, other.sc, other.sc_reply)
    pq, pq_reply = _either(first.pq, first.pq_reply, other.pq, other.pq_reply)
    return replace(first, sc=sc, pq=pq, sc_reply=sc_reply, pq_reply=pq_reply)


def _either(
    first: Reading | None, first_reply: Reply | None, other: Reading | None, other_reply: Reply | None
) -> tuple[Reading | None, Reply | None]:
    if not _has_failed(first) or other is None or other.status is not ReplyStatus.OK:
        return first, first_reply
    return replace(other, flags=(*other.flags, FALLBACK)), other_reply


def _has_failed(reading: Reading | None) -> bool:
    return reading is not None and reading.status not in _NOT_FAILED
