"""Recorded cases, and how found numbers are compared with the recorded ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Tensors = dict[str, Tensor]
Config = Mapping[str, Any]


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

    def compare(self, name: str, found: Tensor) -> "Comparison":
        """Compare a tensor with the expected one."""
        expected = self.outputs[name]
        atol, rtol = float(self.tolerance["atol"]), float(self.tolerance.get("rtol", 0))
        if expected.dtype is torch.bfloat16:
            atol = float(self.tolerance.get("bf16_atol", atol))
        return compare(name, found, expected, atol, rtol)


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
    difference = (found.double() - expected.double()).abs()
    limit = atol + rtol * expected.double().abs()
    error = float(difference.max()) if difference.numel() else 0.0
    exceeded = torch.where(difference == 0, torch.zeros_like(difference), difference / limit)
    return Comparison(name, error, float(exceeded.max()) if exceeded.numel() else 0.0)


def exact(name: str, found: object, expected: object) -> Comparison:
    """Compare two values that must be the same."""
    wrong = 0.0 if found == expected else float("inf")
    return Comparison(name, wrong, wrong)


class Skipped(Exception):
    """A case that can't be run here; the message says why."""
