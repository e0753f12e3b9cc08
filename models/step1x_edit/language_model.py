"""Last hidden states of Qwen2.5-VL for chat turns about a picture, many at once.

The vision tower sees every picture once, whatever the number of rows that show it. Rows of different
lengths share a pass, padded on the right: attention is causal, so no earlier state knows of the padding
and it needs no mask. For the same reason what lies behind the last wanted state isn't computed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration

BATCH = 8
"""Rows, or pictures, in one pass unless told otherwise."""
_MASKED = 0
"""The token "!": upstream takes it for padding, so it is no key and has the position 1."""
_PADDING = 1
"""Any token but the masked one will do."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChatTurns:
    """Rows of token ids and the pictures that they show, each picture once, on any device."""

    ids: tuple[Tensor, ...]
    """Of each row (L,), int64, with an image token for every feature of its picture, in one run."""
    pictures: tuple[int, ...]
    """For each row the index of the picture that it shows."""
    pixels: tuple[Tensor, ...]
    """Of each picture (patches, values), normalised, in the image processor's order."""
    grids: tuple[Tensor, ...]
    """Of each picture (3,), int64: its patches in time, height and width."""


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """What one row gives to a pass: (L,) ids, (3, L) positions, features and where they begin."""

    ids: Tensor
    positions: Tensor
    features: Tensor
    start: int


@torch.inference_mode()
def hidden_states(
    model: "Qwen2_5_VLForConditionalGeneration", turns: ChatTurns, *, drop: int, length: int, batch: int = BATCH
) -> tuple[Tensor, Tensor]:
    """Return hidden states (B, length, W), zero behind the text, and the mask of the text (B, length).

    Both are where the model is now, the states in its dtype, the mask int64.

    Args:
        model: Qwen2.5-VL; its head isn't used.
        turns: what it reads.
        drop: how many states of a row are left out at its beginning.
        length: how many are kept after them.
        batch: most rows, and most pictures, in one pass: bounds the memory.

    Raises:
        ValueError: a row has other image tokens than its picture has features, or not all of them among
            its first `drop + length` tokens; or the batch is less than one.
    """
    if batch < 1:
        raise ValueError(f"a batch of {batch} holds no row")
    features = [
        feature for chosen in _portions(range(len(turns.pixels)), batch) for feature in _see(model, turns, chosen)
    ]
    rows = [
        _row(model, ids[: drop + length].cpu(), turns.grids[picture].cpu(), features[picture])
        for ids, picture in zip(turns.ids, turns.pictures, strict=True)
    ]
    width = model.config.text_config.hidden_size
    states = torch.zeros(len(rows), length, width, device=model.device, dtype=model.dtype)
    mask = torch.zeros(len(rows), length, device=model.device, dtype=torch.int64)
    # Rows that need a mask go together, and those of like length: less is padded, fewer passes are masked.
    order = sorted(range(len(rows)), key=lambda index: (_needs_mask(rows[index]), len(rows[index].ids)))
    for chosen in _portions(order, batch):
        found = _read(model, [rows[index] for index in chosen])
        for index, state in zip(chosen, found, strict=True):
            kept = state[drop : len(rows[index].ids)]
            states[index, : len(kept)] = kept
            mask[index, : len(kept)] = 1
    return states, mask


def _portions(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (indices[start : start + size] for start in range(0, len(indices), size))


def _see(model: "Qwen2_5_VLForConditionalGeneration", turns: ChatTurns, chosen: Sequence[int]) -> tuple[Tensor, ...]:
    """The features of some pictures, (tokens, W) each, from one pass of the vision tower."""
    pixels = torch.cat([turns.pixels[picture].to(model.device, model.dtype) for picture in chosen])
    grids = torch.stack([turns.grids[picture].to(model.device) for picture in chosen])
    features: tuple[Tensor, ...] = model.model.get_image_features(pixels, grids, return_dict=True).pooler_output
    return features


def _row(model: "Qwen2_5_VLForConditionalGeneration", ids: Tensor, grid: Tensor, features: Tensor) -> _Row:
    is_image = ids == model.config.image_token_id
    start = int(is_image.int().argmax())
    # Only the picture's own tokens: an instruction may spell the image token, too.
    kinds = torch.zeros_like(ids, dtype=torch.int32)
    kinds[start : start + len(features)] = 1
    if (found := int((is_image & (kinds == 1)).sum())) != len(features):
        raise ValueError(f"a row holds {found} image tokens in place of its picture's {len(features)}")
    attended = ids != _MASKED
    # Here and not on the model's device, since token by token they are read back.
    positions, _ = model.model.get_rope_index(
        ids[None], mm_token_type_ids=kinds[None], image_grid_thw=grid[None], attention_mask=attended[None].long()
    )
    return _Row(ids, torch.where(attended, positions[:, 0], 1), features, start)


def _needs_mask(row: _Row) -> bool:
    return bool((row.ids == _MASKED).any())


def _read(model: "Qwen2_5_VLForConditionalGeneration", rows: Sequence[_Row]) -> Tensor:
    """All last hidden states of some rows, (B, longest, W), from one pass of the language model."""
    ids = pad_sequence([row.ids for row in rows], batch_first=True, padding_value=_PADDING).to(model.device)
    # Padded along the tokens, which pad_sequence wants first: (L, 3) each, then (3, B, L).
    positions = pad_sequence([row.positions.T for row in rows], batch_first=True).permute(2, 0, 1)
    embedded = model.get_input_embeddings()(ids)
    for index, row in enumerate(rows):
        embedded[index, row.start : row.start + len(row.features)] = row.features
    # Without a mask attention can take its causal kernels.
    attention_mask = (ids != _MASKED).long() if any(map(_needs_mask, rows)) else None
    states: Tensor = model.model.language_model(
        inputs_embeds=embedded,
        attention_mask=attention_mask,
        position_ids=positions.to(model.device),
        use_cache=False,
    ).last_hidden_state
    return states
