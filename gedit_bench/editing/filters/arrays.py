"""The few array operations that all filters share."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Array = NDArray[np.float32]
"""Pixels (height, width, 3), or a mask or plane (height, width); sRGB or weights in 0..1."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def from_image(image: Image.Image) -> Array:
    """Return an image's RGB pixels as (height, width, 3) in 0..1."""
    return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)


def to_image(pixels: Array) -> Image.Image:
    """Return pixels (height, width[, 3]) in 0..1 as an 8-bit image; values outside are clipped."""
    return Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))


def luminance(pixels: Array) -> Array:
    """Return the luma (height, width) of pixels, in 0..1."""
    return pixels @ _LUMA


def mix(first: Array, second: Array, weight: Array | float) -> Array:
    """Return `first` where `weight` is 0 and `second` where it is 1; a (height, width) weight fits colours too."""
    if isinstance(weight, np.ndarray) and weight.ndim == 2 and max(first.ndim, second.ndim) == 3:
        weight = weight[..., None]
    return np.asarray(first + (second - first) * weight, np.float32)


def clipped(array: Array) -> Array:
    """Return the values cut to 0..1."""
    return np.asarray(np.clip(array, 0, 1), np.float32)


def blur(array: Array, sigma: float) -> Array:
    """Blur by about a Gaussian of `sigma` pixels (three box filters), edges repeated."""
    radius = max(1, round(sigma))
    for _ in range(3):
        array = box_mean(array, radius)
    return array


def box_mean(array: Array, radius: int) -> Array:
    """Return the mean over squares of side 2·radius + 1, edges repeated."""
    return _running_mean(_running_mean(array, radius, 0), radius, 1)


def _running_mean(array: Array, radius: int, axis: int) -> Array:
    pad = [(0, 0)] * array.ndim
    pad[axis] = (radius + 1, radius)
    # float64: sums over a long side would lose the last bits of float32
    sums = np.cumsum(np.pad(array, pad, mode="edge"), axis=axis, dtype=np.float64)
    width = 2 * radius + 1
    upper = np.take(sums, range(width, sums.shape[axis]), axis)
    lower = np.take(sums, range(sums.shape[axis] - width), axis)
    return ((upper - lower) / width).astype(np.float32)


def smoothstep(array: Array, low: float, high: float) -> Array:
    """Return 0 below `low`, 1 above `high`, and a smooth rise between."""
    t = np.clip((array - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def saturate(pixels: Array, factor: float) -> Array:
    """Scale the distance from grey: 0 gives grey, 1 changes nothing."""
    return np.clip(mix(luminance(pixels)[..., None], pixels, factor), 0, 1)


def heights(shape: tuple[int, ...]) -> Array:
    """Return each pixel's height (height, width): 0 at the top, 1 at the bottom."""
    column = np.linspace(0, 1, shape[0], dtype=np.float32)[:, None]
    return np.broadcast_to(column, shape[:2]).astype(np.float32)


def vignette(shape: tuple[int, ...]) -> Array:
    """Return a mask (height, width): 0 in the middle, 1 in the corners."""
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    return smoothstep(np.sqrt(y * y + x * x), 0.45, 1.5)


def clouds(shape: tuple[int, ...], random: np.random.Generator, stretch: float = 2.0) -> Array:
    """Return soft noise (height, width) in 0..1, `stretch` times wider than high."""
    total = np.zeros(shape[:2], np.float32)
    for octave in range(5):
        cells = 2 ** (octave + 1)
        grid = random.random((cells + 1, max(2, round(cells / stretch) + 1)), np.float32)
        layer = Image.fromarray(grid).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
        total += np.asarray(layer, np.float32) * np.float32(0.55**octave)
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def median(pixels: Array, size: int) -> Array:
    """Return the median over squares of side `size` (odd), per channel, at 8 bits."""
    return from_image(to_image(pixels).filter(ImageFilter.MedianFilter(size)))
