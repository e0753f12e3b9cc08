"""The times at which the network is asked: a line from 1 to 0, shifted towards 1 for larger pictures."""

from math import exp

import torch

BASE_TOKENS, MOST_TOKENS = 256, 4096
BASE_SHIFT, MOST_SHIFT = 0.5, 1.15


def shift(tokens: int) -> float:
    """Return μ for a number of target tokens; a straight line through (256, 0.5) and (4096, 1.15), not clamped."""
    return BASE_SHIFT + (tokens - BASE_TOKENS) * (MOST_SHIFT - BASE_SHIFT) / (MOST_TOKENS - BASE_TOKENS)


def times(steps: int, tokens: int) -> list[float]:
    """Return steps + 1 times from 1 to 0: e^μ / (e^μ + 1/u - 1) for u on a line, in float32, as Python floats."""
    line = torch.linspace(1, 0, steps + 1)
    strength = exp(shift(tokens))
    return [float(time) for time in strength / (strength + (1 / line - 1))]


def start_index(steps: int, strength: float) -> int:
    """Return the step at which an image-to-image run of a strength in 0..1 begins."""
    return int((1 - strength) * steps)
