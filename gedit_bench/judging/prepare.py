"""Images exactly as the official evaluation sends them (`area-512-bicubic`), and the cache of prepared sources."""

import hashlib
import io
from math import sqrt
from pathlib import Path

import PIL
from PIL import Image, ImageOps

from gedit_bench.cache import cache_folder
from gedit_bench.decoding import decode
from gedit_bench.errors import DataError
from gedit_bench.judging.base import EncodedImage
from gedit_bench.judging.protocol import Encoding
from gedit_bench.store.atomic import write_bytes

AREA = 512 * 512
_MEDIA_TYPES = {"jpeg": "image/jpeg", "png": "image/png"}


def judge_size(width: int, height: int) -> tuple[int, int]:
    """Return the size at which the judge sees an image: an area near 512², aspect kept, sides truncated.

    The order of the float operations is the official one and decides the last pixel.
    """
    ratio = width / height
    wide = sqrt(AREA * ratio)
    return int(wide), int(wide / ratio)


def prepare(image: Image.Image, encoding: Encoding) -> EncodedImage:
    """Return an image as the judge gets it.

    RGB without compositing, bicubic to `judge_size`, EXIF orientation applied after the resize
    (as the official code does), then JPEG with Pillow's defaults (quality 75, 4:2:0) or lossless PNG.

    Raises:
        DataError: the image is so long and thin that a side vanishes.
    """
    image.load()
    rgb = _rgb(image)
    size = judge_size(*rgb.size)
    if 0 in size:
        raise DataError(f"An image of {rgb.width}x{rgb.height} pixels is too long and thin for a judge.")
    resized = rgb.resize(size)
    ImageOps.exif_transpose(resized, in_place=True)
    buffer = io.BytesIO()
    if encoding == "jpeg":
        resized.save(buffer, format="JPEG")
    else:
        resized.save(buffer, format="PNG", compress_level=1)
    return EncodedImage(buffer.getvalue(), _MEDIA_TYPES[encoding])


def prepare_file(data: bytes, encoding: Encoding) -> EncodedImage:
    """Prepare the bytes of an image file.

    Raises:
        DataError: they are no image that can be read whole.
    """
    return prepare(decode(data), encoding)


def prepare_source(data: bytes, encoding: Encoding) -> EncodedImage:
    """Prepare a source once for all models, judges and repeats: later calls find it in the cache.

    Raises:
        DataError: the source can't be read.
    """
    path = _cached(hashlib.sha256(data).hexdigest(), encoding)
    try:
        return EncodedImage(path.read_bytes(), _MEDIA_TYPES[encoding])
    except FileNotFoundError:
        prepared = prepare_file(data, encoding)
        write_bytes(path, prepared.data)
        return prepared


def _rgb(image: Image.Image) -> Image.Image:
    # `convert` would copy what is RGB already, and fresh memory costs more than the copying.
    return image if image.mode == "RGB" else image.convert("RGB")


def _cached(source_sha256: str, encoding: Encoding) -> Path:
    # Pillow's version is part of the path: another resampler must not find this one's pixels.
    folder = cache_folder() / "prepared" / f"area-512-bicubic-pillow-{PIL.__version__}"
    return folder / source_sha256[:2] / f"{source_sha256}.{encoding}"
