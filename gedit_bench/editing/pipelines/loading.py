"""A pipeline from the files of its source: class, data type, quantisation, where it computes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol, cast

from packaging.version import Version

from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.source import PipelineSource
from gedit_bench.errors import UnavailableError
from gedit_bench.nearest import nearest

if TYPE_CHECKING:
    import torch

_DENOISERS = ("transformer", "transformer_2", "unet")
_PACKAGES = {"bnb": "bitsandbytes", "torchao": "torchao"}
_OF_VIDEO = ("Qwen2VLProcessor", "Qwen2_5_VLProcessor", "Qwen3VLProcessor")
"""Processors whose part for video needs torchvision, although no video is shown to them."""


class Pipeline(Protocol):
    """A loaded pipeline."""

    def __call__(self, **arguments: object) -> object:
        """Make edits."""


def pipeline_class(source: PipelineSource, name: str | None) -> type:
    """Return a pipeline's class in diffusers.

    Args:
        source: of the pipeline.
        name: of the class; None for the one that the source names.

    Raises:
        UnavailableError: the installed diffusers doesn't have it, or it needs packages that are missing.
    """
    import diffusers

    asked = name
    name = name or source.class_name()
    found = getattr(diffusers, name, None)
    if not isinstance(found, type) or not name.endswith("Pipeline"):
        missing = f"{source.listing.name} needs the class {name}, which diffusers {diffusers.__version__} doesn't have"
        if asked:
            near = nearest(asked, (one for one in dir(diffusers) if one.endswith("Pipeline")))
            newer = "A newer one may: pip install --upgrade diffusers."
            raise UnavailableError(f"{missing}.", f"Did you mean {near!r}? {newer}" if near else newer)
        raise _of_another_version(missing, source.version(), diffusers.__version__)
    if found.__module__.startswith("diffusers.utils.dummy"):  # what stands in for a class that can't be imported
        needed = getattr(found, "_backends", [])
        lacks = [package for package in needed if find_spec(package) is None]
        raise UnavailableError(
            f"{name} needs packages that are missing: {', '.join(lacks or needed)}.", "Install them."
        )
    kinds = {kind for _, kind in source.parts.values()}
    if kinds & set(_OF_VIDEO) and find_spec("torchvision") is None:
        raise UnavailableError(
            f"{name} needs the package torchvision for its {min(kinds & set(_OF_VIDEO))}.", "pip install torchvision"
        )
    return found


def _of_another_version(missing: str, saved_by: str, installed: str) -> UnavailableError:
    """Return the sentence about a class that the installed diffusers lacks and the one that saved the pipeline had."""
    if not saved_by:
        return UnavailableError(f"{missing}.", "A newer one may: pip install --upgrade diffusers.")
    wrote = Version(saved_by)
    if wrote > Version(installed):
        return UnavailableError(
            f"{missing}; it was saved by {saved_by}, which has.", f"pip install 'diffusers>={wrote.base_version}'"
        )
    return UnavailableError(
        f"{missing}; it was saved by {saved_by}, perhaps a fork.",
        "Run it in the fork's own environment with --model command:./worker.py, see docs/workers.md.",
    )


def check_handling(settings: DiffusersSettings, device: str) -> None:
    """Make sure that the machine can do what the settings want.

    Raises:
        UnavailableError: a package or a GPU is missing for it.
    """
    kind = settings.quantise.partition("-")[0]
    if kind in _PACKAGES and find_spec(_PACKAGES[kind]) is None:
        raise UnavailableError(
            f"quantise={settings.quantise} needs the package {_PACKAGES[kind]}.",
            f"Install it: pip install 'gedit-bench[{_PACKAGES[kind]}]'.",
        )
    for name, wanted in (("offload", settings.offload != "none"), ("quantise", kind == "bnb")):
        if wanted and device.startswith("cpu"):
            raise UnavailableError(f"{name}={getattr(settings, name)} needs a GPU.", f"Leave -o {name} out.")


def load_pipeline(source: PipelineSource, kind: type, settings: DiffusersSettings, dtype: "torch.dtype") -> Pipeline:
    """Return a pipeline in the machine's memory, its files being here.

    Args:
        source: of the pipeline.
        kind: its class.
        settings: for its variant, quantisation, and whether pickles are opened.
        dtype: of the weights.

    Raises:
        UnavailableError: its files are damaged or don't fit the class.
    """
    from diffusers import DiffusionPipeline, PipelineQuantizationConfig
    from safetensors import SafetensorError

    # None takes pickles where there are no others, through torch.load(weights_only=True)
    options: dict[str, object] = {
        "dtype": dtype,
        "use_safetensors": None if settings.pickles else True,
        "local_files_only": True,
    }
    if settings.variant:
        options["variant"] = settings.variant
    if settings.quantise != "none":
        options["quantization_config"] = PipelineQuantizationConfig(
            quant_mapping=_quantisation(source.parts, settings.quantise, dtype)
        )
    try:
        with _without_bars():
            pipeline = kind.from_pretrained(str(source.listing.folder), **options)  # type: ignore[attr-defined]
    except (OSError, ValueError, RuntimeError, TypeError, AttributeError, KeyError, SafetensorError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UnavailableError(
            f"{source.listing.name} can't be loaded as {kind.__name__}: {first}",
            "Is it complete, and of this class? -v shows where it failed.",
        ) from error
    for one in (pipeline, *vars(pipeline).values()):  # some are made of others
        if isinstance(one, DiffusionPipeline):
            one.set_progress_bar_config(disable=True)
    return cast(Pipeline, pipeline)


def place(pipeline: Pipeline, settings: DiffusersSettings, device: str) -> None:
    """Put a pipeline where it computes, and compile it if that is wanted."""
    if settings.offload == "model":
        pipeline.enable_model_cpu_offload(device=device)  # type: ignore[attr-defined]
    elif settings.offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)  # type: ignore[attr-defined]
    else:
        pipeline.to(device)  # type: ignore[attr-defined]
    if settings.compile:
        for name in _DENOISERS:
            if (denoiser := getattr(pipeline, name, None)) is not None:
                _compile(denoiser)


def _compile(denoiser: "torch.nn.Module") -> None:
    if getattr(denoiser, "_repeated_blocks", None):  # one small graph for all of them
        denoiser.compile_repeated_blocks()
    else:
        denoiser.compile()


def _quantisation(parts: Mapping[str, tuple[str, str]], quantise: str, dtype: "torch.dtype") -> dict[str, object]:
    """A configuration for each part that is large: the denoiser, and text encoders other than CLIP's."""
    import diffusers
    import transformers

    found = {}
    for part, (library, kind) in parts.items():
        encoder = part.startswith("text_encoder") and not kind.startswith("CLIP")
        if part in _DENOISERS or encoder:
            found[part] = _configuration(transformers if library == "transformers" else diffusers, quantise, dtype)
    return found


def _configuration(library: object, quantise: str, dtype: "torch.dtype") -> object:
    if quantise.startswith("torchao"):
        from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig

        kind = Int8WeightOnlyConfig if quantise == "torchao-int8" else Float8WeightOnlyConfig
        return library.TorchAoConfig(kind())  # type: ignore[attr-defined]
    if quantise == "bnb-8bit":
        return library.BitsAndBytesConfig(load_in_8bit=True)  # type: ignore[attr-defined]
    return library.BitsAndBytesConfig(  # type: ignore[attr-defined]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
    )


@contextmanager
def _without_bars() -> Iterator[None]:
    """No progress bars of the libraries' own, which would tear the display; their warnings go where ours go."""
    import diffusers.utils.logging
    import transformers.utils.logging

    libraries = (diffusers.utils.logging, transformers.utils.logging)
    shown = [library.is_progress_bar_enabled() for library in libraries]
    for library in libraries:
        library.disable_default_handler()
        library.enable_propagation()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, was_shown in zip(libraries, shown, strict=True):
            if was_shown:
                library.enable_progress_bar()
