"""The sampling loop: Euler steps of the rectified flow on packed target tokens."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from step1x_edit.guidance import guide

Velocity = Callable[[Tensor, Tensor], Tensor]
"""The network as a function of packed tokens (B, L, C) and time (B,)."""


def sample(
    velocity: Velocity,
    noise: Tensor,
    reference: Tensor | None,
    times: Sequence[float],
    *,
    strength: float | None,
    damped_above: float,
) -> Tensor:
    """Return the denoised target tokens, (B, N, C).

    Args:
        velocity: the network; its rows are the conditional ones, then the unconditional ones unless
            `strength` is None.
        noise: packed noise, (B, N, C).
        reference: packed reference latents, (B, N, C), or None for text to image.
        times: from 1 to 0.
        strength: of guidance; None asks for the conditional rows only.
        damped_above: guidance is damped while the time is above it.
    """
    x = noise
    for time, following in pairwise(times):
        x = x + (following - time) * step_velocity(
            velocity, x, reference, time, strength=strength, damped=time > damped_above
        )
    return x


def step_velocity(
    velocity: Velocity, x: Tensor, reference: Tensor | None, time: float, *, strength: float | None, damped: bool
) -> Tensor:
    """Return the guided velocity of the target tokens at one time, (B, N, C)."""
    tokens = x if reference is None else torch.cat((x, reference), dim=1)
    rows = 1 if strength is None else 2
    tokens = tokens.repeat(rows, 1, 1)
    predicted = velocity(tokens, torch.full((len(tokens),), time, dtype=x.dtype, device=x.device))[:, : x.shape[1]]
    if strength is None:
        return predicted
    conditional, unconditional = predicted.chunk(2)
    return guide(conditional, unconditional, strength, damped=damped)
