"""The second resampling of an image on its way into Qwen2.5-VL, as the official judge's image tools do it."""

from collections.abc import Callable
from math import ceil, floor, sqrt

from PIL import Image

from gedit_bench.errors import DataError

PATCH = 28
"""Pixels that become one token, along a side."""

LEAST, MOST = 4 * PATCH * PATCH, 16384 * PATCH * PATCH
"""Pixels of an image, at least and at most."""

LONGEST = 200
"""Largest ratio of a side to the other."""


def patched_size(width: int, height: int) -> tuple[int, int]:
    """Return the size in whole patches nearest to an image's, its area kept within `LEAST` and `MOST` pixels.

    Raises:
        DataError: a side is more than 200 times the other.
    """
    if max(width, height) > LONGEST * min(width, height):
        raise DataError(
            f"An image of {width}x{height} pixels is too long and thin for Qwen2.5-VL: 1 to {LONGEST} at most."
        )
    wide, high = (max(PATCH, round(side / PATCH) * PATCH) for side in (width, height))
    if wide * high > MOST:
        shrink = sqrt(width * height / MOST)
        return _scaled(floor, width / shrink), _scaled(floor, height / shrink)
    if wide * high < LEAST:
        grow = sqrt(LEAST / (width * height))
        return _scaled(ceil, width * grow), _scaled(ceil, height * grow)
    return wide, high


def resample(image: Image.Image) -> Image.Image:
    """Return an RGB image in whole patches, bicubic. EXIF orientation isn't looked at.

    Raises:
        DataError: a side is more than 200 times the other.
    """
    size = patched_size(*image.size)
    return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def _scaled(rounded: Callable[[float], int], side: float) -> int:
    return max(PATCH, rounded(side / PATCH) * PATCH)
