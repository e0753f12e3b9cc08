"""Replies that were paid for once: the answer to the very same request is copied from where it stands.

Judgements by the same judge, asked the same way, are looked through in all runs of the same folder, and
this one too: its older replies may be about another file with the same pixels. They are read and never
locked, since lines are only ever appended and one that is still being written is no line yet. Nothing is
kept between processes, so nothing can go stale.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from gedit_bench.engine.questions import JudgeJob, Open, Part
from gedit_bench.errors import DataError
from gedit_bench.judging.reading import read_answer
from gedit_bench.records import Reply, ReplyStatus, SampleId
from gedit_bench.store import layout
from gedit_bench.store.codec import from_json
from gedit_bench.store.manifest import JudgementManifest, read_manifest

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where a line stands: its file, and the offset of its first byte."""

    file: Path
    offset: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """Where earlier `ok` replies stand, by a hash of what was asked: some 250 bytes each.

    `root` is the folder of all runs.
    """

    root: Path
    places: Mapping[bytes, Place] = field(default_factory=dict)

    def reply(self, sample: SampleId, part: Part, request_sha256: str) -> Reply | None:
        """Return an earlier `ok` reply to the same request about the same part of a sample, or None.

        It says where and when the question was really asked, even where it is a copy itself.
        """
        wanted = _key(sample, part, request_sha256)
        place = self.places.get(wanted)
        if place is None:
            return None
        try:
            with place.file.open("rb") as lines:
                lines.seek(place.offset)
                found = _scoring(lines.readline())
        except OSError as error:
            log.info("An earlier reply in %s can't be read any more: %s", place.file, error)
            return None
        if found is None or _key_of(found) != wanted:
            return None
        if found.reused:
            return found
        return replace(found, reused_from=place.file.parent.relative_to(self.root).as_posix(), asked_at=found.time)


def find_earlier(job: JudgeJob, pending: Sequence[Open]) -> Earlier:
    """Look for earlier replies about samples that are to be judged; none if the job wants none."""
    places: dict[bytes, Place] = {}
    for place, reply in _earlier_replies(job, pending):
        if reply.request_sha256:
            places.setdefault(_key_of(reply), place)
    return Earlier(_root(job), places)


def count_reusable(job: JudgeJob, pending: Sequence[Open]) -> int:
    """Return how many questions were answered earlier about the very same image file.

    At least so many will not be asked; those about other files with the same pixels are seen only
    once the images are prepared.
    """
    open_parts = {(one.sample.id, part, one.edit.sha256) for one in pending for part in one.attempts}
    answered = {
        (reply.sample, Part(reply.aspect, reply.repeat), reply.edit_sha256)
        for _, reply in _earlier_replies(job, pending)
    }
    return len(open_parts & answered)


def _earlier_replies(job: JudgeJob, pending: Sequence[Open]) -> Iterator[tuple[Place, Reply]]:
    if not (pending and job.reuse and job.judge.costly):
        return
    samples = {one.sample.id for one in pending}
    for folder in _judgements(job):
        yield from _replies_about(samples, folder / layout.REPLIES)


def _judgements(job: JudgeJob) -> Iterator[Path]:
    """This judgement first, then those of other runs by the same judge, asked the same way."""
    run, wanted = job.run.path.resolve(), job.judgement.manifest
    own = layout.judgement_folder(run, wanted.judge_id, wanted.request_id)
    yield own
    for folder in layout.same_judgements(_root(job), own):
        if folder == own:
            continue
        try:
            manifest = read_manifest(folder, JudgementManifest)
        except DataError as error:
            log.warning("No reply is reused from %s: %s", folder, error)
            continue
        # A folder's name and the request id are shortened; what they stand for decides.
        if (manifest.identity, manifest.request) == (wanted.identity, wanted.request):
            yield folder


def _replies_about(samples: Collection[SampleId], file: Path) -> Iterator[tuple[Place, Reply]]:
    if not file.exists():
        return
    offset = 0
    with file.open("rb") as lines:
        for line in lines:
            reply = _scoring(line)
            if reply is not None and reply.sample in samples:
                yield Place(file, offset), reply
            offset += len(line)


def _scoring(line: bytes) -> Reply | None:
    """The line's reply if it gives a score; what is cut or damaged gives none."""
    try:
        value = json.loads(line)
        if not isinstance(value, dict) or not isinstance(value.get("content"), str):
            return None
        reply = from_json(Reply, value)
    except (ValueError, RecursionError, DataError):
        return None
    return reply if read_answer(reply).status is ReplyStatus.OK else None


def _key_of(reply: Reply) -> bytes:
    return _key(reply.sample, Part(reply.aspect, reply.repeat), reply.request_sha256)


def _key(sample: SampleId, part: Part, request_sha256: str) -> bytes:
    # The sample belongs to it: where two samples of a run ask the same, each keeps a reply of its own.
    return hashlib.sha256("\n".join((*sample, part.aspect, str(part.repeat), request_sha256)).encode()).digest()


def _root(job: JudgeJob) -> Path:
    return job.run.path.resolve().parent.parent
