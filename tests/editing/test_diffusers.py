"""Pipelines of diffusers with random weights as a backend, through the command line, from a saved folder."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import Ended, gedit_bench, tree
from tiny_pipelines import OPTIONS, save_adapter, save_instruct_pix2pix

from gedit_bench import EditStatus
from gedit_bench.records import SampleId
from gedit_bench.store.run import Run, find_runs


def edit_with(pipeline: Path, data: Path, out: Path, *options: str) -> Ended:
    settings = [word for option in (*OPTIONS[pipeline.name], *options) for word in ("-o", option)]
    return gedit_bench("edit", "--model", f"diffusers:{pipeline}", "--data", data, "--out", out, *settings)


def only_run(out: Path) -> Run:
    [run] = find_runs([out])
    return run


def pixels(run: Run) -> dict[SampleId, np.ndarray]:
    edits = run.edits().values()
    return {edit.sample: np.array(Image.open(run.path / edit.file), int) for edit in edits if edit.file}


@pytest.mark.parametrize("name", ["tiny-ip2p", "tiny-kontext", "tiny-klein"])
def test_a_saved_pipeline_edits_and_resumes(name: str, pipelines: Path, three_samples: Path, tmp_path: Path) -> None:
    ended = edit_with(pipelines / name, three_samples, tmp_path)
    assert ended.code == 0, ended.err
    run = only_run(tmp_path)
    edits = run.edits()
    assert [edit.status for edit in edits.values()] == [EditStatus.OK] * 3, edits
    assert run.manifest.name == name
    assert len({image.tobytes() for image in pixels(run).values()}) == 3
    before = pixels(run)
    (run.path / next(iter(edits.values())).file).unlink()
    assert edit_with(pipelines / name, three_samples, tmp_path).code == 0
    again = only_run(tmp_path)
    assert len([line for path in run.path.glob("edits*") for line in path.read_text().splitlines()]) == 4
    for sample, pixels_before in before.items():
        assert np.abs(pixels(again)[sample] - pixels_before).max() <= 1  # a reloaded Kontext may round otherwise


@pytest.mark.parametrize("name", ["tiny-ip2p", "tiny-kontext"])
def test_a_batch_makes_what_single_edits_make(name: str, pipelines: Path, three_samples: Path, tmp_path: Path) -> None:
    options = ("negative=blue", *(["true_guidance=2"] if name == "tiny-kontext" else []))
    assert edit_with(pipelines / name, three_samples, tmp_path / "alone", *options).code == 0
    assert edit_with(pipelines / name, three_samples, tmp_path / "together", *options, "batch=3").code == 0
    alone, together = only_run(tmp_path / "alone"), only_run(tmp_path / "together")
    assert alone.manifest.fingerprint == together.manifest.fingerprint
    assert len(pixels(alone)) == 3
    for sample, before in pixels(alone).items():
        assert np.abs(pixels(together)[sample] - before).max() <= 1


def test_where_the_pipeline_lies_decides_no_pixels_but_its_content_and_settings_do(
    pipelines: Path, three_samples: Path, tmp_path: Path
) -> None:
    def fingerprint(pipeline: Path, *options: str) -> str:
        words = [word for option in (*OPTIONS["tiny-klein"], *options) for word in ("-o", option)]
        ended = gedit_bench("plan", "--model", f"diffusers:{pipeline}", "--data", three_samples, "--json", *words)
        assert ended.code == 0, ended.err
        return ended.json()["run"].rpartition("-")[2]

    klein = pipelines / "tiny-klein"
    copy = shutil.copytree(klein, tmp_path / "tiny-klein")
    first = fingerprint(klein)
    assert fingerprint(copy) == fingerprint(copy, "pipeline=Flux2KleinPipeline", "batch=auto") == first
    assert fingerprint(copy, "guidance=2") != first
    scheduler = copy / "scheduler" / "scheduler_config.json"
    scheduler.write_text(json.dumps({**json.loads(scheduler.read_text()), "shift": 3.0}))
    assert fingerprint(copy) != first


def test_an_adapter_changes_the_fingerprint_and_the_edits(pipelines: Path, three_samples: Path, tmp_path: Path) -> None:
    kontext = pipelines / "tiny-kontext"
    adapter = save_adapter(kontext, tmp_path / "style")
    options = {"plain": (), "weak": (f"lora={adapter}:0.001",), "full": (f"lora={adapter}",)}
    made = {}
    for name, chosen in options.items():
        ended = edit_with(kontext, three_samples, tmp_path / name, *chosen)
        assert ended.code == 0, ended.err
        made[name] = only_run(tmp_path / name)
    save_adapter(kontext, tmp_path / "style", seed=1)
    assert edit_with(kontext, three_samples, tmp_path / "other", *options["full"]).code == 0
    made["other"] = only_run(tmp_path / "other")
    assert len({run.manifest.fingerprint for run in made.values()}) == 4
    assert len(made["full"].manifest.artifacts["pytorch_lora_weights.safetensors"]) == 64
    plain, weak, full, other = (next(iter(pixels(run).values())) for run in made.values())
    assert np.abs(weak - plain).max() <= 2 < np.abs(full - plain).max()
    assert np.abs(other - full).max() > 2


def test_what_the_safety_checker_blackens_is_filtered(three_samples: Path, tmp_path: Path) -> None:
    strict = save_instruct_pix2pix(tmp_path / "tiny-ip2p", checker=True)
    ended = edit_with(strict, three_samples, tmp_path / "out")
    assert ended.code in (0, 3), ended.err
    edits = only_run(tmp_path / "out").edits().values()
    assert {edit.status for edit in edits} == {EditStatus.FILTERED}
    assert all("unsafe" in edit.message and edit.file is None for edit in edits)


def test_a_key_of_the_environment_is_written_nowhere(
    pipelines: Path, three_samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_plainvalueofatoken")
    ended = edit_with(pipelines / "tiny-klein", three_samples, tmp_path)
    assert "hf_plain" not in ended.out + ended.err
    assert not any(b"hf_plain" in content for content in tree(tmp_path).values())


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["true_guidance=2"], 2, "StableDiffusionInstructPix2PixPipeline takes no true_guidance"),
        (["size=source"], 2, "can't be asked for a size"),
        (["extra=[1]"], 2, "extra is no JSON object"),
        (['extra={"eat": 1}'], 2, "has no argument 'eat'"),
        (['extra={"prompt": "mine"}'], 2, "'prompt' is set otherwise"),
        (["template=Edit it"], 2, "has no {instruction}"),
        (["guidence=2"], 2, "no setting 'guidence'"),
        (["pipeline=StableDiffusionPipeline"], 2, "makes them from text alone"),
        (["pipeline=StableDiffusionInpaintPipeline", "lora=none"], 5, "no adapter none"),
        (["pipeline=FutureEditPipeline"], 5, "needs the class FutureEditPipeline, which diffusers"),
        (["pipeline=FluxKontextPipeline"], 5, "can't be loaded as FluxKontextPipeline"),
        (["offload=model"], 5, "offload=model needs a GPU"),
        (["lora=/nowhere.safetensors"], 5, "There is no adapter /nowhere.safetensors"),
    ],
)
def test_what_a_pipeline_cannot_take_is_one_sentence(
    options: list[str], code: int, words: str, pipelines: Path, three_samples: Path, tmp_path: Path
) -> None:
    ended = edit_with(pipelines / "tiny-ip2p", three_samples, tmp_path, "dtype=float32", *options)
    assert (ended.code, words in ended.err) == (code, True), ended.err


def test_the_class_can_be_named_after_the_source(pipelines: Path, three_samples: Path, tmp_path: Path) -> None:
    words = ("edit", "--data", three_samples, "--out", tmp_path, "--model")
    ended = gedit_bench(*words, f"diffusers:{pipelines / 'tiny-ip2p'}:NoSuchPipeline")
    assert (ended.code, "needs the class NoSuchPipeline" in ended.err) == (5, True)
    assert gedit_bench(*words, "diffusers").code == 2
    ended = gedit_bench(*words, "diffusers:/nowhere")
    assert (ended.code, "There is no folder /nowhere" in ended.err) == (5, True)
