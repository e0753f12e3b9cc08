"""Loads a pipeline from a local folder, in the original layout or that of diffusers."""

import logging
import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar

import torch

from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.conditioning import Conditioning, TextConditioner
from step1x_edit.diffusers_format import autoencoder_source, transformer_source
from step1x_edit.fp8 import Fp8, quantise
from step1x_edit.lora import merge
from step1x_edit.prefix import load_prefix
from step1x_edit.profiles import profile_of
from step1x_edit.residence import Footprint, Mode, bytes_of, choose, conditioning_modules, slots
from step1x_edit.transformer import Transformer, TransformerSize, Version
from step1x_edit.weights import WeightsError, load_weights, opened, original_names

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.image_processing_utils import BaseImageProcessor

    from step1x_edit.pipeline import Step1XEditPipeline

log = logging.getLogger(__name__)

TRANSFORMER_FILES: dict[Version, str] = {
    "v1.0": "step1x-edit-i1258.safetensors",
    "v1.1": "step1x-edit-v1p1-official.safetensors",
}
AUTOENCODER_FILE = "vae.safetensors"
LANGUAGE_MODEL = "Qwen2.5-VL-7B-Instruct"

Pipeline = TypeVar("Pipeline", bound="Step1XEditPipeline")


@dataclass(frozen=True, slots=True)
class Files:
    """Where a folder's parts are, and whether their names are those of diffusers."""

    transformer: tuple[Path, ...]
    autoencoder: tuple[Path, ...]
    language_model: Path
    tokenizer: Path
    diffusers: bool

    @property
    def weights(self) -> dict[str, Path]:
        """All weight files, those of the language model too, by names that tell them apart.

        In the layout of diffusers, where several are called alike, the names hold the folder.
        """
        paths = (*self.transformer, *self.autoencoder, *sorted(self.language_model.glob("*.safetensors")))
        return {f"{path.parent.name}/{path.name}" if self.diffusers else path.name: path for path in paths}


def find_files(folder: Path, version: Version, language_model: Path | None = None) -> Files:
    """Return where the parts of a version are in a folder.

    Args:
        folder: in the original layout or that of diffusers.
        version: of the weights.
        language_model: the folder of Qwen2.5-VL, if it is not in `folder` (in the original layout).

    Raises:
        WeightsError: a part is missing; the message names it.
    """
    if (folder / "transformer").is_dir():
        transformers, autoencoders = (
            tuple(sorted((folder / part).glob("*.safetensors"))) for part in ("transformer", "vae")
        )
        files = Files(transformers, autoencoders, folder / "text_encoder", folder / "processor", diffusers=True)
    else:
        model = language_model or folder / LANGUAGE_MODEL
        there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        transformer, autoencoder = folder / pick_transformer(there, version, folder), folder / AUTOENCODER_FILE
        files = Files((transformer,), (autoencoder,), model, model, diffusers=False)
    for part in (files.transformer, files.autoencoder):
        if not part or not all(path.is_file() for path in part):
            missing = part[0] if part else folder
            raise WeightsError(f"{folder} has no {missing.name} for Step1X-Edit {version}")
    for path in (files.language_model, files.tokenizer):
        if not path.is_dir():
            raise WeightsError(f"{folder} has no folder {path.name}")
    return files


def pick_transformer(names: Collection[str], version: Version, where: Path | str) -> str:
    """Return which of some file names is a version's network: the official one, else its only FP8 edition.

    Where there is neither, that is the official name. FP8 editions are the community's; they are called as
    the official file with `FP8` added.

    Raises:
        WeightsError: there are several FP8 editions; `where` is named.
    """
    official = TRANSFORMER_FILES[version]
    stem = official.removesuffix(".safetensors")
    pattern = re.compile(rf"{re.escape(stem)}[-_.]?fp8[\w.-]*\.safetensors", re.IGNORECASE)
    editions = sorted(name for name in names if pattern.fullmatch(name))
    if official in names or not editions:
        return official
    if len(editions) > 1:
        raise WeightsError(f"{where} has several FP8 files ({', '.join(editions)}): leave the one that is meant")
    return editions[0]


class LoadOptions(TypedDict, total=False):
    """What `load_pipeline` can be told; it says what each means."""

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


def load_pipeline(
    kind: type[Pipeline],
    source: Path | Files,
    *,
    version: Version = "v1.1",
    profile: str | None = None,
    device: torch.device | str = "cpu",
    memory: Mode | Literal["auto"] = "auto",
    fp8: Fp8 | None = None,
    adapters: Sequence[tuple[Path, float]] = (),
    allow_unknown: bool = False,
    level: int = 1024,
    batch: int = 1,
    fused: bool = False,
    prompts: Path | None = None,
    conditioning: Conditioning | None = None,
    size: TransformerSize | None = None,
    autoencoder_size: AutoencoderSize | None = None,
) -> Pipeline:
    """Load a pipeline, every weight strictly.

    On a GPU the network and the language model are bfloat16, elsewhere float32; the autoencoder is
    always float32. What stays on the GPU is loaded straight to it.

    Args:
        kind: the pipeline's class.
        source: the published files, or the folder that they are in.
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

    Raises:
        WeightsError: a file or tensor is missing, damaged or doesn't fit.
        LoraError: an adapter doesn't fit.
        PrefixError: the trained prefix is nowhere to be had.
        MemoryShortage: `auto` finds no mode that fits.
    """
    files = source if isinstance(source, Files) else find_files(source, version)
    chosen = profile_of(version, profile)
    conditioning = conditioning or Conditioning(prefix=load_prefix(prompts))
    device = torch.device(device)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    mode = memory if memory != "auto" else _fitting(device, files, version, size, fp8, level, batch)
    log.info("Step1X-Edit %s on %s in memory mode %s%s", version, device, mode, f", fp8 {fp8}" if fp8 else "")
    place = device if mode == "resident" else torch.device("cpu")
    transformer = _transformer(files, version, size, torch.device("cpu") if fp8 else place, dtype)
    _merge_all(transformer, adapters, allow_unknown=allow_unknown)
    if fp8:
        quantise(transformer, fp8)
        transformer.to(place)
    if fused:
        transformer.fuse()
    levels = len((autoencoder_size or AutoencoderSize()).multipliers)
    autoencoder = load_weights(
        lambda: Autoencoder(autoencoder_size),
        files.autoencoder,
        naming=autoencoder_source(levels) if files.diffusers else original_names,
        device=place,
        dtype=torch.float32,
    )
    conditioner = load_conditioner(files, conditioning, place, dtype)
    return kind(transformer, autoencoder, conditioner, chosen, device=device, mode=mode)


def _transformer(
    files: Files, version: Version, size: TransformerSize | None, place: torch.device, dtype: torch.dtype
) -> Transformer:
    naming = transformer_source if files.diffusers else original_names
    return load_weights(lambda: Transformer(version, size), files.transformer, naming=naming, device=place, dtype=dtype)


def _merge_all(network: Transformer, adapters: Sequence[tuple[Path, float]], *, allow_unknown: bool) -> None:
    for path, weight in adapters:
        with opened([path]) as tensors:
            merged = merge(network, tensors, weight, allow_unknown=allow_unknown)
        unused = f"; unused, as in the original: {', '.join(merged.unused)}" if merged.unused else ""
        log.info("%s: %d modules merged with weight %g%s", path, len(merged.applied), weight, unused)


def _fitting(
    device: torch.device,
    files: Files,
    version: Version,
    size: TransformerSize | None,
    fp8: Fp8 | None,
    level: int,
    batch: int,
) -> Mode:
    """The fastest memory mode that fits what is free on the device."""
    if device.type != "cuda":
        return "resident"
    with torch.device("meta"):
        network = Transformer(version, size).to(torch.bfloat16)
    if fp8:
        quantise(network, fp8)
    conditioning = bytes_of(slots(*conditioning_modules(network)))
    footprint = Footprint(
        language=sum(path.stat().st_size for path in files.language_model.glob("*.safetensors")),
        conditioning=conditioning,
        blocks=bytes_of(slots(network)) - conditioning,
        autoencoder=sum(path.stat().st_size for path in files.autoencoder),
    )
    free, _ = torch.cuda.mem_get_info(device)
    return choose(free, footprint, level * level, 2 * batch)


def load_conditioner(
    files: Files, conditioning: Conditioning, device: torch.device | str, dtype: torch.dtype
) -> TextConditioner:
    """Load Qwen2.5-VL with its tokenizer and image processor, with or without torchvision.

    Raises:
        WeightsError: a file is missing or damaged, or a tensor is missing or of the wrong shape.
    """
    from transformers import AutoTokenizer

    model = _language_model(files.language_model, device, dtype)
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.tokenizer, local_files_only=True)
        processor = _image_processor(files.tokenizer)
    except (OSError, ValueError) as error:
        raise WeightsError(f"{files.tokenizer} has no tokenizer or image processor to load: {error}") from error
    return TextConditioner(model.eval(), tokenizer, processor, conditioning)


def _language_model(
    folder: Path, device: torch.device | str, dtype: torch.dtype
) -> "Qwen2_5_VLForConditionalGeneration":
    """Load the language model as strictly as the rest: transformers would make up what is missing."""
    from safetensors import SafetensorError
    from transformers import Qwen2_5_VLForConditionalGeneration

    hide_progress_where_nobody_watches()
    try:
        model, found = Qwen2_5_VLForConditionalGeneration.from_pretrained(
            folder,
            dtype=dtype,
            device_map={"": torch.device(device)},
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise WeightsError(f"the language model in {folder} can't be loaded: {error}") from error
    for kind, words in (("missing_keys", "is missing"), ("mismatched_keys", "has the wrong shape")):
        if wrong := sorted(found[kind], key=str):
            name = wrong[0] if isinstance(wrong[0], str) else wrong[0][0]
            raise WeightsError(f"{name} {words} in the language model in {folder}")
    return model


def hide_progress_where_nobody_watches() -> None:
    """Turn transformers' progress bars off where the error stream is no terminal."""
    if not sys.stderr.isatty():
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()


def image_processing() -> str:
    """Return which implementation will resize and patch pictures here: the last bits depend on it."""
    from transformers.utils import is_torchvision_available

    return "Qwen2VLImageProcessor" if is_torchvision_available() else "Qwen2VLImageProcessorPil"


def _image_processor(folder: Path) -> "BaseImageProcessor":
    import transformers

    kind: type[BaseImageProcessor] = getattr(transformers, image_processing())
    return kind.from_pretrained(folder, local_files_only=True)
