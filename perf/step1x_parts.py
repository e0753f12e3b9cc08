"""Step1X-Edit's parts with random weights, made where they run, and what goes into them.

Nothing is downloaded. Weights are N(0, 1/fan-in), norms' scales 1, so that activations stay near 1 at any size.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from step1x_edit import tiny
from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.language_model import ChatTurns
from step1x_edit.transformer import Transformer, TransformerSize

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration

VERSION = "v1.1"
STRENGTH, DAMPED_ABOVE = 6.0, 0.93
"""Guidance, and the time above which v1.1 damps it."""
LATENT = 8
"""Pixels of a picture to a side of a latent."""
BIAS = 0.02
IMAGE, VIDEO, VISION_START, VISION_END = 4, 5, 6, 7
"""Token ids of the random language model."""
WORD = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """Sizes of all parts and of their inputs.

    Rows of text have `drop` tokens before those that count; of `length` kept slots `valid` count, in the
    conditional row and in the unconditional one. `grid` is the side of the language model's picture in patches.
    """

    transformer: TransformerSize
    autoencoder: AutoencoderSize
    text: Mapping[str, object]
    vision: Mapping[str, object]
    drop: int
    length: int
    valid: tuple[int, int]
    grid: int
    sizes: tuple[int, ...]
    batches: tuple[int, ...]


PRESETS = {
    "full": Preset(
        transformer=TransformerSize(),
        autoencoder=AutoencoderSize(),
        text={
            "vocab_size": 152_064,
            "hidden_size": 3584,
            "intermediate_size": 18_944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
            "max_position_embeddings": 128_000,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
        },
        vision={
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
            "fullatt_block_indexes": [7, 15, 23, 31],
        },
        drop=217,
        length=640,
        valid=(360, 340),
        grid=36,
        sizes=(512, 1024),
        batches=(1, 2, 4, 8),
    ),
    "tiny": Preset(
        transformer=tiny.SIZE,
        autoencoder=tiny.AUTOENCODER_SIZE,
        text={
            "vocab_size": 32,
            "hidden_size": tiny.SIZE.text,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 8192,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        },
        vision={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": tiny.SIZE.text,
            "fullatt_block_indexes": [1],
        },
        drop=8,
        length=96,
        valid=(36, 30),
        grid=8,
        sizes=(64, 96),
        batches=(1, 2),
    ),
}


def compute_dtype(device: torch.device) -> torch.dtype:
    """Return what the pipeline computes in on a device."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


@torch.no_grad()
def fill(module: nn.Module, device: torch.device, seed: int) -> None:
    """Give a module without buffers, built on "meta", random weights on a device; the same ones for the same seed."""
    if left := [name for name, _ in module.named_buffers()]:
        raise ValueError(f"buffers can't be made up: {left}")
    module.to_empty(device=device).requires_grad_(False).eval()
    generator = torch.Generator(device).manual_seed(seed)
    for name, parameter in module.named_parameters():
        if parameter.dim() > 1:
            parameter.normal_(std=parameter[0].numel() ** -0.5, generator=generator)
        elif name.endswith(".bias"):
            parameter.normal_(std=BIAS, generator=generator)
        else:
            parameter.fill_(1)


def random_network(preset: Preset, device: torch.device) -> Transformer:
    """Return the network; every call makes the same weights."""
    with torch.device("meta"):
        network = Transformer(VERSION, preset.transformer).to(compute_dtype(device))
    fill(network, device, seed=0)
    return network


def random_autoencoder(preset: Preset, device: torch.device) -> Autoencoder:
    """Return the autoencoder, in float32 as always."""
    with torch.device("meta"):
        autoencoder = Autoencoder(preset.autoencoder)
    fill(autoencoder, device, seed=1)
    return autoencoder


def random_language_model(preset: Preset, device: torch.device) -> "Qwen2_5_VLForConditionalGeneration":
    """Return Qwen2.5-VL as transformers initialises it, with the head that is loaded but not used."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {"window_size": 112, "patch_size": 14, "spatial_merge_size": 2, **preset.vision}
    config = Qwen2_5_VLConfig(
        text_config={"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, **preset.text},
        vision_config=vision,
        image_token_id=IMAGE,
        video_token_id=VIDEO,
        vision_start_token_id=VISION_START,
        vision_end_token_id=VISION_END,
        tie_word_embeddings=False,
    )
    # Not on "meta": its rotary tables are buffers that no file holds.
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, dtype=compute_dtype(device))
    return model.requires_grad_(False).eval()


def chat_turns(preset: Preset, samples: int) -> ChatTurns:
    """Return the chat turns of some samples: those with their prompts, then those without, a picture for two rows."""
    tokens = (preset.grid // 2) ** 2
    picture = [VISION_START, *[IMAGE] * tokens, VISION_END]
    ids = []
    for valid in preset.valid:
        before = [WORD] * preset.drop
        ids += [torch.tensor([*before, *picture, *[WORD] * (valid - len(picture))])] * samples
    generator = torch.Generator().manual_seed(2)
    patches = 3 * 2 * 14 * 14
    return ChatTurns(
        ids=tuple(ids),
        pictures=(*range(samples), *range(samples)),
        pixels=tuple(torch.randn(preset.grid**2, patches, generator=generator) for _ in range(samples)),
        grids=(torch.tensor([1, preset.grid, preset.grid]),) * samples,
    )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the network's loop begins with, for B samples; rows are all conditional ones, then all unconditional ones.

    `noise` and `reference` are (B, C, h, w), `states` (2B, L_t, W), `mask` (2B, L_t).
    """

    noise: Tensor
    reference: Tensor
    states: Tensor
    mask: Tensor

    @property
    def targets(self) -> int:
        """Target tokens of a sample."""
        return self.noise.shape[-2] * self.noise.shape[-1] // 4


def random_inputs(preset: Preset, side: int, samples: int, device: torch.device) -> Inputs:
    """Return inputs of a picture of `side` times `side` pixels; sample b is the same in every batch."""
    dtype, latent = compute_dtype(device), side // LATENT
    drawn = []
    for sample in range(samples):
        generator = torch.Generator(device).manual_seed(100 + sample)
        shapes = *[(preset.autoencoder.latent, latent, latent)] * 2, (2, preset.length, preset.transformer.text)
        drawn.append([torch.randn(shape, generator=generator, device=device, dtype=dtype) for shape in shapes])
    noise, reference, states = (torch.stack(some) for some in zip(*drawn, strict=True))
    mask = torch.zeros(2, samples, preset.length, device=device, dtype=torch.int64)
    for row, valid in enumerate(preset.valid):
        mask[row, :, :valid] = 1
    states, mask = states.transpose(0, 1).flatten(0, 1), mask.flatten(0, 1)
    return Inputs(noise, reference, states * mask[..., None].to(dtype), mask)
