"""Images exactly as the official evaluation sends them (`area-512-bicubic`), and the cache of prepared sources.

What other protocols do to them is in `pictures.py`.
"""

import hashlib
import io
from collections.abc import Callable
from math import sqrt
from pathlib import Path

import PIL
from PIL import Image, ImageOps

from gedit_bench.cache import cache_folder
from gedit_bench.decoding import decode
from gedit_bench.errors import DataError
from gedit_bench.judging.base import EncodedImage
from gedit_bench.judging.protocol import Encoding, Preparation
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

    RGB without compositing, bicubic to `judge_size`, then JPEG with Pillow's defaults (quality 75, 4:2:0)
    or lossless PNG. EXIF orientation is applied after the resize on the way to JPEG and ignored on the
    way to PNG, as the official code does.

    Raises:
        DataError: the image is so long and thin that a side vanishes.
    """
    image.load()
    resized = resize(_rgb(image))
    if encoding == "jpeg":
        ImageOps.exif_transpose(resized, in_place=True)
    return encode(resized, encoding)


def resize(image: Image.Image) -> Image.Image:
    """Return an image in its judge size: bicubic, or nearest neighbour where the mode has a palette.

    Raises:
        DataError: the image is so long and thin that a side vanishes.
    """
    size = judge_size(*image.size)
    if 0 in size:
        raise DataError(f"An image of {image.width}x{image.height} pixels is too long and thin for a judge.")
    return image.resize(size)


def encode(image: Image.Image, encoding: Encoding) -> EncodedImage:
    """Return an image as a file; an ICC profile goes into a PNG only.

    Raises:
        DataError: PNG has no such mode, as for CMYK.
    """
    buffer = io.BytesIO()
    try:
        if encoding == "jpeg":
            image.save(buffer, format="JPEG")
        else:
            image.save(buffer, format="PNG", compress_level=1)
    except OSError as error:
        raise DataError(f"The image can't be sent as {encoding.upper()}: {error}.") from error
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
    return prepared_once(data, encoding, "area-512-bicubic", lambda: prepare_file(data, encoding))


def prepared_once(
    data: bytes, encoding: Encoding, preparation: Preparation, make: Callable[[], EncodedImage]
) -> EncodedImage:
    """Return a prepared source from the cache, or make and keep it.

    Args:
        data: the bytes of the source's file.
        encoding: what it becomes.
        preparation: how; sources prepared in different ways never stand for each other.
        make: prepares it.
    """
    path = _cached(hashlib.sha256(data).hexdigest(), encoding, preparation)
    try:
        return EncodedImage(path.read_bytes(), _MEDIA_TYPES[encoding])
    except FileNotFoundError:
        prepared = make()
        write_bytes(path, prepared.data)
        return prepared


def _rgb(image: Image.Image) -> Image.Image:
    # `convert` would copy what is RGB already, and fresh memory costs more than the copying.
    return image if image.mode == "RGB" else image.convert("RGB")


def _cached(source_sha256: str, encoding: Encoding, preparation: Preparation) -> Path:
    # Pillow's version is part of the path: another resampler must not find this one's pixels.
    folder = cache_folder() / "prepared" / f"{preparation}-pillow-{PIL.__version__}"
    return folder / source_sha256[:2] / f"{source_sha256}.{encoding}"
