"""The benchmark of Step1X-Edit: runs on a bare machine, counts FLOP right, and hides neither failures nor omissions."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from step1x_bench import Bench, measure_way
from step1x_ceilings import Ceilings, Flop, condition_flop, step_flop
from step1x_parts import PRESETS, random_inputs
from step1x_tables import OVER, Row, goals
from step1x_ways import WAYS
from torch.utils.flop_counter import FlopCounterMode

from step1x_edit import tiny
from step1x_edit.functional import rotary_table
from step1x_edit.transformer import Transformer

PERF = Path(__file__).parents[2] / "perf"
BARE = ("PIL", "pydantic", "gedit_bench", "einops", "datasets", "pandas", "diffusers")
"""What must not be needed; transformers itself needs numpy."""
CPU = torch.device("cpu")


def run(tmp_path: Path, *options: str, missing: tuple[str, ...] = BARE) -> tuple[int, str, dict[str, list[dict]]]:
    """Run the script where some modules can't be imported; return exit code, output and figures."""
    script, figures = PERF / "step1x_edit.py", tmp_path / "figures.json"
    arguments = [str(script), "--preset", "tiny", "--device", "cpu", "--json", str(figures), *options]
    code = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({missing!r})); sys.argv = {arguments!r};"
        f" sys.path.insert(0, {str(PERF)!r}); runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=240, check=False)
    assert figures.is_file(), done.stderr
    return done.returncode, done.stdout, json.loads(figures.read_text())


@pytest.mark.slow
def test_ways_are_compared_with_torch_alone(tmp_path: Path) -> None:
    options = ("--only", "plain,fast", "--steps", "2", "--sizes", "64")
    code, output, figures = run(tmp_path, *options, missing=(*BARE, "numpy", "transformers"))
    assert code == 0
    assert output.startswith("device CPU, torch ")
    plain, fast = figures["rows"]
    assert [row["name"] for row in (plain, fast)] == ["plain", "fast"]
    assert all(row["loop"] > 0 and row["steps"] == 2 and row["rate"] > 0 for row in (plain, fast))
    assert 0 < fast["velocity_error"] < 1e-5
    assert 0 < fast["loop_error"] < 1e-5
    table = [line.split() for line in output.splitlines()]
    assert ["64", "1", "plain", "2"] in [cells[:4] for cells in table]
    assert ["64", "1", "fast", "2"] in [cells[:4] for cells in table]


@pytest.mark.slow
def test_phases_modes_and_fp8_on_a_bare_machine(tmp_path: Path) -> None:
    options = ("--only", "language,autoencoder,plain,24gb,fp8-weights,fp8-matmul", "--steps", "8", "--sizes", "64")
    code, output, figures = run(tmp_path, *options)
    assert code == 0, output
    rows = {row["name"]: row for row in figures["rows"]}
    assert rows["plain"]["image"] == pytest.approx(
        rows["plain"]["loop"] + rows["language"]["image"] + rows["autoencoder"]["image"]
    )
    assert rows["plain"]["steps"] == 6
    assert "6 steps measured, scaled to 8" in output
    assert rows["24gb"]["image"] > rows["24gb"]["loop"]
    for name in ("fp8-weights", "fp8-matmul"):
        assert 1e-3 < rows[name]["velocity_error"] < 0.2


@pytest.mark.slow
def test_everything_at_toy_size(tmp_path: Path) -> None:
    code, output, figures = run(tmp_path, "--steps", "6")
    assert code == 0, output
    names = {row["name"] for row in figures["rows"]}
    assert names == {"language", "autoencoder", *WAYS, "offload", "24gb"}
    assert {one["kind"].split()[0] for one in figures["ceilings"]} == {"matmul", "attention", "fp8"}
    fused = [row for row in figures["rows"] if row["name"] == "fused"]
    assert [(row["side"], row["batch"]) for row in fused] == [(64, 1), (96, 1), (64, 2)]
    assert all(row["velocity_error"] < 1e-5 and row["share"] > 0 for row in fused)


@pytest.fixture
def network() -> Iterator[Transformer]:
    with torch.device("meta"):
        yield Transformer("v1.1", tiny.SIZE)


@pytest.mark.parametrize(("rows", "image", "text"), [(2, 72, 96), (4, 32, 64)])
def test_flop_of_a_plain_step_are_those_that_torch_counts(
    network: Transformer, rows: int, image: int, text: int
) -> None:
    size = network.size
    with FlopCounterMode(display=False) as counter:
        network(
            torch.empty(rows, image, size.channels),
            torch.empty(rows, image, 3),
            torch.empty(rows, text, size.text),
            torch.empty(rows, text, 3),
            torch.empty(rows, text),
            torch.empty(rows),
        )
    counted = step_flop(size, rows, image, text) + condition_flop(size, rows, text)
    assert counted.total == counter.get_total_flops()


def test_flop_of_a_prepared_step_are_those_that_torch_counts(network: Transformer) -> None:
    size, rows, image, text = network.size, 2, 72, 32
    modulation = torch.empty(rows, size.hidden * (12 * size.double_blocks + 3 * size.single_blocks + 2))
    table = rotary_table(torch.empty(1, text + image, 3), size.axes)
    with FlopCounterMode(display=False) as counter:
        embedded = network.img_in(torch.empty(rows, image, size.channels))
        tokens = torch.empty(rows, text, size.hidden)
        after = network.trunk(embedded, tokens, modulation, table, copies=64, targets=image // 2)
        network.finish(after, modulation)
    counted = step_flop(size, rows, image, text, copies=64, targets=image // 2)
    assert counted.total == counter.get_total_flops()


def test_the_floor_at_full_size_is_the_known_one() -> None:
    size = PRESETS["full"].transformer
    for side, floor in ((512, 80.7e12), (1024, 338.5e12)):
        step = step_flop(size, 2, 2 * side**2 // 256, 640) + condition_flop(size, 2, 640)
        assert step.total == pytest.approx(floor, rel=1e-3)


def test_each_kind_of_work_has_its_ceiling() -> None:
    best = Ceilings(matmul=10, attention=5, fp8=20)
    assert best.seconds(Flop(100, 10, 5)) == 10 + 1 + 1
    assert best.seconds(Flop(100, 10, 5), fp8=True) == 5 + 1 + 1
    assert Ceilings(matmul=10, attention=5).seconds(Flop(100, 10, 5), fp8=True) is None


def test_a_sample_is_the_same_in_every_batch() -> None:
    alone, among = (random_inputs(PRESETS["tiny"], 64, samples, CPU) for samples in (1, 3))
    assert torch.equal(alone.noise[0], among.noise[0])
    assert torch.equal(alone.states, among.states[::3])
    assert torch.equal(alone.mask, among.mask[::3])


def bench(seconds: float) -> Bench:
    return Bench(PRESETS["tiny"], CPU, 2, frozenset(), time.monotonic() + seconds)


def test_what_does_not_fit_into_the_budget_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    late = bench(-1)
    measure_way(late, WAYS["plain"], 64)
    assert OVER in capsys.readouterr().out
    assert [(row.name, row.note, row.failed) for row in late.rows] == [("plain", OVER, False)]


def test_a_failure_is_a_row_and_the_next_way_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def fails(row: Row) -> Row:
        raise RuntimeError(f"no kernel for {row.name}\nand a long trace")

    some = bench(60)
    some.measure(Row(side=64, batch=1, name="fused"), fails)
    measure_way(some, WAYS["plain"], 64)
    broken, plain = some.rows
    assert broken.failed
    assert "failed: RuntimeError: no kernel for fused\n" in capsys.readouterr().out
    assert plain.loop is not None


def test_goals_are_met_not_met_or_not_measured() -> None:
    rows = [
        Row(side=512, batch=1, name="fused", image=4.0, share=0.75),
        Row(side=512, batch=1, name="fast", image=5.0, share=0.6),
        Row(side=512, batch=8, name="fused", image=3.9),
        Row(side=512, batch=1, name="24gb", image=4.8, peak=23_000_000_000),
        Row(side=1024, batch=1, name="fused", failed=True),
    ]
    found = {goal.what: (goal.found, goal.verdict) for goal in goals(rows)}
    assert found["s an image, 512²"] == (4.0, "met")
    assert found["stretch: s an image, 512²"] == (4.0, "not met")
    assert found["stretch: share of the attainable, 512²"] == (0.75, "not met")
    assert found["images an hour in batches, 512²"] == (pytest.approx(3600 / 3.9), "met")
    assert found["s an image, 1024²"] == (None, "not measured")
    assert found["peak GB in mode 24gb, 512²"] == (23, "met")
    assert found["mode 24gb by resident, s an image, 16 together, 512²"] == (pytest.approx(1.2), "not met")
