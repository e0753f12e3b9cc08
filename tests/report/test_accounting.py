"""What calls have cost: failed ones count, and what nobody knows is not 0."""

import csv
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_fixtures import TIME, judged, make_samples, picture, reply_text

from gedit_bench.accounting import Spent, cost_of
from gedit_bench.judging.base import Answer
from gedit_bench.prices import FREE, Price
from gedit_bench.records import Aspect, Delivery, Edit, Reply, Sample
from gedit_bench.report.board import make_board
from gedit_bench.report.board_json import board_json
from gedit_bench.report.claim import claims
from gedit_bench.report.tables import board_csv, board_markdown
from gedit_bench.results import score
from gedit_bench.store.codec import from_json, to_json
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import note_writer

PRICE = Price(input=2, cached_input=0.5, output=8)


def answer(**fields: Any) -> Answer:
    return Answer(**{"delivery": Delivery.ANSWERED, "prompt_tokens": 1000, "completion_tokens": 50, **fields})


@pytest.mark.parametrize(
    ("fields", "usd", "unknown"),
    [
        ({}, 0.0024, 0),
        ({"cached_tokens": 400}, 0.0018, 0),
        ({"delivery": Delivery.FILTERED}, 0.0024, 0),
        ({"lost_tries": 2}, 0.0024, 1),
        ({"prompt_tokens": None, "completion_tokens": None}, 0, 1),
        ({"prompt_tokens": None}, 0, 1),
    ],
)
def test_what_was_answered_is_paid(fields: dict[str, Any], usd: float, unknown: int) -> None:
    spent = cost_of(answer(**fields), PRICE)
    assert (spent.calls, spent.usd, spent.unknown) == (1, pytest.approx(usd), unknown)


@pytest.mark.parametrize(
    ("delivery", "lost", "unknown"),
    [
        (Delivery.REJECTED, None, 0),
        (Delivery.FILTERED, None, 0),
        (Delivery.TRANSPORT, 0, 0),  # too many requests, every time
        (Delivery.TRANSPORT, None, 1),  # noted before lost tries were counted
        (Delivery.TIMEOUT, 1, 1),
    ],
)
def test_what_was_not_answered_may_have_been_paid(delivery: Delivery, lost: int | None, unknown: int) -> None:
    spent = cost_of(Answer(delivery=delivery, lost_tries=lost), PRICE)
    assert (spent.usd, spent.unknown) == (0, unknown)


def test_without_a_price_the_cost_is_unknown_and_not_nothing() -> None:
    spent = cost_of(answer(), None)
    assert (spent.known_usd, spent.unknown, spent.prompt_tokens) == (None, 1, 1000)
    assert spent.words() == "unknown for 1 calls (1,000 tokens in, 50 out)"
    assert (spent + cost_of(answer(), PRICE)).money() == "$0.0024 and 1 call of unknown cost"
    assert (Spent(calls=1) + spent).money() == "unknown"  # a rejected call, which costs nothing, says nothing of others
    assert (Spent().known_usd, cost_of(answer(), FREE).known_usd) == (0, 0)


def test_replies_of_older_versions_are_read_without_the_new_fields() -> None:
    sample = make_samples()[0]
    reply = Reply(sample=sample.id, aspect=Aspect.SC, repeat=0, attempt=0, delivery=Delivery.ANSWERED, edit_sha256="ab")
    line = to_json(reply)
    assert not {"cached_tokens", "lost_tries"} & set(line)
    assert from_json(Reply, line) == reply


def asked(sample: Sample, aspect: Aspect, **fields: Any) -> Reply:
    text = reply_text(8, 9)
    common = {"sample": sample.id, "aspect": aspect, "repeat": 0, "attempt": 0, "edit_sha256": "", "content": text}
    return Reply(**{**common, "delivery": Delivery.ANSWERED, "model": "judge-1-2026", "time": TIME, **fields})


def test_a_judgement_is_priced_at_what_its_writer_noted(tmp_path: Path) -> None:
    samples = make_samples()

    def paid(sample: Sample, aspect: Aspect) -> Reply:
        # The first sample's PQ was asked by a version that noted no price.
        writer = "old" if sample is samples[0] and aspect is Aspect.PQ else "new"
        return asked(sample, aspect, prompt_tokens=1000, completion_tokens=50, writer=writer)

    def stated(sample: Sample, edit: Edit) -> Edit:
        return replace(edit, cost_usd=0.04)

    made = judged(tmp_path, samples, answers=paid, run={"edits": stated})
    note_writer(made.judgement.path, replace(this_writer(), writer="new", price=PRICE.to_json()))
    scored = score(made.run, made.judgement)
    assert scored.spent == Spent(22, 22_000, 0, 1_100, pytest.approx(21 * 0.0024), 1)
    board = make_board([scored])
    [row] = board_json(board, title="", created="", warnings={})["tables"][0]["rows"]  # type: ignore[index, call-overload]
    assert row["cost"]["judging"]["usd"] == pytest.approx(21 * 0.0024)
    assert row["cost"]["editing_usd"] == pytest.approx(11 * 0.04)
    assert "$0.05 + ?" in board_markdown(board, title="", created="2026")
    line, *_ = csv.DictReader(io.StringIO(board_csv(board)))
    assert float(line["judging_usd"]) == pytest.approx(21 * 0.0024)
    assert (line["calls_of_unknown_cost"], float(line["editing_usd"])) == ("1", pytest.approx(11 * 0.04))


def test_a_claim_card_tells_what_is_known_of_the_cost(tmp_path: Path) -> None:
    made_of = hashlib.sha256(picture()).hexdigest()

    def paid(sample: Sample, aspect: Aspect) -> Reply:
        return asked(sample, aspect, prompt_tokens=1000, completion_tokens=50, edit_sha256=made_of)

    def stated(sample: Sample, edit: Edit) -> Edit:
        return replace(edit, cost_usd=0.04)

    samples = make_samples()
    openai = {"judge": "gpt-4.1-2025-04-14", "endpoint": "api.openai.com"}
    told = judged(tmp_path / "a", samples, answers=paid, run={"edits": stated}, **openai)
    assert dict(claims(make_board([told]))[0].facts)["cost"] == "judging $0.053, edits $0.44"
    unknown = judged(tmp_path / "b", samples, answers=paid)
    assert "cost" not in dict(claims(make_board([unknown]))[0].facts)


def test_openais_prices_stand_in_where_no_price_was_noted(tmp_path: Path) -> None:
    def paid(sample: Sample, aspect: Aspect) -> Reply:
        return asked(sample, aspect, prompt_tokens=1000, completion_tokens=50)

    openai = {"judge": "gpt-4.1-2025-04-14", "endpoint": "api.openai.com"}
    assert judged(tmp_path / "a", make_samples(), answers=paid, **openai).spent.usd == pytest.approx(22 * 0.0024)
    assert judged(tmp_path / "b", make_samples(), answers=paid).spent.known_usd is None
    assert judged(tmp_path / "c", make_samples(), answers=paid, vlm=False).spent.known_usd == 0
