"""Checks this implementation against recorded cases of the original network.

    python -m step1x_edit.verify FOLDER [--tokenizer FOLDER] [--fast] [--fused] [--dtype D] [--device D]

`FOLDER/index.json` lists the cases. Each is compared in float32 on the CPU as |a - b| ≤ atol + rtol·|b|;
that is the verdict that counts. Other paths have looser tolerances: ten times the case's in float32; in 16
bits the norm of the error may be 3 % of the expected tensor's, and more where guidance amplifies it over
several steps. Exits 1 if one fails.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file

from step1x_edit.checks import CHECKS
from step1x_edit.comparing import PLAIN, Case, Skipped, Tensors, Way
from step1x_edit.table_checks import check_prompt_ids

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def read_cases(folder: Path, way: Way = PLAIN) -> Iterator[Case]:
    """Yield the cases that a folder's index lists, to be run on a path."""
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8"))["cases"]:
        described = json.loads((folder / entry["json"]).read_text(encoding="utf-8"))
        tensors = load_file(folder / entry["file"]) if entry.get("file", "").endswith(".safetensors") else {}
        parts: dict[str, Tensors] = {mark: {} for mark in ("w.", "in.", "out.", "lora.")}
        for name, tensor in tensors.items():
            mark = next(mark for mark in parts if name.startswith(mark))
            parts[mark][name if mark == "lora." else name.removeprefix(mark)] = tensor
        lora = {name.removeprefix("lora."): tensor for name, tensor in parts["lora."].items()}
        tolerance = entry.get("tolerance") if isinstance(entry.get("tolerance"), dict) else {}
        config = described.get("config", {})
        yield Case(
            entry["case"],
            entry["kind"],
            tolerance,
            config,
            parts["w."],
            {name: tensor.to(way.device) for name, tensor in parts["in."].items()},
            parts["out."],
            {name: tensor.to(way.device) for name, tensor in lora.items()},
            described.get("cases", []),
            way,
        )


@torch.no_grad()
def run(case: Case, tokenizer: Path | None = None) -> tuple[str, float, bool]:
    """Run a case; return the verdict in words, the largest error, and whether it counts as passed.

    Args:
        case: the case.
        tokenizer: folder of Qwen2.5-VL's tokenizer, for the cases that need it.
    """
    if case.kind not in CHECKS:
        return f"unknown kind {case.kind!r}", float("nan"), False
    try:
        results = list(check_prompt_ids(case, tokenizer) if case.kind == "prompt_ids" else CHECKS[case.kind](case))
    except Skipped as reason:
        return str(reason), float("nan"), True
    worst = max(results, key=lambda result: result.share)
    error = max(result.error for result in results)
    return ("ok", error, True) if worst.share <= 1 else (f"FAILED at {worst.name}", error, False)


def main() -> int:
    """Run all cases of a folder and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", type=Path, help="folder of Qwen2.5-VL's tokenizer, for the prompt_ids cases")
    parser.add_argument(
        "--fast", action="store_true", help="by the fast path: prepared steps, folded text, targets only"
    )
    parser.add_argument("--fused", action="store_true", help="with blocks compiled by torch.compile")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    way = Way(device=given.device, dtype=DTYPES[given.dtype], fast=given.fast, fused=given.fused)
    torch.backends.cudnn.allow_tf32 = False
    passed = True
    sys.stdout.write(f"{'case':<30}{'kind':<22}{'largest error':>14}  {'tolerance':<26}verdict\n")
    for case in read_cases(given.folder, way):
        verdict, error, fine = run(case, given.tokenizer)
        passed &= fine
        sys.stdout.write(f"{case.name:<30}{case.kind:<22}{error:>14.2e}  {case.limits:<26}{verdict}\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
