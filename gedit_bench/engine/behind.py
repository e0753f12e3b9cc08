"""Work that is done behind the back of a loop: in one thread, in order, while the loop does the next thing."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

WAITING = 4
"""Pieces of work that may wait: each holds an image in memory, and is lost if the process is killed."""


class Behind:
    """`with Behind() as behind: behind.do(work)`; at the end of the block everything has been done."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="behind")
        self._begun: deque[Future[None]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    def do(self, work: Callable[[], None]) -> None:
        """Have something done after what was given before. Raises what earlier work raised."""
        self._begun.append(self._thread.submit(work))
        while self._begun and (len(self._begun) > WAITING or self._begun[0].done()):
            self._begun.popleft().result()

    def wait(self) -> None:
        """Return once everything has been done. Raises what the work raised."""
        while self._begun:
            self._begun.popleft().result()
