"""Checks of what is looked up or computed without a network: sizes, times, positions, token ids."""

from collections.abc import Iterator
from pathlib import Path

import torch

from step1x_edit import packing, schedule, sizing
from step1x_edit.comparing import Case, Comparison, Skipped, compare, exact
from step1x_edit.conditioning import prompt_ids
from step1x_edit.functional import rotary_table, rotate, sinusoid, transformer_time
from step1x_edit.guidance import damping
from step1x_edit.quotes import split_quotes
from step1x_edit.transformer import Version

_KEPT_BEFORE_PICTURE = 7
"""Kept tokens up to the picture: the prefix's last, "Picture", " ", "1", ":", " ", and the picture's start."""


def check_timestep_embeddings(case: Case) -> Iterator[Comparison]:
    """Both sinusoidal embeddings, from float32 and bfloat16 times."""
    for name in case.outputs:
        kind, width, *rounded = name.split("_", 2)
        t = case.inputs["t_bf16" if rounded else "t"]
        found = transformer_time(t, int(width)) if kind == "dit" else sinusoid(1000 * t, int(width))
        yield case.compare(name, found)


def check_rope(case: Case) -> Iterator[Comparison]:
    """The rotary table and its use."""
    cos, sin = table = rotary_table(case.inputs["ids"], tuple(case.config["axes"]), case.config["theta"])
    rows = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    yield case.compare("pe", rows[:, None])
    yield case.compare("q_rot", rotate(case.inputs["q"], table))
    yield case.compare("k_rot", rotate(case.inputs["k"], table))


def check_packing(case: Case) -> Iterator[Comparison]:
    """Packing, positions, and unpacking."""
    latents, reference = case.inputs["latents"], case.inputs.get("ref_latents")
    packed = packing.pack(latents)
    target = packed
    if reference is not None:
        packed = torch.cat((packed, packing.pack(reference)), dim=1)
    batch, _, height, width = latents.shape
    version: Version = case.config["version"]
    ids = packing.image_ids(batch, height // 2, width // 2, version, reference=reference is not None)
    found = {"img": packed, "img_ids": ids, "unpacked": packing.unpack(target, height, width)}
    found["txt_ids"] = packing.text_ids(batch, case.outputs["txt_ids"].shape[1])
    for name in case.outputs:
        yield case.compare(name, found[name])


def check_guidance_factor(case: Case) -> Iterator[Comparison]:
    """The divisor of damped guidance."""
    yield case.compare("divisor", damping(case.inputs["norm"], case.config["k"]))


def check_sizing(case: Case) -> Iterator[Comparison]:
    """Working sizes and those of the language model's picture."""
    for row in case.table:
        name = f"{row['w']}x{row['h']} at {row['size_level']}"
        wanted = (row["new_w"], row["new_h"])
        try:
            found = sizing.working_size(row["w"], row["h"], row["size_level"])
        except sizing.SizeError:
            yield exact(name, True, 0 in wanted)
            continue
        yield exact(name, found, wanted)
        try:
            first, second = sizing.vlm_sizes(*found)
        except sizing.SizeError:
            yield exact(f"{name}, language model", True, row.get("vlm_stage1_wh") is None)
            continue
        yield exact(
            f"{name}, language model", [list(first), list(second)], [row["vlm_stage1_wh"], row["vlm_stage2_wh"]]
        )


def check_schedule(case: Case) -> Iterator[Comparison]:
    """Times, and the step at which an image-to-image run begins."""
    for row in case.table:
        name = f"{row['steps']} steps of {row['seq_len']} tokens"
        found = schedule.times(row["steps"], row["seq_len"])
        mine, theirs = (torch.tensor(times, dtype=torch.float64) for times in (found, row["timesteps"]))
        yield compare(name, mine, theirs, float(case.tolerance["atol"]), 0.0)
        yield exact(f"{name}, damped", sum(time > 0.93 for time in found), row["steps_above_0.93"])
        for start in row["img2img_start"]:
            index = schedule.start_index(row["steps"], start["strength"])
            yield exact(f"{name} from {start['strength']}", index, start["t_idx"])


def check_quote_split(case: Case) -> Iterator[Comparison]:
    """Quoted text, character by character."""
    for row in case.table:
        yield exact(row["text"][-40:], split_quotes(row["text"]), row["pieces"])


def check_prompt_ids(case: Case, tokenizer: Path | None = None) -> Iterator[Comparison]:
    """Token ids of chat turns, from the picture's end on, with the model's own tokenizer."""
    if tokenizer is None:
        raise Skipped("skipped: needs --tokenizer FOLDER")
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    # A prefix of the trained one's length will do: what comes before the picture isn't compared.
    prefix, image_tokens = "F" * 1058, 324
    end = loaded.convert_tokens_to_ids("<|vision_end|>")
    for row in case.table:
        ids = prompt_ids(loaded, prefix, row["prompt"], image_tokens)
        tail = ids[ids.index(end) :]
        yield exact(row["prompt"][:40], tail, row["ids_from_vision_end"])
        kept = _KEPT_BEFORE_PICTURE + image_tokens + len(tail)
        yield exact(f"{row['prompt'][:40]}, kept", kept, row["kept_tokens_with_324_image_tokens"])
