"""The judge loop: prepares images in threads, asks concurrently, and writes each reply as it comes."""

import asyncio
import logging
import os
import sys
from asyncio import Future
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields, replace
from time import monotonic
from typing import TypeVar

from gedit_bench.derived import write_derived
from gedit_bench.engine.interrupt import Stop, stop_on_interrupt
from gedit_bench.engine.progress import Progress, Watcher, unwatched
from gedit_bench.engine.questions import (
    JudgeJob,
    Open,
    Part,
    prepared_edit,
    prepared_source,
    question_about,
    request_hash,
    to_judge,
)
from gedit_bench.engine.reuse import find_earlier
from gedit_bench.errors import BudgetError, DataError, GeditBenchError, Interrupted
from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.judging.reading import read_answer, settled
from gedit_bench.records import Aspect, Delivery, Reply, ReplyStatus
from gedit_bench.results import Scored
from gedit_bench.secrets import redact
from gedit_bench.store import layout
from gedit_bench.store.codec import to_json
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.provenance import now, this_writer
from gedit_bench.store.run import note_selection, note_writer
from gedit_bench.transport.pacing import MOST_IN_FLIGHT, Gate, Pace
from gedit_bench.transport.patience import Leave
from gedit_bench.transport.pressure import Exchange

log = logging.getLogger(__name__)

PREPARED_AHEAD = 32
"""Samples whose images may wait for a free request."""

TURN = 0.0002
"""Seconds for which a thread may keep the interpreter from the others."""

_UNHEARD = {Delivery.TRANSPORT, Delivery.TIMEOUT}
T = TypeVar("T")


def judge_samples(job: JudgeJob, watch: Watcher = unwatched) -> Scored:
    """Ask the judge about everything that is still open, and rebuild the derived files; return what they hold.

    Raises:
        Interrupted: somebody pressed Ctrl-C; the replies that were in flight are saved.
        RunLockedError: another process judges the same run the same way.
        QuotaError, UnavailableError: the judge can't go on; nothing was lost.
        BudgetError: what may be spent is spent; what was in flight is saved.
    """
    folder = job.judgement.path
    note_selection(folder, job.samples)
    with sole_writer(layout.lock_file(folder)), stop_on_interrupt() as stop:
        pending = to_judge(job)
        progress = Progress(f"judge {job.run.manifest.name}", total=sum(len(one.attempts) for one in pending))
        watch(progress)
        try:
            if pending:
                with _short_turns():
                    asyncio.run(_Loop(job, stop, progress, watch).judge(pending))
        finally:
            scored = job.scored()
            write_derived(scored)
        if stop.requested:
            raise Interrupted(f"Interrupted: {progress.done} of {progress.total} questions were answered.")
        return scored


@contextmanager
def _short_turns() -> Iterator[None]:
    """Let threads wait less long for the interpreter.

    Preparing an image asks for it a dozen times, and by default each time may wait 5 ms for the event loop.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class _Loop:
    """One pass over what is open. Lives inside one event loop."""

    def __init__(self, job: JudgeJob, stop: Stop, progress: Progress, watch: Watcher) -> None:
        self.job = job
        self.stop = stop
        self.progress = progress
        self.watch = watch
        self.fatal: GeditBenchError | None = None
        most = job.judge.at_once
        self.pace = Pace(monotonic, job.concurrency if most is None else min(most, job.concurrency or most))
        self.gate = Gate(self.pace, self._stopping)
        self.heard = False
        price = job.spending.price
        noted = None if price is None else price.to_json()
        self.writer = replace(this_writer(judge=job.judge.name, endpoint=job.judge.endpoint), price=noted)

    async def judge(self, pending: Sequence[Open]) -> None:
        self.job.judge.listener = self._hear
        try:
            await self.job.judge.reachable()
            note_writer(self.job.judgement.path, self.writer)
            await self._judge_all(pending)
        finally:
            self.job.judge.listener = None
            await self.job.judge.close()
        if self.fatal is not None:
            raise self.fatal

    async def _judge_all(self, pending: Sequence[Open]) -> None:
        self.earlier = find_earlier(self.job, pending)
        self.lines = JsonlWriter(self.job.judgement.path / layout.REPLIES)
        queue = iter(pending)
        most = self.job.concurrency or MOST_IN_FLIGHT
        # As many as at most: images are prepared while the pace is still low, so that it costs no time.
        workers = min(len(pending), most // 2 + PREPARED_AHEAD)
        threads = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="prepare")
        try:
            with threads as self.threads:
                await asyncio.gather(*(self._work(queue) for _ in range(workers)))
        finally:
            self.lines.close()

    async def _work(self, queue: Iterator[Open]) -> None:
        for one in queue:
            if self._stopping():
                return
            try:
                await self._judge_sample(one)
            except GeditBenchError as error:
                self.fatal = self.fatal or error

    def _stopping(self) -> bool:
        return self.stop.requested or self.fatal is not None

    async def _judge_sample(self, one: Open) -> None:
        edit = await self._in_thread(prepared_edit, one)
        if edit is None:
            log.warning("%s: its image changed or vanished since it was edited; edit it again", one.sample.id)
            return
        source: Future[EncodedImage] | None = None
        if isinstance(edit, EncodedImage) and any(part.aspect is Aspect.SC for part in one.attempts):
            source = asyncio.ensure_future(self._in_thread(prepared_source, one))
        asking = (self._settle(one, part, edit, source) for part in one.attempts)
        # Where one part stops the run, the others are still waited for: their answers are paid for.
        for ended in await asyncio.gather(*asking, return_exceptions=True):
            if ended is not None:
                raise ended

    async def _settle(
        self, one: Open, part: Part, edit: EncodedImage | DataError, source: "Future[EncodedImage] | None"
    ) -> None:
        """Ask about one part until its status stands: twice at most."""
        there = one.attempts[part]
        try:
            question = question_about(self.job, one, part, await _images(part.aspect, edit, source))
        except DataError as error:
            answer = Answer(delivery=Delivery.REJECTED, message=str(error), tries=0)
            self._record(one, part, len(there), answer)
            return
        request_sha256 = request_hash(question)
        earlier = self.earlier.reply(one.sample.id, part, request_sha256)
        if earlier is not None:
            self.progress.reused += 1
            self._append(replace(earlier, attempt=len(there), edit_sha256=one.edit.sha256 or ""))
            return
        readings = [read_answer(reply) for reply in there]
        counting = [] if self.job.only == "failed" else [r for r in readings if r.status is not ReplyStatus.OVER_BUDGET]
        attempt = len(there)
        while settled(counting) is None:
            self.progress.total += attempt > len(there)
            reply = await self._ask(one, question, request_sha256, attempt)
            if reply is None:
                return
            counting.append(read_answer(reply))
            attempt += 1

    async def _ask(self, one: Open, question: Question, request_sha256: str, attempt: int) -> Reply | None:
        """Ask and record; None if it came to stopping, here or while others were asked."""
        try:
            async with self.gate, self.job.spending.call(question) as call:
                if self._stopping():
                    return None
                started = monotonic()
                leave = Leave(self._stopping, call.afford)
                answer = await self._answer(replace(question, again=leave))
                call.paid(answer)
                seconds = monotonic() - started
                if not self.heard:
                    self._learn(Exchange(seconds, "failed" if answer.delivery in _UNHEARD else "answered"))
        except GeditBenchError as error:  # not raised on: the other parts may be in flight, and paid for
            self.fatal = self.fatal or error
            return None
        if (leave.stopped or leave.unpaid) and answer.delivery in _UNHEARD:
            self.fatal = self.fatal or call.refusal
            if not (answer.lost_tries and isinstance(self.fatal, BudgetError)):
                return None
            answer = replace(answer, delivery=Delivery.OVER_BUDGET)  # noted because its tries may have to be paid
        part = Part(question.aspect, question.repeat)
        return self._record(one, part, attempt, answer, request_sha256, seconds)

    def _hear(self, exchange: Exchange) -> None:
        self.heard = True
        self._learn(exchange)

    def _learn(self, exchange: Exchange) -> None:
        self.pace.told(exchange)
        self.gate.admit()

    async def _answer(self, question: Question) -> Answer:
        try:
            return await self.job.judge.ask(question)
        except GeditBenchError as error:
            self.fatal = self.fatal or error  # at once, before the gate lets the next one through
            raise
        except Exception as error:  # a judge may raise anything: it costs one reply, never the run
            log.debug("%s failed", self.job.judge.name, exc_info=True)
            message = redact(f"The judge failed with {type(error).__name__}: {error}")
            return Answer(delivery=Delivery.TRANSPORT, message=message)

    def _record(
        self, one: Open, part: Part, attempt: int, answer: Answer, request_sha256: str = "", seconds: float = 0.0
    ) -> Reply:
        seed = self.job.protocol.parameters_of(part.repeat).get("seed")
        reply = Reply(
            sample=one.sample.id,
            aspect=part.aspect,
            repeat=part.repeat,
            attempt=attempt,
            edit_sha256=one.edit.sha256 or "",
            request_sha256=request_sha256,
            seed=seed if isinstance(seed, int) else None,
            seconds=round(seconds, 4),
            writer=self.writer.writer,
            time=now(),
            **{one.name: getattr(answer, one.name) for one in fields(answer)},
        )
        self._append(reply)
        return reply

    def _append(self, reply: Reply) -> None:
        self.lines.append(to_json(replace(reply, writer=self.writer.writer, time=now())))
        self.progress.counts[read_answer(reply).status] += 1
        self.progress.done += 1
        self.watch(self.progress)

    async def _in_thread(self, work: Callable[[JudgeJob, Open], T], one: Open) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, self.job, one)


async def _images(
    aspect: Aspect, edit: EncodedImage | DataError, source: "Future[EncodedImage] | None"
) -> tuple[EncodedImage, ...]:
    if isinstance(edit, DataError):
        raise edit
    return (await source, edit) if source is not None and aspect is Aspect.SC else (edit,)
