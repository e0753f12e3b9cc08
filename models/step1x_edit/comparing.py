"""Recorded cases, and how found numbers are compared with the recorded ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """On which path cases run: where, in which dtype, by the fast path, with compiled blocks."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    fast: bool = False
    fused: bool = False

    @property
    def plain(self) -> bool:
        """Whether the cases' own tolerances hold."""
        return self == Way()


TABLES = ("timestep_embeddings", "rope", "packing", "guidance_factor", "schedule", "lora")
"""Kinds that are computed in float32 on every path."""
PLAIN = Way()
LOOSER = 10.0
"""By how much float32 on another path may miss a case's tolerance."""
HALF_SHARE = {"loop": 0.1, "teacache": 0.15}
"""How large the error's norm may be beside the expected one's in 16 bits, for what guides over several steps."""
HALF_SHARE_ELSE = 0.03


@dataclass(frozen=True, slots=True)
class Case:
    """A recorded case: weights, inputs and expected outputs by name, and its table if it has one."""

    name: str
    kind: str
    tolerance: Mapping[str, Any]
    config: Config
    weights: Tensors
    inputs: Tensors
    outputs: Tensors
    other: Tensors
    table: list[dict[str, Any]]
    way: Way = PLAIN

    @property
    def by_norm(self) -> bool:
        """Whether tensors are compared by their norms."""
        return self.way.dtype is not torch.float32 and self.kind not in TABLES

    @property
    def norm_share(self) -> float:
        """How large the error's norm may be beside the expected one's in 16 bits."""
        return HALF_SHARE.get(self.kind, HALF_SHARE_ELSE)

    @property
    def looser(self) -> float:
        """By how much an element's error may be larger than the case says."""
        return 1.0 if self.way.plain else LOOSER

    @property
    def limits(self) -> str:
        """The tolerance in words."""
        if self.by_norm:
            return f"norm {self.norm_share:g}"
        known = {name: self.looser * self.tolerance[name] for name in ("atol", "rtol") if name in self.tolerance}
        return ", ".join(f"{name} {limit:g}" for name, limit in known.items()) or "exact"

    def compare(self, name: str, found: Tensor) -> "Comparison":
        """Compare a tensor with the expected one: in float32 element by element, in 16 bits by its norm."""
        expected = self.outputs[name]
        if self.by_norm:
            return compare_norms(name, found, expected, self.norm_share)
        atol, rtol = float(self.tolerance["atol"]), float(self.tolerance.get("rtol", 0))
        if expected.dtype is torch.bfloat16:
            atol = float(self.tolerance.get("bf16_atol", atol))
        return compare(name, found, expected, self.looser * atol, self.looser * rtol)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output: its largest error, and by how much of the tolerance it was missed or met (1 is the limit)."""

    name: str
    error: float
    share: float


def compare(name: str, found: Tensor, expected: Tensor, atol: float, rtol: float) -> Comparison:
    """Compare element by element in float64."""
    if found.shape != expected.shape:
        return Comparison(
            f"{name}: {tuple(found.shape)} instead of {tuple(expected.shape)}", float("inf"), float("inf")
        )
    found = found.cpu()
    difference = (found.double() - expected.double()).abs()
    limit = atol + rtol * expected.double().abs()
    error = float(difference.max()) if difference.numel() else 0.0
    exceeded = torch.where(difference == 0, torch.zeros_like(difference), difference / limit)
    return Comparison(name, error, float(exceeded.max()) if exceeded.numel() else 0.0)


def compare_norms(name: str, found: Tensor, expected: Tensor, limit: float) -> Comparison:
    """Compare the norm of the difference with that of the expected tensor."""
    difference = torch.linalg.vector_norm(found.cpu().double() - expected.double())
    share = float(difference / torch.linalg.vector_norm(expected.double()).clamp(min=1e-12))
    return Comparison(name, share, share / limit)


def exact(name: str, found: object, expected: object) -> Comparison:
    """Compare two values that must be the same."""
    wrong = 0.0 if found == expected else float("inf")
    return Comparison(name, wrong, wrong)


class Skipped(Exception):
    """A case that can't be run here; the message says why."""
