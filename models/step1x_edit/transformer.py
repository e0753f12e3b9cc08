"""The velocity network: connector, embeddings, double- and single-stream blocks, output."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from step1x_edit.connector import Connector
from step1x_edit.functional import rotary_table, transformer_time
from step1x_edit.layers import (
    DoubleBlock,
    Modulated,
    OutputLayer,
    RotaryTable,
    SingleBlock,
    VectorEmbedder,
    modulation_of,
)
from step1x_edit.teacache import TeaCache

Version = Literal["v1.0", "v1.1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerSize:
    """The network's size; the defaults are the published ones (12.4 billion parameters)."""

    channels: int = 64
    hidden: int = 3072
    heads: int = 24
    axes: tuple[int, int, int] = (16, 56, 56)
    double_blocks: int = 19
    single_blocks: int = 38
    mlp_ratio: float = 4.0
    pooled: int = 768
    text: int = 3584
    connector: int = 4096
    connector_heads: int = 32
    connector_depth: int = 2


class Transformer(nn.Module):
    """Predicts the velocity of packed latents. Names of modules are those of the original checkpoints."""

    TIME = 256

    def __init__(self, version: Version, size: TransformerSize | None = None) -> None:
        super().__init__()
        size = size or TransformerSize()
        if sum(size.axes) * size.heads != size.hidden:
            raise ValueError(f"axes {size.axes} times {size.heads} heads are not the hidden width {size.hidden}")
        self.size = size
        self.version = version
        hidden, heads, ratio = size.hidden, size.heads, size.mlp_ratio
        self.img_in = nn.Linear(size.channels, hidden)
        self.time_in = VectorEmbedder(self.TIME, hidden)
        self.vector_in = VectorEmbedder(size.pooled, hidden)
        self.txt_in = nn.Linear(size.connector, hidden)
        self.double_blocks = nn.ModuleList(DoubleBlock(hidden, heads, ratio) for _ in range(size.double_blocks))
        self.single_blocks = nn.ModuleList(SingleBlock(hidden, heads, ratio) for _ in range(size.single_blocks))
        self.final_layer = OutputLayer(hidden, size.channels)
        self.connector = Connector(
            size.text,
            size.connector,
            size.connector_heads,
            size.connector_depth,
            size.pooled,
            scaled=version == "v1.0",
        )

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in. Weights may be stored in fewer bits; biases are not."""
        return self.img_in.bias.dtype

    @property
    def modulated(self) -> list[Modulated]:
        """The parts that take a modulation, in the order in which a flat modulation holds theirs."""
        return [*self.double_blocks, *self.single_blocks, self.final_layer]

    def forward(
        self,
        img: Tensor,
        img_ids: Tensor,
        text: Tensor,
        text_ids: Tensor,
        mask: Tensor,
        t: Tensor,
        *,
        cache: TeaCache | None = None,
    ) -> Tensor:
        """Return the velocity of every image token, (B, L_i, channels).

        Args:
            img: packed latents, target then reference, (B, L_i, channels).
            img_ids: their positions (time, y, x), (B, L_i, 3).
            text: the language model's hidden states, (B, L_t, W).
            text_ids: positions of the text, (B, L_t, 3).
            mask: 1 where a text token counts, (B, L_t). Only the connector looks at it.
            t: time in [0, 1], (B,).
            cache: skips the blocks where little changed, if given.
        """
        embedded = self.img_in(img.to(self.dtype))
        if cache is not None:
            cache.begin(embedded)
        tokens, modulation = self.condition(text, mask, t)
        cos, sin = rotary_table(torch.cat((text_ids, img_ids), dim=1), self.size.axes)

        def trunk(some: Tensor, rows: Tensor | None) -> Tensor:
            of = slice(None) if rows is None else rows
            return self.trunk(some, tokens[of], modulation[of], (cos[of], sin[of]))

        return self.finish(trunk(embedded, None) if cache is None else cache.finish(trunk), modulation)

    def condition(self, text: Tensor, mask: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """Return all that the blocks take from text and time: text tokens (B, L_t, D), flat modulation (B, M).

        Args:
            text: the language model's hidden states, (B, L_t, W).
            mask: 1 where a text token counts, (B, L_t).
            t: time in [0, 1], (B,).
        """
        tokens, pooled = self.connector(text.to(self.dtype), t, mask)
        vector = self.time_in(transformer_time(t, self.TIME).to(self.dtype)) + self.vector_in(pooled)
        return self.txt_in(tokens), torch.cat([modulation_of(part, vector) for part in self.modulated], dim=-1)

    def trunk(
        self,
        img: Tensor,
        txt: Tensor,
        modulation: Tensor,
        table: RotaryTable,
        *,
        copies: int = 0,
        targets: int | None = None,
    ) -> Tensor:
        """Return the image tokens after all blocks, (B, L_i, D).

        Args:
            img: embedded image tokens, (B, L_i, D).
            txt: embedded text tokens, (B, L_t, D).
            modulation: of all parts, (B, M).
            table: rotary table over text, then image.
            copies: how many more text tokens there are that equal the last one.
            targets: how many image tokens, from the first, are wanted; all if None.
        """
        text = txt.shape[1]
        kept = None if targets is None else (text, text + targets)
        double, single, _ = self._parts(modulation)
        for block, own in zip(self.double_blocks, double, strict=True):
            img, txt = block(img, txt, own, table, copies)
        x = torch.cat((txt, img), dim=1)
        last = len(single) - 1
        for index, (block, own) in enumerate(zip(self.single_blocks, single, strict=True)):
            x = block(x, own, table, text, copies, kept if index == last else None)
        return x[:, text:] if kept is None else x

    def fuse(self) -> None:
        """Compile the blocks with `torch.compile`, for any length and batch: slow in the first step, then faster."""
        for block in (*self.double_blocks, *self.single_blocks):
            block.compile(dynamic=True)

    def finish(self, x: Tensor, modulation: Tensor) -> Tensor:
        """Return the velocity (B, L, channels) of image tokens after all blocks, (B, L, D)."""
        *_, own = self._parts(modulation)
        return self.final_layer(x, own)

    def _parts(self, modulation: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
        """A flat modulation cut into those of the double blocks, the single blocks and the output."""
        hidden, doubles, singles = self.size.hidden, self.size.double_blocks, self.size.single_blocks
        *blocks, output = modulation.split([12 * hidden] * doubles + [3 * hidden] * singles + [2 * hidden], dim=-1)
        return blocks[:doubles], blocks[doubles:], output
