"""One device's process as it is seen from where the samples are handed out: begun, asked, ended, begun again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Literal

from gedit_bench.engine.chunks import Work
from gedit_bench.engine.cluster.editor import Editor, Post, Ready
from gedit_bench.engine.cluster.session import imported
from gedit_bench.engine.saving import Finished
from gedit_bench.records import SampleId

if TYPE_CHECKING:
    from ray import ObjectRef, ObjectRefGenerator
    from ray.actor import ActorHandle

State = Literal["placing", "loading", "idle", "working", "out"]

_TELLING = ("dead because", "exit detail", "died because")


@dataclass(slots=True)
class Hand:
    """What a process was handed and has not finished, and the money that was set aside for it."""

    works: dict[SampleId, Work]
    reserved: float = 0.0
    costs: list[float] = field(default_factory=list)


class Seat:
    """A place for one process.

    `failures` counts its ends in a row; `label` is the seat's own, `name` also says where its process runs, once
    that is known. `answer` is what it is waited for with.
    """

    def __init__(self, number: int, post: Post) -> None:
        self.number = number
        self.label = self.name = f"{post.device} {number}"
        self.state: State = "placing"
        self.answer: ObjectRef | ObjectRefGenerator | None = None
        self.ready: Ready | None = None
        self.hand: Hand | None = None
        self.failures = 0
        self.why_out = ""
        self._post = post
        self.begin()

    def begin(self) -> None:
        """Begin a process wherever there is room for it."""
        ray = imported()
        gpu = self._post.device == "cuda"
        options = {"num_gpus": 1, "num_cpus": 0} if gpu else {"num_cpus": 1}
        self.actor: ActorHandle = (
            ray.remote(Editor)
            .options(**options, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")
            .remote(self._post)
        )
        self._await("placing", self.actor.where.remote())

    def load(self, name: str) -> None:
        """Have the model loaded by the process, which runs on the device `name`."""
        self.name = f"{name} ({self.label})"
        self._await("loading", self.actor.load.remote())

    def rest(self) -> None:
        """Have nothing to do."""
        self.state, self.hand, self.answer = "idle", None, None

    def edit(self, works: Sequence[Work], reserved: float, timeout: float) -> None:
        """Hand some samples to the process; each may take `timeout` seconds."""
        self.hand = Hand({work.sample.id: work for work in works}, reserved)
        self._await("working", self.actor.edit.options(num_returns="streaming").remote(list(works)))
        self.give_time(timeout)

    def give_time(self, timeout: float) -> None:
        """Let each sample in hand take `timeout` seconds from now."""
        assert self.hand is not None
        self.deadline = monotonic() + timeout * max(1, len(self.hand.works))

    def late(self) -> bool:
        """True if nothing was heard for too long."""
        return self.state == "working" and monotonic() > self.deadline

    def kill(self) -> None:
        """End the process at once."""
        imported().kill(self.actor)

    def leave(self, why: str) -> None:
        """Be given up."""
        self.state, self.hand, self.answer, self.why_out = "out", None, None, why

    def _await(self, state: State, answer: "ObjectRef | ObjectRefGenerator") -> None:
        self.state, self.since = state, monotonic()
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Placed:
    """There is room for a process, and it runs at `where`."""

    where: str


@dataclass(frozen=True, slots=True)
class Emptied:
    """A process has finished all that it had in hand."""


@dataclass(frozen=True, slots=True)
class Raised:
    """A process is still there and raised an error."""

    error: BaseException


@dataclass(frozen=True, slots=True)
class Gone:
    """A process ended, or its machine did."""

    reason: str


Event = Placed | Ready | Finished | Emptied | Raised | Gone


def heard(seats: Sequence[Seat], seconds: float) -> Iterator[tuple[Seat, Event]]:
    """Yield what the processes have to say, waiting at most so many seconds for the first."""
    ray = imported()
    waited = {seat.answer: seat for seat in seats if seat.answer is not None}
    if not waited:
        return
    ready, _ = ray.wait(list(waited), timeout=seconds)
    if ready:
        ready, _ = ray.wait(list(waited), num_returns=len(waited), timeout=0)
    for answer in ready:
        seat = waited[answer]
        try:
            event = _event(seat, answer)
        except ray.exceptions.RayTaskError as error:
            event = Raised(error.cause or error)
        except ray.exceptions.RayError as error:
            event = Gone(_reason(error))
        yield seat, event


def _event(seat: Seat, answer: "ObjectRef | ObjectRefGenerator") -> Event:
    ray = imported()
    if seat.state == "placing":
        return Placed(ray.get(answer))
    if seat.state == "loading":
        loaded: Ready = ray.get(answer)
        return loaded
    try:
        reference = next(answer)
    except StopIteration:
        return Emptied()
    finished: Finished = ray.get(reference)
    return finished


def _reason(error: Exception) -> str:
    """The sentence of Ray's paragraph that says how a process ended."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in _TELLING)]
    return (telling or lines or [type(error).__name__])[-1][:500]
