"""What one command may spend: money is set aside before a call and settled after it, so the limit holds in flight."""

import asyncio
from threading import Lock

from gedit_bench.errors import BudgetError, UsageError
from gedit_bench.prices import usd

_CENTS = 1e-9  # a limit is not broken by the rounding of sums


class Budget:
    """Money for one command, shared by everything in it that pays. Safe among threads and event loops.

    `spent` is what settled calls cost, `reserved` the most that those in flight may; never more than
    `limit` together, unless a call costs more than was set aside for it.
    """

    def __init__(self, limit: float) -> None:
        """Allow `limit` US dollars.

        Raises:
            UsageError: the limit is no positive number.
        """
        if not 0 < limit < float("inf"):
            raise UsageError(f"--max-cost can't be {limit:g}.", "Give US dollars, such as --max-cost 5.")
        self.limit = limit
        self.spent = 0.0
        self.reserved = 0.0
        self._in_flight = 0
        self._lock = Lock()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def left(self) -> float:
        """What is neither spent nor set aside."""
        return self.limit - self.spent - self.reserved

    def try_reserve(self, amount: float) -> bool:
        """Set `amount` US dollars aside if they are left."""
        with self._lock:
            return self._take(amount)

    async def reserve(self, amount: float) -> None:
        """Set `amount` US dollars aside, waiting for calls in flight if only they stand in the way.

        Raises:
            BudgetError: the amount is not left and nothing in flight could give it back.
            UsageError: nothing was spent, and not even one such call can be paid.
        """
        while True:
            with self._lock:
                if self._take(amount):
                    return
                if not self._in_flight:
                    raise self.refusal(amount)
                settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiting.append(settled)
            await settled

    def settle(self, reserved: float, cost: float) -> None:
        """Give back what was set aside for a call and count what it cost."""
        with self._lock:
            self._in_flight -= 1
            self.reserved = self.reserved - reserved if self._in_flight else 0.0
            self.spent += cost
            waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not (loop := future.get_loop()).is_closed():
                loop.call_soon_threadsafe(_wake, future)

    def refusal(self, amount: float) -> BudgetError | UsageError:
        """Return the error that says why a call of `amount` US dollars is not made."""
        if not self.spent:
            return UsageError(
                f"--max-cost {self.limit:g} is less than one call may cost ({usd(amount)}).", "Allow more."
            )
        return BudgetError(
            f"{usd(self.spent)} are spent, and the next call may cost {usd(amount)}: --max-cost is {self.limit:g}.",
            "The same command goes on and may spend as much again; a higher --max-cost goes further.",
        )

    def _take(self, amount: float) -> bool:
        if amount > self.left + _CENTS:
            return False
        self._in_flight += 1
        self.reserved += amount
        return True


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
