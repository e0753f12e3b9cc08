#!/usr/bin/env python3
"""Any pipeline of diffusers as a worker, for a fork of diffusers or another version than gedit-bench's own.

    gedit-bench run --model 'command:/envs/fork/bin/python diffusers_worker.py OWNER/NAME --call call.json'

where call.json holds further arguments of the pipeline, such as {"num_inference_steps": 28, "guidance_scale": 6.0}.
Its environment needs torch, diffusers (the fork) and pillow, and nothing of gedit-bench.
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from PIL import Image

answers = sys.stdout
sys.stdout = sys.stderr  # what libraries print goes to the log


def answer(**message: object) -> None:
    """Write one line of the protocol."""
    print(json.dumps(message), file=answers, flush=True)


def load(source: str) -> DiffusionPipeline:
    """Return the pipeline in a folder or on the hub, on the GPU if there is one."""
    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if on_gpu else torch.float32
    pipeline = DiffusionPipeline.from_pretrained(source, torch_dtype=dtype, use_safetensors=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cuda" if on_gpu else "cpu")


def edit(pipeline: DiffusionPipeline, request: dict[str, str], seed: int, call: dict[str, object]) -> Image.Image:
    """Return one edit; a seed means the same on each device because its generator is the CPU's."""
    with Image.open(request["source"]) as source:
        picture = source.convert("RGB")
    generator = torch.Generator("cpu").manual_seed(seed)
    return pipeline(image=picture, prompt=request["instruction"], generator=generator, **call).images[0]


def main() -> None:
    """Load the pipeline, then answer one line for each line that comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("source", help="hub id, or a folder")
    parser.add_argument("--call", type=Path, help="JSON file with further arguments of the pipeline")
    chosen = parser.parse_args()
    call = json.loads(chosen.call.read_text()) if chosen.call else {}
    try:
        pipeline = load(chosen.source)
    except (OSError, ValueError) as error:
        answer(ready=False, message=str(error))
        return
    answer(ready=True, protocol=1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            edit(pipeline, request, request["seed"], call).save(request["output"])
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            answer(id=request["id"], status="edit_failed", message="The GPU's memory was not enough.")
        except (RuntimeError, TypeError, ValueError) as error:
            answer(id=request["id"], status="edit_failed", message=f"{type(error).__name__}: {error}")
        else:
            answer(id=request["id"], status="ok", extra={"call": call})


if __name__ == "__main__":
    main()
