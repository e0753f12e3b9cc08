"""Pays for judge calls: sets the most that one may cost aside in the budget, and settles what it did cost."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gedit_bench.accounting import cost_of
from gedit_bench.engine.budget import Budget
from gedit_bench.errors import UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.tokens import worst_cost
from gedit_bench.prices import Price


@dataclass(slots=True)
class Spending:
    """What a judge costs and what it may. Without a budget nothing is held back."""

    price: Price | None = None
    budget: Budget | None = None
    _stretch: float = 1.0

    @asynccontextmanager
    async def call(self, question: Question) -> AsyncIterator[Callable[[Answer], None]]:
        """Yield, once the money is there, the function to be told the answer; told none, nothing was paid.

        Raises:
            BudgetError: the budget is spent.
        """
        if self.budget is None or self.price is None or self.price.free:
            yield _untold
            return
        thought = worst_cost(question, self.price)
        most = thought * self._stretch
        await self.budget.reserve(most)
        cost = 0.0

        def paid(answer: Answer) -> None:
            nonlocal cost
            cost = self._charge(answer, thought, most)

        try:
            yield paid
        finally:
            self.budget.settle(most, cost)

    def _charge(self, answer: Answer, thought: float, most: float) -> float:
        """What an answer counts as: a try whose usage nobody told as much as was set aside for it."""
        assert self.price is not None
        found = cost_of(answer, self.price)
        unheard = max(answer.lost_tries or 0, 1) if found.unknown else 0
        if not unheard:
            # A provider that counts more tokens than was thought gets more set aside from now on.
            self._stretch = max(self._stretch, found.usd / thought)
        return found.usd + unheard * most


def checked_price(judge: Judge, price: Price | None, budget: Budget | None) -> Spending:
    """Return how a judge is paid.

    Raises:
        UsageError: there is a budget, but nobody knows the price.
    """
    if budget is not None and price is None:
        raise UsageError(
            f"--max-cost can't be kept: nobody knows what {judge.name} costs at {judge.host or judge.endpoint}.",
            "Name its price with --prices FILE (data/prices.toml shows the form), or leave --max-cost out.",
        )
    return Spending(price, budget)


def _untold(_answer: Answer) -> None:
    """Nothing is counted where nothing is limited."""
