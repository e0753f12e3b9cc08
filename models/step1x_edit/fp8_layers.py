"""Linear layers in float8_e4m3fn: weights kept in it, or products taken in it.

e4m3 has 4 bits of exponent, 3 of mantissa, and ends at 448.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

E4M3 = torch.float8_e4m3fn
LARGEST = 448.0
"""The largest finite number of e4m3."""
_CAPABILITY = (8, 9)
"""The first compute capability with FP8 products."""
_ROW_SCALED_MAJOR = 9
"""Of the compute capability whose row-scaled product is trusted, Hopper's."""
_LEAST_SCALE = 1e-12
"""Keeps the scale of a row of zeros from being zero."""


class Fp8Error(ValueError):
    """A network, weight or device that can't do what was asked of it in FP8."""


class StoredLinear(nn.Linear):
    """A linear layer whose weight is kept in e4m3 and cast to `compute` at each use.

    The bias is kept in `compute`.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, compute: torch.dtype) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
        self.compute = compute
        self.weight = _frozen(weight)
        self.bias = None if bias is None else _frozen(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, out) in `compute` for (…, in) in any dtype."""
        return F.linear(x.to(self.compute), self.weight.to(self.compute), self.bias)


class ScaledLinear(nn.Module):
    """A linear layer that multiplies in e4m3, with a scale for each token and for each output channel.

    y = s_x·s_w·(Q(x / s_x) · Q(w / s_w)ᵀ) + bias, s = max|·| / 448 in float32, s_x taken anew in each call.
    The weight's scale, (1, out), is a parameter, so that it moves wherever the weight moves. No nn.Linear:
    adapters can't be merged into it.
    """

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None, compute: torch.dtype) -> None:
        super().__init__()
        self.compute = compute
        self.weight = _frozen(weight)
        self.scale = _frozen(scale)
        self.bias = None if bias is None else _frozen(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return (…, out) in `compute` for (…, in) in any dtype.

        Raises:
            Fp8Error: the device has no FP8 products.
        """
        rounded, scale = quantise_rows(x.to(self.compute).reshape(-1, x.shape[-1]))
        by_row = multiplies_row_scaled(x.device)
        y = scaled_product(rounded, scale, self.weight, self.scale, self.bias, self.compute, by_row=by_row)
        return y.view(*x.shape[:-1], len(self.weight))


def quantise_rows(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return a matrix (M, K) in e4m3 and the scale of each row, (M, 1) in float32: max|row| / 448."""
    scale = (x.abs().amax(-1, keepdim=True).float() / LARGEST).clamp(min=_LEAST_SCALE)
    return (x.float() / scale).to(E4M3).contiguous(), scale


def scaled_product(
    x: Tensor,
    x_scale: Tensor,
    weight: Tensor,
    weight_scale: Tensor,
    bias: Tensor | None,
    dtype: torch.dtype,
    *,
    by_row: bool,
) -> Tensor:
    """Return x·weightᵀ of e4m3 matrices with their scales, plus the bias, (M, N) in `dtype`.

    Args:
        x: (M, K).
        x_scale: (M, 1) in float32.
        weight: (N, K).
        weight_scale: (1, N) in float32.
        bias: (N,), or None.
        dtype: of the result.
        by_row: whether the product itself applies the scales; else they are applied to a float32 result, which
            costs memory traffic.
    """
    # Fast accumulation keeps some 14 bits, far more than the operands' 4; exact accumulation costs speed.
    if not by_row:
        one = torch.ones((), device=x.device)
        y = torch._scaled_mm(x, weight.t(), scale_a=one, scale_b=one, out_dtype=torch.float32, use_fast_accum=x.is_cuda)
        y = y * x_scale * weight_scale
        return (y if bias is None else y + bias).to(dtype)
    # The GPU's row-scaled product writes bfloat16 only.
    out = torch.bfloat16 if x.is_cuda else dtype
    return torch._scaled_mm(
        x,
        weight.t(),
        scale_a=x_scale,
        scale_b=weight_scale,
        bias=None if bias is None else bias.to(out),
        out_dtype=out,
        use_fast_accum=x.is_cuda,
    ).to(dtype)


def multiplies_row_scaled(device: torch.device) -> bool:
    """Say whether a device's FP8 product applies scales of rows itself: CPUs and Hopper do.

    Elsewhere torch's row-scaled product is missing from some builds and versions, and it is known to hang on
    Ada; there the scales are applied after the product.

    Raises:
        Fp8Error: the device is a GPU without FP8 products.
    """
    if device.type != "cuda":
        return True
    capability = torch.cuda.get_device_capability(device)
    if capability < _CAPABILITY:
        found = ".".join(map(str, capability))
        raise Fp8Error(
            f"FP8 products need a GPU of compute capability 8.9 (Ada, Hopper or newer), and this one has {found};"
            ' FP8 "weights" work on any'
        )
    return capability[0] == _ROW_SCALED_MAJOR


def _frozen(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor, requires_grad=False)
