"""Named colours, and giving a region one of them."""

import numpy as np

from gedit_bench.editing.filters.arrays import Array, luminance, mix, smoothstep

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (205, 30, 38),
    "orange": (240, 125, 25),
    "yellow": (245, 205, 40),
    "green": (45, 150, 60),
    "cyan": (35, 185, 195),
    "blue": (35, 85, 200),
    "purple": (125, 55, 165),
    "pink": (245, 135, 175),
    "brown": (120, 75, 45),
    "black": (28, 28, 32),
    "white": (242, 242, 240),
    "grey": (135, 135, 138),
    "gold": (212, 165, 55),
    "silver": (190, 195, 200),
    "beige": (225, 205, 170),
}
"""Canonical names to sRGB."""

WORDS: dict[str, tuple[str, ...]] = {
    "red": ("red", "crimson", "scarlet", "burgundy", "maroon", "红"),
    "orange": ("orange", "橙", "橘"),
    "yellow": ("yellow", "黄"),
    "green": ("green", "emerald", "olive", "绿"),
    "cyan": ("cyan", "turquoise", "teal", "青"),
    "blue": ("blue", "navy", "azure", "蓝"),
    "purple": ("purple", "violet", "lavender", "magenta", "紫"),
    "pink": ("pink", "粉红", "粉"),
    "brown": ("brown", "棕", "褐", "咖啡"),
    "black": ("black", "黑"),
    "white": ("white", "白"),
    "grey": ("grey", "gray", "灰"),
    "gold": ("gold", "golden", "blonde", "blond", "金"),
    "silver": ("silver", "银"),
    "beige": ("beige", "cream", "米"),
}
"""Canonical names to the words, English and Chinese, that mean them."""

CANONICAL = {word: name for name, words in WORDS.items() for word in words}

_HUES = {"red": 0, "orange": 26, "yellow": 52, "green": 120, "cyan": 182, "blue": 220, "purple": 278, "pink": 338}
_HUE_WIDTH = 26
_BROWN_LIKE = {"brown": 24, "gold": 44, "beige": 38}


def rgb(name: str) -> Array:
    """Return a canonical colour as three values in 0..1."""
    return np.asarray(COLOURS[name], np.float32) / np.float32(255)


def paint(pixels: Array, name: str, region: Array) -> Array:
    """Return pixels whose `region` (height, width, 0..1) has the colour, with its light and shade kept."""
    if float(region.sum()) < 1:
        return pixels
    light = luminance(pixels)
    # the median of the region becomes the colour itself; what is lighter or darker follows
    middle = float(np.median(light[region > 0.5])) if (region > 0.5).any() else float(light.mean())
    ratio = np.clip(light / max(middle, 0.12), 0, 2.2) ** 0.85
    shade = rgb(name) * np.minimum(ratio, 1.15)[..., None]
    shine = 0.75 * smoothstep(ratio, 1.15, 2.2) * smoothstep(light, 0.55, 1.0)
    return mix(pixels, np.clip(mix(shade, np.ones_like(shade), shine), 0, 1), region)


def tint(pixels: Array, name: str) -> Array:
    """Return pixels seen through glass of a colour."""
    colour = rgb(name)
    light = luminance(pixels)[..., None]
    toned = np.where(light < 0.5, 2 * light * colour, 1 - 2 * (1 - light) * (1 - colour))
    return mix(pixels, np.asarray(toned, np.float32), 0.6)


def of_colour(pixels: Array, name: str) -> Array:
    """Return how much each pixel has the named colour: (height, width) in 0..1."""
    high, low = pixels.max(-1), pixels.min(-1)
    saturation = (high - low) / np.maximum(high, 1e-4)
    if name in ("black", "white", "grey", "silver"):
        grey = 1 - smoothstep(saturation, 0.18, 0.4)
        if name == "black":
            return np.asarray((1 - smoothstep(high, 0.22, 0.4)) * np.maximum(grey, 1 - high / 0.3), np.float32).clip(
                0, 1
            )
        bright = smoothstep(low, 0.55, 0.75) if name == "white" else smoothstep(high, 0.25, 0.4)
        return np.asarray(grey * bright, np.float32)
    centre = _HUES.get(name, _BROWN_LIKE.get(name, 0))
    away = np.abs((hue(pixels) - centre + 180) % 360 - 180)
    near = (1 - smoothstep(away, _HUE_WIDTH * 0.6, _HUE_WIDTH)) * smoothstep(high, 0.1, 0.25)
    # an orange coat is more orange than the skin above it
    coloured = saturation[(near > 0.5) & (saturation > 0.25)]
    full = float(np.quantile(coloured, 0.8)) if coloured.size else 0.6
    return np.asarray(near * smoothstep(saturation, 0.5 * full, 0.75 * full), np.float32)


def hue(pixels: Array) -> Array:
    """Return the hue (height, width) in degrees, 0..360; 0 for greys."""
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    high, low = pixels.max(-1), pixels.min(-1)
    spread = np.maximum(high - low, 1e-6)
    angle = np.where(
        high == red,
        (green - blue) / spread % 6,
        np.where(high == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    return np.asarray(np.where(high - low < 1e-5, 0, angle * 60), np.float32)
