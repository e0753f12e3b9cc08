"""Verdicts made of bare scores, for the tests of what is computed from them."""

from collections.abc import Mapping, Sequence

from gedit_bench.records import TASKS, Edit, EditStatus, Reading, ReplyStatus, Sample, SampleId, Verdict

Score = float | None


def verdict(
    task: str, key: str, sc: Score, pq: Score, *, language: str = "en", source: str | None = None, row: int = 0
) -> Verdict:
    sample = Sample(SampleId(task, language, key), "x", True, row)
    edit = Edit(sample=sample.id, status=EditStatus.OK, seed=0, source_id=source)
    return Verdict(sample, edit, *(reading(score) for score in (sc, pq)))


def reading(score: Score) -> Reading:
    return Reading(ReplyStatus.OK, score) if score is not None else Reading(ReplyStatus.REFUSED)


def row_of(scores: Mapping[str, Sequence[tuple[Score, Score]]], language: str = "en") -> list[Verdict]:
    """SC and PQ of each category's samples; each sample has a source of its own."""
    return [
        verdict(task, f"{task} {place}", sc, pq, language=language, source=f"{task}/{place}", row=place)
        for task, own in scores.items()
        for place, (sc, pq) in enumerate(own)
    ]


def everywhere(own: Sequence[tuple[Score, Score]], language: str = "en") -> list[Verdict]:
    """The same scores in every category."""
    return row_of(dict.fromkeys(TASKS, own), language)
