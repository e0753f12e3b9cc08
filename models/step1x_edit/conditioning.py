"""Text conditioning: picture and instruction through Qwen2.5-VL, as in training.

The language model reads one chat turn (prefix, picture, instruction); its last hidden states after the
prefix condition the network. Quoted text is tokenised character by character, which stray apostrophes
trigger, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor

from step1x_edit.quotes import split_quotes
from step1x_edit.sizing import vlm_sizes

if TYPE_CHECKING:
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
    pieces: list[int] = []
    for piece in split_quotes(text):
        ids = _tokens(tokenizer, piece)
        quoted = len(ids) > 1 and ids[0] == OPEN_QUOTE and ids[-1] == CLOSE_QUOTE
        pieces += ids[1:-1] if quoted else ids
    return whole[: whole.index(end)] + pieces[pieces.index(end) :]


def _tokens(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


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
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.conditioning = conditioning

    @property
    def processing(self) -> str:
        """Which implementation resizes and patches the picture: the last bits depend on it."""
        return type(self.image_processor).__name__

    @torch.inference_mode()
    def encode(self, pictures: Sequence[Image.Image], instructions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return hidden states (B, length, W), zero behind the text, and the mask of the text (B, length).

        Args:
            pictures: RGB, in working size.
            instructions: one for each picture.
        """
        rows = [self._states(picture, text) for picture, text in zip(pictures, instructions, strict=True)]
        length = self.conditioning.length
        states = rows[0].new_zeros(len(rows), length, rows[0].shape[-1])
        mask = torch.zeros(len(rows), length, dtype=torch.int64, device=states.device)
        for index, row in enumerate(rows):
            kept = row[:length]
            states[index, : len(kept)] = kept
            mask[index, : len(kept)] = 1
        return states, mask

    def _states(self, picture: Image.Image, instruction: str) -> Tensor:
        """The last hidden states behind the prefix, (L, W)."""
        device = self.model.device
        pixels, grid = self._patches(picture)
        merge = self.image_processor.merge_size**2
        ids = prompt_ids(self.tokenizer, self.conditioning.prefix, instruction, int(grid.prod()) // merge)
        input_ids = torch.tensor([ids], device=device)
        # Token 0 is "!": upstream takes it for padding, so it is no key and has the position 1.
        attention_mask = (input_ids > 0).long()
        kinds = (input_ids == self.model.config.image_token_id).int()
        positions, _ = self.model.model.get_rope_index(
            input_ids, mm_token_type_ids=kinds, image_grid_thw=grid.to(device), attention_mask=attention_mask
        )
        positions = torch.where(attention_mask.bool()[None], positions, torch.ones_like(positions))
        found = self.model.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=positions,
            pixel_values=pixels.to(device, self.model.dtype),
            image_grid_thw=grid.to(device),
            mm_token_type_ids=kinds,
            use_cache=False,
        )
        states: Tensor = found.last_hidden_state[0, self.conditioning.drop :]
        return states

    def _patches(self, picture: Image.Image) -> tuple[Tensor, Tensor]:
        first, second = vlm_sizes(*picture.size)
        resized = picture.resize(first, Image.Resampling.BICUBIC)
        area = second[0] * second[1]
        # The bounds hold exactly one size, so that the processor can't choose another.
        size = {"shortest_edge": min(area, 256 * 784), "longest_edge": max(area, 324 * 784)}
        batch = self.image_processor(images=[resized], size=size, return_tensors="pt")
        return batch["pixel_values"], batch["image_grid_thw"]
