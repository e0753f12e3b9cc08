"""Which parts of the pipeline are on the GPU in which phase, and how much memory that takes.

Every mode computes the same numbers. Parts that are not needed wait on the host; as weights never
change, leaving the GPU costs nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from step1x_edit.transformer import Transformer

Part = Literal["language", "conditioning", "blocks", "autoencoder"]
"""`conditioning` is what turns hidden states and times into text tokens and modulations; `blocks` the rest
of the network."""
Mode = Literal["resident", "offload", "24gb"]

TOGETHER: Mapping[Mode, tuple[frozenset[Part], ...]] = {
    "resident": (frozenset(("language", "conditioning", "blocks", "autoencoder")),),
    "offload": (frozenset(("language",)), frozenset(("conditioning", "blocks")), frozenset(("autoencoder",))),
    "24gb": tuple(frozenset((part,)) for part in ("language", "conditioning", "blocks", "autoencoder")),
}
"""The parts that are on the GPU at the same time, fastest mode first."""

LANGUAGE_WORK = 1_500_000_000
BLOCKS_WORK_PER_TOKEN = 170_000
AUTOENCODER_WORK_PER_PIXEL = 8_000
"""Bytes that a phase takes beside its weights: estimates from the original's reported peaks."""
PREPARED_PER_SAMPLE = 270_000_000
"""Bytes of text tokens and modulations of 28 steps at full size, with guidance."""


class MemoryShortage(RuntimeError):
    """No mode fits; the message says how much is free and how much is needed."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of the weights of every part."""

    language: int
    conditioning: int
    blocks: int
    autoencoder: int

    def of(self, parts: Iterable[Part]) -> int:
        """Return the bytes of some parts."""
        return sum(getattr(self, part) for part in parts)


def work(part: Part, pixels: int, rows: int) -> int:
    """Return the bytes that a part takes beside its weights, estimated.

    Args:
        part: that runs.
        pixels: of the working size.
        rows: of a batch, two a sample under guidance.
    """
    tokens = rows * (2 * pixels // 256 + 640)
    return {
        "language": LANGUAGE_WORK,
        "conditioning": LANGUAGE_WORK,
        "blocks": BLOCKS_WORK_PER_TOKEN * tokens,
        "autoencoder": AUTOENCODER_WORK_PER_PIXEL * pixels,
    }[part]


def peak(mode: Mode, footprint: Footprint, pixels: int, rows: int) -> int:
    """Return the most bytes that a mode has on the GPU, estimated for a working size and a batch."""
    kept = PREPARED_PER_SAMPLE * rows // 2 if mode == "resident" else 0
    return kept + max(footprint.of(parts) + max(work(part, pixels, rows) for part in parts) for parts in TOGETHER[mode])


def choose(free: int, footprint: Footprint, pixels: int, rows: int) -> Mode:
    """Return the fastest mode that fits.

    Args:
        free: bytes of GPU memory.
        footprint: of the weights.
        pixels: of the working size.
        rows: of a batch.

    Raises:
        MemoryShortage: none fits.
    """
    for mode in TOGETHER:
        if peak(mode, footprint, pixels, rows) <= free:
            return mode
    needed = peak("24gb", footprint, pixels, rows) / 1e9
    raise MemoryShortage(
        f"{free / 1e9:.1f} GB of GPU memory are free, and the smallest mode needs about {needed:.1f} GB; "
        "free some, use a smaller batch or level, or try fp8, which is not the same numerics"
    )


def conditioning_modules(network: Transformer) -> list[nn.Module]:
    """Return the modules that only turn hidden states and times into text tokens and modulations."""
    modulators = [layer for part in network.modulated for layer in part.modulators]
    return [network.connector, network.time_in, network.vector_in, network.txt_in, *modulators]


Slot = tuple[nn.Module, str]
"""A parameter or buffer by its owner and its name there."""


def slots(*roots: nn.Module) -> list[Slot]:
    """Return all parameters and buffers of modules."""
    return [
        (module, name)
        for root in roots
        for module in root.modules()
        for name, _ in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    ]


def bytes_of(some: Iterable[Slot]) -> int:
    """Return the bytes of parameters and buffers; a shared one counts once."""
    distinct = {id(tensor): tensor for tensor in (getattr(module, name) for module, name in some)}
    return sum(tensor.numel() * tensor.element_size() for tensor in distinct.values())


class Residence:
    """Where the parts are. `present` says which are on the device."""

    def __init__(
        self,
        mode: Mode,
        device: torch.device | str,
        *,
        language: nn.Module,
        network: Transformer,
        autoencoder: nn.Module,
    ) -> None:
        self.mode = mode
        self.device = torch.device(device)
        self.present: frozenset[Part] = frozenset()
        conditioning = slots(*conditioning_modules(network))
        known = {(id(module), name) for module, name in conditioning}
        self._slots: dict[Part, list[Slot]] = {
            "language": slots(language),
            "conditioning": conditioning,
            "blocks": [(module, name) for module, name in slots(network) if (id(module), name) not in known],
            "autoencoder": slots(autoencoder),
        }
        self._waiting: dict[Part, list[Tensor]] = {}

    @property
    def footprint(self) -> Footprint:
        """Bytes of the weights of every part."""
        return Footprint(**{part: bytes_of(own) for part, own in self._slots.items()})

    def need(self, part: Part) -> None:
        """Have a part on the device, with what the mode keeps beside it; everything else waits on the host."""
        wanted = next(parts for parts in TOGETHER[self.mode] if part in parts)
        for other in self.present - wanted:
            self._leave(other)
        for one in wanted - self.present:
            self._enter(one)
        self.present = wanted

    def release(self) -> None:
        """Have nothing on the device unless everything stays there."""
        if self.mode != "resident":
            for part in self.present:
                self._leave(part)
            self.present = frozenset()

    def _enter(self, part: Part) -> None:
        own = self._slots[part]
        self._waiting[part] = [getattr(module, name) for module, name in own]
        moved: dict[int, Tensor] = {}  # a shared tensor moves once
        for (module, name), tensor in zip(own, self._waiting[part], strict=True):
            if id(tensor) not in moved:
                moved[id(tensor)] = _like(tensor, tensor.detach().to(self.device))
            setattr(module, name, moved[id(tensor)])

    def _leave(self, part: Part) -> None:
        for (module, name), tensor in zip(self._slots[part], self._waiting.pop(part), strict=True):
            setattr(module, name, tensor)


def _like(tensor: Tensor, moved: Tensor) -> Tensor:
    return nn.Parameter(moved, requires_grad=False) if isinstance(tensor, nn.Parameter) else moved
