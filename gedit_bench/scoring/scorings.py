"""Scorings: how replies become numbers, as data. A scoring never touches a reply, it only reads it.

Another harness's numbers can differ from the official ones for what it accepts as a score, for what it
makes of a failure, and for what it averages over. Each of these is a field here, so that the difference
can be shown on the same replies. No scoring draws random numbers where another tool would.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from gedit_bench.records import EditStatus, Reading, ReplyStatus, Verdict

ReadingRule = Literal["official", "evalscope"]
"""`official`: the official parser's first pass. `evalscope`: one JSON object that fits EvalScope's schema."""

Failures = Literal["aspect left out", "sample left out", "aspect 0", "errors 0"]
Average = Literal["macro", "micro"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """A way from replies to numbers.

    `reading` is what counts as a score, `failures` what a failed aspect or edit counts as, `average` what
    the headline is: the unweighted mean of the 11 categories, or the mean over samples. `version` grows
    whenever the same replies come to mean other numbers.
    """

    name: str
    words: str
    reading: ReadingRule = "official"
    failures: Failures = "aspect left out"
    average: Average = "macro"
    version: int = 1

    @property
    def id(self) -> str:
        """The scoring id: name and version."""
        return f"{self.name}.{self.version}"


OFFICIAL = Scoring(
    name="official",
    words="the official reading; what failed is left out; the headline is the unweighted mean of the 11 categories.",
)
SCORINGS = {
    scoring.name: scoring
    for scoring in (
        OFFICIAL,
        Scoring(
            name="micro",
            words="as official, but the headline is the mean over samples, so that large categories weigh more.",
            average="micro",
        ),
        Scoring(
            name="zeros",
            words="as official, but each failed aspect, and both aspects of a failed edit, count as 0. "
            "These zeros are no judgement of an image.",
            failures="aspect 0",
        ),
        Scoring(
            name="lmms-eval",
            words="as lmms-eval 0.7.3 counts: where no words came back or nothing was edited, SC, PQ and O are 0; the "
            "headline is the mean over samples. Where it would guess (refusals, unreadable words), the sample is "
            "left out instead; languages stay apart, which it mixes.",
            failures="errors 0",
            average="micro",
        ),
        Scoring(
            name="evalscope",
            words="as EvalScope 1.14.1 counts: of the first answer only a JSON object whose scores are whole numbers "
            '(8.0 and "8" too) counts; a failed aspect leaves the sample out; the headline is the mean over '
            "samples. A score outside 0–10, which it would take, is left out here.",
            reading="evalscope",
            failures="sample left out",
            average="micro",
        ),
    )
}


def counted(verdicts: Iterable[Verdict], scoring: Scoring) -> list[Verdict]:
    """Return verdicts as they enter a scoring's means: failures left out or replaced by 0.

    What was never brought to an end counts nowhere. For the means only: a reading replaced by 0 keeps
    its status, which is that of a failure.
    """
    return [_counted(verdict, scoring.failures) for verdict in verdicts]


def _counted(verdict: Verdict, failures: Failures) -> Verdict:
    if verdict.partial or failures == "aspect left out":
        return verdict
    failed = [reading is None or reading.score is None for reading in (verdict.sc, verdict.pq)]
    if not any(failed):
        return verdict
    if failures == "sample left out":
        return replace(verdict, sc=_without(verdict.sc), pq=_without(verdict.pq))
    if failures == "aspect 0":
        sc, pq = (_zero(one) if bad else one for one, bad in zip((verdict.sc, verdict.pq), failed, strict=True))
        return replace(verdict, sc=sc, pq=pq)
    if _nothing_came(verdict):
        return replace(verdict, sc=_zero(verdict.sc), pq=_zero(verdict.pq))
    return replace(verdict, sc=_without(verdict.sc), pq=_without(verdict.pq))


def _nothing_came(verdict: Verdict) -> bool:
    """True if there was nothing to read: no edit, or a failed reply without any words."""
    if verdict.edit is None or verdict.edit.status is not EditStatus.OK:
        return True
    return any(
        reading is not None and reading.score is None and (reply is None or reply.content is None)
        for reading, reply in ((verdict.sc, verdict.sc_reply), (verdict.pq, verdict.pq_reply))
    )


def _zero(reading: Reading | None) -> Reading:
    return Reading(ReplyStatus.UNKNOWN, 0.0) if reading is None else replace(reading, score=0.0)


def _without(reading: Reading | None) -> Reading | None:
    return None if reading is None else replace(reading, score=None)
