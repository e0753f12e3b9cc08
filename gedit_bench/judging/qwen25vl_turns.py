"""A question as Qwen2.5-VL reads it: token ids with a place for each patch of its images, and the patches.

Text and images are put together here and not by the library's processor, which can't be made where
torchvision isn't installed.
"""

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import transformers
from PIL import Image
from torch import Tensor

from gedit_bench.errors import DataError, UnavailableError
from gedit_bench.judging.base import EncodedImage, Question
from gedit_bench.judging.qwen25vl_weights import Weights
from gedit_bench.judging.resampling import resample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast, Qwen2VLImageProcessorPil

NEW_TOKENS = 512
"""Length of a reply, at most, unless the protocol says otherwise."""


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A question: (L,) int64 ids, (patches, values) pixels, (images, 3) grids, and the tokens of a reply at most."""

    ids: Tensor
    pixels: Tensor
    grids: Tensor
    new_tokens: int


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """What turns questions into turns. `image_token` is the word that stands for a patch."""

    tokenizer: "PreTrainedTokenizerFast"
    images: "Qwen2VLImageProcessorPil"
    template: str
    image_token: str


def image_processing() -> str:
    """Return which implementation cuts images into patches here: the last bits depend on it."""
    return "Qwen2VLImageProcessor" if transformers.utils.is_torchvision_available() else "Qwen2VLImageProcessorPil"


def load_reader(weights: Weights, image_token_id: int) -> Reader:
    """Load tokenizer, image processor and chat template: the processor's where it has one, else the tokenizer's.

    Raises:
        OSError, ValueError: a file is missing or damaged.
        UnavailableError: there is no chat template.
    """
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights.folder, local_files_only=True)
    kind: type[Qwen2VLImageProcessorPil] = getattr(transformers, image_processing())
    file = weights.folder / "chat_template.json"
    template = json.loads(file.read_bytes()).get("chat_template") if file.is_file() else tokenizer.chat_template
    if not isinstance(template, str):
        raise UnavailableError(f"{weights.name} has no chat template.", "Download all of its files again.")
    images = kind.from_pretrained(weights.folder, local_files_only=True)
    return Reader(tokenizer, images, template, str(tokenizer.convert_ids_to_tokens(image_token_id)))


def read_turn(reader: Reader, question: Question) -> Turn:
    """Return a question as the model reads it, after the chat template's own system prompt.

    Raises:
        DataError: an image is too long and thin, or the prompt spells the token that stands for images.
    """
    images = [_decoded(image) for image in question.images]
    seen = reader.images(images=images, return_tensors="pt")
    shown = [{"type": "image"} for _ in images]
    said = [{"type": "text", "text": question.prompt}]
    content = [*shown, *said] if question.images_first else [*said, *shown]
    text = reader.tokenizer.apply_chat_template(
        [{"role": "user", "content": content}],
        chat_template=reader.template,
        tokenize=False,
        add_generation_prompt=True,
    )
    parts = str(text).split(reader.image_token)
    if len(parts) != len(images) + 1:
        raise DataError(f"The prompt spells {reader.image_token}, which stands for an image of its own.")
    merged = reader.images.merge_size**2
    patches = [int(grid.prod()) // merged for grid in seen["image_grid_thw"]]
    whole = parts[0] + "".join(reader.image_token * n + part for n, part in zip(patches, parts[1:], strict=True))
    ids = reader.tokenizer(whole, add_special_tokens=False, return_tensors="pt")["input_ids"][0]
    new_tokens = cast(int, question.parameters.get("max_tokens", NEW_TOKENS))
    return Turn(ids, seen["pixel_values"], seen["image_grid_thw"], new_tokens)


def _decoded(encoded: EncodedImage) -> Image.Image:
    with Image.open(io.BytesIO(encoded.data)) as image:
        return resample(image)
