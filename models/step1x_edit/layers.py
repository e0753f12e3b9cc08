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
        """Return (1 + scale)·LN(x) + shift, normalised and summed in float32, in `x`'s dtype."""
        return modulated(x, self.shift, self.scale)


def modulated(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Return (1 + scale)·LN(x) + shift, normalised and summed in float32, in `x`'s dtype."""
    return ((1 + scale) * layer_norm(x.float()) + shift).to(x.dtype)


def modulations(flat: Tensor, places: int) -> list[Modulation]:
    """Cut (B, 3·places·D) into one modulation a place."""
    parts = flat[:, None].chunk(3 * places, dim=-1)
    return [Modulation(*parts[3 * place : 3 * place + 3]) for place in range(places)]


class ModulationLayer(nn.Module):
    """The layer that turns the vector (B, D) into `places` modulations."""

    def __init__(self, hidden: int, places: int) -> None:
        super().__init__()
        self.lin = nn.Linear(hidden, 3 * places * hidden)


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

    @property
    def modulators(self) -> list[nn.Module]:
        """The layers whose outputs, one after the other, are the block's modulation."""
        return [self.img_mod.lin, self.txt_mod.lin]

    def forward(
        self, img: Tensor, txt: Tensor, modulation: Tensor, table: RotaryTable, copies: int = 0
    ) -> tuple[Tensor, Tensor]:
        """Return both streams.

        Args:
            img: (B, L_i, D).
            txt: (B, L_t, D).
            modulation: (B, 12·D), the image's, then the text's.
            table: rotary table over text, then image.
            copies: how many more text tokens there are that equal the last one.
        """
        img_1, img_2, txt_1, txt_2 = modulations(modulation, 4)
        streams = self.txt_attn.project(txt_1.modulate(txt)), self.img_attn.project(img_1.modulate(img))
        q, k, v = (torch.cat(pair, dim=1) for pair in zip(*streams, strict=True))
        text = txt.shape[1]
        k, v = with_copies(rotate(k, table), text, copies), with_copies(v, text, copies)
        joint = attention(rotate(q, table), k, v)
        txt_seen, img_seen = joint[:, :text], joint[:, text:]
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

    @property
    def modulators(self) -> list[nn.Module]:
        """The layer whose output is the block's modulation."""
        return [self.modulation.lin]

    def forward(
        self,
        x: Tensor,
        modulation: Tensor,
        table: RotaryTable,
        text: int = 0,
        copies: int = 0,
        kept: tuple[int, int] | None = None,
    ) -> Tensor:
        """Return the stream, (B, L, D).

        Args:
            x: text, then image, (B, L, D).
            modulation: (B, 3·D).
            table: rotary table over the stream.
            text: how many of its tokens are text.
            copies: how many more text tokens there are that equal the last one.
            kept: the tokens, from and to, that are wanted; all if None. The others are only keys.
        """
        [places] = modulations(modulation, 1)
        qkv, inner = self.linear1(places.modulate(x)).split((3 * self.hidden, self.inner), dim=-1)
        q, k, v = qkv.unflatten(-1, (3, self.heads, -1)).unbind(2)
        k, v = with_copies(rotate(self.norm.key_norm(k), table), text, copies), with_copies(v, text, copies)
        if kept is not None:
            wanted = slice(*kept)
            q, inner, x = q[:, wanted], inner[:, wanted], x[:, wanted]
            table = table[0][:, wanted], table[1][:, wanted]
        q = rotate(self.norm.query_norm(q), table)
        parts = attention(q, k, v), nn.functional.gelu(inner, approximate="tanh")
        return x + places.gate * self.linear2(torch.cat(parts, dim=-1))


def with_copies(tokens: Tensor, text: int, copies: int) -> Tensor:
    """Append copies of the last text token: keys and values have no order, so that they may stand at the end.

    Args:
        tokens: keys or values, (B, L, H, d).
        text: how many of the tokens, from the first, are text.
        copies: how many to append.
    """
    if not copies:
        return tokens
    return torch.cat((tokens, tokens[:, text - 1 : text].expand(-1, copies, -1, -1)), dim=1)


class OutputLayer(nn.Module):
    """Modulated projection to the latent's channels; shift comes before scale."""

    def __init__(self, hidden: int, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden, channels)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden, 2 * hidden))

    @property
    def modulators(self) -> list[nn.Module]:
        """The layer whose output is the block's modulation."""
        return [self.adaLN_modulation[1]]

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Return (B, L, channels).

        Args:
            x: (B, L, D).
            modulation: (B, 2·D).
        """
        shift, scale = modulation[:, None].chunk(2, dim=-1)
        return self.linear(modulated(x, shift, scale))


Modulated = DoubleBlock | SingleBlock | OutputLayer


def modulation_of(part: Modulated, vector: Tensor) -> Tensor:
    """Return the modulation that a part takes from the vector (B, D)."""
    active = nn.functional.silu(vector)
    return torch.cat([layer(active) for layer in part.modulators], dim=-1)
