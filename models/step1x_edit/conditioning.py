"""Text conditioning: picture and instruction through Qwen2.5-VL, as in training.

The language model reads one chat turn (prefix, picture, instruction); its last hidden states after the
prefix condition the network. Quoted text is tokenised character by character, which stray apostrophes
trigger, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from step1x_edit.language_model import BATCH, ChatTurns, hidden_states
from step1x_edit.quotes import split_quotes
from step1x_edit.sizing import vlm_sizes

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import PreTrainedTokenizerBase, Qwen2_5_VLForConditionalGeneration
    from transformers.image_processing_utils import BaseImageProcessor

SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
PICTURE = "Picture 1: <|vision_start|><|image_pad|><|vision_end|>"
ENDING = "<|im_end|>\n<|im_start|>assistant\n"
OPEN_QUOTE, CLOSE_QUOTE = 2073, 854
"""Ids of “ and ” alone in Qwen's vocabulary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditioning:
    """What the text conditioning was trained with: the prefix, the states dropped for it, the length kept."""

    prefix: str
    drop: int = 217
    length: int = 640


def chat_text(prefix: str, instruction: str) -> str:
    """Return the whole chat turn as text, with one placeholder for the picture."""
    return f"{SYSTEM}{prefix}{PICTURE}{instruction}{ENDING}"


def prompt_ids(tokenizer: "PreTrainedTokenizerBase", prefix: str, instruction: str, image_tokens: int) -> list[int]:
    """Return the token ids of a chat turn.

    Up to the picture's end the text is tokenised whole; what follows comes from the pieces that quotes
    cut it into, each tokenised alone. A piece that begins with “ and ends with ” as tokens of their own
    loses both.

    Args:
        tokenizer: Qwen2.5-VL's.
        prefix: of the conditioning.
        instruction: the user's text.
        image_tokens: how many tokens the picture takes.
    """
    text = chat_text(prefix, instruction)
    pad, end = (tokenizer.convert_tokens_to_ids(name) for name in ("<|image_pad|>", "<|vision_end|>"))
    whole = _expanded(_tokens(tokenizer, text), pad, image_tokens)
    split = split_quotes(text)
    # Characters recur in a long quotation: each is tokenised once.
    of_piece = {piece: _unquoted(_tokens(tokenizer, piece)) for piece in set(split)}
    pieces = [token for piece in split for token in of_piece[piece]]
    return whole[: whole.index(end)] + pieces[pieces.index(end) :]


def _tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _unquoted(ids: list[int]) -> list[int]:
    quoted = len(ids) > 1 and ids[0] == OPEN_QUOTE and ids[-1] == CLOSE_QUOTE
    return ids[1:-1] if quoted else ids


def _expanded(ids: list[int], pad: int, count: int) -> list[int]:
    position = ids.index(pad)
    return [*ids[:position], *[pad] * count, *ids[position + 1 :]]


class TextConditioner:
    """Turns pictures and instructions into hidden states for the connector."""

    def __init__(
        self,
        model: "Qwen2_5_VLForConditionalGeneration",
        tokenizer: "PreTrainedTokenizerBase",
        image_processor: "BaseImageProcessor",
        conditioning: Conditioning,
        batch: int = BATCH,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.conditioning = conditioning
        self.batch = batch

    @property
    def processing(self) -> str:
        """Which implementation resizes and patches the picture: the last bits depend on it."""
        return type(self.image_processor).__name__

    def encode(self, pictures: Sequence["Image"], instructions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return hidden states (B, length, W), zero behind the text, and the mask of the text (B, length).

        The states have the model's dtype, the mask is int64; both are where the model is now. At most
        `batch` rows go through the language model at once.

        Args:
            pictures: RGB, in working size; rows that show the same object share its way through the
                vision tower.
            instructions: one for each picture.

        Raises:
            SizeError: a picture is too long and thin.
        """
        turns = self.prepare(pictures, instructions)
        kept = self.conditioning
        return hidden_states(self.model, turns, drop=kept.drop, length=kept.length, batch=self.batch)

    def prepare(self, pictures: Sequence["Image"], instructions: Sequence[str]) -> ChatTurns:
        """Return what the language model reads, on the CPU; see `encode` for arguments and errors."""
        held = list(pictures)  # so that no two of them share an id
        distinct = {id(picture): picture for picture in held}
        places = {key: index for index, key in enumerate(distinct)}
        shown = tuple(places[id(picture)] for picture in held)
        patches = [self._patches(picture) for picture in distinct.values()]
        merge = self.image_processor.merge_size**2
        tokens = [int(grid.prod()) // merge for _, grid in patches]
        ids = tuple(
            torch.tensor(prompt_ids(self.tokenizer, self.conditioning.prefix, instruction, tokens[picture]))
            for picture, instruction in zip(shown, instructions, strict=True)
        )
        return ChatTurns(
            ids=ids, pictures=shown, pixels=tuple(one for one, _ in patches), grids=tuple(grid for _, grid in patches)
        )

    def _patches(self, picture: "Image") -> tuple[Tensor, Tensor]:
        from PIL.Image import Resampling

        first, second = vlm_sizes(*picture.size)
        resized = picture.resize(first, Resampling.BICUBIC)
        area = second[0] * second[1]
        # The bounds hold exactly one size, so that the processor can't choose another.
        size = {"shortest_edge": min(area, 256 * 784), "longest_edge": max(area, 324 * 784)}
        batch = self.image_processor(images=[resized], size=size, return_tensors="pt")
        return batch["pixel_values"], batch["image_grid_thw"][0]
