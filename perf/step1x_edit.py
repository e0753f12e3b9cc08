"""How fast our Step1X-Edit is, beside what this GPU's matrix products and attention would allow.

    python perf/step1x_edit.py
    python perf/step1x_edit.py --preset tiny --device cpu
    python perf/step1x_edit.py --sizes 512 --only ceilings,plain,fused --json figures.json

Every module has its full size and random weights made on the device: nothing is downloaded, and torch and
transformers are all that is needed. Each figure is printed as soon as it is there. What fails or doesn't fit
into the budget says so in its line. Exit code 1: something failed.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "models"))  # before this file's own folder: this file, too, is called step1x_edit

import torch  # noqa: E402
from step1x_bench import Bench, measure_ceilings, measure_phases, measure_way  # noqa: E402
from step1x_modes import measure_mode  # noqa: E402
from step1x_parts import PRESETS  # noqa: E402
from step1x_tables import HEADER, goals, line, number  # noqa: E402
from step1x_ways import WAYS  # noqa: E402

MODES = ("offload", "24gb")
NAMES = ("ceilings", "language", "autoencoder", *WAYS, "batches", *MODES)


def measure_all(bench: Bench, sides: Sequence[int], batches: Sequence[int]) -> list[dict[str, object]]:
    """Measure what is wanted, the most wanted first; return the ceilings."""
    found = measure_ceilings(bench, sides) if bench.wants("ceilings") else []
    print(f"\n{line(HEADER)}", flush=True)
    more = [batch for batch in batches if batch > 1] if bench.wants("batches") else []
    measure_phases(bench, sides, (1, *more))
    for name in ("plain", "fast", "fused"):
        measure_sides(bench, name, sides)
    done = {row.name for row in bench.rows if row.loop is not None}
    quickest = WAYS["fused" if "fused" in done else "fast"]
    for batch in more:
        measure_way(bench, quickest, sides[0], batch)
    measure_sides(bench, "teacache", sides)
    for side in sides:
        for mode in MODES:
            if bench.wants(mode):
                measure_mode(bench, mode, quickest, side)
    for name in ("fp8-matmul", "fp8-fused", "fp8-weights"):
        measure_sides(bench, name, sides)
    return found


def measure_sides(bench: Bench, name: str, sides: Sequence[int]) -> None:
    """Measure a way at each size if it is wanted."""
    if bench.wants(name):
        for side in sides:
            measure_way(bench, WAYS[name], side)


def machine(device: torch.device) -> dict[str, str]:
    """Return what the figures depend on."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return {
        "device": gpu,
        "torch": torch.__version__,
        "CUDA": str(torch.version.cuda),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def sides(text: str) -> tuple[int, ...]:
    if wrong := [side for side in numbers(text) if side < 16 or side % 16]:
        raise argparse.ArgumentTypeError(f"{wrong[0]} is no multiple of 16")
    return numbers(text)


def names(text: str) -> frozenset[str]:
    if unknown := set(text.split(",")) - set(NAMES):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not among {', '.join(NAMES)}")
    return frozenset(text.split(","))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="full")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", type=sides, help="sides in pixels, multiples of 16; default: 512,1024, tiny 64,96")
    parser.add_argument(
        "--batches", type=numbers, help="pictures in one pass, at the first size; 1 is always among them"
    )
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--budget", type=float, default=450, help="seconds after which nothing more is begun")
    parser.add_argument("--only", type=names, default=frozenset(NAMES), help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, help="where the same figures go")
    given = parser.parse_args()
    deadline = time.monotonic() + given.budget
    preset, device = PRESETS[given.preset], torch.device(given.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU here; --preset tiny --device cpu runs anywhere")
    about = {**machine(device), "preset": given.preset, "steps": str(given.steps)}
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    # A way that went on without its compiled blocks would be measured as what it isn't.
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    bench = Bench(preset, device, given.steps, given.only, deadline)
    ceilings = measure_all(bench, given.sizes or preset.sizes, given.batches or preset.batches)
    wanted = goals(bench.rows) if given.preset == "full" and device.type == "cuda" else []
    for goal in wanted:
        sign = "≤" if goal.most else "≥"
        print(f"{goal.what:<58} {sign} {goal.wanted:<6g} {number(goal.found, '.4g'):>8}  {goal.verdict}")
    if given.json:
        figures = {
            "about": about,
            "ceilings": ceilings,
            "rows": [asdict(row) for row in bench.rows],
            "goals": [{**asdict(goal), "verdict": goal.verdict} for goal in wanted],
        }
        given.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False), encoding="utf-8")
    return int(any(row.failed for row in bench.rows))


if __name__ == "__main__":
    sys.exit(main())
