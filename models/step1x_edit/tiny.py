"""The whole pipeline at toy size with random weights, in the published layout: for tests and bare machines.

What it paints is noise. Its language model has a tokenizer made on the spot and a stand-in prefix, so
that it needs no network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file

from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.conditioning import Conditioning, chat_text
from step1x_edit.files import AUTOENCODER_FILE, LANGUAGE_MODEL, TRANSFORMER_FILES
from step1x_edit.language_loading import hide_progress_where_nobody_watches
from step1x_edit.transformer import Transformer, TransformerSize, Version

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig

SIZE = TransformerSize(
    channels=64,
    hidden=48,
    heads=2,
    axes=(8, 8, 8),
    double_blocks=1,
    single_blocks=2,
    pooled=32,
    text=64,
    connector=64,
    connector_heads=2,
    connector_depth=1,
)
AUTOENCODER_SIZE = AutoencoderSize(channels=32, multipliers=(1, 1, 1, 1), blocks=1, latent=16)
PREFIX = "A picture and what is to be changed in it follow:\n"
LEVEL = 96
"""Side of a square of the working area, in pixels."""

_SPECIAL = (
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>"),
    *("<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"),
)


def make_tiny(folder: Path, version: Version = "v1.1", seed: int = 0) -> Conditioning:
    """Write a toy pipeline's files to a folder; return the conditioning that goes with them.

    Args:
        folder: created if it isn't there; laid out as the published files.
        version: of the network.
        seed: of its random weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _save(Transformer(version, SIZE), folder / TRANSFORMER_FILES[version])
        _save(Autoencoder(AUTOENCODER_SIZE), folder / AUTOENCODER_FILE)
        drop = _make_language_model(folder / LANGUAGE_MODEL)
    return Conditioning(prefix=PREFIX, drop=drop, length=400)


def _save(module: torch.nn.Module, path: Path) -> None:
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, path)


def _make_language_model(folder: Path) -> int:
    """Write a random Qwen2.5-VL; return how many tokens of a chat turn come before the prefix's last."""
    from transformers import PreTrainedTokenizerFast, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

    hide_progress_where_nobody_watches()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_byte_tokenizer(),
        eos_token=_SPECIAL[2],
        pad_token=_SPECIAL[0],
        additional_special_tokens=list(_SPECIAL[1:]),
    )
    Qwen2_5_VLForConditionalGeneration(_language_config(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    Qwen2VLImageProcessorPil().save_pretrained(folder)
    before = chat_text(PREFIX, "").partition("Picture")[0]
    return len(tokenizer(before, add_special_tokens=False)["input_ids"]) - 1


def _byte_tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    # "!" is token 0 in Qwen's vocabulary; here, too, since upstream takes 0 for padding.
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=sorted(alphabet), special_tokens=["!", *_SPECIAL], show_progress=False
    )
    tokenizer.train_from_iterator([PREFIX], trainer)
    return tokenizer


def _language_config(tokenizer: "PreTrainedTokenizerFast") -> "Qwen2_5_VLConfig":
    from transformers import Qwen2_5_VLConfig

    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in _SPECIAL}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": SIZE.text,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 8192,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "pad_token_id": ids["<|endoftext|>"],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": SIZE.text,
        "fullatt_block_indexes": [1],
        "window_size": 112,
        "patch_size": 14,
        "spatial_merge_size": 2,
    }
    return Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
