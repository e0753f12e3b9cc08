"""The budget under any schedule: what is spent and set aside never exceeds the limit, and nobody waits for ever."""

import asyncio
import threading
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.engine.budget import Budget
from gedit_bench.errors import BudgetError, UsageError

AMOUNTS = st.lists(st.tuples(st.floats(0.01, 3), st.floats(0, 1)), min_size=1, max_size=60)


@given(limit=st.floats(0.1, 20), calls=AMOUNTS, workers=st.integers(1, 64), seed=st.integers(0, 2**16))
def test_the_limit_holds_whatever_is_in_flight(
    limit: float, calls: list[tuple[float, float]], workers: int, seed: int
) -> None:
    budget, chance, refused, made = Budget(limit), Random(seed), [], []
    queue = iter(calls)

    async def worker() -> None:
        for most, share in queue:
            try:
                await budget.reserve(most)
            except (BudgetError, UsageError):
                refused.append(most)
                return
            assert budget.spent + budget.reserved <= limit + 1e-6
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            budget.settle(most, most * share)
            made.append(most * share)
            assert budget.spent + budget.reserved <= limit + 1e-6

    async def all_workers() -> None:
        await asyncio.wait_for(asyncio.gather(*(worker() for _ in range(workers))), timeout=20)

    asyncio.run(all_workers())
    assert budget.spent == pytest.approx(sum(made))
    assert budget.spent <= limit + 1e-6
    assert budget.reserved == 0
    assert len(made) + len(refused) == len(calls) or len(refused) == workers
    if refused:  # nothing was refused that had room
        assert max(refused) > limit - budget.spent


def test_threads_share_one_budget() -> None:
    budget, made = Budget(10), []

    def work() -> None:
        while budget.try_reserve(0.07):
            made.append(1)
            budget.settle(0.07, 0.05)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.spent == pytest.approx(0.05 * len(made))
    assert 9.9 < budget.spent <= 10


def test_waiting_ends_in_another_loop_too() -> None:
    budget = Budget(1)

    async def first() -> None:
        await budget.reserve(1)

    asyncio.run(first())

    async def second() -> None:
        threading.Timer(0.05, budget.settle, (1, 0.25)).start()
        await asyncio.wait_for(budget.reserve(0.75), timeout=10)

    asyncio.run(second())
    assert (budget.spent, budget.reserved, budget.left) == (0.25, 0.75, 0)


def test_a_refusal_says_what_was_spent_and_a_limit_below_one_call_is_a_mistake() -> None:
    budget = Budget(1)
    with pytest.raises(UsageError, match="less than one call may cost"):
        asyncio.run(budget.reserve(1.5))
    asyncio.run(budget.reserve(1))
    budget.settle(1, 0.9)
    with pytest.raises(BudgetError, match=r"\$0.90 are spent, and the next call may cost \$0.50") as raised:
        asyncio.run(budget.reserve(0.5))
    assert raised.value.exit_code == 4
    assert "goes on" in raised.value.hint


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf")])
def test_a_limit_is_an_amount(limit: float) -> None:
    with pytest.raises(UsageError, match="--max-cost can't be"):
        Budget(limit)
