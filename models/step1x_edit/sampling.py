"""The sampling loop: Euler steps of the rectified flow on packed target tokens."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from step1x_edit.guidance import guide

Velocity = Callable[[Tensor, int], Tensor]
"""The network as a function of packed tokens (B, L, C) and the step's index."""


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
            `strength` is None. It returns the target tokens, with or without others behind them.
        noise: packed noise, (B, N, C).
        reference: packed reference latents, (B, N, C), or None for text to image.
        times: from 1 to 0.
        strength: of guidance; None asks for the conditional rows only.
        damped_above: guidance is damped while the time is above it.
    """
    x = noise
    for step in range(len(times) - 1):
        guided = step_velocity(velocity, x, reference, step, strength=strength, damped=times[step] > damped_above)
        x = x + (times[step + 1] - times[step]) * guided
    return x


def step_velocity(
    velocity: Velocity, x: Tensor, reference: Tensor | None, step: int, *, strength: float | None, damped: bool
) -> Tensor:
    """Return the guided velocity of the target tokens in one step, (B, N, C)."""
    tokens = x if reference is None else torch.cat((x, reference.to(x.dtype)), dim=1)
    predicted = velocity(tokens.repeat(1 if strength is None else 2, 1, 1), step)[:, : x.shape[1]]
    if strength is None:
        return predicted
    conditional, unconditional = predicted.chunk(2)
    return guide(conditional, unconditional, strength, damped=damped)


def seen_times(times: Sequence[float], dtype: torch.dtype, *, strength: float | None, damped_above: float) -> Tensor:
    """Return the times of all steps as the network sees them: in the latent's dtype of each step, (n,).

    A damped step leaves the latent in float32; until then it has the noise's dtype. Rounded values
    are returned in float32 where dtypes are mixed, which changes no number.

    Args:
        times: from 1 to 0, n + 1 of them.
        dtype: of the noise.
        strength: of guidance; without it no step is damped.
        damped_above: guidance is damped while the time is above it.
    """
    damped = [strength is not None and time > damped_above for time in times[:-1]]
    if not any(damped):
        return torch.tensor(times[:-1], dtype=dtype)
    seen = torch.tensor(times[:-1], dtype=torch.float32)
    rounded = damped.index(True) + 1
    seen[:rounded] = seen[:rounded].to(dtype).float()
    return seen
