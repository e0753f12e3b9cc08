"""The transformer's parts: modulation, double- and single-stream blocks, the output layer."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from step1x_edit.functional import attention, layer_norm, rms_norm, rotate

RotaryTable = tuple[Tensor, Tensor]


class Modulation(NamedTuple):
    """Shift, scale and gate of one place in a block, each (B, 1, D)."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    def modulate(self, x: Tensor) -> Tensor:
        """Return (1 + scale)·LN(x) + shift."""
        return (1 + self.scale) * layer_norm(x) + self.shift


class ModulationLayer(nn.Module):
    """Turns the vector (B, D) into `places` modulations."""

    def __init__(self, hidden: int, places: int) -> None:
        super().__init__()
        self.places = places
        self.lin = nn.Linear(hidden, 3 * places * hidden)

    def forward(self, vector: Tensor) -> list[Modulation]:
        """Return one modulation a place."""
        parts = self.lin(nn.functional.silu(vector))[:, None].chunk(3 * self.places, dim=-1)
        return [Modulation(*parts[3 * place : 3 * place + 3]) for place in range(self.places)]


class VectorEmbedder(nn.Module):
    """Two linear layers with SiLU between, (B, in) → (B, D)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.in_layer = nn.Linear(width, hidden)
        self.out_layer = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor) -> Tensor:
        """Return the embedding."""
        return self.out_layer(nn.functional.silu(self.in_layer(x)))


class HeadNorm(nn.Module):
    """RMS norm over a head's channels, with a learned scale."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised (…, width)."""
        return rms_norm(x, self.scale)


class QueryKeyNorm(nn.Module):
    """The norms of queries and keys."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query_norm = HeadNorm(width)
        self.key_norm = HeadNorm(width)


class SelfAttention(nn.Module):
    """Projections of one stream's attention; the attention itself joins the streams."""

    def __init__(self, hidden: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(hidden, 3 * hidden)
        self.norm = QueryKeyNorm(hidden // heads)
        self.proj = nn.Linear(hidden, hidden)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return normalised queries and keys, and values, each (B, L, H, d)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).unbind(2)
        return self.norm.query_norm(q), self.norm.key_norm(k), v


def feed_forward(hidden: int, inner: int) -> nn.Sequential:
    """Two linear layers with tanh-GELU between."""
    return nn.Sequential(nn.Linear(hidden, inner), nn.GELU(approximate="tanh"), nn.Linear(inner, hidden))


class DoubleBlock(nn.Module):
    """Image and text as two streams with weights of their own and one attention over both."""

    def __init__(self, hidden: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        inner = int(hidden * mlp_ratio)
        self.img_mod = ModulationLayer(hidden, 2)
        self.img_attn = SelfAttention(hidden, heads)
        self.img_mlp = feed_forward(hidden, inner)
        self.txt_mod = ModulationLayer(hidden, 2)
        self.txt_attn = SelfAttention(hidden, heads)
        self.txt_mlp = feed_forward(hidden, inner)

    def forward(self, img: Tensor, txt: Tensor, vector: Tensor, table: RotaryTable) -> tuple[Tensor, Tensor]:
        """Return both streams.

        Args:
            img: (B, L_i, D).
            txt: (B, L_t, D).
            vector: (B, D).
            table: rotary table over text, then image.
        """
        img_1, img_2 = self.img_mod(vector)
        txt_1, txt_2 = self.txt_mod(vector)
        streams = self.txt_attn.project(txt_1.modulate(txt)), self.img_attn.project(img_1.modulate(img))
        q, k, v = (torch.cat(pair, dim=1) for pair in zip(*streams, strict=True))
        joint = attention(rotate(q, table), rotate(k, table), v)
        txt_seen, img_seen = joint[:, : txt.shape[1]], joint[:, txt.shape[1] :]
        img = img + img_1.gate * self.img_attn.proj(img_seen)
        img = img + img_2.gate * self.img_mlp(img_2.modulate(img))
        txt = txt + txt_1.gate * self.txt_attn.proj(txt_seen)
        txt = txt + txt_2.gate * self.txt_mlp(txt_2.modulate(txt))
        return img, txt


class SingleBlock(nn.Module):
    """Text and image as one stream; attention and MLP side by side."""

    def __init__(self, hidden: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.inner = int(hidden * mlp_ratio)
        self.hidden = hidden
        self.linear1 = nn.Linear(hidden, 3 * hidden + self.inner)
        self.linear2 = nn.Linear(hidden + self.inner, hidden)
        self.norm = QueryKeyNorm(hidden // heads)
        self.modulation = ModulationLayer(hidden, 1)

    def forward(self, x: Tensor, vector: Tensor, table: RotaryTable) -> Tensor:
        """Return the stream, (B, L, D)."""
        [modulation] = self.modulation(vector)
        qkv, inner = self.linear1(modulation.modulate(x)).split((3 * self.hidden, self.inner), dim=-1)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).unbind(2)
        q, k = rotate(self.norm.query_norm(q), table), rotate(self.norm.key_norm(k), table)
        parts = attention(q, k, v), nn.functional.gelu(inner, approximate="tanh")
        return x + modulation.gate * self.linear2(torch.cat(parts, dim=-1))


class OutputLayer(nn.Module):
    """Modulated projection to the latent's channels; shift comes before scale."""

    def __init__(self, hidden: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        """Return (B, L, channels)."""
        shift, scale = self.adaLN_modulation(vector)[:, None].chunk(2, dim=-1)
        return self.linear((1 + scale) * layer_norm(x) + shift)
