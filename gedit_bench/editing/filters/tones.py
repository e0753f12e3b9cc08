"""Tone: light, contrast, colour temperature, time of day, old film, on (height, width, 3) pixels in 0..1."""

import numpy as np

from gedit_bench.editing.filters.arrays import (
    Array,
    blur,
    clipped,
    heights,
    luminance,
    mix,
    saturate,
    smoothstep,
    vignette,
)
from gedit_bench.editing.filters.colours import hue


def brighter(pixels: Array) -> Array:
    """Lift the mid-tones, highlights kept."""
    return 1 - (1 - pixels) ** np.float32(1.75)


def darker(pixels: Array) -> Array:
    """Lower the mid-tones."""
    return pixels ** np.float32(1.25) * np.float32(0.62)


def more_contrast(pixels: Array) -> Array:
    """Push light and dark apart along an S-curve."""
    return smoothstep(np.clip((pixels - 0.5) * 1.15 + 0.5, 0, 1), 0, 1)


def less_contrast(pixels: Array) -> Array:
    """Pull everything towards middle grey."""
    return 0.5 + (pixels - 0.5) * np.float32(0.5)


def more_saturation(pixels: Array) -> Array:
    """Make colours vivid."""
    return saturate(pixels, 1.8)


def less_saturation(pixels: Array) -> Array:
    """Make colours pale."""
    return saturate(pixels, 0.35)


def warm(pixels: Array) -> Array:
    """Shift the white point to a lamp's."""
    return clipped(pixels * _gains(1.13, 1.02, 0.76) + _gains(0.02, 0.008, 0))


def cold(pixels: Array) -> Array:
    """Shift the white point to an overcast morning's."""
    return clipped(pixels * _gains(0.78, 0.97, 1.14) + _gains(0, 0.005, 0.025))


def black_and_white(pixels: Array) -> Array:
    """Keep the luma only."""
    return np.repeat(luminance(pixels)[..., None], 3, axis=-1)


def sepia(pixels: Array) -> Array:
    """Tone a grey print brown."""
    light = luminance(pixels)[..., None]
    toned = np.where(light < 0.5, mix(_gains(0.09, 0.05, 0.02), _gains(0.62, 0.47, 0.31), light * 2), 0)
    upper = mix(_gains(0.62, 0.47, 0.31), _gains(1.0, 0.94, 0.80), np.clip(light * 2 - 1, 0, 1))
    return np.asarray(np.where(light < 0.5, toned, upper), np.float32)


def vintage(pixels: Array, random: np.random.Generator) -> Array:
    """Fade to an old colour print: lifted blacks, warm lights, greenish shadows, grain, dark corners."""
    faded = saturate(pixels, 0.55) * np.float32(0.80) + _gains(0.11, 0.10, 0.075)
    warmed = faded * mix(_gains(0.96, 1.02, 0.94), _gains(1.10, 1.0, 0.78), luminance(pixels)[..., None])
    grain = random.normal(0, 0.028, pixels.shape[:2]).astype(np.float32)[..., None]
    return clipped(clipped(warmed + grain) * (1 - 0.42 * vignette(pixels.shape))[..., None])


def sunny(pixels: Array) -> Array:
    """Midday: light, clear and a little warm."""
    return mix(brighter(saturate(pixels, 1.2)), warm(pixels), 0.4)


def sunset(pixels: Array) -> Array:
    """Light the scene from a low sun: gold near the horizon, mauve above, a glow on what is bright."""
    height = heights(pixels.shape)[..., None]
    sky = mix(_gains(0.55, 0.30, 0.52), _gains(1.0, 0.50, 0.18), smoothstep(height, 0.0, 0.6))
    light = luminance(pixels)[..., None]
    base = saturate(pixels, 0.9) ** np.float32(1.15) * _gains(1.08, 0.80, 0.60)
    glow = blur(smoothstep(light, 0.5, 0.95), max(pixels.shape[:2]) / 40) * sky
    screened = 1 - (1 - np.clip(base, 0, 1)) * (1 - 0.42 * sky * (0.35 + 0.65 * light)) * (1 - 0.3 * glow)
    return clipped(more_contrast(screened) * 0.45 + screened * 0.55)


def night(pixels: Array) -> Array:
    """Moonlight: dark, blue and pale; only what shone before still shines."""
    light = luminance(pixels)[..., None]
    moonlit = saturate(pixels, 0.45) ** np.float32(1.2) * _gains(0.30, 0.39, 0.62) + _gains(0.010, 0.018, 0.045)
    lamps = smoothstep(light, 0.86, 1.0) * _gains(0.30, 0.25, 0.16)
    return clipped(clipped(moonlit + lamps) * (1 - 0.45 * vignette(pixels.shape))[..., None])


def autumn(pixels: Array) -> Array:
    """Turn leaves and grass from green to amber, and warm the light."""
    high, low = pixels.max(-1), pixels.min(-1)
    angle = hue(pixels)
    saturation = (high - low) / np.maximum(high, 1e-4)
    leaves = smoothstep(angle, 45, 65) * (1 - smoothstep(angle, 150, 175)) * smoothstep(saturation, 0.08, 0.25)
    amber = high[..., None] * _gains(1.15, 0.62, 0.18)
    return mix(pixels, warm(mix(pixels, np.clip(amber, 0, 1), leaves)), 0.9)


def _gains(red: float, green: float, blue: float) -> Array:
    return np.array([red, green, blue], np.float32)
