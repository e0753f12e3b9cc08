"""The parser: equal to the official first pass where that finds a score, and never a guess where it doesn't."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.judging.parse import read_content
from gedit_bench.records import ReplyStatus

OUT_OF_RANGE = {"r0240", "r0241"}  # officially 8 and 85; one of the numbers is above 10


def replies() -> list[dict]:
    path = Path(__file__).parents[1] / "golden" / "replies.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", replies(), ids=lambda case: case["id"])
def test_reads_what_the_official_first_pass_reads(case: dict) -> None:
    reading = read_content(case["reply"])
    if case["id"] in OUT_OF_RANGE:
        assert (reading.status, reading.score) == (ReplyStatus.OUT_OF_RANGE, None)
    elif case["score_used"] is None:
        assert reading.status in {ReplyStatus.UNPARSABLE, ReplyStatus.REFUSED, ReplyStatus.EMPTY}
        assert reading.score is None
    else:
        assert (reading.status, reading.score) == (ReplyStatus.OK, case["score_used"])


def test_all_120_vectors_are_there() -> None:
    assert len(replies()) == 120


@pytest.mark.parametrize(
    ("reply", "how", "flags"),
    [
        ('{"score": [8, 7], "reasoning": "x"}', "json", ()),
        ('{"score": 8}', "json", ("count",)),
        ('{"score": [8.5, 7]}', "json", ("float",)),
        ("{score: 8, reasoning: good}", "repaired", ("count", "repaired")),
        ("As shown in [1, 2], I cannot rate this.", "list", ("list",)),
        ("7", "number", ("count",)),
        ('{"score": [0, 5], "reasoning": "I\'m sorry, I can\'t assist with that."}', "json", ("apology",)),
    ],
)
def test_says_how_it_was_read(reply: str, how: str, flags: tuple[str, ...]) -> None:
    reading = read_content(reply)
    assert reading.status is ReplyStatus.OK
    assert (reading.how, reading.flags) == (how, flags)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (None, ReplyStatus.EMPTY),
        ("  \n ", ReplyStatus.EMPTY),
        ('{"score": [NaN, 3]}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [Infinity, 3]}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [1e999, 3]}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [-1, 9]}', ReplyStatus.OUT_OF_RANGE),
        ("11", ReplyStatus.UNPARSABLE),
        ("-1", ReplyStatus.UNPARSABLE),
        ("[-1, 9]", ReplyStatus.UNPARSABLE),
        ("[８, ９]", ReplyStatus.UNPARSABLE),
        ("[08, 09]", ReplyStatus.UNPARSABLE),
        ('{"score": true}', ReplyStatus.UNPARSABLE),
        ('{"score": [true, 5]}', ReplyStatus.UNPARSABLE),
        ('{"score": null}', ReplyStatus.UNPARSABLE),
        ("} no { object", ReplyStatus.UNPARSABLE),
        ("||V^=^V||[8, 9]||V^=^V||", ReplyStatus.UNPARSABLE),
        ("Unable to evaluate the images.", ReplyStatus.REFUSED),
        ("I'm sorry, but I can't help with that.", ReplyStatus.REFUSED),
        ("I’m unable to process images of real people.", ReplyStatus.REFUSED),
        ("很抱歉，我无法协助处理这个请求。", ReplyStatus.REFUSED),
        ("The edit looks sorry and sad, though the hat was added.", ReplyStatus.UNPARSABLE),
        ("The person cannot be seen in the second image.", ReplyStatus.UNPARSABLE),
    ],
)
def test_what_has_no_score_gets_a_status(reply: str | None, status: ReplyStatus) -> None:
    reading = read_content(reply)
    assert (reading.status, reading.score) == (status, None)


def test_the_api_refusal_field_counts_only_where_no_score_is_found() -> None:
    assert read_content("no", refusal="policy").status is ReplyStatus.REFUSED
    assert read_content('{"score": [8, 9]}', refusal="policy").score == 8


def test_a_truncated_reply_that_holds_its_scores_is_read_and_flagged() -> None:
    reading = read_content('{"score": [8, 9], "reasoning": "The ed', finish_reason="length")
    assert (reading.score, reading.flags) == (8, ("truncated", "list"))


def test_minus_zero_is_zero() -> None:
    assert str(read_content('{"score": [-0.0, 3]}').score) == "0.0"


@given(st.text(max_size=400))
def test_never_raises_and_never_leaves_the_range(text: str) -> None:
    reading = read_content(text)
    assert (reading.score is not None) == (reading.status is ReplyStatus.OK)
    assert reading.score is None or 0 <= reading.score <= 10


@given(st.lists(st.integers(0, 10), min_size=1, max_size=4), st.text(max_size=50))
def test_well_formed_replies_score_their_minimum(scores: list[int], reasoning: str) -> None:
    reading = read_content(json.dumps({"score": scores, "reasoning": reasoning}))
    assert reading.score == min(scores)
    assert reading.reasoning == reasoning


@pytest.mark.parametrize(
    "reply",
    [
        "{" + "a" * 60_000 + "}",
        "{" + "a:" * 30_000 + "}",
        '{"score": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"score": [' + "9" * 60_000 + ", 1]}",
        "9" * 60_000,
        "I can't " * 8_000,
        "[" * 60_000,
        '{"score": "\\ud83d"}',
    ],
    ids=["letters", "keys", "deep", "long integer", "long number", "phrases", "brackets", "surrogate"],
)
def test_hostile_replies_end_quickly(reply: str) -> None:
    started = time.process_time()
    assert read_content(reply).score is None
    assert time.process_time() - started < 1  # the official repair takes 35 s on the first
