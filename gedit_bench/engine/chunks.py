"""One chunk of samples through a backend: sources decoded, edits made, each result ready to be encoded."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

from PIL import Image

from gedit_bench.dataset import Benchmark, decode_source
from gedit_bench.editing.base import EditModel, EditRequest, Outcome
from gedit_bench.engine.saving import Finished, finish
from gedit_bench.errors import DataError, GeditBenchError
from gedit_bench.records import EditStatus, Sample, SourceKind

log = logging.getLogger(__name__)

Encode = Callable[[], Finished]
"""What is left to do about a result, and needs no backend: encoding, hashing, flags. Any thread may do it."""


@dataclass(frozen=True, slots=True)
class Work:
    """A sample to edit, with its source's bytes as they stand in the dataset."""

    sample: Sample
    source: bytes
    source_id: str


def take_out(benchmark: Benchmark, sample: Sample, kind: SourceKind) -> Work | Finished:
    """Return a sample with its source, or the failure that a missing one is."""
    try:
        return Work(sample, benchmark.image_bytes(sample, kind), benchmark.source_id(sample))
    except DataError as error:
        return Finished(sample=sample.id, status=EditStatus.EDIT_FAILED, message=str(error))


def already(finished: Finished) -> Encode:
    """Return a result about which nothing is left to do."""
    return lambda: finished


def edit_chunk(model: EditModel, works: Sequence[Work], seed: int, kind: SourceKind) -> Iterator[Encode]:
    """Yield what becomes of each sample: first those with a damaged source, then the others as they come.

    Raises:
        GeditBenchError: the backend can't go on.
    """
    requests, source_ids = [], {}
    for work in works:
        try:
            source = decode_source(work.source, work.sample.id, kind)
        except DataError as error:
            yield already(Finished(sample=work.sample.id, status=EditStatus.EDIT_FAILED, message=str(error)))
            continue
        requests.append(EditRequest(work.sample.id, work.sample.instruction, source, seed))
        source_ids[work.sample.id] = work.source_id
    for request, outcome, seconds in _results(model, requests):
        yield partial(finish, request, outcome, seconds, source_ids[request.sample])


def _results(model: EditModel, requests: Sequence[EditRequest]) -> Iterator[tuple[EditRequest, Outcome, float]]:
    """Yield each request with its outcome and seconds; what a failing chunk leaves over is tried alone."""
    left = {request.sample: request for request in requests}
    reason = "The backend ended without a result for this sample."
    started = monotonic()
    try:
        for result in model.edit(requests):
            outcome = _outcome(result)
            named = outcome.sample or next(iter(left), None)
            request = left.pop(named, None) if named else None
            if request is None:
                raise _TooMany(f"{model.name} yields more results than it got requests: which belongs to which?")
            yield request, outcome, monotonic() - started if outcome.seconds is None else outcome.seconds
            started = monotonic()
    except GeditBenchError:
        raise
    except Exception as error:  # a backend may raise anything: it costs one sample, never the run
        log.debug("%s failed", model.name, exc_info=True)
        reason = f"{type(error).__name__}: {error}"
    if left and not model.again(False):
        return  # it came to stopping: they stay open
    if len(requests) == 1 and left:
        yield requests[0], Outcome(status=EditStatus.EDIT_FAILED, message=reason), monotonic() - started
    else:
        for request in left.values():
            yield from _results(model, [request])


class _TooMany(GeditBenchError):
    """A backend that breaks the order of its results; nothing it yields can be trusted."""


def _outcome(result: object) -> Outcome:
    """Return a result as an outcome with pixels of its own: a backend may close or reuse what it has yielded."""
    if isinstance(result, Image.Image):
        result = Outcome(image=result)
    if isinstance(result, Outcome):
        if not isinstance(result.image, Image.Image) or result.encoded is not None:
            return result
        try:
            return replace(result, image=result.image.copy())
        except (OSError, ValueError) as error:
            result.image.close()
            message = f"The backend returned an image that can't be read: {error}."
            return replace(result, image=None, status=EditStatus.EDIT_FAILED, message=message)
    message = f"The backend returned {type(result).__name__}, not an image or an Outcome."
    return Outcome(status=EditStatus.EDIT_FAILED, message=message)
