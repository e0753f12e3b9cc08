"""Styles: drawings, paintings and mosaics made from (height, width, 3) pixels in 0..1."""

import numpy as np
from PIL import Image

from gedit_bench.editing.filters.arrays import (
    Array,
    blur,
    box_mean,
    clipped,
    clouds,
    from_image,
    luminance,
    median,
    mix,
    saturate,
    smoothstep,
    to_image,
)


def pencil_sketch(pixels: Array, random: np.random.Generator) -> Array:
    """Draw the luma in graphite: lines by colour dodge, shading by slanted hatching, on paper."""
    light = luminance(pixels)
    lines = (light + 0.12) / (blur(light, max(light.shape) / 130) + 0.12)
    lines = 0.14 + 0.86 * smoothstep(lines, 0.62, 0.99)
    grain = random.normal(0, 1, light.shape).astype(np.float32)
    hatch = sum(np.roll(grain, (step, -step), axis=(0, 1)) for step in range(9)) / np.float32(3)
    shading = 1 - np.clip((0.62 - blur(light, 2)) * 0.75, 0, 0.5) * (0.75 + 0.35 * np.asarray(hatch))
    paper = 0.965 + 0.012 * grain
    return np.repeat(np.clip(lines * shading * paper, 0, 1)[..., None], 3, axis=-1).astype(np.float32)


def oil_painting(pixels: Array) -> Array:
    """Lay the picture in flat dabs of strong colour, with the relief of thick paint."""
    size = max(pixels.shape[:2])
    dabs = kuwahara(kuwahara(pixels, max(2, size // 160)), max(2, size // 220))
    light = blur(luminance(dabs), 1)
    relief = (light - np.roll(light, (1, 1), axis=(0, 1))) * 2.2
    return clipped(saturate(dabs, 1.35) + np.clip(relief, -0.12, 0.12)[..., None])


def watercolour(pixels: Array, random: np.random.Generator) -> Array:
    """Wash thin colour over rough paper: pale, pooled at the edges, granulated."""
    size = max(pixels.shape[:2])
    wash = kuwahara(blur(pixels, 1), max(3, size // 70))
    pale = 1 - (1 - saturate(wash, 1.3)) * np.float32(0.78)
    pools = np.clip(np.abs(luminance(wash) - luminance(blur(wash, size / 150))) * 2.2, 0, 0.3)
    paper = blur(random.normal(0, 1, pixels.shape[:2]).astype(np.float32), 1) * 0.05
    granules = (clouds(pixels.shape, random) - 0.5) * 0.16
    return clipped(pale * (1 - pools + paper + granules)[..., None])


def cartoon(pixels: Array) -> Array:
    """Flatten to a few levels of bright colour and ink the outlines."""
    size = max(pixels.shape[:2])
    flat = saturate(kuwahara(median(pixels, 5), max(2, size // 130)), 1.5)
    light = luminance(flat)[..., None]
    levels = np.floor(light * 6 + 0.5) / 6
    cel = np.clip(flat * (mix(light, levels, 0.65) + 0.03) / np.maximum(light, 0.03), 0, 1)
    soft = luminance(median(pixels, 5))
    edges = blur(soft, size / 400) - 0.98 * blur(soft, size / 160)
    ink = 1 - smoothstep(edges, -0.034, -0.010)
    return np.asarray(cel * (1 - 0.9 * ink)[..., None], np.float32)


def pixel_art(pixels: Array) -> Array:
    """Draw the picture with about 80 squares a side in 24 colours."""
    image = to_image(saturate(pixels, 1.2))
    small = image.resize(_grid(image.size, 80), Image.Resampling.BOX)
    few = small.quantize(24, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE).convert("RGB")
    return from_image(few.resize(image.size, Image.Resampling.NEAREST))


def mosaic(pixels: Array) -> Array:
    """Lay the picture in about 44 tiles a side, each a little lighter at its upper left, with grout between."""
    height, width = pixels.shape[:2]
    columns, rows = _grid((width, height), 44)
    tiles = from_image(to_image(saturate(pixels, 1.25)).resize((columns, rows), Image.Resampling.BOX))
    y, x = np.arange(height) * rows / height, np.arange(width) * columns / width
    laid = tiles[y.astype(int)][:, x.astype(int)]
    v, u = np.meshgrid(y % 1, x % 1, indexing="ij")
    edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v)).astype(np.float32)
    lit = laid * (1 + 0.16 * (1 - u - v)).astype(np.float32)[..., None]
    grout = np.full_like(laid, 0.32)
    return clipped(mix(grout, lit, smoothstep(edge, 0.03, 0.11)))


def emboss(pixels: Array) -> Array:
    """Press the luma in grey metal, lit from the upper left."""
    light = blur(luminance(pixels), 1)
    slope = np.roll(light, (-1, -1), axis=(0, 1)) - np.roll(light, (1, 1), axis=(0, 1))
    slope[[0, -1], :] = 0
    slope[:, [0, -1]] = 0
    return np.repeat(np.clip(0.5 + 2.4 * slope, 0, 1)[..., None], 3, axis=-1)


def negative(pixels: Array) -> Array:
    """Exchange light and dark, and each colour with its complement."""
    return 1 - pixels


def kuwahara(pixels: Array, radius: int) -> Array:
    """Return the mean of whichever of four neighbouring squares varies least: smooth areas, sharp edges."""
    light = luminance(pixels)
    means = box_mean(pixels, radius)
    average = box_mean(light, radius)
    spread = np.maximum(box_mean(light * light, radius) - average * average, 0)
    shifts = [(dy, dx) for dy in (-radius, radius) for dx in (-radius, radius)]
    spreads = np.stack([_shifted(spread, shift) for shift in shifts])
    least = spreads.argmin(axis=0)
    result = np.zeros_like(pixels)
    for index, shift in enumerate(shifts):
        chosen = least == index
        result[chosen] = _shifted(means, shift)[chosen]
    return result


def _shifted(array: Array, shift: tuple[int, int]) -> Array:
    rows = np.clip(np.arange(array.shape[0]) + shift[0], 0, array.shape[0] - 1)
    columns = np.clip(np.arange(array.shape[1]) + shift[1], 0, array.shape[1] - 1)
    return np.asarray(array[rows][:, columns], np.float32)


def _grid(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
