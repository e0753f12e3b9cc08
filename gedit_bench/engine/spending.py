"""Pays for judge calls: sets the most that one may cost aside in the budget, and settles what it did cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gedit_bench.accounting import cost_of
from gedit_bench.engine.budget import Budget
from gedit_bench.errors import BudgetError, UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.tokens import worst_cost
from gedit_bench.prices import Price


class Call:
    """A question that is being asked, where nothing limits what it may cost."""

    refusal: BudgetError | UsageError | None = None
    """Why another try was not paid for; known once the call is over."""

    def afford(self) -> bool:
        """Set money aside for another try, after one that may have to be paid all the same; False if none is left."""
        return True

    def paid(self, answer: Answer) -> None:
        """Take note of what came of it; told nothing, nothing was paid."""


class _Limited(Call):
    """One that a budget pays for: `most` US dollars are set aside for each try."""

    def __init__(self, budget: Budget, most: float) -> None:
        self.most = most
        self.tries = 1
        self.refused = False
        self.answer: Answer | None = None
        self._budget = budget

    def afford(self) -> bool:
        self.refused = not self._budget.try_reserve(self.most)
        self.tries += not self.refused
        return not self.refused

    def paid(self, answer: Answer) -> None:
        self.answer = answer


@dataclass(slots=True)
class Spending:
    """What a judge costs and what it may. Without a budget nothing is held back."""

    price: Price | None = None
    budget: Budget | None = None
    _stretch: float = 1.0

    @asynccontextmanager
    async def call(self, question: Question) -> AsyncIterator[Call]:
        """Yield, once the money is there, the call to be told the answer.

        Raises:
            BudgetError: the budget is spent.
        """
        if self.budget is None or self.price is None or self.price.free:
            yield Call()
            return
        thought = worst_cost(question, self.price)
        made = _Limited(self.budget, thought * self._stretch)
        await self.budget.reserve(made.most)
        try:
            yield made
        finally:
            cost = 0.0 if made.answer is None else self._charge(made.answer, thought, made.most)
            for _ in range(made.tries - 1):
                self.budget.settle(made.most, 0.0)
            self.budget.settle(made.most, cost)
            made.refusal = self.budget.refusal(made.most) if made.refused else None

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
