"""How many requests are in flight: learned from the judge's own exchanges, or fixed.

Additive increase, multiplicative decrease, as in TCP's congestion control (RFC 5681): the limit doubles
with each round trip until something speaks against it, then grows by a few, and halves when the server
says that it is too much. What a server says about when to come back is kept to, with a fixed limit too.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf
from types import TracebackType

from gedit_bench.transport.pressure import Exchange

MOST_IN_FLIGHT = 256
"""Requests in flight at most, unless somebody fixes another number: prepared images wait in memory."""

START = 32
STEP = 4.0
"""Requests by which the limit grows in a round trip once it doesn't double any more; an eighth of it if less."""

SLOWER = 2.0
"""How much longer than at best an answer may take while the limit still grows, unless more get answered."""

SOME_SLOWER = 1.25
"""The same for the time in which it doubles."""

MORE = 1.1
"""How many times the best rate a rate must be to be more."""

LONGEST_PAUSE = 600.0
"""Seconds for which nothing is started, whatever the server asks for."""

_TOGETHER = 0.001  # seconds between starts that may reach the server in any order
_PATIENCE = 0.2  # seconds after which a waiting start looks whether it is still wanted


class Pace:
    """The limit, and until when nothing starts. Pure: it is told the time by `clock`, in seconds.

    Told of each start, end and exchange; the counts of the last round trip decide whether it may grow.
    """

    def __init__(self, clock: Callable[[], float], fixed: int | None = None) -> None:
        self._clock = clock
        self._fixed = fixed
        self._limit = float(fixed or START)
        self._doubles_to = inf
        self._in_flight = 0
        self._starts: deque[float] = deque(maxlen=2 * MOST_IN_FLIGHT)
        self._resume = -inf
        self._allowed: int | None = None  # starts that the server still allows before `_allowed_until`
        self._allowed_until = -inf
        self._allowance = 1  # what it seems to allow anew after each `_span` seconds
        self._span = 0.0
        self._cut = -inf
        self._answered_since_cut = True
        self._round = _Round(clock(), START)
        self._rate = 0.0
        self._best = inf
        self._may_grow = True

    @property
    def limit(self) -> int:
        """Requests that may be in flight, at least 1."""
        return int(self._limit)

    def wait(self) -> float:
        """Return the seconds until something may start: 0 for now, infinity for not before something ends."""
        now = self._clock()
        if self._resume > now:
            return self._resume - now
        if self._allowed is not None and now >= self._allowed_until:
            self._allowed, self._allowed_until = self._allowance, now + self._span
        if self._allowed is not None and self._allowed <= 0:
            return self._allowed_until - now
        return 0.0 if self._in_flight < self.limit else inf

    def started(self) -> None:
        """Count a request that begins."""
        self._in_flight += 1
        self._starts.append(self._clock())
        if self._allowed is not None:
            self._allowed -= 1

    def ended(self) -> None:
        """Count a request that is over, with all its tries."""
        self._in_flight -= 1

    def told(self, exchange: Exchange) -> None:
        """Learn from one exchange with the server."""
        now = self._clock()
        began = now - exchange.seconds
        self._keep_to(exchange, now, began)
        if self._fixed is not None:
            return
        if exchange.outcome == "throttled":
            self._decrease(now, began)
        elif exchange.outcome == "answered":
            self._answered_since_cut = True
            if began >= self._cut:
                self._increase()
        self._count(exchange, now, began)

    def _keep_to(self, exchange: Exchange, now: float, began: float) -> None:
        if exchange.wait:
            self._resume = max(self._resume, now + min(exchange.wait, LONGEST_PAUSE))
        if exchange.remaining is not None and exchange.reset is not None:
            # The server may not have counted what started with the exchange or after it.
            since = sum(start >= began - _TOGETHER for start in self._starts)
            self._allowed = exchange.remaining - max(since - 1, 0)
            self._allowed_until = now + min(exchange.reset, LONGEST_PAUSE)
            self._allowance = max(self._allowance, exchange.remaining)
            self._span = max(self._span, min(exchange.reset, LONGEST_PAUSE))

    def _increase(self) -> None:
        if not self._may_grow or self._in_flight < self.limit:
            return
        step = max(min(STEP, self._limit / 8), 1.0)
        by = 1.0 if self._limit < self._doubles_to else step / self._limit
        self._limit = min(self._limit + by, MOST_IN_FLIGHT)

    def _decrease(self, now: float, began: float) -> None:
        """Halve the limit, once for all requests that were in flight together.

        As long as more are in flight than the limit allows, because it was just halved, nothing new is learned.
        """
        if began < self._cut or self._in_flight > self.limit:
            return
        if self._answered_since_cut:  # else the server is away: what it could take before is still the best guess
            self._doubles_to = max(self._limit / 2, 1.0)
        self._limit = max(self._limit / 2, 1.0)
        self._cut = now
        self._answered_since_cut = False
        self._best = inf  # the server may have become another, and nothing would ever grow again
        self._may_grow = True
        self._round = _Round(now, self.limit)
        self._rate = 0.0

    def _count(self, exchange: Exchange, now: float, began: float) -> None:
        """Judge the round trip once it is over."""
        this = self._round
        if began < self._cut:
            return
        this.add(exchange)
        if this.failed > this.size / 2:
            self._decrease(now, began)
        elif this.answered + this.failed >= this.size and this.answered:
            rate = this.answered / max(now - this.began, 1e-9)
            latency = this.seconds / this.answered
            self._best = min(self._best, latency)
            flat = rate < MORE * self._rate
            if flat and latency > SOME_SLOWER * self._best:
                self._doubles_to = min(self._doubles_to, self._limit)
            self._may_grow = not (flat and latency > SLOWER * self._best) and this.failed <= this.size / 4
            self._rate = max(self._rate, rate)
            self._round = _Round(now, self.limit)


class _Round:
    """What came back in about one round trip of `size` requests."""

    def __init__(self, began: float, size: int) -> None:
        self.began = began
        self.size = max(size, 4)
        self.answered = 0
        self.failed = 0
        self.seconds = 0.0

    def add(self, exchange: Exchange) -> None:
        if exchange.outcome == "answered":
            self.answered += 1
            self.seconds += exchange.seconds
        elif exchange.outcome == "failed":
            self.failed += 1


class Gate:
    """Lets requests start as the pace allows, in the order in which they came: `async with gate: …`.

    Once `stopping` is true everything that waits is let through at once, to find out for itself.
    """

    def __init__(self, pace: Pace, stopping: Callable[[], bool]) -> None:
        self._pace = pace
        self._stopping = stopping
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        if not self._waiting and self._pace.wait() == 0:
            self._pace.started()
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self._pace.ended()
        self.admit()

    def admit(self) -> None:
        """Let through what may start now; to be called when the pace has learned something."""
        while self._waiting and (self._stopping() or self._pace.wait() == 0):
            turn = self._waiting.popleft()
            if not turn.done():
                self._pace.started()
                turn.set_result(None)
        wait = self._pace.wait()
        if self._waiting and self._timer is None and 0 < wait < inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(wait, _PATIENCE), self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        self.admit()
