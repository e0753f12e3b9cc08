"""The edit loop over several processes: samples handed out as each is free, every line written here.

What a process has in hand when it ends or says nothing for too long is tried once more, each sample alone and
where possible elsewhere; a sample that ends another process is recorded as failed. A device whose processes end
again and again is given up, and the others go on.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from pathlib import Path
from pickle import PicklingError
from secrets import token_hex
from time import monotonic

from gedit_bench.editing.registry import ModelChoice
from gedit_bench.engine.chunks import Work, take_out
from gedit_bench.engine.cluster.editor import Post, Ready
from gedit_bench.engine.cluster.queue import Queue
from gedit_bench.engine.cluster.seats import Emptied, Event, Gone, Placed, Raised, Seat, heard
from gedit_bench.engine.cluster.session import imported, ray_session
from gedit_bench.engine.editing import EditJob, Shard, in_shard, to_edit
from gedit_bench.engine.interrupt import Stop, stop_on_interrupt
from gedit_bench.engine.placement import Placement
from gedit_bench.engine.progress import Progress, Watcher, unwatched
from gedit_bench.engine.purse import Purse
from gedit_bench.engine.saving import EditSaver, Finished
from gedit_bench.errors import GeditBenchError, Interrupted, UnavailableError, UsageError
from gedit_bench.records import EditStatus
from gedit_bench.store import layout
from gedit_bench.store.atomic import make_folder
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import note_selection, note_writer

log = logging.getLogger(__name__)

RESTARTS = 3
"""How often a process that ends without an edit in between is begun again."""

NO_ROOM = 300.0
"""Seconds without a machine that has room for even one process, after which nobody waits any longer."""

_HEARTBEAT = 1.0  # seconds between looks at the clock
_FAREWELL = 10.0  # seconds that processes have to tidy up

Build = Callable[[], ModelChoice]


def edit_on_many(job: EditJob, placement: Placement, build: Build, watch: Watcher = unwatched) -> None:
    """Edit what is missing on several devices, so that whatever is killed costs at most what is in flight.

    Args:
        job: as for `edit_samples`; its model is never loaded.
        placement: the devices, or the cluster.
        build: makes the model in each process.
        watch: called with the progress.

    Raises:
        Interrupted: somebody pressed Ctrl-C; what was in flight is saved.
        RunLockedError: another process edits the same run and shard.
        UnavailableError: Ray is missing, every device was given up, or the disk is full.
        BudgetError: what may be spent is spent.
    """
    run = job.run
    make_folder(run.path)
    note_selection(run.path, job.samples)
    with sole_writer(layout.lock_file(run.path, job.shard)):
        mine = [sample for sample in job.samples if in_shard(sample, job.shard)]
        pending = to_edit(run, mine, job.only)
        progress = Progress(f"edit {run.manifest.name}", total=len(mine), done=len(mine) - len(pending))
        watch(progress)
        if not pending:
            return
        with ray_session(placement) as devices, stop_on_interrupt() as stop:  # Ray takes the signals, too
            crew = _Crew(job, Queue(pending), placement.timeout, stop, progress, watch)
            try:
                crew.work(devices, build)
            finally:
                crew.end()
        if stop.requested:
            raise Interrupted(f"Interrupted: {progress.done} of {progress.total} samples are edited.")


class _Crew:
    """The processes of one run, and what is to be done."""

    def __init__(
        self, job: EditJob, queue: Queue, timeout: float, stop: Stop, progress: Progress, watch: Watcher
    ) -> None:
        self.job, self.queue, self.timeout = job, queue, timeout
        self.stop, self.progress, self.watch = stop, progress, watch
        self.seats: list[Seat] = []
        self.errors: list[GeditBenchError] = []
        self.purse = Purse(job.budget)
        manifest, path = job.run.manifest, job.run.path
        self.writer = this_writer(data=job.location)
        note_writer(path, self.writer)
        self.lines = JsonlWriter(layout.edits_file(path, job.shard))
        self.saver = EditSaver(path, self.lines, manifest.seed, manifest.source)
        self.aside = _new_folder(layout.temporary_folder(path.resolve()), job.shard)

    def work(self, devices: list[str], build: Build) -> None:
        """Hand everything out and save what comes back."""
        _check_can_travel(build)
        for number, device in enumerate(devices):
            post = Post(
                build=build,
                device=device,
                folder=Path.cwd(),
                aside=self.aside,
                manifest=self.job.run.manifest,
                location=self.job.location,
                limited=self.job.budget is not None,
            )
            self.seats.append(Seat(number, post))
        while True:
            self._hand_out()
            working = any(seat.state == "working" for seat in self.seats)
            if not working and (self.stop.requested or not self.queue):
                return
            self._check_somebody_is_left()
            for seat, event in heard(self.seats, _HEARTBEAT):
                self._take(seat, event)
            for seat in self.seats:
                if seat.late():
                    reason = f"No result within {self.timeout:g} s on {seat.name}; its process was ended."
                    self._lost(seat, reason, EditStatus.TIMEOUT)

    def end(self) -> None:
        """Send everybody home: those who are idle may tidy up, and nobody is left behind."""
        ray = imported()
        farewells = [seat.actor.close.remote() for seat in self.seats if seat.state == "idle"]
        if farewells:
            ray.wait(farewells, num_returns=len(farewells), timeout=_FAREWELL)
        for seat in self.seats:
            seat.kill()
        self.lines.close()
        shutil.rmtree(self.aside, ignore_errors=True)

    def _hand_out(self) -> None:
        for seat in self.seats:
            if seat.state == "idle" and not self.stop.requested:
                works = self._next(seat)
                in_flight = any(one.state == "working" for one in self.seats)
                count, reserved = self.purse.take(len(works), in_flight=in_flight)
                self.queue.put_back(works[count:])
                if count:
                    seat.edit(works[:count], reserved, self.timeout)

    def _next(self, seat: Seat) -> list[Work]:
        """What a free process gets: a sample that is tried again, or a fair part of what is left."""
        assert seat.ready is not None
        others = any(one.state in ("idle", "working") for one in self.seats if one is not seat)
        again = self.queue.again(seat.number, alone=not others)
        if again is not None:
            return [again]
        alive = sum(one.state != "out" for one in self.seats)
        wanted = 1 if self.purse.blind else min(seat.ready.chunk, ceil(len(self.queue.fresh) / alive))
        works: list[Work] = []
        while self.queue.fresh and len(works) < wanted:
            taken = take_out(self.job.benchmark, self.queue.fresh.popleft(), self.job.run.manifest.source)
            if isinstance(taken, Work):
                works.append(taken)
            else:
                self._save(taken, self.writer.writer)
        return works

    def _take(self, seat: Seat, event: Event) -> None:
        """Do what an event asks for."""
        match event:
            case Placed(where):
                seat.load(where)
            case Ready():
                self._begin(seat, event)
            case Finished():
                self._keep(seat, event)
            case Emptied():
                self._settle(seat)
                seat.rest()
            case Raised(error):
                self._failed(seat, error)
            case Gone(reason):
                self._lost(seat, f"The process on {seat.name} ended: {reason}", EditStatus.EDIT_FAILED)

    def _begin(self, seat: Seat, ready: Ready) -> None:
        seat.ready = replace(ready, writer=replace(ready.writer, command=self.writer.command))
        note_writer(self.job.run.path, seat.ready.writer)
        if ready.shared is not None and not (self.aside / ready.shared).exists():
            seat.actor.send_back.remote()  # its folder has the same name, and is another
        self.purse.most = max(self.purse.most, ready.most_usd)
        self.progress.devices.setdefault(seat.label, 0)
        seat.rest()
        self.watch(self.progress)

    def _keep(self, seat: Seat, finished: Finished) -> None:
        assert seat.hand is not None
        assert seat.ready is not None
        seat.failures = 0
        seat.hand.works.pop(finished.sample)
        if isinstance(finished.image, Path):
            finished = replace(finished, image=self.aside / finished.image.name)
        seat.hand.costs.append(finished.charge(self.purse.most))
        self.purse.most = max(self.purse.most, finished.cost_usd or 0.0)
        seat.give_time(self.timeout)
        self.progress.devices[seat.label] += 1
        self._save(finished, seat.ready.writer.writer)

    def _save(self, finished: Finished, writer: str) -> None:
        edit = self.saver.save(finished, writer)
        self.progress.done += 1
        self.progress.counts[edit.status] += 1
        self.watch(self.progress)

    def _settle(self, seat: Seat, lost: int = 0) -> None:
        if seat.hand is not None:
            # Edits that were lost with their process may have been paid for.
            self.purse.settle(seat.hand.reserved, sum(seat.hand.costs) + lost * self.purse.most)

    def _failed(self, seat: Seat, error: BaseException) -> None:
        """A process raised: what a device lacks is said once, anything else may be better the next time."""
        if isinstance(error, UnavailableError):
            self.errors.append(error)
            self._settle(seat)
            if seat.hand is not None:
                self.queue.put_back(seat.hand.works.values())
            self._give_up(seat, f"{error} {error.hint}".strip())
        elif isinstance(error, GeditBenchError):
            self._settle(seat)
            raise error
        else:
            reason = f"The process on {seat.name} failed: {type(error).__name__}: {error}"
            self._lost(seat, reason, EditStatus.EDIT_FAILED)

    def _lost(self, seat: Seat, reason: str, status: EditStatus) -> None:
        """A process is gone, with what it had in hand."""
        seat.kill()
        works = list(seat.hand.works.values()) if seat.hand is not None else []
        self._settle(seat, lost=len(works))
        log.warning("%s%s", reason, f" {len(works)} edits were in hand." if works else "")
        for work in works:
            if not self.queue.retry(work, seat.number):
                sample = work.sample.id
                failed = Finished(sample=sample, status=status, message=reason, source_id=work.source_id)
                self._save(failed, self.writer.writer)
        seat.failures += 1
        if seat.failures > RESTARTS:
            self._give_up(seat, reason)
        else:
            seat.hand = None
            seat.begin()

    def _give_up(self, seat: Seat, why: str) -> None:
        seat.kill()
        seat.leave(why)
        self.progress.given_up += 1
        left = sum(one.state != "out" for one in self.seats)
        log.warning("%s is given up, %d others go on: %s", seat.name, left, why)

    def _check_somebody_is_left(self) -> None:
        alive = [seat for seat in self.seats if seat.state != "out"]
        if not alive:
            if len(self.errors) == len(self.seats):
                raise self.errors[-1]
            raise UnavailableError(
                f"All {len(self.seats)} devices were given up; the last: {self.seats[-1].why_out}",
                "What is done is saved; the same command goes on.",
            )
        if all(seat.state == "placing" and monotonic() - seat.since > NO_ROOM for seat in alive):
            raise UnavailableError(
                f"For {NO_ROOM:.0f} s no machine has had room for a process.",
                "`ray status` shows what is there and who has it; the same command goes on.",
            )


def _new_folder(parent: Path, shard: Shard | None) -> Path:
    """Make a folder whose name nobody can know; those that a killed command left are removed."""
    part = "all" if shard is None else f"{shard[0]}-of-{shard[1]}"
    for left in parent.glob(f"{part}-*"):
        shutil.rmtree(left, ignore_errors=True)
    return make_folder(parent / f"{part}-{token_hex(16)}")


def _check_can_travel(build: Build) -> None:
    try:
        imported().cloudpickle.dumps(build)
    except (TypeError, PicklingError) as error:
        raise UsageError(
            f"The model can't be sent to another process: {error}.", "Name it as path.py:Class instead."
        ) from error
