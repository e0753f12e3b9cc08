"""What can be put behind a subject: a colour, a painted scene, or the old background out of focus."""

from collections.abc import Sequence

import numpy as np

from gedit_bench.editing.filters.arrays import Array, blur, clipped, clouds, heights, mix, smoothstep
from gedit_bench.editing.filters.colours import rgb

_Stops = Sequence[tuple[float, tuple[int, int, int]]]

_GRADIENTS: dict[str, _Stops] = {
    "sky": ((0, (52, 118, 205)), (0.6, (135, 190, 238)), (1, (214, 232, 246))),
    "sunset": (
        (0, (62, 48, 104)), (0.35, (176, 76, 112)), (0.62, (246, 132, 70)), (0.8, (253, 196, 110)), (1, (120, 66, 70)),
    ),
    "night": ((0, (5, 8, 26)), (0.65, (18, 28, 66)), (1, (44, 52, 92))),
    "beach": (
        (0, (66, 146, 220)), (0.42, (190, 224, 244)), (0.46, (26, 120, 160)), (0.62, (70, 178, 190)),
        (0.66, (236, 240, 232)), (0.69, (226, 204, 156)), (1, (240, 220, 176)),
    ),
    "meadow": (
        (0, (82, 156, 224)), (0.48, (204, 230, 246)), (0.52, (104, 156, 78)), (0.7, (94, 164, 58)), (1, (58, 122, 40)),
    ),
    "snowfield": ((0, (150, 180, 210)), (0.5, (222, 232, 240)), (0.54, (206, 218, 232)), (1, (246, 248, 252))),
}  # fmt: skip

SCENES = tuple(_GRADIENTS)
"""The scenes that `scene` can paint."""


def plain(shape: tuple[int, ...], name: str) -> Array:
    """Return a studio wall of a named colour, a little darker towards the bottom."""
    shade = 1.02 - 0.10 * heights(shape)[..., None]
    return clipped(rgb(name) * shade)


def scene(shape: tuple[int, ...], name: str, random: np.random.Generator) -> Array:
    """Return a painted scene (height, width, 3), soft as if out of focus."""
    stops = _GRADIENTS[name]
    height = heights(shape)
    colours = np.array([colour for _, colour in stops], np.float32) / 255
    places = [place for place, _ in stops]
    channels = [np.interp(height, places, colours[:, channel]) for channel in range(3)]
    painted: Array = np.stack(channels, axis=-1).astype(np.float32)
    texture = clouds(shape, random, 3.0)
    if name == "night":
        return _with_stars(painted, random)
    if name == "sunset":
        painted = _with_sun(painted)
    cover = smoothstep(texture, 0.48, 0.85) * (1 - smoothstep(height, 0.2, 0.48)) * 0.75
    cloud = np.array([1.0, 0.78, 0.70] if name == "sunset" else [1.0, 1.0, 1.0], np.float32)
    painted = mix(painted, np.broadcast_to(cloud, painted.shape), cover)
    ground = smoothstep(height, 0.5, 0.56) * (0.0 if name in ("sky", "sunset") else 0.16)
    uneven = clouds(shape, random, 5.0) - 0.5
    return clipped(blur(painted * (1 + ground * uneven)[..., None], max(shape[:2]) / 300))


def out_of_focus(pixels: Array, subject: Array) -> Array:
    """Return the background blurred, with the subject's colours kept from bleeding into it."""
    sigma = max(pixels.shape[:2]) / 42
    behind = np.clip(1 - 1.05 * subject, 0, 1)[..., None] + np.float32(1e-3)
    return blur(pixels * behind, sigma) / blur(behind, sigma)


def _with_sun(painted: Array) -> Array:
    height, width = painted.shape[:2]
    y = heights(painted.shape) - 0.60
    x = (np.linspace(0, 1, width, dtype=np.float32)[None, :] - 0.72) * width / height
    distance = np.hypot(x, y)
    disc = 1 - smoothstep(distance, 0.055, 0.065)
    glow = np.exp(-distance * 5.0).astype(np.float32) * 0.7
    lit = mix(painted, np.broadcast_to(np.array([1.0, 0.78, 0.42], np.float32), painted.shape), glow)
    return mix(lit, np.broadcast_to(np.array([1.0, 0.95, 0.80], np.float32), painted.shape), disc)


def _with_stars(painted: Array, random: np.random.Generator) -> Array:
    shape = painted.shape[:2]
    haze = smoothstep(clouds(shape, random, 1.5), 0.45, 0.95)[..., None] * np.array([0.10, 0.08, 0.16], np.float32)
    bright = (random.random(shape) < 0.0014).astype(np.float32) * random.uniform(0.3, 1.0, shape).astype(np.float32)
    stars = np.clip(bright + 2.2 * blur(bright**2, 1), 0, 1)
    return clipped(painted + haze + stars[..., None])
