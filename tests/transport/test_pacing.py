"""The pace against simulated servers in virtual time: nothing here waits, and everything is deterministic."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gedit_bench.engine.judging import PREPARED_AHEAD
from gedit_bench.transport.pacing import MOST_IN_FLIGHT, START, Gate, Pace
from gedit_bench.transport.pressure import Exchange


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next thing that is due."""

    moment = 0.0

    def time(self) -> float:
        return self.moment

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.moment = max(self.moment, self._scheduled[0].when())
        super()._run_once()


def simulate(work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        runner.run(work)


def clock() -> float:
    return asyncio.get_running_loop().time()


Server = Callable[[], Awaitable[Exchange]]


@dataclass
class Client:
    """Asks a server a number of questions through the gate, and notes what happens."""

    server: Server
    fixed: int | None = None
    starts: list[float] = field(default_factory=list)
    limits: list[tuple[float, int]] = field(default_factory=list)
    exchanges: list[tuple[float, Exchange]] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0

    async def run(self, questions: int) -> None:
        self.begin()
        await asyncio.gather(*(self.ask() for _ in range(questions)))

    def begin(self) -> None:
        self.pace = Pace(clock, self.fixed)
        self.gate = Gate(self.pace, lambda: False)

    async def ask(self) -> None:
        async with self.gate:
            self.in_flight += 1
            assert self.in_flight <= self.pace.limit
            assert 1 <= self.pace.limit <= max(MOST_IN_FLIGHT, self.fixed or 0)
            self.peak = max(self.peak, self.in_flight)
            self.starts.append(clock())
            pause = 0.5
            while True:
                exchange = await self.server()
                self.pace.told(exchange)
                self.gate.admit()
                self.exchanges.append((clock(), exchange))
                self.limits.append((clock(), self.pace.limit))
                if exchange.outcome == "answered":
                    break
                await asyncio.sleep(exchange.wait or pause)
                pause = min(2 * pause, 8.0)
            self.in_flight -= 1


def answering(latency: float) -> Server:
    async def exchange() -> Exchange:
        await asyncio.sleep(latency)
        return Exchange(latency, "answered")

    return exchange


@dataclass
class Capped:
    """Answers 429 to what is more than `cap` in flight."""

    cap: int
    latency: float
    wait: float | None = None
    in_flight: int = 0

    async def __call__(self) -> Exchange:
        if self.in_flight >= self.cap:
            await asyncio.sleep(0.02)
            return Exchange(0.02, "throttled", self.wait)
        self.in_flight += 1
        await asyncio.sleep(self.latency)
        self.in_flight -= 1
        return Exchange(self.latency, "answered")


@dataclass
class Queueing:
    """Works at `width` requests at a time; the others wait in it, and nobody is sent away."""

    width: int
    seconds: float

    def __post_init__(self) -> None:
        self.free = asyncio.Semaphore(self.width)

    async def __call__(self) -> Exchange:
        started = clock()
        async with self.free:
            await asyncio.sleep(self.seconds)
        return Exchange(clock() - started, "answered")


def test_a_slow_server_is_used_fully_within_seconds() -> None:
    client = Client(answering(1.0))
    simulate(client.run(2424))
    assert client.starts[128] <= 2.0
    assert client.peak == MOST_IN_FLIGHT
    assert client.exchanges[-1][0] < 13.0  # 9.5 s at full width from the start


def test_starting_small_costs_no_time_while_images_are_prepared_ahead() -> None:
    """150 questions a second, as two cores prepare them, each answered after a second."""

    async def work(client: Client) -> None:
        room = asyncio.Semaphore(2 * (MOST_IN_FLIGHT // 2 + PREPARED_AHEAD))

        async def one() -> None:
            await client.ask()
            room.release()

        client.begin()
        async with asyncio.TaskGroup() as asking:
            for _ in range(2424):
                await room.acquire()
                await asyncio.sleep(1 / 150)
                asking.create_task(one())

    learned, known = Client(answering(1.0)), Client(answering(1.0), fixed=MOST_IN_FLIGHT)
    for client in (learned, known):
        simulate(work(client))
    assert learned.exchanges[-1][0] < known.exchanges[-1][0] + 0.5


@pytest.mark.parametrize("cap", [3, 20, 100])
def test_a_server_that_sends_away_is_approached_and_not_overrun(cap: int) -> None:
    client = Client(Capped(cap, 1.0))
    simulate(client.run(100 * cap))
    end = client.exchanges[-1][0]
    assert end < 200  # at least half of what the server could do
    late = [limit for moment, limit in client.limits if moment > end / 2]
    assert cap / 3 <= sum(late) / len(late) <= cap + 4
    outcomes = [exchange.outcome for moment, exchange in client.exchanges if moment > end / 2]
    assert outcomes.count("throttled") < len(outcomes) / 4


def test_halves_once_for_all_that_were_in_flight_together() -> None:
    now = [0.0]
    pace = Pace(lambda: now[0])
    for _ in range(START):
        pace.started()
    now[0] = 1.0
    for _ in range(START):
        pace.told(Exchange(1.0, "throttled"))
    assert pace.limit == START // 2
    now[0] = 2.0
    pace.told(Exchange(0.5, "throttled"))  # began after it, but too many are still in flight
    assert pace.limit == START // 2
    for _ in range(START // 2):
        pace.ended()
    pace.told(Exchange(0.5, "throttled"))
    assert pace.limit == START // 4


def test_nothing_starts_before_the_server_wants_it() -> None:
    async def exchange() -> Exchange:
        await asyncio.sleep(0.5)
        throttled = clock() == 2.0
        return Exchange(0.5, "throttled" if throttled else "answered", 7.0 if throttled else None)

    client = Client(exchange)
    simulate(client.run(1000))
    assert any(moment < 2.0 for moment in client.starts)
    assert not [moment for moment in client.starts if 2.0 < moment < 9.0]
    assert any(moment >= 9.0 for moment in client.starts)


@pytest.mark.parametrize("fixed", [None, 50])
def test_what_the_server_still_allows_is_not_exceeded(fixed: int | None) -> None:
    """A server that allows 40 requests in each 10 s, and says so: it never has to send anybody away."""
    used: dict[int, int] = {}

    async def exchange() -> Exchange:
        window = int((clock() + 1e-6) // 10)
        used[window] = used.get(window, 0) + 1
        remaining, reset = 40 - used[window], 10 * (window + 1) - clock()
        await asyncio.sleep(0.25)
        return Exchange(0.25, "answered", remaining=max(remaining, 0), reset=max(reset - 0.25, 0.0))

    client = Client(exchange, fixed)
    simulate(client.run(300))
    # The first 50 at once are sent before anything is known.
    assert all(count <= 40 for window, count in used.items() if window > 0)
    assert max(used) <= 9


def test_a_server_that_is_away_is_left_in_peace_and_found_again() -> None:
    async def exchange() -> Exchange:
        started = clock()
        await asyncio.sleep(1.0)
        return Exchange(1.0, "failed" if 6 <= started < 40 else "answered")

    client = Client(exchange)
    simulate(client.run(4500))
    assert not [moment for moment in client.starts if 10 < moment < 40]
    back = [limit for moment, limit in client.limits if moment > 52]
    assert back[0] >= 64  # doubled its way up again


def test_few_failures_do_not_keep_it_small() -> None:
    random = Random(7)

    async def exchange() -> Exchange:
        await asyncio.sleep(1.0)
        return Exchange(1.0, "failed" if random.random() < 0.1 else "answered")

    client = Client(exchange)
    simulate(client.run(3000))
    assert client.peak > 200


def test_a_server_that_only_gets_slower_is_not_flooded() -> None:
    async def work() -> None:
        client = Client(Queueing(16, 0.5))
        await client.run(3000)
        assert client.peak < 5 * START
        assert client.exchanges[-1][0] == pytest.approx(3000 / 16 * 0.5, rel=0.05)  # and never idle

    simulate(work())


def test_a_server_that_gets_slower_but_does_more_is_used() -> None:
    async def work() -> None:
        in_flight = 0

        async def batching() -> Exchange:  # rate grows with the root of what is in flight
            nonlocal in_flight
            in_flight += 1
            seconds = 0.1 * in_flight**0.5
            await asyncio.sleep(seconds)
            in_flight -= 1
            return Exchange(seconds, "answered")

        client = Client(batching)
        await client.run(4000)
        assert client.peak >= 200

    simulate(work())


def test_after_a_shrink_a_server_that_became_slower_is_still_explored() -> None:
    async def exchange() -> Exchange:
        started = clock()
        seconds = 0.5 if started < 5 else 3.0
        await asyncio.sleep(seconds)
        return Exchange(seconds, "throttled" if 5 <= started < 6 else "answered")

    client = Client(exchange)
    simulate(client.run(6000))
    assert client.limits[-1][1] > 2 * min(limit for _, limit in client.limits)


def test_a_fixed_number_stays() -> None:
    client = Client(Capped(5, 0.2, wait=0.3), fixed=12)
    simulate(client.run(100))
    assert {limit for _, limit in client.limits} == {12}
    assert client.peak == 12


outcomes = st.tuples(
    st.floats(0.001, 20.0),
    st.sampled_from(["answered"] * 6 + ["throttled", "failed"]),
    st.none() | st.floats(0.0, 30.0),
    st.none() | st.integers(0, 50),
    st.none() | st.floats(0.0, 30.0),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(outcomes, min_size=1, max_size=60), st.integers(1, 300), st.none() | st.integers(1, 400))
def test_whatever_a_server_does_limits_hold_and_everything_gets_asked(
    script: list[tuple[float, str, float | None, int | None, float | None]], questions: int, fixed: int | None
) -> None:
    left = deque(script)

    async def exchange() -> Exchange:
        seconds, outcome, wait, remaining, reset = left.popleft() if left else (0.1, "answered", None, None, None)
        await asyncio.sleep(seconds)
        return Exchange(seconds, outcome, wait, remaining, reset)  # type: ignore[arg-type]

    client = Client(exchange, fixed)
    simulate(client.run(questions))
    assert len(client.starts) == questions
    for told, one in client.exchanges:
        if one.wait:
            assert not [start for start in client.starts if told < start < told + one.wait - 1e-6]


def test_the_gate_keeps_the_order_and_loses_no_place_to_the_cancelled() -> None:
    async def work() -> None:
        gate, order = Gate(Pace(clock, 1), lambda: False), []

        async def one(name: int) -> None:
            async with gate:
                order.append(name)
                await asyncio.sleep(1)

        tasks = [asyncio.create_task(one(name)) for name in range(5)]
        await asyncio.sleep(0.5)
        tasks[2].cancel()
        await asyncio.sleep(0.5)
        tasks[1].cancel()  # in the moment in which its turn came
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [name for name in order if name != 1] == [0, 3, 4]
        async with asyncio.timeout(1), gate:
            pass

    simulate(work())


def test_stopping_lets_everybody_through_a_pause() -> None:
    async def work() -> None:
        stopped = False
        pace = Pace(clock)
        gate = Gate(pace, lambda: stopped)
        pace.told(Exchange(1.0, "throttled", wait=500.0))
        through: list[float] = []

        async def one() -> None:
            async with gate:
                through.append(clock())

        tasks = [asyncio.create_task(one()) for _ in range(100)]
        await asyncio.sleep(10)
        assert not through
        stopped = True
        await asyncio.gather(*tasks)
        assert max(through) < 10.5

    simulate(work())


def test_a_pause_has_an_end_whatever_the_server_says() -> None:
    client = Client(answering(0.1))

    async def work() -> None:
        pace = Pace(clock)
        pace.told(Exchange(0.1, "throttled", wait=1e9))
        assert 0 < pace.wait() <= 600
        await client.run(10)

    simulate(work())
