"""What can be set of any pipeline, under names that mean the same for all of them."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from gedit_bench.editing.base import setting

_WITH_CLASS = re.compile(r"(?P<source>.+):(?P<pipeline>[A-Z]\w*)", re.DOTALL)


@dataclass(frozen=True)
class DiffusersSettings:
    """What can be set. `none` leaves an argument to the pipeline's own default, which the record names."""

    source: str = setting(
        "",
        "Hub id (owner/name or owner/name@revision) or folder, with :PipelineClass if need be.",
        decides_pixels=False,
    )
    pipeline: str | None = setting(None, "Its class in diffusers; the one that it names itself.", decides_pixels=False)
    revision: str | None = setting(None, "Branch, tag or commit on the hub; main.", decides_pixels=False)
    variant: str = setting("", "Of the weight files, such as fp16.", decides_pixels=False)
    pickles: bool = setting(
        False,
        "Take weights that are there only as pickles (.bin), read as tensors and nothing else.",
        decides_pixels=False,
    )
    steps: Annotated[int, Field(ge=1)] | None = setting(None, "Denoising steps: num_inference_steps.")
    guidance: float | None = setting(None, "Strength of the instruction: guidance_scale.")
    true_guidance: float | None = setting(None, "The same where guidance is distilled: true_cfg_scale.")
    image_guidance: float | None = setting(None, "Faithfulness to the source: image_guidance_scale.")
    negative: str | None = setting(None, "The negative prompt.")
    template: str = setting(
        "", "How the instruction is put; {instruction} or {instruction:json} stands for it. The pipeline's usual way."
    )
    size: Literal["native", "resize-to-source", "source"] = setting(
        "native", "What the pipeline makes, that resized to the source's size, or made in the source's size."
    )
    max_area: Annotated[int, Field(ge=1)] | None = setting(None, "Pixels that pictures are scaled to.")
    extra: str = setting("", "Further arguments of the pipeline's call, as a JSON object.")
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = setting(
        "auto", "Of the weights: bfloat16 on a GPU, float32 on a CPU."
    )
    quantise: Literal["none", "bnb-4bit", "bnb-8bit", "torchao-int8", "torchao-float8"] = setting(
        "none", "Transformer and large text encoders in fewer bits."
    )
    lora: str = setting("", "Adapters: FILE or owner/name[/FILE], each with :WEIGHT if not 1, separated by commas.")
    offload: Literal["none", "model", "sequential"] = setting(
        "none", "Parts wait in the machine's memory until they are needed.", decides_pixels=False
    )
    compile: bool = setting(False, "Compile the denoiser: slow at first, then faster.", decides_pixels=False)
    batch: Annotated[int, Field(ge=1)] | Literal["auto"] = setting(
        1, "Edits of equal size in one call; auto finds what the memory takes.", decides_pixels=False
    )

    def __post_init__(self) -> None:
        """Take apart what the source names in one word."""
        if match := _WITH_CLASS.fullmatch(self.source):
            object.__setattr__(self, "source", match["source"])
            object.__setattr__(self, "pipeline", self.pipeline or match["pipeline"])
