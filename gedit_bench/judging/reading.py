"""From raw replies to verdicts: which attempt decides, and what it says. Pure, so it can be redone at any time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gedit_bench.judging.base import Answer
from gedit_bench.judging.parse import read_content
from gedit_bench.records import (
    Aspect,
    Delivery,
    Edit,
    EditStatus,
    Reading,
    Reply,
    ReplyStatus,
    Sample,
    SampleId,
    Verdict,
)
from gedit_bench.scoring.scorings import OFFICIAL, ReadingRule, Scoring

SCORING_ID = OFFICIAL.id
"""How replies become numbers unless another scoring is asked for."""

ASKED_AGAIN = frozenset(
    {ReplyStatus.REFUSED, ReplyStatus.EMPTY, ReplyStatus.UNPARSABLE, ReplyStatus.OUT_OF_RANGE},
)
"""What is asked once more: answers that somebody gave and nobody can score."""

_UNANSWERED = {
    Delivery.FILTERED: ReplyStatus.FILTERED,
    Delivery.REJECTED: ReplyStatus.REJECTED,
    Delivery.TRANSPORT: ReplyStatus.TRANSPORT,
    Delivery.TIMEOUT: ReplyStatus.TIMEOUT,
    Delivery.OVER_BUDGET: ReplyStatus.OVER_BUDGET,
}


def read_answer(reply: Reply | Answer, rule: ReadingRule = "official") -> Reading:
    """Return what a reply, stored or fresh, is worth by the official rules or another scoring's."""
    if reply.delivery is Delivery.ANSWERED:
        read = read_content
        if rule == "evalscope":
            from gedit_bench.judging.evalscope_reading import read_strictly as read
        return read(reply.content, reply.refusal, reply.finish_reason)
    return Reading(_UNANSWERED[reply.delivery])


def settled(attempts: Sequence[Reading]) -> int | None:
    """Return the index of the attempt that decides, or None while the judge is still to be asked.

    The first `ok` decides. Otherwise the last does, unless it is the only one and of a kind that is
    asked once more.
    """
    for index, reading in enumerate(attempts):
        if reading.status is ReplyStatus.OK:
            return index
    if not attempts or (len(attempts) == 1 and attempts[0].status in ASKED_AGAIN):
        return None
    return len(attempts) - 1


def attempts_by_aspect(edit: Edit, replies: Iterable[Reply], repeat: int = 0) -> dict[Aspect, list[Reply]]:
    """Return one repeat's replies about this very image (same SHA-256), in the order of their attempts."""
    about = [reply for reply in replies if reply.edit_sha256 == edit.sha256 and reply.repeat == repeat]
    about.sort(key=lambda reply: reply.attempt)
    return {aspect: [reply for reply in about if reply.aspect is aspect] for aspect in Aspect}


def verdicts(
    samples: Iterable[Sample],
    edits: Mapping[SampleId, Edit],
    replies: Iterable[Reply],
    repeat: int = 0,
    *,
    scoring: Scoring = OFFICIAL,
) -> list[Verdict]:
    """Return one verdict per selected sample, in the samples' order: what one repeat said, as the scoring reads it."""
    by_sample: dict[SampleId, list[Reply]] = defaultdict(list)
    for reply in replies:
        by_sample[reply.sample].append(reply)
    return [_verdict(sample, edits.get(sample.id), by_sample[sample.id], repeat, scoring.reading) for sample in samples]


def later_verdicts(
    samples: Sequence[Sample],
    edits: Mapping[SampleId, Edit],
    replies: Sequence[Reply],
    *,
    scoring: Scoring = OFFICIAL,
) -> list[list[Verdict]]:
    """Return the verdicts of the repeats from 1 on, as far as any of them has a reply about an edit of today."""
    asked = max((reply.repeat for reply in replies), default=0)
    found = [verdicts(samples, edits, replies, repeat, scoring=scoring) for repeat in range(1, asked + 1)]
    while found and not any(verdict.sc or verdict.pq for verdict in found[-1]):
        found.pop()
    return found


def _verdict(sample: Sample, edit: Edit | None, replies: Sequence[Reply], repeat: int, rule: ReadingRule) -> Verdict:
    if edit is None or edit.status is not EditStatus.OK:
        return Verdict(sample, edit)
    attempts = attempts_by_aspect(edit, replies, repeat)
    (sc, sc_reply), (pq, pq_reply) = (_deciding(attempts[aspect], rule) for aspect in Aspect)
    return Verdict(sample, edit, sc, pq, sc_reply, pq_reply)


def _deciding(attempts: Sequence[Reply], rule: ReadingRule) -> tuple[Reading | None, Reply | None]:
    readings = [read_answer(reply, rule) for reply in attempts]
    index = settled(readings) if rule == "official" else _first_answer(attempts)
    return (None, None) if index is None else (readings[index], attempts[index])


def _first_answer(attempts: Sequence[Reply]) -> int | None:
    """The index of the first answer, else of the last attempt: EvalScope asks nobody twice for better words."""
    answered = (index for index, reply in enumerate(attempts) if reply.delivery is Delivery.ANSWERED)
    return next(answered, len(attempts) - 1 if attempts else None)
