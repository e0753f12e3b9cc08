"""Money through `edit`, `judge` and `run`: counted per call over real HTTP, estimated before, and limited in flight."""

import json
import threading
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pytest
from judge_process import judge_process
from PIL import Image
from scripted_judge import Received, Scripted, ScriptedJudge, completion
from small_benchmark import OFFLINE, editing, lines, picture, selection, write_benchmark

from gedit_bench import EditModel, JudgeSettings, Judging, Outcome, Run, edit, judge, run
from gedit_bench.api import Budget
from gedit_bench.engine.editing import to_edit
from gedit_bench.errors import BudgetError, UsageError
from gedit_bench.planning import make_plan
from gedit_bench.prices import ImageTokens
from gedit_bench.records import ReplyStatus
from gedit_bench.results import Scored
from gedit_bench.store import layout

CALL = (1000 * 2 + 40 * 8) / 1e6
"""What a call at the fake judge costs: 1000 tokens in, 40 out, at the prices below."""
PRICES = """
[[price]]
models = ["fake-judge"]
input = 2.0
cached_input = 0.5
output = 8.0
image_tokens = { base = 85, tile = 170 }
"""
MODELS = Scripted({"data": [{"id": "fake-judge"}]})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("money") / "benchmark")


@pytest.fixture
def made(data: Path, tmp_path: Path) -> Run:
    return edit("identity", selection(data), editing(tmp_path / "results"))


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(PRICES)
    return path


def asking(url: str, prices: Path | None, **more: object) -> Judging:
    settings = {"name": "fake-judge", "base_url": url, "timeout": 20.0, "retry_for": 20.0, "concurrency": 64, **more}
    return Judging(judge=JudgeSettings(**settings), protocol="native", prices=prices)


def statuses(scored: Scored) -> Counter[str]:
    readings = [reading for verdict in scored.verdicts for reading in (verdict.sc, verdict.pq)]
    return Counter(reading.status if reading else "not judged" for reading in readings)


def test_calls_are_counted_and_the_price_is_noted_with_them(made: Run, prices: Path) -> None:
    with judge_process() as server:
        scored = judge(made, judging=asking(server.url, prices))
    spent = scored.spent
    assert (spent.calls, spent.prompt_tokens, spent.completion_tokens, spent.unknown) == (44, 44_000, 1_760, 0)
    assert spent.usd == pytest.approx(44 * CALL)
    summary = json.loads((scored.judgement.path / layout.SUMMARY).read_text())
    assert summary["cost"]["judging"]["usd"] == pytest.approx(44 * CALL)
    assert summary["cost"]["editing_usd"] is None
    [writer] = scored.judgement.writers()
    assert writer.price is not None
    assert (writer.price["input"], writer.price["output"]) == (2.0, 8.0)


def test_what_was_asked_in_vain_is_counted_too(made: Run, prices: Path) -> None:
    with judge_process("refusal:1") as server:
        refused = judge(made, judging=asking(server.url, prices))
    assert refused.spent.usd == pytest.approx(88 * CALL)  # each once more
    with judge_process("vllm400:1") as server:
        rejected = judge(made, judging=asking(server.url, prices, endpoint_label="other"))
    assert (rejected.spent.calls, rejected.spent.usd, rejected.spent.unknown) == (44, 0, 0)


def test_without_a_price_tokens_are_counted_and_the_cost_is_unknown(made: Run) -> None:
    with judge_process() as server:
        scored = judge(made, judging=asking(server.url, None))
    assert (scored.spent.known_usd, scored.spent.unknown, scored.spent.prompt_tokens) == (None, 44, 44_000)


def test_a_limit_without_a_price_is_a_mistake_said_before_any_work(made: Run, data: Path, tmp_path: Path) -> None:
    with judge_process() as server:
        for work in (
            lambda: judge(made, judging=asking(server.url, None), budget=Budget(1)),
            lambda: run(
                "identity", selection(data), editing(tmp_path / "new"), asking(server.url, None), budget=Budget(1)
            ),
        ):
            with pytest.raises(UsageError, match=r"nobody knows what fake-judge costs at 127\.0\.0\.1"):
                work()
        assert server.stats().get("requests", 0) == 0
    assert not (tmp_path / "new").exists()
    assert not list(made.path.rglob("replies.jsonl"))


def test_a_free_judge_needs_no_price_to_keep_a_limit(made: Run) -> None:
    assert statuses(judge(made, judging=OFFLINE, budget=Budget(0.01))) == {ReplyStatus.OK: 44}


def test_the_limit_holds_with_64_in_flight_and_what_is_left_is_done_next_time(tmp_path: Path, prices: Path) -> None:
    chosen = selection(write_benchmark(tmp_path / "larger", keys=2))
    made = edit("identity", chosen, editing(tmp_path / "results"))
    dear = {**completion(), "usage": {"prompt_tokens": 2800, "completion_tokens": 1400}}

    crowded = threading.Event()

    def respond(received: Received) -> Scripted:
        if received.method == "GET":
            return MODELS
        if len(server.received) > 64:  # it answers nobody before 64 wait
            crowded.set()
        assert crowded.wait(20)
        return Scripted(dear)

    each, limit = (2800 * 2 + 1400 * 8) / 1e6, 1.35
    first, second = Budget(limit), Budget(limit)
    with ScriptedJudge(respond) as server:
        with pytest.raises(BudgetError, match=r"--max-cost is 1\.35\.") as raised:
            judge(made, judging=asking(server.url, prices), budget=first)
        replies = lines(next(made.path.rglob("replies.jsonl")))
        assert "may spend as much again" in raised.value.hint
        # On a busy machine a connection may break: a try that nobody heard of again counts at its worst.
        lost = sum(json.loads(line).get("lost_tries") or 0 for line in replies)
        # It stops only where another call might not be paid: one is thought to cost at most $0.02.
        assert limit - 0.02 < first.spent
        if not lost:
            assert first.spent <= limit
            assert first.spent == pytest.approx(each * len(replies))
        scored = judge(made, judging=asking(server.url, prices), budget=second)
        asked = sum(received.method == "POST" for received in server.received)
    assert lost or asked == 88  # nothing was asked twice, and nothing recorded as over_budget
    assert statuses(scored) == {ReplyStatus.OK: 88}
    assert scored.spent.usd == pytest.approx(88 * each)
    assert lost or first.spent + second.spent == pytest.approx(88 * each)
    assert first.reserved == second.reserved == 0


def test_a_limit_below_one_call_is_a_mistake(made: Run, prices: Path) -> None:
    with judge_process() as server:
        with pytest.raises(UsageError, match="less than one call may cost"):
            judge(made, judging=asking(server.url, prices), budget=Budget(0.001))
        assert server.stats().get("requests", 0) == 0


def test_calls_that_nobody_heard_of_again_use_up_the_budget(made: Run, prices: Path) -> None:
    with judge_process("drop:1") as server:
        budget = Budget(0.2)
        with pytest.raises(BudgetError):
            judge(made, judging=asking(server.url, prices, retry_for=0.2, concurrency=4), budget=budget)
        assert server.stats()["requests"] < 60
    assert budget.spent > 0.15


@pytest.mark.parametrize("servers", [1, 2])
def test_tries_that_nobody_heard_of_again_never_break_the_limit(made: Run, prices: Path, servers: int) -> None:
    """Each of them may be paid, so another is made only with money of its own; what it comes to is asked next time."""

    def respond(received: Received) -> Scripted:
        return MODELS if received.method == "GET" else Scripted(completion(), drop=True)

    limit = 0.1
    budget = Budget(limit)
    with ScriptedJudge(respond) as first, ScriptedJudge(respond) as second:
        url = [first.url, second.url][:servers] if servers > 1 else first.url
        judging = asking(url, prices, retry_for=60.0, concurrency=4, endpoint_label="pool")
        with pytest.raises(BudgetError, match=r"--max-cost is 0\.1\."):
            judge(made, judging=judging, budget=budget)
        sent = sum(received.method == "POST" for one in (first, second) for received in one.received)
    assert limit / 2 < budget.spent <= limit
    assert budget.reserved == pytest.approx(0)
    [judgement] = made.judgements()
    replies = judgement.replies()
    assert {reply.delivery for reply in replies} == {"over_budget"}
    assert sum(reply.lost_tries or 0 for reply in replies) == sent
    with judge_process() as server:
        scored = judge(made, judging=asking(server.url, prices, endpoint_label="pool"))
        assert server.stats()["requests"] == 44
    assert statuses(scored) == {ReplyStatus.OK: 44}


@dataclass(frozen=True)
class Cost:
    usd: float = 0.1


class Paid(EditModel):
    """Costs something and says so."""

    name = "paid"
    Settings = Cost

    def edit(self, requests):
        for request in requests:
            yield Outcome(image=request.source, cost_usd=self.settings.usd)


@pytest.mark.parametrize("most", [0.0, 0.1])
def test_edits_stop_at_the_limit_and_go_on(data: Path, tmp_path: Path, most: float) -> None:
    model = Paid(Cost())
    model.most_usd = most
    budget = Budget(1.05)
    with pytest.raises(BudgetError, match=r"\$1.00 are spent"):
        edit(model, selection(data), editing(tmp_path), budget=budget)
    [folder] = tmp_path.glob("paid/*")
    opened = Run.open(folder)
    assert sum(opened.paid_for_edits().values()) == pytest.approx(1.0)
    assert len(to_edit(opened, opened.samples())) == 12
    edit(model, selection(data), editing(tmp_path), budget=Budget(1.2))
    assert len(opened.paid_for_edits()) == 22


def test_edits_of_a_backend_that_is_not_paid_are_not_held_back(data: Path, tmp_path: Path) -> None:
    opened = edit("identity", selection(data), editing(tmp_path), budget=Budget(0.01))
    assert not to_edit(opened, opened.samples())
    assert opened.paid_for_edits() == {}


def test_edits_and_judge_share_the_budget_of_a_run(data: Path, tmp_path: Path, prices: Path) -> None:
    budget = Budget(2.25)
    with judge_process() as server, pytest.raises(BudgetError):
        run(Paid(Cost()), selection(data), editing(tmp_path), asking(server.url, prices), budget=budget)
    assert 2.2 < budget.spent <= 2.25
    with judge_process() as server:
        again = Budget(2.25)
        scored = run(Paid(Cost()), selection(data), editing(tmp_path), asking(server.url, prices), budget=again)
    assert again.spent == pytest.approx(44 * CALL - (budget.spent - 2.2))
    assert (sum(scored.editing_usd.values()), scored.spent.calls) == (pytest.approx(2.2), 44)


def counting(per_character: float, answer: int):
    """A judge that counts tokens as the prices above say, with text at so many tokens a character."""
    counted = ImageTokens(base=85, tile=170)

    def respond(received: Received) -> Scripted:
        if received.method == "GET":
            return MODELS
        tokens = 8.0
        for part in received.json()["messages"][0]["content"]:
            if part["type"] == "text":
                tokens += len(part["text"]) * per_character
            else:
                data = b64decode(part["image_url"]["url"].partition(",")[2])
                tokens += counted.count(*Image.open(BytesIO(data)).size)
        usage = {"prompt_tokens": round(tokens), "completion_tokens": answer}
        return Scripted({**completion(), "usage": usage})

    return respond


@pytest.mark.parametrize(("per_character", "answer"), [(0.2, 60), (0.25, 110), (0.33, 300)])
@pytest.mark.parametrize("edited", [False, True])
def test_the_plan_holds_what_it_came_to(
    tmp_path: Path, prices: Path, per_character: float, answer: int, edited: bool
) -> None:
    small = write_benchmark(tmp_path / "small")
    chosen, where = selection(small), editing(tmp_path / "results")
    if edited:
        edit("identity", chosen, where)
    with ScriptedJudge(counting(per_character, answer)) as server:
        judging = asking(server.url, prices, concurrency=8)
        plan = make_plan("identity", chosen, where, judging)
        scored = run("identity", chosen, where, judging)
    assert plan.usd is not None
    assert plan.tokens is not None
    low, high = plan.usd
    assert low <= scored.spent.usd <= high < 8 * low
    assert plan.tokens.prompt[0] <= scored.spent.prompt_tokens <= plan.tokens.prompt[1]
    assert plan.tokens.completion[0] <= scored.spent.completion_tokens <= plan.tokens.completion[1]
    assert plan.questions == 44
    assert dict(plan.lines())["cost"].startswith("about $0.")
    after = make_plan("identity", chosen, where, judging)
    assert (after.questions, after.usd) == (0, (0, 0))


def test_a_plan_without_a_price_says_tokens_alone(data: Path, tmp_path: Path, prices: Path) -> None:
    judging = asking("http://127.0.0.1:9/v1", None)
    plan = make_plan("identity", selection(data), editing(tmp_path), judging)
    told = dict(plan.lines())
    assert plan.usd is None
    assert " in, " in told["tokens"]
    assert told["cost"].startswith("unknown")
    assert "cost" not in dict(make_plan("identity", selection(data), editing(tmp_path), OFFLINE).lines())
    priced = make_plan("identity", selection(data), editing(tmp_path), replace(judging, prices=prices))
    assert priced.to_json()["usd"] == list(priced.usd or ())


def test_an_edit_of_another_shape_is_planned_by_its_own(data: Path, tmp_path: Path, prices: Path) -> None:
    images = tmp_path / "images"
    for source in edit("identity", selection(data), editing(tmp_path / "made")).path.rglob("fullset/*/*/*.png"):
        target = images / "fullset" / source.parent.parent.name / source.parent.name / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        picture(1, (64, 64)).save(target)
    where = editing(tmp_path / "results")
    judging = asking("http://127.0.0.1:9/v1", prices)
    before = make_plan(f"folder:{images}", selection(data), where, judging)
    edit(f"folder:{images}", selection(data), where)
    after = make_plan(f"folder:{images}", selection(data), where, judging)
    assert before.tokens is not None
    assert after.tokens is not None
    assert after.tokens.prompt[0] == before.tokens.prompt[0]  # square: one tile, the least
    assert after.tokens.prompt[1] < before.tokens.prompt[1]
