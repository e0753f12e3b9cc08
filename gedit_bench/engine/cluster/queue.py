"""What is still to be handed out: samples that nobody has tried, and those that ended a process."""

from collections import deque
from collections.abc import Iterable

from gedit_bench.engine.chunks import Work
from gedit_bench.records import Sample, SampleId


class Queue:
    """Samples to edit. Those that were in hand when a process ended are tried once more, each alone."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.fresh = deque(samples)
        self._again: deque[Work] = deque()
        self._lost_on: dict[SampleId, int] = {}

    def __bool__(self) -> bool:
        return bool(self.fresh or self._again)

    def again(self, seat: int, *, alone: bool) -> Work | None:
        """Return a sample to be tried again by a seat: one that was lost on another, unless this one is alone."""
        for work in self._again:
            if alone or self._lost_on[work.sample.id] != seat:
                self._again.remove(work)
                return work
        return None

    def retry(self, work: Work, seat: int) -> bool:
        """Have a sample tried again that was lost on a seat; False if it was lost before."""
        if work.sample.id in self._lost_on:
            return False
        self._lost_on[work.sample.id] = seat
        self._again.append(work)
        return True

    def put_back(self, works: Iterable[Work]) -> None:
        """Have samples handed out next that nobody got after all, or that were not to blame."""
        for work in reversed(list(works)):
            if work.sample.id in self._lost_on:
                self._again.appendleft(work)
            else:
                self.fresh.appendleft(work.sample)
