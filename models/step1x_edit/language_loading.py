"""Loads Qwen2.5-VL with its tokenizer and image processor, as strictly as the rest."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from step1x_edit.conditioning import Conditioning, TextConditioner
from step1x_edit.files import Files
from step1x_edit.weights import WeightsError

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration
    from transformers.image_processing_utils import BaseImageProcessor


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
