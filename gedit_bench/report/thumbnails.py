"""Thumbnails by content: `thumbs/<aa>/<sha256>.webp`, made once and shared by all reports in a folder."""

import hashlib
import logging
import os
import re
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image

from gedit_bench.errors import DataError
from gedit_bench.records import Edit
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.run import Run

SIZE = 256
QUALITY = 66
UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)
"""What Pillow raises for files that are no image, or a damaged one."""

log = logging.getLogger(__name__)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def thumbnail_path(sha256: str) -> str:
    """Return a thumbnail's path inside the report's folder."""
    return f"thumbs/{sha256[:2]}/{sha256}.webp"


def made_already(out: Path, sha256: str | None) -> str | None:
    """Return a thumbnail's path inside `out` if it is there."""
    if sha256 is None or not _SHA256.fullmatch(sha256):
        return None
    path = thumbnail_path(sha256)
    return path if os.path.isfile(f"{out}/{path}") else None  # noqa: PTH113  # ten thousands of them


def edit_thumbnail(out: Path, run: Run, edit: Edit) -> str | None:
    """Make an edit's thumbnail unless it is there; return its path inside `out`.

    None where there is no picture to show: the edit failed, or its file is missing, unreadable, or not
    the one that was recorded.
    """

    def read() -> Image.Image | None:
        data = run.image_path(edit).read_bytes()
        if hashlib.sha256(data).hexdigest() != edit.sha256:
            log.debug("%s: the image of %s is not the one that was recorded", run.path, edit.sample)
            return None
        return Image.open(BytesIO(data))

    return _thumbnail(out, edit.sha256, read)


def source_thumbnail(out: Path, source_id: str | None, load: Callable[[], Image.Image | None]) -> str | None:
    """Make a source's thumbnail unless it is there; return its path inside `out`.

    `load` is only asked if it isn't. None where the source isn't available here.
    """
    return _thumbnail(out, source_id, load)


def _thumbnail(out: Path, sha256: str | None, load: Callable[[], Image.Image | None]) -> str | None:
    if sha256 is None or not _SHA256.fullmatch(sha256):
        return None
    if path := made_already(out, sha256):
        return path
    path = thumbnail_path(sha256)
    try:
        image = load()
        data = None if image is None else _webp(image)
    except (*UNREADABLE, DataError) as error:
        log.debug("no thumbnail %s: %s", sha256[:8], error)
        return None
    if data is None:
        return None
    write_bytes(out / path, data)
    return path


def _webp(image: Image.Image) -> bytes:
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    data = BytesIO()
    image.save(data, "WEBP", quality=QUALITY, method=4)
    return data.getvalue()
