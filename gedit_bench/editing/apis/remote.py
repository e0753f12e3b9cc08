"""Backends behind somebody's API: many requests in flight, each tried again where that may help, and paid for.

A vendor is a subclass with three methods: `open` makes a client, `send` sends one edit, `read` says what came
back. `editing/openai_images.py` and `editing/gemini.py` are two; all that vendors have in common is here.
"""

import io
import re
from base64 import b64decode
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from math import log
from time import monotonic
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

from pydantic import Field

from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
from gedit_bench.editing.keeping import keep
from gedit_bench.errors import DataError, GeditBenchError, UnavailableError, UsageError
from gedit_bench.prices import EditUsage, Price, find_price
from gedit_bench.records import EditStatus, Json
from gedit_bench.transport.addresses import hide, read_key, split_url
from gedit_bench.transport.failures import Rejection, TransientError
from gedit_bench.transport.pacing import Gate, Pace
from gedit_bench.transport.patience import Leave, exchange, persist
from gedit_bench.transport.pressure import Exchange, allowance
from gedit_bench.transport.pressure import Outcome as Course

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal
    from httpx2 import Response

Client = TypeVar("Client")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

WAITING = 64
"""Requests that are taken beside those in flight: else the slowest would hold up the next ones. Their sources are held
in memory, decoded."""


@dataclass(frozen=True)
class RemoteSettings:
    """What can be set of any API."""

    model: str = setting("", "The model, as the API calls it.")
    base_url: str = setting("", "Address of a gateway instead of the vendor's own.", decides_pixels=False)
    key_variable: str = setting("", "Environment variable that holds the key.", decides_pixels=False)
    concurrency: Annotated[int, Field(ge=1, le=256)] = setting(8, "Edits in flight at once.", decides_pixels=False)
    timeout: Annotated[float, Field(gt=0)] = setting(300, "Seconds that one call may take.", decides_pixels=False)
    retry_for: Annotated[float, Field(gt=0)] = setting(
        900, "Seconds over all calls and waits for one edit.", decides_pixels=False
    )


class RemoteModel(EditModel, Generic[Client]):
    """A backend behind HTTP.

    Class attributes:
        base_url: the vendor's own address.
        key_variable: the environment variable that holds the key, unless another is named.

    `host` is where edits are asked for: it is part of what decides the pixels, and of the price.
    """

    base_url: ClassVar[str]
    key_variable: ClassVar[str]
    Settings = RemoteSettings
    argument = "model"
    settings: RemoteSettings

    def __init__(self, settings: RemoteSettings | None = None) -> None:
        super().__init__(settings)
        if not self.settings.model.strip():
            raise UsageError(f"{self.name} needs a model.", f"Name it as --model {self.name}:MODEL.")
        self.variable = self.settings.key_variable or self.key_variable
        if not _VARIABLE.fullmatch(self.variable):
            raise UsageError("key_variable names no environment variable.", "Give the variable's name, not the key.")
        self.host, self.address, self.login = split_url(self.settings.base_url or self.usual_address())
        self.chunk = self.settings.concurrency + WAITING
        self._held = ExitStack()

    def usual_address(self) -> str:
        """Return the base URL where none is set."""
        return self.base_url

    def open(self) -> Client:
        """Return a client; called in the event loop, and closed with its `close` or `aclose`."""
        raise NotImplementedError

    async def send(self, client: Client, request: EditRequest, png: bytes) -> "Response":
        """Send one edit with its source as PNG; return the response, whatever its status."""
        raise NotImplementedError

    async def read(self, response: "Response") -> Outcome:
        """Return what a response means.

        Raises:
            TransientError: asking again may help.
            QuotaError, UnavailableError: nothing more can be asked.
        """
        raise NotImplementedError

    def level(self) -> str:
        """Return the quality or size that is asked for, as the price list calls it; empty if the model chooses."""
        return ""

    def label(self) -> str:
        """Return the model's name."""
        return self.settings.model

    def artifacts(self) -> Mapping[str, str]:
        """Return the endpoint's host: a gateway is part of the model."""
        return {"endpoint": self.host}

    def price(self) -> Price | None:
        """Return what the model costs at this endpoint, None if nobody says so."""
        found = find_price(self.settings.model, self.host, self.prices)
        return found if found and found.images else None

    def costs(self) -> tuple[float, float] | None:
        """Return about what one edit costs; see `EditModel.costs`."""
        price = self.price()
        return price.images.span(self.level()) if price and price.images else None

    @property
    def key(self) -> str:
        """The key, empty if there is none; never kept anywhere else."""
        return read_key(self.variable)

    def check(self) -> None:
        """Say that the vendor's key is missing; gateways may do without."""
        if not self.key and self.host == urlsplit(self.base_url).hostname:
            raise UnavailableError(
                f"There is no key for {self.host}: {self.variable} is not set.",
                f"Set {self.variable}, or name another endpoint with -o base_url=URL.",
            )

    def load(self) -> None:
        """Start the thread in which requests are in flight."""
        from anyio.from_thread import start_blocking_portal

        self.check()
        self._price = self.price()
        self.most_usd = (self.costs() or (0.0, 0.0))[1]
        self._pace = Pace(monotonic, fixed=self.settings.concurrency)
        self._ended = False
        self._gate = Gate(self._pace, self._stopping)
        self._portal: BlockingPortal = self._held.enter_context(start_blocking_portal())
        self._client: Client = self._portal.call(self._opened)
        self._held.callback(self._portal.call, self._close)

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        """Yield results as they come, each with its sample; what is in flight is finished before an error is raised."""
        self._ended = False
        going: list[Future[Outcome | None]] = [self._portal.start_task_soon(self._one, request) for request in requests]
        errors: list[BaseException] = []
        try:
            for done in as_completed(going):
                error = done.exception()
                if error is not None:
                    errors.append(error)
                elif (outcome := done.result()) is not None:
                    yield outcome
        finally:
            for one in going:
                one.cancel()
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Let go of connections."""
        self._held.close()

    def hide(self, text: str) -> str:
        """Return `text` without secrets."""
        return hide(text, self.key, self.login)

    def made(self, data: bytes | str, extra: Mapping[str, Json], usage: EditUsage | None) -> Outcome:
        """Return a file that came back, perhaps in base64, as an outcome; a damaged one is `edit_failed`."""
        try:
            kept = keep(data if isinstance(data, bytes) else decoded(data))
        except (DataError, ValueError) as error:
            kept = Outcome(status=EditStatus.EDIT_FAILED, message=f"What came back as an image: {error}")
        return replace(kept, extra=extra, cost_usd=self.cost(usage, images=1))

    def cost(self, usage: EditUsage | None, images: int = 0) -> float | None:
        """Return what an edit has cost, None where usage or price are unknown."""
        price = self._price
        if price is None or price.images is None or (usage is None and not (images and price.images.each)):
            return None
        return price.images.cost(usage or EditUsage(), price) - (0.0 if images else price.images.each)

    async def _opened(self) -> Client:
        return self.open()

    async def _close(self) -> None:
        client: object = self._client
        closing = getattr(client, "aclose", None) or getattr(client, "close", None)
        if closing is not None:
            work: Coroutine[object, object, None] = closing()
            await work

    def _stopping(self) -> bool:
        return self._ended or not self.again(False)

    async def _one(self, request: EditRequest) -> Outcome | None:
        """Return what becomes of a request; None if it came to stopping before that."""
        async with self._gate:
            if self._stopping():
                return None
            started = monotonic()
            buffer = io.BytesIO()
            request.source.save(buffer, format="PNG", compress_level=6)
            once = partial(self._attempt, request, buffer.getvalue())
            leave = Leave(self._stopping, partial(self.again, True))
            try:
                outcome, failures, tries = await persist(once, self.settings.timeout, self.settings.retry_for, leave)
            except GeditBenchError:
                self._ended = True  # at once, before the gate lets the next one through
                raise
        lost = sum(failure.lost for failure in failures)
        if outcome is None:
            if leave.stopped:
                return None
            last = failures[-1]
            status = EditStatus.OVER_BUDGET if leave.unpaid else EditStatus(last.delivery.value)
            outcome = Outcome(status=status, message=last.message, cost_usd=None if lost else 0.0)
        counts: dict[str, Json] = {"tries": tries, "lost_tries": lost}
        extra = {**outcome.extra, **{name: number for name, number in counts.items() if tries > 1 and number}}
        return replace(outcome, sample=request.sample, seconds=round(monotonic() - started, 4), extra=extra)

    async def _attempt(self, request: EditRequest, png: bytes, seconds: float) -> Outcome:
        started = monotonic()
        headers: Mapping[str, str] = {}
        try:
            response = await exchange(partial(self.send, self._client, request, png), seconds, self.hide)
            headers = response.headers
            outcome = await self.read(response)
        except TransientError as error:
            self._tell(started, "throttled" if error.throttled else "failed", headers, error.wait)
            raise
        self._tell(started, "answered", headers)
        return outcome

    def _tell(self, started: float, course: Course, headers: Mapping[str, str], wait: float | None = None) -> None:
        self._pace.told(Exchange(monotonic() - started, course, wait, *allowance(headers)))
        self._gate.admit()


def decoded(words: str) -> bytes:
    """Return the bytes of base64, as a data URI and over several lines, too: gateways differ.

    Raises:
        ValueError: it is something else.
    """
    inside = words.partition(",")[2] if words.startswith("data:") else words
    return b64decode("".join(inside.split()), validate=True)


def rejected(rejection: Rejection) -> Outcome:
    """Return what a refused request ends in; nobody is paid for it."""
    status = EditStatus.FILTERED if rejection.filtered else EditStatus.EDIT_FAILED
    return Outcome(status=status, message=rejection.message, cost_usd=0.0)


def nearest_shape(size: tuple[int, int], shapes: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return the shape whose width / height is nearest to that of `size`, by ratio."""
    return min(shapes, key=lambda shape: abs(log(shape[0] * size[1] / (shape[1] * size[0]))))
