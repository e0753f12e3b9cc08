"""EvalScope's reading: one JSON object of the right shape, coerced as pydantic does, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.judging.base import Answer
from gedit_bench.judging.evalscope_reading import read_strictly
from gedit_bench.judging.parse import read_content
from gedit_bench.judging.reading import read_answer, verdicts
from gedit_bench.records import Aspect, Delivery, Edit, EditStatus, Reply, ReplyStatus, Sample, SampleId
from gedit_bench.scoring.scorings import SCORINGS


@pytest.mark.parametrize(
    ("content", "score"),
    [
        ('{"score": [8, 9]}', 8),
        ('{"score": ["8", 9.0], "reasoning": "x"}', 8),
        ('{"score": [true, 9]}', 1),
        ('{"score": [7]}', 7),
        ('{"score": [9, 85]}', 9),
        ('{"more": {"a": 1}, "score": [0, 10]}', 0),
        ('Here it is:\n```json\n{"score": [8, 9],\n "reasoning": "a } brace"}\n```', 8),
        ('<think>"quoted {" and more</think> {"score": [3, 4]}', 3),
    ],
)
def test_what_counts(content: str, score: float) -> None:
    reading = read_strictly(content)
    assert (reading.status, reading.score) == (ReplyStatus.OK, score)


@pytest.mark.parametrize(
    ("content", "official"),
    [
        ('{"score": [7.5, 8]}', 7.5),
        ('{"score": 8}', 8),
        ("[8, 9]", 8),
        ("7", 7),
        ("{score: 8, reasoning: good}", 8),
        ('{"score": [8, 9], "reasoning": 3}', 8),
        ('||V^=^V||{"score": [8, 9]}||V^=^V|| and {"score": [1, 1]}', 8),
        ('{"score": [8, 9], "reasoning": "cut', 8),
        ('{"score": []}', None),
        ('{"score": [[8], 9]}', None),
        ("{" * 5000 + "}" * 5000, None),
    ],
)
def test_what_counts_officially_at_most(content: str, official: float | None) -> None:
    assert read_strictly(content).status is ReplyStatus.UNPARSABLE
    assert read_content(content).score == official


def test_flags_and_statuses() -> None:
    assert read_strictly('{"score": [9, 85, 7]}', None, "length").flags == ("truncated", "count", "range")
    assert read_strictly('{"score": [-1, 5]}').status is ReplyStatus.OUT_OF_RANGE
    assert read_strictly('{"score": [11]}').score is None
    assert read_strictly("I'm sorry, but I can't assist with that.").status is ReplyStatus.REFUSED
    assert read_strictly(None).status is ReplyStatus.EMPTY
    assert read_answer(Answer(delivery=Delivery.TIMEOUT), "evalscope").status is ReplyStatus.TIMEOUT


@given(st.text(alphabet='{}"\\[]:, score8é\n', max_size=60) | st.text(max_size=60))
def test_never_raises_and_never_leaves_the_scale(content: str) -> None:
    reading = read_strictly(content)
    assert (reading.score is None) == (reading.status is not ReplyStatus.OK)
    assert reading.score is None or 0 <= reading.score <= 10


@given(st.lists(st.integers(0, 10), min_size=1, max_size=4), st.text(max_size=20))
def test_agrees_with_the_official_reading_on_what_was_asked_for(scores: list[int], reasoning: str) -> None:
    content = json.dumps({"reasoning": reasoning, "score": scores})
    assert read_strictly(content).score == min(scores)


def test_takes_linear_time() -> None:
    for content in ('"' * 200_000, "\\" * 200_000, "{" * 200_000, '{"a' * 60_000):
        assert read_strictly(content).status is ReplyStatus.UNPARSABLE


def test_of_several_answers_the_first_decides() -> None:
    sample = Sample(SampleId("ps_human", "en", "k"), "x", True, 0)
    edit = Edit(sample=sample.id, status=EditStatus.OK, seed=0, sha256="e")

    def reply(aspect: Aspect, attempt: int, content: str | None) -> Reply:
        delivery = Delivery.TRANSPORT if content is None else Delivery.ANSWERED
        return Reply(
            sample=sample.id,
            aspect=aspect,
            repeat=0,
            attempt=attempt,
            delivery=delivery,
            edit_sha256="e",
            content=content,
        )

    fine = '{"score": [8, 8]}'
    replies = [
        reply(Aspect.SC, 0, "no"),
        reply(Aspect.SC, 1, fine),
        reply(Aspect.PQ, 0, None),
        reply(Aspect.PQ, 1, fine),
    ]
    [official] = verdicts([sample], {sample.id: edit}, replies)
    [strict] = verdicts([sample], {sample.id: edit}, replies, scoring=SCORINGS["evalscope"])
    assert official.overall == 8
    assert strict.sc is not None
    assert strict.sc.status is ReplyStatus.UNPARSABLE
    assert strict.pq is not None
    assert strict.pq.score == 8
    [none] = verdicts([sample], {sample.id: edit}, [], scoring=SCORINGS["evalscope"])
    assert none.partial
