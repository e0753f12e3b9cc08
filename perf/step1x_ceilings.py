"""How many FLOP a step of Step1X-Edit takes, and how fast this machine does them when it does nothing else."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from step1x_edit.fp8_layers import multiplies_row_scaled, quantise_rows, scaled_product
from step1x_edit.transformer import TransformerSize

SECONDS = {"cuda": 0.25, "cpu": 0.02}
"""For which a ceiling is measured."""
BACKENDS = {
    "cuda": {
        "flash": SDPBackend.FLASH_ATTENTION,
        "cudnn": SDPBackend.CUDNN_ATTENTION,
        "efficient": SDPBackend.EFFICIENT_ATTENTION,
    },
    "cpu": {"flash": SDPBackend.FLASH_ATTENTION, "math": SDPBackend.MATH},
}


@dataclass(frozen=True, slots=True)
class Flop:
    """FLOP of one step: `blocks` are the matrix products of the blocks' linear layers, `other` those of all others."""

    blocks: float
    other: float
    attention: float

    @property
    def total(self) -> float:
        return self.blocks + self.other + self.attention

    def __add__(self, more: "Flop") -> "Flop":
        return Flop(self.blocks + more.blocks, self.other + more.other, self.attention + more.attention)


def step_flop(size: TransformerSize, rows: int, image: int, text: int, *, copies: int = 0, targets: int = 0) -> Flop:
    """Return the FLOP of embedder, blocks and output layer for text and modulation that are prepared.

    Linear layers take 2·in·out a token: 24·D² a block where the MLP is four times as wide. Attention takes
    4·L_q·L_k·D a row and block.

    Args:
        size: of the network.
        rows: two a sample under guidance.
        image: tokens, target and reference.
        text: slots.
        copies: of the last text slot among the keys.
        targets: how many image tokens are wanted of the last block; all if 0.
    """
    wide, ratio = size.hidden, size.mlp_ratio
    wanted, left_out = targets or image, image + text - targets if targets else 0
    tokens, keys = image + text, image + text + copies
    blocks = (size.double_blocks + size.single_blocks) * tokens * 2 * wide**2 * (4 + 2 * ratio)
    blocks -= left_out * 2 * wide**2 * (1 + ratio)
    attention = 4 * wide * keys * ((size.double_blocks + size.single_blocks) * tokens - left_out)
    return Flop(rows * blocks, rows * 2 * size.channels * wide * (image + wanted), rows * attention)


def condition_flop(size: TransformerSize, rows: int, text: int, time_width: int = 256) -> Flop:
    """Return the FLOP of connector, embedders and modulation for one time.

    Args:
        size: of the network.
        rows: two a sample under guidance.
        text: slots.
        time_width: of the sinusoidal times.
    """
    wide, narrow, width = size.hidden, size.connector, size.text
    places = 12 * size.double_blocks + 3 * size.single_blocks + 2
    embedders = (time_width + size.pooled + 2 * wide) * wide + text * narrow * wide
    refiner = text * width * narrow + (time_width + width + 2 * narrow) * narrow + width * size.pooled
    refiner += size.connector_depth * (2 + 12 * text) * narrow**2
    attention = size.connector_depth * 4 * text**2 * narrow
    return Flop(0, rows * 2 * (embedders + refiner + places * wide**2), rows * attention)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The rate of one kind of work in FLOP/s, or why there is none."""

    kind: str
    shape: str
    rate: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The best rates for one picture size, in FLOP/s; None where nothing was measured."""

    matmul: float | None = None
    attention: float | None = None
    fp8: float | None = None

    def seconds(self, flop: Flop, *, fp8: bool = False) -> float | None:
        """Return what a step takes at least; `fp8` says whether the blocks multiply in FP8."""
        blocks = self.fp8 if fp8 else self.matmul
        if blocks is None or self.matmul is None or self.attention is None:
            return None
        return flop.blocks / blocks + flop.other / self.matmul + flop.attention / self.attention


def best(measured: list[Ceiling]) -> Ceilings:
    """Return the best rate of each kind."""
    rates = [
        max((one.rate for one in measured if one.kind.startswith(kind) and one.rate), default=None)
        for kind in ("matmul", "attention", "fp8")
    ]
    return Ceilings(*rates)


def ceilings(
    size: TransformerSize, tokens: int, rows: int, dtype: torch.dtype, device: torch.device
) -> Iterator[Ceiling]:
    """Measure matrix products and attention at the network's own shapes, one after the other.

    Args:
        size: of the network.
        tokens: of a row, image and text.
        rows: of the batch.
        dtype: of the operands.
        device: where.
    """
    wide, inner = size.hidden, int(size.hidden * size.mlp_ratio)
    widths = [(wide, 3 * wide), (wide, inner), (wide, 3 * wide + inner), (inner, wide), (wide + inner, wide)]
    for before, after in widths:
        work = partial(_matmul, rows * tokens, before, after, dtype, device)
        yield _ceiling("matmul", f"{rows * tokens}×{before}→{after}", work)
    for name, backend in BACKENDS[device.type].items():
        shape = f"{rows}×{size.heads}×{tokens}×{wide // size.heads}"
        yield _ceiling(f"attention {name}", shape, partial(_attention, rows, size, tokens, dtype, device, backend))
    for before, after in widths:
        work = partial(_fp8, rows * tokens, before, after, dtype, device)
        yield _ceiling("fp8", f"{rows * tokens}×{before}→{after}", work)


def _ceiling(kind: str, shape: str, measure: Callable[[], float]) -> Ceiling:
    try:
        return Ceiling(kind, shape, measure())
    except (RuntimeError, ValueError) as error:  # the backend or product isn't there: that is the figure
        return Ceiling(kind, shape, None, str(error).strip().split("\n")[0])


def _matmul(tokens: int, before: int, after: int, dtype: torch.dtype, device: torch.device) -> float:
    x, weight = _random((tokens, before), dtype, device), _random((after, before), dtype, device)
    return 2 * tokens * before * after * _repeats_per_second(lambda: F.linear(x, weight), device)


def _attention(
    rows: int, size: TransformerSize, tokens: int, dtype: torch.dtype, device: torch.device, backend: SDPBackend
) -> float:
    # Laid out as the blocks have them: heads behind tokens.
    shape = (rows, tokens, size.heads, size.hidden // size.heads)
    q, k, v = (_random(shape, dtype, device).transpose(1, 2) for _ in range(3))
    with sdpa_kernel(backend):
        rate = _repeats_per_second(lambda: F.scaled_dot_product_attention(q, k, v), device)
    return 4 * rows * tokens**2 * size.hidden * rate


def _fp8(tokens: int, before: int, after: int, dtype: torch.dtype, device: torch.device) -> float:
    by_row = multiplies_row_scaled(device)
    x, x_scale = quantise_rows(_random((tokens, before), dtype, device))
    weight, scale = quantise_rows(_random((after, before), dtype, device))
    scale = scale.t().contiguous()
    rate = _repeats_per_second(lambda: scaled_product(x, x_scale, weight, scale, None, dtype, by_row=by_row), device)
    return 2 * tokens * before * after * rate


def _random(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    # Zeros would be faster than any real operands: they draw less power.
    return torch.randn(shape, dtype=dtype, device=device)


def _repeats_per_second(work: Callable[[], object], device: torch.device) -> float:
    for _ in range(3):
        work()
    synchronise(device)
    started, done, together = time.perf_counter(), 0, 5
    while time.perf_counter() - started < SECONDS[device.type]:
        for _ in range(together):
            work()
        synchronise(device)
        done += together
        together *= 2
    return done / (time.perf_counter() - started)


def synchronise(device: torch.device) -> None:
    """Wait until a device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
