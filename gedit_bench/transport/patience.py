"""Asking again: how long to wait, until when, and what was lost on the way.

Retries are ours, not an SDK's: those know no deadline and would retry what can't succeed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, TypeVar, cast

from tenacity import AsyncRetrying, RetryCallState, RetryError, retry_if_exception_type, stop_before_delay

from gedit_bench.records import Delivery
from gedit_bench.transport.failures import Hide, TransientError, shorten

if TYPE_CHECKING:
    from httpx2 import Response

Result = TypeVar("Result")

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
LOOK_UP = 0.25
"""Seconds of waiting after which is asked again whether the next try is still wanted."""

Again = Callable[[bool], bool]
"""Says whether there may be another try. It is asked with True once before a try that follows one which may have to
be paid all the same, and with False as often as one likes."""


class Leave:
    """An `Again`: no try once it came to stopping, nor where there is no money for one. Denied once, denied for good.

    `stopped` and `unpaid` say why.
    """

    def __init__(self, stopping: Callable[[], bool], afford: Callable[[], bool]) -> None:
        """Ask `stopping` each time, and `afford` before a try after one that may have to be paid all the same."""
        self._stopping, self._afford = stopping, afford
        self.stopped = self.unpaid = False

    def __call__(self, lost: bool) -> bool:
        """See `Again`."""
        self.stopped = self.stopped or self._stopping()
        self.unpaid = self.unpaid or (not self.stopped and lost and not self._afford())
        return not (self.stopped or self.unpaid)


class _GivenUpError(Exception):
    """Another try isn't wanted."""


def back_off(failures: int, wanted: float | None) -> float:
    """Return the seconds before the next try: a random share of a doubling span, or what the server wants if longer."""
    span = min(FIRST_WAIT * 2.0 ** min(failures - 1, 16), LONGEST_WAIT)
    return max(uniform(0, span), wanted or 0.0)  # noqa: S311 - jitter, no secret


async def persist(
    attempt: Callable[[float], Awaitable[Result]], timeout: float, retry_for: float, again: Again | None = None
) -> tuple[Result | None, list[TransientError], int]:
    """Try until something comes of it; return that, the failures, and how many tries it took.

    Without a result the last of the failures says why.

    Args:
        attempt: makes one try within the seconds that it is given; a TransientError asks for another.
        timeout: seconds that one try may take.
        retry_for: seconds that all tries and the waits between them may take.
        again: may give up before that; never if None.
    """
    deadline = monotonic() + retry_for
    failures: list[TransientError] = []

    async def try_once() -> Result:
        if again is not None and failures and not again(failures[-1].lost):
            raise _GivenUpError
        seconds = min(timeout, deadline - monotonic())
        try:
            return await attempt(seconds)
        except TransientError as error:
            # A last try that the deadline cut short says less than the one before it: it is only counted.
            if failures and error.delivery is Delivery.TIMEOUT and seconds < timeout:
                failures.insert(0, error)
                raise failures[-1] from error
            failures.append(error)
            raise

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(TransientError),
        wait=_wait,
        stop=stop_before_delay(retry_for),
        sleep=partial(doze, again=again),
    )
    try:
        result: Result | None = await retrying(try_once)
    except RetryError:
        result = None
    except _GivenUpError:
        return None, failures, len(failures)
    return result, failures, cast(int, retrying.statistics["attempt_number"])


async def doze(seconds: float, again: Again | None) -> None:
    """Wait, but not on where another try is no longer wanted."""
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0 and (again is None or again(False)):
        await asyncio.sleep(left if again is None else min(left, LOOK_UP))


async def exchange(send: Callable[[], Awaitable["Response"]], seconds: float, hide: Hide) -> "Response":
    """Return the response to what `send` sends, whatever its status.

    `send` is a call of the OpenAI SDK or of an HTTP client.

    Raises:
        TransientError: none came within `seconds`, or the connection broke.
    """
    from aiohttp import ClientError
    from httpx2 import TransportError
    from openai import APIConnectionError, APIStatusError

    try:
        async with asyncio.timeout(seconds):
            return await send()
    except APIStatusError as error:
        return error.response
    except TimeoutError as error:
        raise TransientError(Delivery.TIMEOUT, f"no answer within {seconds:.3g} s", lost=True) from error
    except (APIConnectionError, ClientError, TransportError) as error:
        # The SDK's own words are «Connection error.»; what happened is in the cause.
        said = shorten(str(error.__cause__ or error), hide)
        raise TransientError(Delivery.TRANSPORT, said, lost=not _never_connected(error)) from error


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return back_off(state.attempt_number, error.wait if isinstance(error, TransientError) else None)


def _never_connected(error: BaseException) -> bool:
    from aiohttp import ClientConnectorError

    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, ClientConnectorError):
        reason = reason.__cause__
    return reason is not None
