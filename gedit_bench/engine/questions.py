"""What is still to be asked about a run's edits, and the questions themselves: images prepared, hashes taken."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from gedit_bench.dataset import Benchmark
from gedit_bench.engine.spending import Spending
from gedit_bench.errors import DataError
from gedit_bench.fallback import failed_aspects, with_fallback
from gedit_bench.judging.base import EncodedImage, Judge, Question
from gedit_bench.judging.pictures import edit_picture, source_picture
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.reading import attempts_by_aspect, read_answer, settled
from gedit_bench.records import LANGUAGES, Aspect, Edit, EditStatus, Reply, ReplyStatus, Sample, SampleId
from gedit_bench.results import Scored, score
from gedit_bench.store.run import Judgement, Run

Only = Literal["missing", "failed"]


@dataclass(frozen=True, slots=True)
class JudgeJob:
    """What is to be judged, by whom, and how it is asked.

    `fallback_for` is another judge's judgement: only the aspects that failed there are asked about.
    `concurrency` fixes the number of requests in flight; None leaves it to what the judge can take.
    `reuse` takes the answer to the very same request from another run, if there is one.
    """

    run: Run
    judgement: Judgement
    judge: Judge
    protocol: Protocol
    rubric: Rubric
    benchmark: Benchmark
    samples: Sequence[Sample]
    concurrency: int | None = None
    only: Only = "missing"
    repeats: int = 1
    reuse: bool = True
    fallback_for: Judgement | None = None
    spending: Spending = field(default_factory=Spending)

    def scored(self) -> Scored:
        """Return what the replies are worth; a fallback's together with those of the judge that failed."""
        if self.fallback_for is None:
            return score(self.run, self.judgement)
        return with_fallback(score(self.run, self.fallback_for), self.judgement)


class Part(NamedTuple):
    """One of the questions about a sample: an aspect, in one of the independent repeats."""

    aspect: Aspect
    repeat: int


@dataclass(frozen=True, slots=True)
class Open:
    """A sample with what is still to be asked about it; `attempts` are the replies that are there."""

    sample: Sample
    edit: Edit
    attempts: dict[Part, list[Reply]]


def to_judge(job: JudgeJob) -> list[Open]:
    """Return the `ok` edits of the selection about which a part is still to be asked, with those parts.

    One language comes after the other: twins side by side would both prepare the source that they share.
    """
    edits = job.run.edits()
    replies: dict[SampleId, list[Reply]] = {}
    for reply in job.judgement.replies():
        replies.setdefault(reply.sample, []).append(reply)
    failed = None if job.fallback_for is None else failed_aspects(score(job.run, job.fallback_for).verdicts)
    found = []
    for sample in sorted(job.samples, key=lambda sample: LANGUAGES.index(sample.id.language)):
        edit = edits.get(sample.id)
        if edit is None or edit.status is not EditStatus.OK:
            continue
        about = replies.get(sample.id, ())
        asked = {
            Part(aspect, repeat): there
            for repeat in range(job.repeats)
            for aspect, there in attempts_by_aspect(edit, about, repeat).items()
            if _is_open(there, job.only) and (failed is None or aspect in failed.get(sample.id, ()))
        }
        if asked:
            found.append(Open(sample, edit, asked))
    return found


def _is_open(attempts: Sequence[Reply], only: Only) -> bool:
    readings = [read_answer(reply) for reply in attempts]
    index = settled(readings)
    if index is None or readings[index].status is ReplyStatus.OVER_BUDGET:
        return only == "missing" or bool(attempts)
    return only == "failed" and readings[index].status is not ReplyStatus.OK


def prepared_edit(job: JudgeJob, one: Open) -> EncodedImage | DataError | None:
    """Return the edit as the judge gets it, or why it can't be shown.

    None if the file is no longer the one that was recorded.
    """
    try:
        data = job.run.image_path(one.edit).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != one.edit.sha256:
        return None
    try:
        return edit_picture(data, job.protocol)
    except DataError as error:
        return error


def prepared_source(job: JudgeJob, one: Open) -> EncodedImage:
    """Return the source as the judge gets it.

    Raises:
        DataError: it can't be read.
    """
    data = job.benchmark.image_bytes(one.sample, job.protocol.source)
    return source_picture(data, job.protocol)


def question_about(job: JudgeJob, one: Open, part: Part, images: tuple[EncodedImage, ...]) -> Question:
    """Return one of the questions about a sample, as the protocol wants it."""
    prompt = job.rubric.prompt(part.aspect, one.sample.instruction)
    protocol = job.protocol
    return Question(
        part.aspect,
        prompt,
        images,
        images_first=protocol.images_first,
        parameters=protocol.parameters_of(part.repeat),
        repeat=part.repeat,
        image_detail=protocol.image_detail,
    )


def request_hash(question: Question) -> str:
    """Return the SHA-256 of prompt and images as sent."""
    digest = hashlib.sha256(question.prompt.encode("utf-8", "surrogatepass"))
    for image in question.images:
        digest.update(image.data)
    return digest.hexdigest()
