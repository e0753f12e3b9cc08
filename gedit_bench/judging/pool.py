"""One judge behind several servers: a question goes to the least busy one, and on to the next if that fails.

A server that fails several times running is left alone for a while, then tried with a single question;
one that refuses the key or doesn't know the model is left out for good. Only when all are gone does a
question wait, until its time is over.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic

from gedit_bench.errors import QuotaError, UnavailableError, UnreachableError, UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge, with_failures
from gedit_bench.judging.pool_server import Server
from gedit_bench.records import Delivery
from gedit_bench.store.manifest import short_hash
from gedit_bench.transport.failures import TransientError
from gedit_bench.transport.patience import LOOK_UP, Again, back_off
from gedit_bench.transport.pressure import Exchange

log = logging.getLogger(__name__)

_LONGEST_LABEL = 60


@dataclass(slots=True)
class _Course:
    """One question on its way: until when, what went wrong, and when each server may be asked it again.

    `again` says whether it may be asked again at all, `lost` that the last try may have to be paid all the same.
    """

    deadline: float
    again: Again | None = None
    lost: bool = False
    tries: int = 0
    last: TransientError | None = None
    server: str | None = None
    failures: dict[Server, int] = field(default_factory=dict)
    errors: list[TransientError] = field(default_factory=list)
    not_before: dict[Server, float] = field(default_factory=dict)

    def wanted(self) -> bool:
        """Whether somebody still waits for an answer."""
        return self.again is None or self.again(False)

    def may_try(self) -> bool:
        """Whether there may be another try; where the last one was lost, it is paid for here."""
        lost, self.lost = self.lost, False
        return self.again is None or self.again(lost)


class PoolJudge(Judge):
    """A judge that several servers answer for."""

    def __init__(self, servers: Sequence[OpenAICompatibleJudge], *, endpoint_label: str | None = None) -> None:
        """Describe the pool; nothing is sent yet.

        Args:
            servers: judges of the same name, at least one.
            endpoint_label: the pool's name in the judge id; `pool_label` of the servers if None.

        Raises:
            UsageError: the servers are not one judge.
        """
        if len({server.name for server in servers}) != 1:
            names = ", ".join(sorted({server.name for server in servers})) or "none"
            raise UsageError(f"The servers of a pool must be one judge, not {names}.", "Check --judge and --base-url.")
        super().__init__(servers[0].name, endpoint_label or pool_label(server.endpoint for server in servers))
        for server in servers:  # what is said of one of them must tell it from the others
            server.endpoint = server.server
        hosts = {server.host for server in servers}
        self.host = hosts.pop() if len(hosts) == 1 else ""  # nobody knows the price of a mixture
        self._servers = [Server(server) for server in servers]
        self._timeout = servers[0].timeout
        self._retry_for = servers[0].retry_for
        self._turns = 0
        self._changed = asyncio.Event()
        for one in self._servers:
            one.judge.listener = partial(self._heard, one)

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question; see `Judge.ask`.

        What fails on one server is asked on another at once, and on the same one again after growing
        waits or those that it asks for.
        """
        body = self._servers[0].judge.encode(question)
        course = _Course(monotonic() + self._retry_for, question.again)
        while (server := await self._choose(course)) is not None:
            answer = await self._try(server, body, course)
            if answer is not None:
                return with_failures(replace(answer, tries=course.tries, server=server.name), course.errors)
        last = course.last or self._last_failure()
        none = Answer(delivery=last.delivery, message=last.message, tries=course.tries, server=course.server)
        return with_failures(none, course.errors)

    async def reachable(self) -> str:
        """Ask all servers for their models; return a sentence, in which those that don't answer are named.

        Raises:
            QuotaError, UnavailableError: none of them answers.
        """
        said = await asyncio.gather(*(self._reach(server) for server in self._servers))
        failures = [words for words in said if isinstance(words, Exception)]
        if len(failures) == len(said):
            reasons = " ".join(str(error) for error in failures)
            raise _worst(failures, f"None of the {len(said)} servers can be asked. {reasons}")
        for error in failures:
            log.warning("%s The other servers are asked without it.", error)
        reports = " ".join(str(words) for words in said)
        return f"{self.endpoint} has {len(said)} servers, {len(said) - len(failures)} of which can be asked. {reports}"

    async def close(self) -> None:
        """Let go of connections."""
        # What waits on an event is bound to the event loop that it waits in.
        self._changed = asyncio.Event()
        await asyncio.gather(*(server.judge.close() for server in self._servers))

    async def _reach(self, server: Server) -> str | QuotaError | UnavailableError:
        server.refusal = None
        try:
            return await server.judge.reachable()
        except UnreachableError as error:
            return error
        except (QuotaError, UnavailableError) as error:
            server.refusal = error
            return error

    async def _choose(self, course: _Course) -> Server | None:
        """Return the server to ask, as soon as there is one; None if there will be none in time."""
        while True:
            left = [server for server in self._servers if server.refusal is None]
            if not left:
                refusals = [server.refusal for server in self._servers if server.refusal is not None]
                raise _worst(refusals, f"All {len(refusals)} servers refuse: {refusals[-1]}")
            now = monotonic()
            if now >= course.deadline or not course.wanted():
                return None
            starts = {server: max(server.rest_until, course.not_before.get(server, 0.0)) for server in left}
            free = [server for server in left if starts[server] <= now and server.free(now)]
            if free:
                if not course.may_try():
                    return None
                tried = course.failures
                return min(
                    free, key=lambda one: (tried.get(one, 0), one.throttled_until > now, one.in_flight, one.turn)
                )
            soonest = min((start for start in starts.values() if start > now), default=course.deadline)
            if soonest >= course.deadline and not any(server.in_flight for server in left):
                return None
            left_of_it = min(soonest, course.deadline) - now
            await self._change(left_of_it if course.again is None else min(left_of_it, LOOK_UP))

    async def _try(self, server: Server, body: bytes, course: _Course) -> Answer | None:
        """Ask one server; None if another may do better."""
        asked_at = monotonic()
        span = course.deadline - asked_at
        # The first server to fall silent must leave time for another.
        seconds = min(self._timeout, span if course.tries else span / 2)
        fair = seconds >= min(self._timeout, self._retry_for / 3)
        course.tries += 1
        self._turns += 1
        server.turn = self._turns
        server.in_flight += 1
        on_trial = server.on_trial = server.rests > 0
        try:
            answer = await server.judge.attempt(body, seconds)
        except TransientError as error:
            self._note(server, error, asked_at, course, fair=fair)
            return None
        except (QuotaError, UnavailableError) as error:
            if server.refusal is None:
                log.warning("%s is left out: %s %s", server.name, error, error.hint)
            server.refusal = error
            return None
        finally:
            server.in_flight -= 1
            if on_trial:
                server.on_trial = False
            self._wake()
        server.answered()
        return answer

    def _note(self, server: Server, error: TransientError, asked_at: float, course: _Course, *, fair: bool) -> None:
        course.errors.append(error)
        course.lost = error.lost
        cut_short = error.delivery is Delivery.TIMEOUT and not fair
        if course.last is None or not cut_short:
            course.last, course.server = error, server.name
        if error.throttled:
            server.answered()
        elif not cut_short:
            server.failed(error, asked_at)
        failures = course.failures[server] = course.failures.get(server, 0) + 1
        if server.rest_until <= monotonic():
            course.not_before[server] = monotonic() + back_off(failures, error.wait)

    def _heard(self, server: Server, exchange: Exchange) -> None:
        """Pass on what one server says as far as it holds for the pool."""
        now = monotonic()
        if exchange.outcome == "throttled":
            server.throttled_until = now + (exchange.wait or 0.0)
        if self.listener is None:
            return
        # As long as another server may be asked, nobody has to wait; and what one still allows is not what all do.
        left = [one for one in self._servers if one.refusal is None]
        wait = max(0.0, min((one.throttled_until for one in left), default=now) - now)
        several = len(left) > 1
        self.listener(replace(exchange, wait=wait or None, remaining=None, reset=None) if several else exchange)

    def _last_failure(self) -> TransientError:
        """What a server did before it was left alone, for questions that came when all of them were."""
        failures = [server.failure for server in self._servers if server.failure is not None]
        return failures[-1] if failures else TransientError(Delivery.TRANSPORT, "No server could be asked.")

    async def _change(self, seconds: float) -> None:
        """Wait until a server's state changes, `seconds` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def pool_label(hosts: Iterable[str]) -> str:
    """Return the endpoint of a pool in the judge id: its hosts, sorted, each once; a short hash if they are many.

    Neither their order nor the number of servers on one host changes it. Another set of hosts does: they may
    serve something else, and rows must not be mixed in silence. A pool whose machines come and go has to
    be named (`--endpoint-label`).
    """
    names = sorted(set(hosts))
    joined = "+".join(names)
    return joined if len(joined) <= _LONGEST_LABEL else f"pool-{short_hash(names)}"


def _worst(errors: Iterable[Exception], message: str) -> QuotaError | UnavailableError:
    """The error to stop with: money before anything else, because adding some is all it takes."""
    found = list(errors)
    hint = next((error.hint for error in found if isinstance(error, QuotaError | UnavailableError)), "")
    kind = QuotaError if any(isinstance(error, QuotaError) for error in found) else UnavailableError
    return kind(message, hint)
