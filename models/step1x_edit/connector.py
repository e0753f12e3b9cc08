"""The connector: turns the language model's hidden states into tokens and one vector for the transformer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from step1x_edit.functional import EPSILON, attention, sinusoid


class TimeEmbedder(nn.Module):
    """Embeds t in [0, 1] by way of 1000·t, which is rounded to t's dtype."""

    FREQUENCIES = 256

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(self.FREQUENCIES, hidden), nn.SiLU(), nn.Linear(hidden, hidden))

    def forward(self, t: Tensor) -> Tensor:
        """Return (B, C) for t (B,)."""
        return self.mlp(sinusoid(1000 * t, self.FREQUENCIES).to(self.mlp[0].weight.dtype))


class TextEmbedder(nn.Module):
    """Embeds the mean hidden state, (B, in) → (B, C)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, hidden)
        self.linear_2 = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding."""
        return self.linear_2(F.silu(self.linear_1(x)))


class FeedForward(nn.Module):
    """Two linear layers with SiLU between; four times as wide inside."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(hidden, 4 * hidden)
        self.fc2 = nn.Linear(4 * hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, C)."""
        return self.fc2(F.silu(self.fc1(x)))


class RefinerBlock(nn.Module):
    """Self-attention and MLP whose two gates come from the condition; no shift, no scale."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(hidden, eps=EPSILON)
        self.self_attn_qkv = nn.Linear(hidden, 3 * hidden)
        self.self_attn_proj = nn.Linear(hidden, hidden)
        self.norm2 = nn.LayerNorm(hidden, eps=EPSILON)
        self.mlp = FeedForward(hidden)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))

    def forward(self, h: Tensor, condition: Tensor, mask: Tensor) -> Tensor:
        """Return the refined tokens, (B, L, C)."""
        gate_attention, gate_mlp = self.adaLN_modulation(condition)[:, None].chunk(2, dim=-1)
        q, k, v = self.self_attn_qkv(self.norm1(h)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        h = h + gate_attention * self.self_attn_proj(attention(q, k, v, mask))
        return h + gate_mlp * self.mlp(self.norm2(h))


class TokenRefiner(nn.Module):
    """The refiner's blocks, under the name that checkpoints give them."""

    def __init__(self, hidden: int, heads: int, depth: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(RefinerBlock(hidden, heads) for _ in range(depth))


class Refiner(nn.Module):
    """Refines tokens under time and their own mean."""

    def __init__(self, width: int, hidden: int, heads: int, depth: int) -> None:
        super().__init__()
        self.input_embedder = nn.Linear(width, hidden)
        self.t_embedder = TimeEmbedder(hidden)
        self.c_embedder = TextEmbedder(width, hidden)
        self.individual_token_refiner = TokenRefiner(hidden, heads, depth)

    def forward(self, x: Tensor, t: Tensor, mean: Tensor, mask: Tensor) -> Tensor:
        """Return (B, L, C)."""
        condition = self.t_embedder(t) + self.c_embedder(mean)
        seen = pair_mask(mask)
        h = self.input_embedder(x)
        for block in self.individual_token_refiner.blocks:
            h = block(h, condition, seen)
        return h


class Connector(nn.Module):
    """Hidden states, time and mask to tokens and a pooled vector.

    v1.0 scales the mean before it is pooled by 1 + `scale_factor`, a learned scalar; v1.1 doesn't.
    """

    def __init__(self, width: int, hidden: int, heads: int, depth: int, pooled: int, *, scaled: bool) -> None:
        super().__init__()
        self.S = Refiner(width, hidden, heads, depth)
        self.global_proj_out = nn.Linear(width, pooled)
        self.scale_factor = nn.Parameter(torch.zeros(1)) if scaled else None

    def forward(self, x: Tensor, t: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (B, L, C) and the pooled vector (B, V).

        Args:
            x: hidden states, (B, L, W); rows under the mask may hold anything.
            t: time in [0, 1], (B,).
            mask: 1 where a token counts, (B, L).
        """
        counted = mask[..., None].to(x.dtype)
        mean = (x * counted).float().sum(1) / counted.float().sum(1)
        pooled = mean if self.scale_factor is None else mean * (1 + self.scale_factor)
        return self.S(x, t, mean.to(x.dtype), mask), self.global_proj_out(pooled.to(x.dtype))


def pair_mask(mask: Tensor) -> Tensor:
    """Return which query may see which key, (B, 1, L, L): both must count, and all queries see key 0."""
    counts = mask.bool()
    seen = counts[:, None, :, None] & counts[:, None, None, :]
    seen[..., 0] = True
    return seen
