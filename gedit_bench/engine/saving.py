"""Turns what a backend yields into an edit on disk: image first, then the line that says so."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops

from gedit_bench.decoding import decode
from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.errors import DataError
from gedit_bench.records import Edit, EditStatus, SampleId, SourceKind
from gedit_bench.secrets import redact
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.codec import to_json
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.provenance import now

ASPECT_TOLERANCE = 0.02
"""Relative change of width / height from which an edit is flagged `aspect_changed`."""

_PNG_MODES = {"1", "L", "LA", "P", "RGB", "RGBA"}


@dataclass(frozen=True, slots=True)
class EditSaver:
    """Saves the edits of one writer into one run."""

    folder: Path
    lines: JsonlWriter
    writer: str
    seed: int
    source: SourceKind

    def save(self, request: EditRequest, outcome: Outcome, seconds: float, source_id: str) -> Edit:
        """Write an outcome's image, if any, and its line; return what was recorded.

        An image that can't be read or stored under its key is recorded as `edit_failed`.
        """
        try:
            made = self._store(request, outcome)
        except DataError as error:
            made = {"status": EditStatus.EDIT_FAILED, "message": str(error)}
        message = outcome.message
        return self._record(
            request.sample,
            source_id=source_id,
            seconds=round(seconds, 4),
            cost_usd=outcome.cost_usd,
            extra=dict(outcome.extra),
            **{"message": message, **made},
        )

    def fail(self, sample: SampleId, message: str, source_id: str | None = None) -> Edit:
        """Record that a sample could not even be tried."""
        return self._record(sample, status=EditStatus.EDIT_FAILED, message=message, source_id=source_id)

    def _record(self, sample: SampleId, **fields: object) -> Edit:
        fields["message"] = redact(str(fields["message"]))[:2000]
        edit = Edit(
            sample=sample,
            seed=self.seed,
            source=self.source,
            writer=self.writer,
            time=now(),
            **fields,  # type: ignore[arg-type]  # the names are Edit's own
        )
        self.lines.append(to_json(edit))
        return edit

    def _store(self, request: EditRequest, outcome: Outcome) -> dict[str, object]:
        if outcome.status is not EditStatus.OK:
            return {"status": outcome.status}
        if outcome.image is None and outcome.encoded is None:
            return {"status": EditStatus.NO_IMAGE, "message": outcome.message or "The backend returned no image."}
        data, suffix, image = _encoded(outcome)
        path = layout.image_file(self.folder, request.sample, suffix)
        write_bytes(path, data, layout.temporary_folder(self.folder))
        for other in path.parent.glob(f"{path.stem}.*"):
            if other != path and other.stem == path.stem:
                other.unlink()  # an earlier edit in another format, which the official glob might take
        return {
            "status": EditStatus.OK,
            "file": path.relative_to(self.folder).as_posix(),
            "sha256": hashlib.sha256(data).hexdigest(),
            "width": image.width,
            "height": image.height,
            "flags": _flags(request.source, image),
        }


def _encoded(outcome: Outcome) -> tuple[bytes, str, Image.Image]:
    if outcome.encoded is not None:
        return outcome.encoded, outcome.suffix, decode(outcome.encoded)
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
