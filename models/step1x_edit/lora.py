"""LoRA adapters in kohya's format, merged into the transformer's weights at load."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from step1x_edit.fp8_layers import ScaledLinear

PREFIX = "lora_unet_"
_IGNORED = ("final_layer", "connector")
_SUFFIX = re.compile(r"\.(lora_down\.weight|lora_up\.weight|alpha)$")


class LoraError(ValueError):
    """An adapter file that can't be merged; the message names the key."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: the modules that changed, and the modules whose keys the original ignores."""

    applied: tuple[str, ...]
    unused: tuple[str, ...]


def targets(model: nn.Module) -> dict[str, nn.Linear]:
    """Return the linear layers that adapters may change, by their name in an adapter file."""
    found = {}
    for path, module in model.named_modules():
        if isinstance(module, nn.Linear) and not path.startswith(_IGNORED):
            found[PREFIX + path.replace(".", "_")] = module
    return found


@torch.no_grad()
def merge(
    model: nn.Module, adapter: Mapping[str, Tensor], multiplier: float = 1.0, *, allow_unknown: bool = False
) -> Merged:
    """Add m·(α/r)·(U·D) to each weight, computed in float32 and cast back.

    Args:
        model: the transformer, or any module with its names.
        adapter: an adapter file's tensors by their keys.
        multiplier: m.
        allow_unknown: leave keys out that belong to no module instead of raising.

    Raises:
        LoraError: a key is unknown, a module's tensors are incomplete or of the wrong shape, or the network
            multiplies in FP8 already.
    """
    if any(isinstance(layer, ScaledLinear) for layer in model.modules()):
        raise LoraError("adapters are merged before a network is quantised to FP8 products, not after")
    known = targets(model)
    names = sorted({_SUFFIX.sub("", key) for key in adapter})
    unused = [name for name in names if name.removeprefix(PREFIX).startswith(_IGNORED)]
    unknown = [name for name in names if name not in known and name not in unused]
    if unknown and not allow_unknown:
        raise LoraError(f"the adapter has keys for {unknown[0]!r}, which this network doesn't have")
    applied = [name for name in names if name in known]
    for name in applied:
        layer = known[name]
        update = multiplier * _update(name, adapter, layer)
        layer.weight.copy_((layer.weight.float() + update.to(layer.weight.device)).to(layer.weight.dtype))
    return Merged(tuple(applied), tuple([*unused, *unknown]))


def _update(name: str, adapter: Mapping[str, Tensor], layer: nn.Linear) -> Tensor:
    down, up, alpha = _parts(name, adapter)
    rank = down.shape[0]
    if (up.shape[0], down.shape[1]) != tuple(layer.weight.shape) or up.shape[1] != rank:
        raise LoraError(
            f"the adapter's {name} is {tuple(up.shape)} by {tuple(down.shape)}, not {tuple(layer.weight.shape)}"
        )
    strength = float(alpha) or float(rank)  # a stored α of 0 means α = r
    return strength / rank * (up.float() @ down.float())


def _parts(name: str, adapter: Mapping[str, Tensor]) -> Iterable[Tensor]:
    for part in ("lora_down.weight", "lora_up.weight", "alpha"):
        if f"{name}.{part}" not in adapter:
            raise LoraError(f"the adapter has no {name}.{part}")
        yield adapter[f"{name}.{part}"]
