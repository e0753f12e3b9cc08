"""Questions that wait are answered together, in a thread of its own: for judges that run in this process."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from gedit_bench.errors import GeditBenchError
from gedit_bench.judging.base import Answer, Question

AnswerAll = Callable[[Sequence[Question]], Sequence[Answer]]
_Waiting = tuple[Question, asyncio.Future[Answer]]


class Batches:
    """Lives inside one event loop, from its first question to `close`."""

    def __init__(self, prepare: Callable[[], object], answer: AnswerAll, size: int) -> None:
        """Describe the work; no thread is started yet.

        Args:
            prepare: runs in the thread before the first batch, such as loading weights; questions gather meanwhile.
            answer: returns one answer for each question, in order; runs in the thread.
            size: the most questions in a batch.
        """
        self._prepare = prepare
        self._answer = answer
        self._size = size
        self._waiting: deque[_Waiting] = deque()
        self._open: set[asyncio.Future[Answer]] = set()
        self._serving: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer once its batch is done; raise what answering raised.

        If a batch raises, its questions are tried alone, so that one can't spoil the others.
        """
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await future

    async def close(self) -> None:
        """End the thread, after what it is doing; questions without an answer are given up."""
        if self._serving is not None:
            self._serving.cancel()
        self._serving = None
        for future in self._open:
            future.cancel()
        self._waiting.clear()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    async def _serve(self) -> None:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="judge")
            prepared = asyncio.get_running_loop().run_in_executor(self._thread, self._prepare)
            await asyncio.wait([prepared])
            if (error := prepared.exception()) is not None:
                self._thread.shutdown(wait=False)
                self._thread = None
                self._fail(list(self._waiting), error)
                self._waiting.clear()
                return
        while self._waiting:
            await self._settle([self._waiting.popleft() for _ in range(min(self._size, len(self._waiting)))])

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        questions = [question for question, _ in batch]
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._answer, questions)
        await asyncio.wait([work])
        error = work.exception()
        if error is None:
            for (_, future), answer in zip(batch, work.result(), strict=True):
                if not future.done():
                    future.set_result(answer)
        elif len(batch) > 1 and not isinstance(error, GeditBenchError):
            for one in batch:
                await self._settle([one])
        else:
            self._fail(batch, error)

    def _fail(self, batch: Sequence[_Waiting], error: BaseException) -> None:
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
