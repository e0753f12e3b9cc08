"""The money of several processes: set aside before samples are handed out, settled when a hand is empty."""

from gedit_bench.engine.budget import Budget
from gedit_bench.engine.cluster.seats import Hand


class Purse:
    """What a command may spend, if that is limited, and the most that one edit is known to cost."""

    def __init__(self, budget: Budget | None) -> None:
        self.most = 0.0
        self._budget = budget
        self._tried = False

    @property
    def blind(self) -> bool:
        """True while nobody knows what an edit costs: a limited budget risks one at a time."""
        return self._budget is not None and not (self.most or self._tried)

    def take(self, count: int, *, in_flight: bool) -> tuple[int, float]:
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

    def settle(self, hand: Hand, lost: int = 0) -> None:
        """Count what a hand cost; edits that were lost with their process may have been paid for."""
        self._tried = True
        if self._budget is not None:
            self._budget.settle(hand.reserved, sum(hand.costs) + lost * self.most)
