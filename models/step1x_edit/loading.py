"""Loads a pipeline from published files, every weight strictly."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

import torch

from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.conditioning import Conditioning
from step1x_edit.diffusers_format import autoencoder_source, transformer_source
from step1x_edit.files import Files, find_files
from step1x_edit.fp8 import Fp8, quantise
from step1x_edit.language_loading import load_conditioner
from step1x_edit.lora import merge
from step1x_edit.prefix import load_prefix
from step1x_edit.profiles import profile_of
from step1x_edit.residence import Footprint, Mode, bytes_of, choose, conditioning_modules, slots
from step1x_edit.transformer import Transformer, TransformerSize, Version
from step1x_edit.weights import load_weights, opened, original_names

if TYPE_CHECKING:
    from step1x_edit.pipeline import Step1XEditPipeline

log = logging.getLogger(__name__)

Pipeline = TypeVar("Pipeline", bound="Step1XEditPipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loading:
    """How a pipeline is loaded.

    Attributes:
        version: of the weights.
        profile: of sampling; the version's own if None.
        device: where everything is computed.
        memory: which parts stay on the GPU between their phases; `auto` takes the fastest that fits.
        fp8: weights in 8 bits, or matrix products too; not the same numerics.
        adapters: LoRA files in kohya's format with their weights, merged in this order.
        allow_unknown: leave adapters' keys out that belong to no module instead of raising.
        level: side of a square of the working area for which `auto` counts, in pixels.
        batch: edits in one pass for which `auto` counts.
        fused: compile the blocks with `torch.compile`: slow in the first step, then faster.
        prompts: a checkout or file that holds the trained prefix; else it is fetched once.
        conditioning: another conditioning than the trained one.
        size: of another network than the published.
        autoencoder_size: likewise.
    """

    version: Version = "v1.1"
    profile: str | None = None
    device: torch.device | str = "cpu"
    memory: Mode | Literal["auto"] = "auto"
    fp8: Fp8 | None = None
    adapters: Sequence[tuple[Path, float]] = ()
    allow_unknown: bool = False
    level: int = 1024
    batch: int = 1
    fused: bool = False
    prompts: Path | None = None
    conditioning: Conditioning | None = None
    size: TransformerSize | None = None
    autoencoder_size: AutoencoderSize | None = None

    @property
    def on(self) -> torch.device:
        """The device as torch knows it."""
        return torch.device(self.device)

    @property
    def dtype(self) -> torch.dtype:
        """Of network and language model: bfloat16 on a GPU, elsewhere float32."""
        return torch.bfloat16 if self.on.type == "cuda" else torch.float32


class LoadOptions(TypedDict, total=False):
    """The fields of `Loading` but `version`, for those who give them by keyword."""

    profile: str | None
    device: torch.device | str
    memory: Mode | Literal["auto"]
    fp8: Fp8 | None
    adapters: Sequence[tuple[Path, float]]
    allow_unknown: bool
    level: int
    batch: int
    fused: bool
    prompts: Path | None
    conditioning: Conditioning | None
    size: TransformerSize | None
    autoencoder_size: AutoencoderSize | None


def load_pipeline(kind: type[Pipeline], source: Path | Files, how: Loading) -> Pipeline:
    """Load a pipeline, every weight strictly.

    The autoencoder is always float32. What stays on the GPU is loaded straight to it.

    Args:
        kind: the pipeline's class.
        source: the published files, or the folder that they are in.
        how: which version, where, and in what form.

    Raises:
        WeightsError: a file or tensor is missing, damaged or doesn't fit.
        LoraError: an adapter doesn't fit.
        PrefixError: the trained prefix is nowhere to be had.
        MemoryShortage: `auto` finds no mode that fits.
    """
    files = source if isinstance(source, Files) else find_files(source, how.version)
    profile = profile_of(how.version, how.profile)
    conditioning = how.conditioning or Conditioning(prefix=load_prefix(how.prompts))
    mode = how.memory if how.memory != "auto" else _fitting(files, how)
    log.info(
        "Step1X-Edit %s on %s in memory mode %s%s", how.version, how.on, mode, f", fp8 {how.fp8}" if how.fp8 else ""
    )
    place = how.on if mode == "resident" else torch.device("cpu")
    transformer = _transformer(files, how, place)
    autoencoder = _autoencoder(files, how, place)
    conditioner = load_conditioner(files, conditioning, place, how.dtype)
    return kind(transformer, autoencoder, conditioner, profile, device=how.on, mode=mode)


def _transformer(files: Files, how: Loading, place: torch.device) -> Transformer:
    """The network with its adapters; made smaller before it comes to the device, where it is to be in 8 bits."""
    network = load_weights(
        lambda: Transformer(how.version, how.size),
        files.transformer,
        naming=transformer_source if files.diffusers else original_names,
        device=torch.device("cpu") if how.fp8 else place,
        dtype=how.dtype,
    )
    _merge_all(network, how.adapters, allow_unknown=how.allow_unknown)
    if how.fp8:
        quantise(network, how.fp8)
        network.to(place)
    if how.fused:
        network.fuse()
    return network


def _autoencoder(files: Files, how: Loading, place: torch.device) -> Autoencoder:
    levels = len((how.autoencoder_size or AutoencoderSize()).multipliers)
    return load_weights(
        lambda: Autoencoder(how.autoencoder_size),
        files.autoencoder,
        naming=autoencoder_source(levels) if files.diffusers else original_names,
        device=place,
        dtype=torch.float32,
    )


def _merge_all(network: Transformer, adapters: Sequence[tuple[Path, float]], *, allow_unknown: bool) -> None:
    for path, weight in adapters:
        with opened([path]) as tensors:
            merged = merge(network, tensors, weight, allow_unknown=allow_unknown)
        unused = f"; unused, as in the original: {', '.join(merged.unused)}" if merged.unused else ""
        log.info("%s: %d modules merged with weight %g%s", path, len(merged.applied), weight, unused)


def _fitting(files: Files, how: Loading) -> Mode:
    """The fastest memory mode that fits what is free on the device."""
    if how.on.type != "cuda":
        return "resident"
    with torch.device("meta"):
        network = Transformer(how.version, how.size).to(torch.bfloat16)
    if how.fp8:
        quantise(network, how.fp8)
    conditioning = bytes_of(slots(*conditioning_modules(network)))
    footprint = Footprint(
        language=sum(path.stat().st_size for path in files.language_model.glob("*.safetensors")),
        conditioning=conditioning,
        blocks=bytes_of(slots(network)) - conditioning,
        autoencoder=sum(path.stat().st_size for path in files.autoencoder),
    )
    free, _ = torch.cuda.mem_get_info(how.on)
    return choose(free, footprint, how.level * how.level, 2 * how.batch)
