"""Which pixels an instruction is about: an estimate of the foreground, from colour and place alone."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from gedit_bench.editing.filters.arrays import Array, blur, box_mean, luminance, smoothstep, to_image

_WORKING_SIDE = 128
_CLUSTERS = 6
_CLOSING = 7
_STEPS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]


def foreground(pixels: Array) -> Array:
    """Return how likely each pixel belongs to the subject: (height, width) in 0..1, edges on the picture's edges.

    What the border (without the bottom, where subjects stand) reaches only across edges is likely subject;
    then the colours of both sides compete for each pixel, and place has a say.
    """
    small = _reduced(pixels)
    features = _features(small)
    prior = _centre_prior(small.shape)
    border = _border(small.shape)
    apart = np.sqrt(_apart(features, border))
    threshold = max(_threshold(apart), 0.02)
    enclosed = smoothstep(apart, 0.36 * threshold, 0.85 * threshold)
    likely = np.clip(enclosed * (0.4 + prior), 0, 1)
    for _ in range(3):
        outside = _distance(features, _clusters(features[border | (likely < 0.25)]))
        inside = _distance(features, _clusters(features[(likely >= np.quantile(likely, 0.8)) & ~border]))
        evidence = 0.15 * np.log((outside + 0.02) / (inside + 0.02)) + 2.4 * (enclosed - 0.5) + 0.8 * (prior - 0.3)
        likely = blur(smoothstep(evidence, -0.8, 0.8), 0.5)
    solid = _filled(likely)
    return _on_edges(np.maximum(likely * solid, 0.9 * solid), pixels)


def main_colour(pixels: Array, subject: Array) -> Array:
    """Return the part of the subject (height, width, 0..1) that has its largest colour: the coat, not the face."""
    chroma = _features(pixels)[..., 1:]
    small, inside = _features(_reduced(pixels))[..., 1:], _reduced(subject) > 0.5
    if inside.sum() < 16:
        return subject
    points = small[inside]
    centres = _clusters(points, 4)
    nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
    weight = np.bincount(nearest, minlength=4) * (0.08 + np.sqrt((centres**2).sum(-1)))
    centre = centres[int(weight.argmax())]
    # a colour is itself in the shade, where it is paler: compare directions more than lengths
    reach = 0.08 + 0.42 * float(np.sqrt((centre**2).sum()))
    return subject * (1 - smoothstep(np.sqrt(_distance(chroma, centre[None])), 0.75 * reach, reach))


def sky(pixels: Array) -> Array:
    """Return how likely each pixel is sky: (height, width) in 0..1; what the top reaches without crossing an edge."""
    small = _reduced(pixels)
    top = np.zeros(small.shape[:2], bool)
    top[:2] = True
    lower = np.linspace(0, 1, small.shape[0], dtype=np.float32)[:, None]
    reached = 1 - smoothstep(_apart(_features(small), top), 0.1, 0.45)
    return _on_edges(reached * (1 - smoothstep(lower, 0.8, 1.0)), pixels)


def _reduced(array: Array) -> Array:
    height, width = array.shape[:2]
    scale = min(1.0, _WORKING_SIDE / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = np.asarray(to_image(array).resize(size, Image.Resampling.BOX), np.float32)
    return np.asarray(small / 255, np.float32)


def _apart(features: Array, seeds: NDArray[np.bool_]) -> Array:
    """Return how far (height, width) each pixel is from the seeds over the least edges, 1 being far.

    Steps cost the square of their change, so that a strong edge counts and a slow gradient hardly does.
    """
    costs = [((features - _shifted(features, step)) ** 2).sum(-1) for step in _STEPS]
    distance = np.where(seeds, 0, np.inf).astype(np.float32)
    for _ in range(4 * _WORKING_SIDE):
        before = distance
        for step, cost in zip(_STEPS, costs, strict=True):
            distance = np.minimum(distance, _shifted(distance, step) + cost)
        if np.array_equal(before, distance):
            break
    return np.asarray(distance / max(float(np.quantile(distance, 0.92)), 0.004), np.float32)


def _threshold(values: Array) -> float:
    """Return Otsu's threshold: the one that leaves the least variance on its two sides."""
    counts, edges = np.histogram(values, 64)
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    mean_below = np.cumsum(counts * middles) / np.maximum(below, 1)
    mean_above = ((counts * middles).sum() - np.cumsum(counts * middles)) / np.maximum(total - below, 1)
    between = below * (total - below) * (mean_below - mean_above) ** 2
    # where the two sides lie far apart, a whole range is best: its middle
    return float(middles[between >= between.max() * (1 - 1e-6)].mean())


def _shifted(array: Array, step: tuple[int, int]) -> Array:
    rows = np.clip(np.arange(array.shape[0]) + step[0], 0, array.shape[0] - 1)
    columns = np.clip(np.arange(array.shape[1]) + step[1], 0, array.shape[1] - 1)
    return np.asarray(array[rows][:, columns], np.float32)


def _features(pixels: Array) -> Array:
    """Return luma and two colour differences per pixel; colour counts more than light."""
    light = luminance(pixels)
    chroma = np.stack([pixels[..., 0] - light, pixels[..., 2] - light], axis=-1)
    return np.concatenate([0.6 * light[..., None], 1.5 * chroma], axis=-1).astype(np.float32)


def _centre_prior(shape: tuple[int, ...]) -> Array:
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    y = np.where(y > 0.1, (y - 0.1) * 0.72, (y - 0.1) * 1.02)
    return np.asarray(np.exp(-1.5 * (x * x + y * y)), np.float32)


def _border(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    border = np.zeros(shape[:2], bool)
    rim = max(1, round(min(shape[:2]) * 0.02))
    border[:rim] = True
    border[: round(shape[0] * 0.8), :rim] = True
    border[: round(shape[0] * 0.8), -rim:] = True
    return border


def _clusters(points: Array, number: int = _CLUSTERS) -> Array:
    """Return k-means centres (number, channels), started along the lightness so that nothing is random."""
    order = points[np.argsort(points @ np.ones(points.shape[1], np.float32), kind="stable")]
    centres = order[np.linspace(0, len(order) - 1, number * 2 + 1).astype(int)[1::2]].copy()
    for _ in range(6):
        nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
        for index in range(number):
            if (nearest == index).any():
                centres[index] = points[nearest == index].mean(0)
    return np.asarray(centres, np.float32)


def _distance(pixels: Array, centres: Array) -> Array:
    """Return each pixel's squared distance (height, width) from the nearest centre."""
    squares = [((pixels - centre) ** 2).sum(-1) for centre in centres]
    return np.asarray(np.min(squares, axis=0), np.float32)


def _filled(mask: Array) -> Array:
    """Return 1 inside the mask's large parts, holes and narrow bays included, and 0 elsewhere."""
    height, width = mask.shape
    found = Image.fromarray(((mask > 0.5) * 255).astype(np.uint8))
    # a rim on three sides lets the flood start in one corner; none at the bottom, where subjects end
    canvas = Image.new("L", (width + 2 * _CLOSING, height + _CLOSING), 0)
    canvas.paste(found, (_CLOSING, _CLOSING))
    canvas = canvas.filter(ImageFilter.MaxFilter(_CLOSING))
    ImageDraw.floodfill(canvas, (0, 0), 128)
    closed = canvas.point([255 if level != 128 else 0 for level in range(256)]).filter(ImageFilter.MinFilter(_CLOSING))
    inside = np.asarray(closed)[_CLOSING:, _CLOSING:-_CLOSING] > 0
    # specks vanish in the mean, large parts stay
    return np.asarray(inside & (box_mean(inside.astype(np.float32), 3) > 0.4), np.float32)


def _on_edges(mask: Array, pixels: Array) -> Array:
    """Return a coarse mask at the size of the pixels, its edges moved onto theirs (guided filter)."""
    height, width = pixels.shape[:2]
    large = Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR)
    rough = np.asarray(large, np.float32)
    radius = max(2, max(height, width) // 100)
    guide = luminance(pixels)
    mean_guide, mean_mask = box_mean(guide, radius), box_mean(rough, radius)
    variance = box_mean(guide * guide, radius) - mean_guide**2
    slope = (box_mean(guide * rough, radius) - mean_guide * mean_mask) / (variance + 3e-4)
    offset = mean_mask - slope * mean_guide
    fine = box_mean(slope, radius) * guide + box_mean(offset, radius)
    return smoothstep(fine, 0.2, 0.8)
