"""The edit loop: chunks of requests to a backend, each result brought to disk while the next is made."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from gedit_bench.dataset import Benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.engine.behind import Behind
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.chunks import Encode, Work, already, edit_chunk, take_out
from gedit_bench.engine.interrupt import stop_on_interrupt
from gedit_bench.engine.progress import Progress, Watcher, unwatched
from gedit_bench.engine.purse import Purse
from gedit_bench.engine.readying import close_model, load_model
from gedit_bench.engine.saving import EditSaver
from gedit_bench.errors import Interrupted
from gedit_bench.records import EditStatus, Sample
from gedit_bench.store import layout
from gedit_bench.store.atomic import make_folder
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import Run, note_selection, note_writer

Only = Literal["missing", "failed"]
Shard = tuple[int, int]


def in_shard(sample: Sample, shard: Shard | None) -> bool:
    """True if a shard (index from 0, count) is to edit the sample: a hash of the identity, no state."""
    if shard is None:
        return True
    digest = hashlib.sha256(str(sample.id).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % shard[1] == shard[0]


def to_edit(run: Run, samples: Iterable[Sample], only: Only = "missing") -> list[Sample]:
    """Return the samples that are still to be edited.

    An `ok` edit is done only if its file is there with the recorded SHA-256; any other final status is
    done once its line is on disk. `failed` chooses what ended in another status than `ok`.
    """
    edits = run.edits()

    def open_(sample: Sample) -> bool:
        edit = edits.get(sample.id)
        if edit is None or edit.status is EditStatus.OVER_BUDGET:
            return only == "missing"
        if edit.status is EditStatus.OK:
            return only == "missing" and not run.holds(edit)
        return only == "failed"

    return [sample for sample in samples if open_(sample)]


@dataclass(frozen=True, slots=True)
class EditJob:
    """What one process is to edit in one run. `location` is where the benchmark can be opened again."""

    run: Run
    model: EditModel
    benchmark: Benchmark
    samples: Sequence[Sample]
    location: str
    shard: Shard | None = None
    only: Only = "missing"
    budget: Budget | None = None


def edit_samples(job: EditJob, watch: Watcher = unwatched) -> None:
    """Edit what is missing, so that `kill -9` at any moment costs at most the chunk in flight.

    Raises:
        Interrupted: somebody pressed Ctrl-C; what was in flight is saved.
        RunLockedError: another process edits the same run and shard.
        UnavailableError: the backend can't be loaded, or the disk is full.
        BudgetError: what may be spent is spent.
    """
    run = job.run
    make_folder(run.path)
    note_selection(run.path, job.samples)
    with sole_writer(layout.lock_file(run.path, job.shard)), stop_on_interrupt() as stop:
        mine = [sample for sample in job.samples if in_shard(sample, job.shard)]
        pending = to_edit(run, mine, job.only)
        progress = Progress(f"edit {run.manifest.name}", total=len(mine), done=len(mine) - len(pending))
        watch(progress)
        if pending:
            purse = Purse(job.budget)
            job.model.again = lambda lost: not stop.requested and (not lost or purse.take_again())
            load_model(job.model)
            try:
                _edit_pending(job, pending, purse, progress, watch)
            finally:
                close_model(job.model)
        if stop.requested:
            raise Interrupted(f"Interrupted: {progress.done} of {progress.total} samples are edited.")


def _edit_pending(job: EditJob, pending: Sequence[Sample], purse: Purse, progress: Progress, watch: Watcher) -> None:
    writer = this_writer(data=job.location)
    note_writer(job.run.path, writer)
    lines = JsonlWriter(layout.edits_file(job.run.path, job.shard))
    manifest = job.run.manifest
    saver = EditSaver(job.run.path, lines, manifest.seed, manifest.source)

    def keep(encode: Encode, charged: list[float]) -> None:
        finished = encode()
        edit = saver.save(finished, writer.writer)
        charged.append(finished.charge(purse.most))
        purse.most = max(purse.most, finished.cost_usd or 0.0)
        progress.done += 1
        progress.counts[edit.status] += 1
        watch(progress)

    try:
        purse.most = job.model.most_usd
        while pending and job.model.again(False):
            count, reserved = purse.take(1 if purse.blind else min(job.model.chunk, len(pending)))
            chunk, pending = pending[:count], pending[count:]
            charged: list[float] = []
            try:
                with Behind() as behind:
                    for encode in _edited(job, chunk):
                        behind.do(partial(keep, encode, charged))
            finally:
                purse.settle(reserved, sum(charged))
    finally:
        lines.close()


def _edited(job: EditJob, samples: Sequence[Sample]) -> Iterator[Encode]:
    manifest = job.run.manifest
    works = []
    for sample in samples:
        taken = take_out(job.benchmark, sample, manifest.source)
        if isinstance(taken, Work):
            works.append(taken)
        else:
            yield already(taken)
    yield from edit_chunk(job.model, works, manifest.seed, manifest.source)
