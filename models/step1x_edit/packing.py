"""Latents as tokens: 2×2 patches, their positions, and back."""

import torch
from torch import Tensor

from step1x_edit.transformer import Version


def pack(latent: Tensor) -> Tensor:
    """Return T[b, i·w/2+j, 4c+2p+q] = Z[b, c, 2i+p, 2j+q], (B, h·w/4, 4·C), for a latent (B, C, h, w).

    Raises:
        ValueError: a side is odd.
    """
    batch, channels, height, width = latent.shape
    if height % 2 or width % 2:
        raise ValueError(f"a latent of {height}x{width} can't be cut into patches of 2x2")
    patches = latent.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return patches.permute(0, 2, 4, 1, 3, 5).reshape(batch, height * width // 4, 4 * channels)


def unpack(tokens: Tensor, height: int, width: int) -> Tensor:
    """Return the latent (B, C, height, width) of packed tokens (B, height·width/4, 4·C)."""
    batch, _, channels = tokens.shape
    patches = tokens.reshape(batch, height // 2, width // 2, channels // 4, 2, 2)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(batch, channels // 4, height, width)


def image_ids(batch: int, rows: int, columns: int, version: Version, *, reference: bool) -> Tensor:
    """Return the positions (time, y, x) of target tokens, and of reference tokens behind them.

    Target token (i, j) is at (0, i, j). Its reference is there too in v1.0, at (1, i+1, j+1) in v1.1.

    Args:
        batch: B.
        rows: of the grid of tokens.
        columns: of the grid of tokens.
        version: whose positions.
        reference: whether reference tokens follow.

    Returns:
        (B, rows·columns, 3) or twice as long, float32.
    """
    grid = torch.zeros(rows, columns, 3)
    grid[..., 1] = torch.arange(rows)[:, None]
    grid[..., 2] = torch.arange(columns)
    target = grid.flatten(0, 1)
    ids = torch.cat((target, target + (version == "v1.1"))) if reference else target
    return ids.expand(batch, -1, -1)


def text_ids(batch: int, length: int) -> Tensor:
    """Return the positions of text tokens: all at (0, 0, 0); (B, L, 3), float32."""
    return torch.zeros(batch, length, 3)
