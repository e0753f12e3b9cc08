"""The judge loop: prepares images in threads, asks concurrently, and writes each reply as it comes."""

import asyncio
import hashlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from time import monotonic
from typing import Literal, TypeVar

from gedit_bench.dataset import Benchmark
from gedit_bench.engine.interrupt import Stop, stop_on_interrupt
from gedit_bench.engine.progress import Progress, Watcher, unwatched
from gedit_bench.errors import DataError, GeditBenchError, Interrupted
from gedit_bench.judging.base import Answer, EncodedImage, Judge, Question
from gedit_bench.judging.prepare import prepare_file, prepare_source
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.reading import attempts_by_aspect, read_answer, settled
from gedit_bench.records import Aspect, Delivery, Edit, EditStatus, Reply, ReplyStatus, Sample, SampleId
from gedit_bench.results import Scored, score, write_derived
from gedit_bench.secrets import redact
from gedit_bench.store import layout
from gedit_bench.store.codec import to_json
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.provenance import now, this_writer
from gedit_bench.store.run import Judgement, Run, note_selection, note_writer

log = logging.getLogger(__name__)

PREPARED_AHEAD = 8
"""Samples whose images may wait for a free request."""

TURN = 0.0002
"""Seconds for which a thread may keep the interpreter from the others."""

Only = Literal["missing", "failed"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JudgeJob:
    """What is to be judged, by whom, and how it is asked."""

    run: Run
    judgement: Judgement
    judge: Judge
    protocol: Protocol
    rubric: Rubric
    benchmark: Benchmark
    samples: Sequence[Sample]
    concurrency: int = 256
    only: Only = "missing"


@dataclass(frozen=True, slots=True)
class Open:
    """A sample with what is still to be asked about it; `attempts` are the replies that are there."""

    sample: Sample
    edit: Edit
    attempts: dict[Aspect, list[Reply]]


def to_judge(job: JudgeJob) -> list[Open]:
    """Return the `ok` edits of the selection about which an aspect is still to be asked."""
    edits = job.run.edits()
    replies: dict[SampleId, list[Reply]] = {}
    for reply in job.judgement.replies():
        replies.setdefault(reply.sample, []).append(reply)
    found = []
    for sample in job.samples:
        edit = edits.get(sample.id)
        if edit is None or edit.status is not EditStatus.OK:
            continue
        attempts = attempts_by_aspect(edit, replies.get(sample.id, ()))
        asked = {aspect: there for aspect, there in attempts.items() if _is_open(there, job.only)}
        if asked:
            found.append(Open(sample, edit, asked))
    return found


def _is_open(attempts: Sequence[Reply], only: Only) -> bool:
    readings = [read_answer(reply) for reply in attempts]
    index = settled(readings)
    if index is None or readings[index].status is ReplyStatus.OVER_BUDGET:
        return only == "missing" or bool(attempts)
    return only == "failed" and readings[index].status is not ReplyStatus.OK


def judge_samples(job: JudgeJob, watch: Watcher = unwatched) -> Scored:
    """Ask the judge about everything that is still open, and rebuild the derived files; return what they hold.

    Raises:
        Interrupted: somebody pressed Ctrl-C; the replies that were in flight are saved.
        RunLockedError: another process judges the same run the same way.
        QuotaError, UnavailableError: the judge can't go on; nothing was lost.
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
            scored = score(job.run, job.judgement)
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
        self.free = asyncio.Semaphore(min(job.concurrency, job.judge.at_once or job.concurrency))
        self.writer = this_writer(judge=job.judge.name, endpoint=job.judge.endpoint)

    async def judge(self, pending: Sequence[Open]) -> None:
        try:
            await self.job.judge.reachable()
            note_writer(self.job.judgement.path, self.writer)
            await self._judge_all(pending)
        finally:
            await self.job.judge.close()
        if self.fatal is not None:
            raise self.fatal

    async def _judge_all(self, pending: Sequence[Open]) -> None:
        self.lines = JsonlWriter(self.job.judgement.path / layout.REPLIES)
        queue = iter(pending)
        workers = min(len(pending), self.job.concurrency // 2 + PREPARED_AHEAD)
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
        edit = await self._in_thread(self._prepared_edit, one)
        if edit is None:
            log.warning("%s: its image changed or vanished since it was edited; edit it again", one.sample.id)
            return
        await asyncio.gather(*(self._settle(one, aspect, edit) for aspect in one.attempts))

    async def _settle(self, one: Open, aspect: Aspect, edit: EncodedImage | DataError) -> None:
        """Ask about one aspect until its status stands: twice at most."""
        try:
            question = await self._question(one, aspect, edit)
        except DataError as error:
            answer = Answer(delivery=Delivery.REJECTED, message=str(error), tries=0)
            self._record(one, aspect, len(one.attempts[aspect]), answer, "", 0.0)
            return
        there = [read_answer(reply) for reply in one.attempts[aspect]]
        counting = [] if self.job.only == "failed" else [r for r in there if r.status is not ReplyStatus.OVER_BUDGET]
        attempt = len(there)
        while settled(counting) is None:
            self.progress.total += attempt > len(there)
            reply = await self._ask(one, question, attempt)
            if reply is None:
                return
            counting.append(read_answer(reply))
            attempt += 1

    async def _ask(self, one: Open, question: Question, attempt: int) -> Reply | None:
        """Ask and record; None if it came to stopping while others were asked."""
        async with self.free:
            if self._stopping():
                return None
            started = monotonic()
            try:
                answer = await self.job.judge.ask(question)
            except GeditBenchError:
                raise
            except Exception as error:  # a judge may raise anything: it costs one reply, never the run
                log.debug("%s failed", self.job.judge.name, exc_info=True)
                message = redact(f"The judge failed with {type(error).__name__}: {error}")
                answer = Answer(delivery=Delivery.TRANSPORT, message=message)
        return self._record(one, question.aspect, attempt, answer, _request_hash(question), monotonic() - started)

    def _record(
        self, one: Open, aspect: Aspect, attempt: int, answer: Answer, request_sha256: str, seconds: float
    ) -> Reply:
        reply = Reply(
            sample=one.sample.id,
            aspect=aspect,
            repeat=0,
            attempt=attempt,
            edit_sha256=one.edit.sha256 or "",
            request_sha256=request_sha256,
            seconds=round(seconds, 4),
            writer=self.writer.writer,
            time=now(),
            **{field.name: getattr(answer, field.name) for field in fields(answer)},
        )
        self.lines.append(to_json(reply))
        self.progress.counts[read_answer(reply).status] += 1
        self.progress.done += 1
        self.watch(self.progress)
        return reply

    async def _question(self, one: Open, aspect: Aspect, edit: EncodedImage | DataError) -> Question:
        if isinstance(edit, DataError):
            raise edit
        images: tuple[EncodedImage, ...] = (edit,)
        if aspect is Aspect.SC:
            images = (await self._in_thread(self._prepared_source, one), edit)
        protocol = self.job.protocol
        prompt = self.job.rubric.prompt(aspect, one.sample.instruction)
        return Question(aspect, prompt, images, protocol.images_first, protocol.parameters)

    def _prepared_edit(self, one: Open) -> EncodedImage | DataError | None:
        """The edit as the judge gets it; None if the file is no longer the one that was recorded."""
        try:
            data = self.job.run.image_path(one.edit).read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != one.edit.sha256:
            return None
        try:
            return prepare_file(data, self.job.protocol.encoding)
        except DataError as error:
            return error

    def _prepared_source(self, one: Open) -> EncodedImage:
        data = self.job.benchmark.image_bytes(one.sample, self.job.protocol.source)
        return prepare_source(data, self.job.protocol.encoding)

    async def _in_thread(self, work: Callable[[Open], T], one: Open) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, one)


def _request_hash(question: Question) -> str:
    digest = hashlib.sha256(question.prompt.encode("utf-8", "surrogatepass"))
    for image in question.images:
        digest.update(image.data)
    return digest.hexdigest()
