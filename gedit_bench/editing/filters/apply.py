"""Carries out operations on an image."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from gedit_bench.editing.filters import backgrounds, colours, regions, styles, tones, weather
from gedit_bench.editing.filters.arrays import Array, blur, from_image, mix, smoothstep, to_image
from gedit_bench.editing.filters.language import Operation

_PLAIN: dict[str, Callable[[Array], Array]] = {
    "brighter": tones.brighter,
    "darker": tones.darker,
    "more-contrast": tones.more_contrast,
    "less-contrast": tones.less_contrast,
    "more-saturation": tones.more_saturation,
    "less-saturation": tones.less_saturation,
    "warm": tones.warm,
    "cold": tones.cold,
    "black-and-white": tones.black_and_white,
    "sepia": tones.sepia,
    "sunny": tones.sunny,
    "sunset": tones.sunset,
    "night": tones.night,
    "autumn": tones.autumn,
    "oil-painting": styles.oil_painting,
    "cartoon": styles.cartoon,
    "pixel-art": styles.pixel_art,
    "mosaic": styles.mosaic,
    "emboss": styles.emboss,
    "negative": styles.negative,
}
_RANDOM: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "vintage": tones.vintage,
    "rain": weather.rain,
    "snow": weather.snow,
    "pencil-sketch": styles.pencil_sketch,
    "watercolour": styles.watercolour,
}


def apply(image: Image.Image, operations: Sequence[Operation], strength: float, seed: int) -> Image.Image:
    """Return the image with the operations done one after the other.

    Args:
        image: the source, RGB.
        operations: what to do, in order.
        strength: 0 leaves the image, 1 is the full effect, between is a blend.
        seed: fixes raindrops, flakes, stars and grain.
    """
    pixels = from_image(image)
    for operation in operations:
        # each operation has its own stream, so that adding one doesn't move the others' drops
        random = np.random.default_rng([seed & 0xFFFFFFFF, zlib.crc32(operation.name.encode())])
        pixels = np.clip(mix(pixels, _done(pixels, operation, random), strength), 0, 1)
    return to_image(pixels)


def _done(pixels: Array, operation: Operation, random: np.random.Generator) -> Array:
    if operation.region == "background":
        subject = regions.foreground(pixels)
        return mix(_background(pixels, operation, subject, random), pixels, subject)
    if operation.name == "tint":
        return colours.tint(pixels, operation.colour)
    if operation.name == "recolour":
        return colours.paint(pixels, operation.colour, _region(pixels, operation))
    if operation.name == "fog":
        return weather.fog(pixels, random, 1 - regions.foreground(pixels))
    if operation.name in _RANDOM:
        return _RANDOM[operation.name](pixels, random)
    return _PLAIN[operation.name](pixels)


def _background(pixels: Array, operation: Operation, subject: Array, random: np.random.Generator) -> Array:
    if operation.name == "blur":
        return backgrounds.out_of_focus(pixels, subject)
    if operation.name == "plain":
        return backgrounds.plain(pixels.shape, operation.colour)
    if operation.name in backgrounds.SCENES:
        return backgrounds.scene(pixels.shape, operation.name, random)
    return _PLAIN[operation.name](pixels)


def _region(pixels: Array, operation: Operation) -> Array:
    if operation.source:
        found = colours.of_colour(pixels, operation.source)
        # specks of the colour elsewhere are not the thing
        return found * smoothstep(blur(found, max(found.shape) / 90), 0.25, 0.5)
    if operation.region == "sky":
        return regions.sky(pixels)
    return regions.main_colour(pixels, regions.foreground(pixels))
