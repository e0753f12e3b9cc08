"""FP8 for the velocity network: weights kept in 8 bits, or the blocks' products taken in 8 bits.

Neither has the numerics of bfloat16.
"""

import math
import re
from collections.abc import Iterable
from functools import reduce
from typing import Literal

import torch
from torch import Tensor, nn

from step1x_edit.fp8_layers import (
    E4M3,
    LARGEST,
    Fp8Error,
    ScaledLinear,
    StoredLinear,
    multiplies_row_scaled,
    quantise_rows,
)

Fp8 = Literal["weights", "matmul"]

_LARGEST_ROUNDED = 464.0
"""Numbers up to here round to `LARGEST`; above, torch's cast gives NaN or `LARGEST`, depending on its version."""
_MULTIPLE = 16
"""What both widths of an FP8 product on a GPU must be multiples of."""
_PRODUCTS = re.compile(r"double_blocks\.\d+\.(img|txt)_(attn\.(qkv|proj)|mlp\.[02])|single_blocks\.\d+\.linear[12]")


def quantise(module: nn.Module, kind: Fp8, compute: torch.dtype | None = None) -> None:
    """Turn a network to FP8 in place, after any adapters were merged.

    "weights" is what published FP8 files hold and what the original's quantised mode does: every parameter
    is rounded to e4m3 without a scale. Weights of linear layers stay so in memory (half of bfloat16's) and
    are cast to `compute` at each use; the rest, less than a thousandth, is kept in `compute` with the
    rounded values. The connector's sinusoidal time is rounded to e4m3, too, as it takes the dtype of the
    weight that it meets. This saves memory, not time, and its numbers are not bfloat16's.

    "matmul" multiplies the attention's and the MLPs' matrices of all blocks in e4m3 (see `ScaledLinear`),
    accumulated with the tensor cores' own precision; modulation, embedders, connector and output layer are
    left as they are. This saves half the memory of those layers and is meant to save time on a GPU, which has
    not been measured; its numbers are neither bfloat16's nor those of "weights". A layer one of whose widths
    is no multiple of 16 stays as it is: GPUs can't multiply it. The published network has none.

    Parameters that are e4m3 already, as in published FP8 files, keep their values (in "matmul" with scale 1).
    What comes out may move between devices but must not be cast.

    Args:
        module: the `Transformer`, connector included.
        kind: what is done.
        compute: what is computed in; the dtype that the parameters have if None, and bfloat16 if all of
            them are e4m3 already.

    Raises:
        Fp8Error: a parameter isn't finite or, for "weights", is beyond what rounds to 448; the GPU that the
            network is on has no FP8 products; the network multiplies in FP8 already. It is unchanged then.
    """
    if any(isinstance(layer, ScaledLinear) for layer in module.modules()):
        raise Fp8Error("this network multiplies in FP8 already; load it again to quantise it otherwise")
    compute = compute or compute_dtype(module.parameters())
    if kind == "matmul":
        for device in {parameter.device for parameter in module.parameters()}:
            multiplies_row_scaled(device)
    for name, parameter in module.named_parameters():
        _check(parameter, name, _LARGEST_ROUNDED if kind == "weights" else math.inf)
    linears = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    for name in linears:
        _replace(module, name, _quantised(module.get_submodule(name), name, kind, compute))
    for name, parameter in module.named_parameters():
        if isinstance(_owner(module, name), StoredLinear | ScaledLinear):
            continue
        parameter.data = (parameter.to(E4M3) if kind == "weights" else parameter).to(compute)


def compute_dtype(parameters: Iterable[Tensor]) -> torch.dtype:
    """Return the widest dtype among parameters that aren't e4m3, bfloat16 if there is none."""
    dtypes = {parameter.dtype for parameter in parameters} - {E4M3}
    return reduce(torch.promote_types, dtypes) if dtypes else torch.bfloat16


def _quantised(layer: nn.Module, name: str, kind: Fp8, compute: torch.dtype) -> nn.Module:
    weight = layer.weight.detach()
    bias = None if layer.bias is None else layer.bias.detach()
    if kind == "weights":
        return StoredLinear(weight.to(E4M3), None if bias is None else bias.to(E4M3).to(compute), compute)
    bias = None if bias is None else bias.to(compute)
    if _PRODUCTS.fullmatch(name) and not any(width % _MULTIPLE for width in weight.shape):
        return ScaledLinear(*_scaled(weight), bias, compute)
    return StoredLinear(weight, bias, compute) if weight.dtype == E4M3 else layer


def _scaled(weight: Tensor) -> tuple[Tensor, Tensor]:
    if weight.dtype == E4M3:
        return weight, torch.ones(1, len(weight), device=weight.device)
    rounded, scale = quantise_rows(weight)
    return rounded, scale.t().contiguous()


def _check(parameter: Tensor, name: str, limit: float) -> None:
    if parameter.is_meta:
        return
    largest = float(parameter.detach().float().abs().max())
    if not math.isfinite(largest):
        raise Fp8Error(f"{name} holds {largest}, so the network can't be quantised")
    if largest > limit:
        raise Fp8Error(
            f"{name} holds {largest:g}, and FP8 without a scale ends at {LARGEST:g}; keep the network in bfloat16"
        )


def _owner(module: nn.Module, parameter: str) -> nn.Module:
    return module.get_submodule(parameter.rpartition(".")[0])


def _replace(module: nn.Module, name: str, layer: nn.Module) -> None:
    layer.train(module.training)
    setattr(_owner(module, name), name.rpartition(".")[2], layer)
