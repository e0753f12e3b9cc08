"""The velocity network: connector, embeddings, double- and single-stream blocks, output."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from step1x_edit.connector import Connector
from step1x_edit.functional import rotary_table, transformer_time
from step1x_edit.layers import DoubleBlock, OutputLayer, SingleBlock, VectorEmbedder
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
        embedded = self.img_in(img)
        if cache is not None:
            cache.begin(embedded)
        tokens, pooled = self.connector(text, t, mask)
        vector = self.vector(t, pooled)
        table = rotary_table(torch.cat((text_ids, img_ids), dim=1), self.size.axes)

        def compute(some: Tensor, rows: Tensor | None) -> Tensor:
            def of(part: Tensor) -> Tensor:
                return part if rows is None else part.index_select(0, rows)

            return self.trunk(some, self.txt_in(of(tokens)), of(vector), (of(table[0]), of(table[1])))

        x = compute(embedded, None) if cache is None else cache.finish(compute)
        return self.final_layer(x, vector)

    def vector(self, t: Tensor, pooled: Tensor) -> Tensor:
        """Return the vector that modulates every block, (B, D)."""
        return self.time_in(transformer_time(t, self.TIME)) + self.vector_in(pooled)

    def trunk(self, img: Tensor, txt: Tensor, vector: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
        """Return the image tokens after all blocks, (B, L_i, D)."""
        for double in self.double_blocks:
            img, txt = double(img, txt, vector, table)
        x = torch.cat((txt, img), dim=1)
        for single in self.single_blocks:
            x = single(x, vector, table)
        return x[:, txt.shape[1] :]
