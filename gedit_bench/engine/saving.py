"""Turns what a backend yields into an edit on disk: image first, then the line that says so."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image, ImageChops

from gedit_bench.decoding import decode
from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.errors import DataError
from gedit_bench.records import Edit, EditStatus, Json, SampleId, SourceKind
from gedit_bench.secrets import redact
from gedit_bench.store import layout
from gedit_bench.store.atomic import put_in_place, set_aside
from gedit_bench.store.codec import to_json
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.provenance import now

ASPECT_TOLERANCE = 0.02
"""Relative change of width / height from which an edit is flagged `aspect_changed`."""

_PNG_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What became of one sample, on its way to the run: fields as in `Edit`.

    `image` is the finished file: its bytes, or where it was set aside on the run's file system.
    """

    sample: SampleId
    status: EditStatus
    message: str = ""
    source_id: str | None = None
    seconds: float | None = None
    cost_usd: float | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    image: bytes | Path | None = None
    suffix: str = ".png"
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    flags: tuple[str, ...] = ()

    def charge(self, most: float) -> float:
        """Return what it counts against a budget: what nobody knows of it, as the `most` that a call may cost."""
        lost = self.extra.get("lost_tries")
        unheard = lost if isinstance(lost, int) else 0
        if self.cost_usd is None:
            return 0.0 if self.seconds is None else max(unheard, 1) * most
        return self.cost_usd + unheard * most


def finish(request: EditRequest, outcome: Outcome, seconds: float, source_id: str) -> Finished:
    """Return an outcome with its image, if any, encoded; one that can't be is `edit_failed`."""
    told = Finished(
        sample=request.sample,
        status=outcome.status,
        message=outcome.message,
        source_id=source_id,
        seconds=round(seconds, 4),
        cost_usd=outcome.cost_usd,
        extra=dict(outcome.extra),
    )
    if outcome.status is not EditStatus.OK:
        return told
    if outcome.image is None and outcome.encoded is None:
        return replace(told, status=EditStatus.NO_IMAGE, message=outcome.message or "The backend returned no image.")
    try:
        data, suffix, image = _encoded(outcome)
    except DataError as error:
        return replace(told, status=EditStatus.EDIT_FAILED, message=str(error))
    return replace(
        told,
        image=data,
        suffix=suffix,
        sha256=hashlib.sha256(data).hexdigest(),
        width=image.width,
        height=image.height,
        flags=_flags(request.source, image),
    )


@dataclass(frozen=True, slots=True)
class EditSaver:
    """Saves the edits of one writer into one run."""

    folder: Path
    lines: JsonlWriter
    seed: int
    source: SourceKind

    def save(self, finished: Finished, writer: str) -> Edit:
        """Put an image, if any, into the official layout and write its line; return what was recorded.

        An image that can't be stored under its key is recorded as `edit_failed`.
        """
        file = None
        if finished.image is not None:
            try:
                file = self._place(finished.sample, finished.image, finished.suffix)
            except DataError as error:
                finished = replace(
                    finished, status=EditStatus.EDIT_FAILED, message=str(error), sha256=None, width=None, height=None,
                    flags=(),
                )  # fmt: skip
        edit = Edit(
            sample=finished.sample,
            status=finished.status,
            seed=self.seed,
            message=redact(finished.message)[:2000],
            file=file,
            sha256=finished.sha256,
            width=finished.width,
            height=finished.height,
            seconds=finished.seconds,
            cost_usd=finished.cost_usd,
            source=self.source,
            source_id=finished.source_id,
            flags=finished.flags,
            extra=finished.extra,
            writer=writer,
            time=now(),
        )
        self.lines.append(to_json(edit))
        return edit

    def _place(self, sample: SampleId, image: bytes | Path, suffix: str) -> str:
        path = layout.image_file(self.folder, sample, suffix)
        aside = set_aside(image, layout.temporary_folder(self.folder)) if isinstance(image, bytes) else image
        put_in_place(aside, path)
        for other in path.parent.glob(f"{path.stem}.*"):
            if other != path and other.stem == path.stem:
                other.unlink()  # an earlier edit in another format, which the official glob might take
        return path.relative_to(self.folder).as_posix()


def _encoded(outcome: Outcome) -> tuple[bytes, str, Image.Image]:
    if outcome.encoded is not None:
        return outcome.encoded, outcome.suffix, outcome.image or decode(outcome.encoded)
    image = outcome.image
    if not isinstance(image, Image.Image) or 0 in image.size:
        raise DataError("The backend returned an image without pixels.")
    try:
        image = image if image.mode in _PNG_MODES else image.convert("RGB")
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", compress_level=3)
    except (OSError, ValueError) as error:
        raise DataError(f"The backend returned an image that can't be stored: {error}.") from error
    return buffer.getvalue(), ".png", image


def _flags(source: Image.Image, edit: Image.Image) -> tuple[str, ...]:
    flags: tuple[str, ...] = ()
    if same_pixels(source, edit):
        flags += ("no_op",)
    if aspect_changed(source, edit):
        flags += ("aspect_changed",)
    return flags


def same_pixels(source: Image.Image, edit: Image.Image) -> bool:
    """True if an edit shows exactly its RGB source."""
    return edit.size == source.size and ImageChops.difference(edit.convert("RGB"), source).getbbox() is None


def aspect_changed(source: Image.Image, edit: Image.Image) -> bool:
    """True if width / height differs by more than 2 %."""
    ratio = (edit.width / edit.height) / (source.width / source.height)
    return abs(ratio - 1) > ASPECT_TOLERANCE
