"""The money for edits: set aside before samples are handed out, settled once they are done."""

from gedit_bench.engine.budget import Budget


class Purse:
    """What a command may spend, if that is limited, and the most that one edit is known to cost."""

    def __init__(self, budget: Budget | None) -> None:
        self.most = 0.0
        self._budget = budget
        self._tried = False
        self._more: list[float] = []

    @property
    def blind(self) -> bool:
        """True while nobody knows what an edit costs: a limited budget risks one at a time."""
        return self._budget is not None and not (self.most or self._tried)

    def take(self, count: int, *, in_flight: bool = False) -> tuple[int, float]:
        """Set money aside for up to `count` edits; return for how many, and how much.

        Args:
            count: how many are wanted.
            in_flight: whether others are being made, so that none now doesn't mean none ever.

        Raises:
            BudgetError, UsageError: there is not enough for one, and nothing in flight could give any back.
        """
        if self._budget is None or not count:
            return count, 0.0
        if self.blind and in_flight:
            return 0, 0.0
        while count and not self._budget.try_reserve(self.most * count):
            count -= 1
        if not count and not in_flight:
            raise self._budget.refusal(self.most)
        return count, self.most * count

    def take_again(self) -> bool:
        """Set money aside for another try, after one that may have to be paid all the same; False if none is left."""
        if self._budget is None:
            return True
        amount = self.most
        if not self._budget.try_reserve(amount):
            return False
        self._more.append(amount)
        return True

    def settle(self, reserved: float, cost: float) -> None:
        """Give back what was set aside for some edits and for further tries, and count what they cost."""
        self._tried = True
        if self._budget is None:
            return
        while self._more:
            self._budget.settle(self._more.pop(), 0.0)
        self._budget.settle(reserved, cost)
