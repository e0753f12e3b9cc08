"""Free functions of tensors: attention, rotary positions, sinusoidal time, normalisation."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

EPSILON = 1e-6
"""Of every layer norm and RMS norm in the network."""


def layer_norm(x: Tensor) -> Tensor:
    """Normalise the last axis without affine parameters (biased variance)."""
    return F.layer_norm(x, x.shape[-1:], eps=EPSILON)


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    """Normalise the last axis by its root mean square, wholly in float32, back in `x`'s dtype."""
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + EPSILON) * scale.float()).to(x.dtype)


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attend with scale d^-½.

    Args:
        q: queries, (B, L, H, d).
        k: keys, (B, L, H, d).
        v: values, (B, L, H, d).
        mask: boolean, True where a query may see a key, broadcastable to (B, H, L, L).

    Returns:
        (B, L, H·d).
    """
    q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


def rotary_table(ids: Tensor, axes: tuple[int, ...], theta: float = 10_000.0) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the rotary angles, each (B, L, d/2) in float32.

    For axis k of width a_k and position p the angles are p·θ^(-2m/a_k), m = 0..a_k/2-1, computed in
    float64 and concatenated over the axes.

    Args:
        ids: positions (time, y, x), (B, L, 3).
        axes: widths of the axes; they sum to d.
        theta: the base θ.
    """
    parts = []
    for index, width in enumerate(axes):
        frequencies = theta ** (-torch.arange(0, width, 2, dtype=torch.float64, device=ids.device) / width)
        parts.append(ids[..., index, None].double() * frequencies)
    angles = torch.cat(parts, dim=-1)
    return angles.cos().float(), angles.sin().float()


def rotate(x: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate adjacent channel pairs in float32.

    Args:
        x: queries or keys, (B, L, H, d).
        table: cosines and sines, each (B, L, d/2).

    Returns:
        (B, L, H, d) in `x`'s dtype.
    """
    cos, sin = (part.unsqueeze(2) for part in table)
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2).to(x.dtype)


def sinusoid(argument: Tensor, width: int) -> Tensor:
    """Return [cos(a·f), sin(a·f)] with f_m = 10000^(-m/half), in float32.

    Args:
        argument: (B,), in any dtype; what was rounded before stays rounded.
        width: of the result; an odd one gets a zero at its end.

    Returns:
        (B, width) in float32.
    """
    half = width // 2
    steps = torch.arange(half, dtype=torch.float32, device=argument.device)
    angles = argument.float()[:, None] * torch.exp(-math.log(10_000) * steps / half)
    return F.pad(torch.cat((angles.cos(), angles.sin()), dim=-1), (0, width % 2))


def transformer_time(t: Tensor, width: int = 256) -> Tensor:
    """Return the transformer's embedding of t in [0, 1]: 1000·t in t's dtype, the result in t's dtype, (B, width)."""
    return sinusoid(1000 * t, width).to(t.dtype)
