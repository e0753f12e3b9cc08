#!/usr/bin/env python3
"""OmniGen v1 by its own package: an example of a model that comes with a repository and needs an environment.

    git clone https://github.com/VectorSpaceLab/OmniGen && /envs/omnigen/bin/pip install -e OmniGen
    gedit-bench run --model 'command:/envs/omnigen/bin/python omnigen_worker.py' --lang en

The call is the one that docs/inference.md of that repository describes (read 2026-11-24). It has not been run with
the real package or weights; the protocol around it has, with a module of the same interface.
"""

import argparse
import json
import sys

from OmniGen import OmniGenPipeline
from PIL import Image

MULTIPLE = 16
"""Sides of a picture that the model makes are multiples of this."""

answers = sys.stdout
sys.stdout = sys.stderr  # what libraries print goes to the log


def answer(**message: object) -> None:
    """Write one line of the protocol."""
    print(json.dumps(message), file=answers, flush=True)


def rounded(side: int) -> int:
    """Return the nearest side that the model can make."""
    return max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE)


def edit(pipeline: OmniGenPipeline, request: dict[str, str], seed: int, chosen: argparse.Namespace) -> Image.Image:
    """Return one edit in the source's size, rounded to what the model can make."""
    with Image.open(request["source"]) as source:
        width, height = source.size
    [picture] = pipeline(
        prompt=f"<img><|image_1|></img> {request['instruction']}",
        input_images=[request["source"]],
        width=rounded(width),
        height=rounded(height),
        num_inference_steps=chosen.steps,
        guidance_scale=chosen.guidance,
        img_guidance_scale=chosen.image_guidance,
        seed=seed,
    )
    return picture


def main() -> None:
    """Load the model once, then answer one line for each line that comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", default="Shitao/OmniGen-v1")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--guidance", type=float, default=2.5)
    parser.add_argument("--image-guidance", type=float, default=1.6)
    chosen = parser.parse_args()
    pipeline = OmniGenPipeline.from_pretrained(chosen.weights)
    answer(ready=True, protocol=1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            edit(pipeline, request, request["seed"], chosen).save(request["output"])
        except (RuntimeError, ValueError) as error:  # torch's out-of-memory error is a RuntimeError
            answer(id=request["id"], status="edit_failed", message=f"{type(error).__name__}: {error}")
        else:
            answer(id=request["id"], status="ok")


if __name__ == "__main__":
    main()
