"""The recorded cases of the original network, through the command that users run."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from step1x_edit import tiny, verify
from step1x_edit.comparing import Way
from step1x_edit.files import LANGUAGE_MODEL

GOLDEN = Path(__file__).parents[1] / "golden" / "step1x_edit"
CASES = {case.name: case for case in verify.read_cases(GOLDEN)}


@pytest.mark.parametrize("name", CASES)
def test_every_recorded_case_passes(name: str) -> None:
    verdict, error, passed = verify.run(CASES[name])
    assert passed, f"{verdict}, largest error {error}"
    assert verdict == "ok" or CASES[name].kind == "prompt_ids"


FAST = [name for name, case in CASES.items() if case.kind in ("dit", "dit_diffusers", "loop", "teacache")]


@pytest.mark.parametrize("name", FAST)
def test_the_fast_path_keeps_to_the_recorded_cases(name: str) -> None:
    case = replace(CASES[name], way=Way(fast=True))
    verdict, error, passed = verify.run(case)
    assert passed, f"{verdict}, largest error {error}"
    assert error < float(case.tolerance["atol"])  # in fact, within the plain path's tolerance


@pytest.mark.parametrize("name", ["connector_v10", "double_block", "dit_v11", "loop_v10", "ae_decode"])
@pytest.mark.parametrize("fast", [False, True])
def test_sixteen_bits_stay_near_the_recorded_cases(name: str, fast: bool) -> None:
    [case] = [case for case in verify.read_cases(GOLDEN, Way(dtype=torch.bfloat16, fast=fast)) if case.name == name]
    verdict, error, passed = verify.run(case)
    assert passed, f"{verdict}, largest error {error}"
    assert error > 1e-4, "this was computed in float32"


@pytest.mark.slow
def test_compiled_blocks_keep_to_the_recorded_cases(tmp_path: Path) -> None:
    one_case(tmp_path, "loop_v11")
    done = command(tmp_path, "--fast", "--fused")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "atol 0.002, rtol 0.005" in done.stdout  # the looser tolerance is said


def command(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "step1x_edit.verify", str(folder), *options]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def one_case(folder: Path, name: str) -> Path:
    """Copy one case into a folder of its own; return its tensors' file."""
    index = json.loads((GOLDEN / "index.json").read_text())
    index["cases"] = [case for case in index["cases"] if case["case"] == name]
    (folder / "index.json").write_text(json.dumps(index))
    for file in (index["cases"][0]["file"], index["cases"][0]["json"]):
        shutil.copyfile(GOLDEN / file, folder / file)
    return folder / index["cases"][0]["file"]


def test_the_command_prints_a_table_and_exits_0(tmp_path: Path) -> None:
    one_case(tmp_path, "final_layer")
    done = command(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "final_layer" in done.stdout
    assert done.stdout.rstrip().endswith("ok")


SELDOM = [pytest.param(name, marks=pytest.mark.slow) for name in ("rope_tiny", "lora_merge", "pack_ids_v11")]


@pytest.mark.parametrize("name", ["final_layer", "loop_v11", *SELDOM])
def test_a_wrong_number_fails(tmp_path: Path, name: str) -> None:
    file = one_case(tmp_path, name)
    tensors = load_file(file)
    changed = next(key for key in sorted(tensors) if key.startswith("out."))
    tensors[changed] = tensors[changed] + 0.01
    save_file(tensors, file)
    done = command(tmp_path)
    assert done.returncode == 1
    assert "FAILED" in done.stdout


def test_an_unknown_kind_fails(tmp_path: Path) -> None:
    one_case(tmp_path, "final_layer")
    index = json.loads((tmp_path / "index.json").read_text())
    index["cases"][0]["kind"] = "something new"
    (tmp_path / "index.json").write_text(json.dumps(index))
    assert command(tmp_path).returncode == 1


@pytest.mark.slow
def test_prompt_ids_are_skipped_without_a_tokenizer_and_fail_with_another(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    index = json.loads((GOLDEN / "index.json").read_text())
    index["cases"] = [case for case in index["cases"] if case["kind"] == "prompt_ids"]
    (tmp_path / "case" / "index.json").write_text(json.dumps(index))
    shutil.copyfile(GOLDEN / "prompt_ids.json", tmp_path / "case" / "prompt_ids.json")
    assert "needs --tokenizer" in command(tmp_path / "case").stdout
    tiny.make_tiny(tmp_path / "tiny")
    done = command(tmp_path / "case", "--tokenizer", str(tmp_path / "tiny" / LANGUAGE_MODEL))
    assert done.returncode == 1
    assert "FAILED" in done.stdout
