"""Classifier-free guidance, damped while time is above a threshold."""

import torch
from torch import Tensor

NORM_POWER = 0.4


def damping(norm: Tensor, power: float = NORM_POWER) -> Tensor:
    """Return the divisor of the difference: norm^power where the norm is above 1, else 1."""
    return torch.where(norm > 1, norm**power, torch.ones_like(norm))


def guide(conditional: Tensor, unconditional: Tensor, strength: float, *, damped: bool) -> Tensor:
    """Return u + g·(c - u), the difference divided token by token by its damped norm.

    Args:
        conditional: c, packed velocities of the prompt, (B, N, C).
        unconditional: u, those of the negative prompt, (B, N, C).
        strength: g.
        damped: whether the difference is damped.
    """
    difference = conditional - unconditional
    if damped:
        norm = torch.linalg.vector_norm(difference, dim=-1, keepdim=True, dtype=torch.float32)
        difference = difference / damping(norm)
    return unconditional + strength * difference
