"""Weather: rain, snow and fog over (height, width, 3) pixels in 0..1; `far` is 1 where the scene is distant."""

import numpy as np

from gedit_bench.editing.filters.arrays import (
    Array,
    blur,
    clipped,
    clouds,
    heights,
    luminance,
    mix,
    saturate,
    smoothstep,
)

_SLANT = 0.22
"""How far rain drifts sideways for each pixel it falls."""


def rain(pixels: Array, random: np.random.Generator) -> Array:
    """Dull and wet the scene, and draw slanted streaks, near ones longer and brighter."""
    light = luminance(pixels)[..., None]
    dull = saturate(pixels, 0.5) * np.array([0.68, 0.74, 0.82], np.float32) * (0.9 + 0.2 * light)
    haze = np.array([0.52, 0.56, 0.62], np.float32)
    wet = mix(dull, haze, 0.22 * (1 - heights(pixels.shape)))
    size = max(pixels.shape[:2])
    streaks = _streaks(pixels.shape, random, size // 22, 0.016) * 0.55
    streaks += _streaks(pixels.shape, random, size // 10, 0.0045) * 0.8
    return mix(wet, np.full_like(wet, 0.9), np.clip(streaks, 0, 0.7))


def snow(pixels: Array, random: np.random.Generator) -> Array:
    """Cool and lighten the scene, settle snow on what faces up, and let flakes of three sizes fall."""
    cool = saturate(pixels, 0.55) * np.array([0.86, 0.92, 1.0], np.float32) * 0.92 + 0.08
    light = blur(luminance(pixels), 2)
    # what is lighter than what lies below it faces up
    below = np.roll(light, -max(3, pixels.shape[0] // 90), axis=0)
    lying = smoothstep(light - below, 0.05, 0.2) * 0.75 + 0.55 * smoothstep(heights(pixels.shape), 0.72, 1.0)
    rough = smoothstep(clouds(pixels.shape, random), 0.15, 0.7)
    white = mix(cool, np.full_like(cool, 0.96), np.clip(lying * (0.4 + 0.6 * rough), 0, 0.85))
    size = max(pixels.shape[:2])
    for count, radius, strength in ((1500, 0.0016, 0.7), (420, 0.0034, 0.85), (60, 0.0075, 0.6)):
        white = mix(white, np.ones_like(white), strength * _flakes(pixels.shape, random, count, radius * size))
    return white


def fog(pixels: Array, random: np.random.Generator, far: Array) -> Array:
    """Hide the distance in grey-white haze; near things lose contrast only."""
    depth = np.clip(0.3 * far + 0.7 * (1 - heights(pixels.shape)), 0, 1)
    density = 0.34 + 0.5 * blur(depth, max(pixels.shape[:2]) / 12)
    density = density * (0.82 + 0.3 * clouds(pixels.shape, random, 3.0))
    grey = np.array([0.80, 0.82, 0.84], np.float32)
    return mix(saturate(pixels, 0.7), np.broadcast_to(grey, pixels.shape), np.clip(density, 0, 0.95))


def _streaks(shape: tuple[int, ...], random: np.random.Generator, length: int, density: float) -> Array:
    """Return slanted lines (height, width) in 0..1."""
    drops = (random.random(shape[:2]) < density / 8).astype(np.float32)
    drops *= random.uniform(0.4, 1.0, shape[:2]).astype(np.float32)
    fallen = np.zeros_like(drops)
    for step in range(max(4, length)):
        fade = 1 - abs(2 * step / max(4, length) - 1)
        fallen += np.roll(drops, (step, -round(step * _SLANT)), axis=(0, 1)) * np.float32(fade)
    return clipped(0.65 * fallen + 0.35 * np.roll(fallen, 1, axis=1))


def _flakes(shape: tuple[int, ...], random: np.random.Generator, count: int, radius: float) -> Array:
    """Return soft round flakes (height, width) in 0..1, `count` for an area of 512 by 512."""
    plane = np.zeros(shape[:2], np.float32)
    number = round(count * shape[0] * shape[1] / 512**2)
    sizes = radius * random.uniform(0.7, 1.5, number)
    for y, x, size in zip(random.uniform(0, shape[0], number), random.uniform(0, shape[1], number), sizes, strict=True):
        reach = int(np.ceil(size + 1))
        top, left = max(0, int(y) - reach), max(0, int(x) - reach)
        window = plane[top : int(y) + reach + 1, left : int(x) + reach + 1]
        rows, columns = np.ogrid[: window.shape[0], : window.shape[1]]
        distance = np.hypot(rows + top - y, columns + left - x)
        np.maximum(window, np.clip(size + 0.5 - distance, 0, 1), out=window)
    return plane
