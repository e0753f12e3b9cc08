"""Pipelines of diffusers with random weights, a few hundred kilobytes each, saved as published ones are."""

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLWan,
    ChronoEditPipeline,
    ChronoEditTransformer3DModel,
    DiffusionPipeline,
    EulerAncestralDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxKontextPipeline,
    FluxTransformer2DModel,
    StableDiffusionInstructPix2PixPipeline,
    UNet2DConditionModel,
    VisualClozePipeline,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)
from transformers.convert_slow_tokenizer import bytes_to_unicode

OPTIONS = {
    "tiny-chronoedit": ("steps=2", "size=source", 'extra={"max_sequence_length": 16}'),
    "tiny-ip2p": ("steps=2",),
    "tiny-klein": ("steps=2", 'extra={"max_sequence_length": 32, "text_encoder_out_layers": [1]}'),
    "tiny-kontext": ("steps=2", "size=source", 'extra={"max_sequence_length": 32}'),
    "tiny-visualcloze": ("steps=2", 'extra={"max_sequence_length": 32, "upsampling_strength": 0.5}'),
}
"""What each needs to run at toy size."""

_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_instruct_pix2pix(folder: Path, *, checker: bool = False) -> Path:
    """InstructPix2Pix; with `checker`, one whose safety checker finds everything unsafe."""
    tokenizer = _clip_tokenizer()
    torch.manual_seed(0)
    pipeline = StableDiffusionInstructPix2PixPipeline(
        vae=AutoencoderKL(
            block_out_channels=[32, 64],
            down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2,
            latent_channels=4,
            norm_num_groups=8,
        ),
        text_encoder=_clip_text(tokenizer),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(
            block_out_channels=(32, 64),
            layers_per_block=1,
            sample_size=32,
            in_channels=8,
            out_channels=4,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=32,
            attention_head_dim=8,
        ),
        scheduler=EulerAncestralDiscreteScheduler(),
        safety_checker=_strict_checker() if checker else None,
        feature_extractor=_feature_extractor() if checker else None,
        requires_safety_checker=checker,
    )
    return _saved(pipeline, folder)


_FLUX_LATENTS = {"use_quant_conv": False, "use_post_quant_conv": False, "shift_factor": 0.06, "scaling_factor": 1.5}


def _flux_texts() -> dict[str, Any]:
    """The parts of FLUX.1's kin that read the instruction, and their scheduler."""
    tokenizer, second = _clip_tokenizer(), _t5_tokenizer()
    torch.manual_seed(0)
    sizes = {"vocab_size": len(second), "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    return {
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "text_encoder": _clip_text(tokenizer),
        "text_encoder_2": T5EncoderModel(T5Config(**sizes)).eval(),
        "tokenizer": tokenizer,
        "tokenizer_2": second,
    }


def _flux_transformer(**sizes: Any) -> FluxTransformer2DModel:
    depth = {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2}
    return FluxTransformer2DModel(patch_size=1, joint_attention_dim=32, pooled_projection_dim=32, **depth, **sizes)


def save_kontext(folder: Path) -> Path:
    """FLUX.1 Kontext."""
    pipeline = FluxKontextPipeline(
        **_flux_texts(),
        transformer=_flux_transformer(
            in_channels=16, attention_head_dim=16, axes_dims_rope=[4, 4, 8], guidance_embeds=True
        ),
        vae=AutoencoderKL(
            sample_size=64,
            block_out_channels=(16, 16),
            latent_channels=4,
            norm_num_groups=8,
            down_block_types=["DownEncoderBlock2D"] * 2,
            up_block_types=["UpDecoderBlock2D"] * 2,
            **_FLUX_LATENTS,
        ),
    )
    return _saved(pipeline, folder)


def save_klein(folder: Path) -> Path:
    """FLUX.2 klein: a Qwen3 text encoder, and sources that it crops to multiples of two pixels."""
    tokenizer = _byte_tokenizer(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.pad_token, tokenizer.eos_token, tokenizer.chat_template = "<|endoftext|>", "<|im_end|>", _CHAT
    torch.manual_seed(0)
    pipeline = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=16,
                intermediate_size=16,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=2,
                head_dim=8,
                tie_word_embeddings=True,
            )
        ).eval(),
        tokenizer=tokenizer,
        transformer=Flux2Transformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=16,
            axes_dims_rope=[4, 4, 4, 4],
            guidance_embeds=False,
        ),
        vae=AutoencoderKLFlux2(
            sample_size=32,
            down_block_types=("DownEncoderBlock2D",),
            up_block_types=("UpDecoderBlock2D",),
            block_out_channels=(4,),
            layers_per_block=1,
            latent_channels=4,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
    )
    return _saved(pipeline, folder)


def save_chronoedit(folder: Path) -> Path:
    """ChronoEdit, which makes a film of five frames."""
    tokenizer = _t5_tokenizer()
    torch.manual_seed(0)
    sizes = {"vocab_size": len(tokenizer), "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
    vision = {"hidden_size": 4, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    pipeline = ChronoEditPipeline(
        tokenizer=tokenizer,
        text_encoder=UMT5EncoderModel(UMT5Config(**sizes)).eval(),
        image_encoder=CLIPVisionModel(CLIPVisionConfig(**vision, image_size=32, patch_size=8)).eval(),
        image_processor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        transformer=ChronoEditTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=12,
            in_channels=36,
            out_channels=16,
            text_dim=32,
            freq_dim=32,
            ffn_dim=32,
            num_layers=2,
            image_dim=4,
        ),
        vae=AutoencoderKLWan(base_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        scheduler=FlowMatchEulerDiscreteScheduler(),
    )
    return _saved(pipeline, folder)


def save_visual_cloze(folder: Path) -> Path:
    """VisualCloze, which fills the blank in a row of pictures and enlarges it."""
    pipeline = VisualClozePipeline(
        **_flux_texts(),
        transformer=_flux_transformer(in_channels=12, out_channels=4, attention_head_dim=6, axes_dims_rope=[2, 2, 2]),
        vae=AutoencoderKL(
            sample_size=32,
            block_out_channels=(4,),
            latent_channels=1,
            norm_num_groups=1,
            **_FLUX_LATENTS,
        ),
        resolution=32,
    )
    return _saved(pipeline, folder)


def save_adapter(pipeline: Path, folder: Path, seed: int = 0) -> Path:
    """A LoRA adapter with random weights, large enough to be seen, for a saved Kontext's attention."""
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    transformer = FluxTransformer2DModel.from_pretrained(pipeline / "transformer")
    transformer.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v"]))
    torch.manual_seed(seed)
    state = {name: torch.randn_like(value) for name, value in get_peft_model_state_dict(transformer).items()}
    FluxKontextPipeline.save_lora_weights(folder, transformer_lora_layers=state)
    return folder / "pytorch_lora_weights.safetensors"


def _saved(pipeline: DiffusionPipeline, folder: Path) -> Path:
    pipeline.save_pretrained(folder)
    return folder


def _clip_tokenizer() -> CLIPTokenizer:
    """Bytes, their forms at the end of a word, and no merges: every text is spelled."""
    letters = list(bytes_to_unicode().values())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=77)


def _clip_text(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        projection_dim=32,
    )
    return CLIPTextModel(config).eval()


def _t5_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = _byte_tokenizer(["<pad>", "</s>", "<unk>"])
    tokenizer.pad_token, tokenizer.eos_token, tokenizer.unk_token = "<pad>", "</s>", "<unk>"
    return tokenizer


def _byte_tokenizer(special: list[str]) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(["turn the sky green"], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512)


def _strict_checker() -> StableDiffusionSafetyChecker:
    """A checker every one of whose concepts is found, because the cosine of anything exceeds -1."""
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(vision_config={**vision, "image_size": 30, "patch_size": 15}, projection_dim=8)
    checker = StableDiffusionSafetyChecker(config)
    with torch.no_grad():
        checker.concept_embeds_weights.fill_(-1.0)
        checker.concept_embeds.copy_(torch.randn_like(checker.concept_embeds))
    return checker


def _feature_extractor() -> CLIPImageProcessor:
    side = {"height": 30, "width": 30}
    return CLIPImageProcessor(size={"shortest_edge": 30}, crop_size=side)
