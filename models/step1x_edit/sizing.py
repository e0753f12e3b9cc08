"""Sizes: of the picture that is edited, and of the one that the language model sees."""

from dataclasses import dataclass
from math import ceil, floor, sqrt

MULTIPLE = 16
VLM_PATCH = 28
VLM_PIXELS = 256 * VLM_PATCH**2, 324 * VLM_PATCH**2
"""Least and most pixels of the picture that the language model sees."""
_FIRST_PIXELS = 4 * VLM_PATCH**2, 16384 * VLM_PATCH**2
_MOST_ASPECT = 200

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SizeError(ValueError):
    """A picture too long and thin to be edited."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"a picture of {self.width}x{self.height} pixels is too long and thin to be edited"


def working_size(width: int, height: int, level: int) -> Size:
    """Return the size (width, height) in which a picture is edited: an area near level², sides multiples of 16.

    Raises:
        SizeError: a side vanishes.
    """
    ratio = width / height
    if width > height:
        wide = ceil(sqrt(level**2 * ratio))
        high = ceil(wide / ratio)
    else:
        high = ceil(sqrt(level**2 / ratio))
        wide = ceil(high * ratio)
    size = wide // MULTIPLE * MULTIPLE, high // MULTIPLE * MULTIPLE
    if 0 in size:
        raise SizeError(width, height)
    return size


def vlm_sizes(width: int, height: int) -> tuple[Size, Size]:
    """Return the two sizes to which the language model's picture is resized, one after the other.

    Args:
        width: of the picture in its working size.
        height: of the same.

    Raises:
        SizeError: it is more than 200 times as long as wide.
    """
    if max(width, height) / min(width, height) > _MOST_ASPECT:
        raise SizeError(width, height)
    first = _in_range(width, height, *_FIRST_PIXELS)
    return first, _in_range(*first, *VLM_PIXELS)


def _in_range(width: int, height: int, least: int, most: int) -> Size:
    """Sides rounded to multiples of 28, then scaled until the area is in range."""
    wide, high = (max(VLM_PATCH, round(side / VLM_PATCH) * VLM_PATCH) for side in (width, height))
    if wide * high > most:
        shrink = sqrt(width * height / most)
        wide, high = (max(VLM_PATCH, floor(side / shrink / VLM_PATCH) * VLM_PATCH) for side in (width, height))
    elif wide * high < least:
        grow = sqrt(least / (width * height))
        wide, high = (ceil(side * grow / VLM_PATCH) * VLM_PATCH for side in (width, height))
    return wide, high
