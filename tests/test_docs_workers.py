"""The complete workers in docs/workers, run as they stand there, and the page about them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gedit_bench.editing.base import EditModel, EditRequest, Outcome
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UnavailableError
from gedit_bench.records import SampleId

DOCS = Path(__file__).parents[1] / "docs"

OMNIGEN = '''
"""Has the interface that OmniGen's documentation describes, and no network."""
from PIL import Image

print("loading OmniGen")

class OmniGenPipeline:
    def __init__(self, name):
        self.name = name

    @classmethod
    def from_pretrained(cls, name):
        return cls(name)

    def __call__(self, *, prompt, input_images, height, width, num_inference_steps=50, guidance_scale=3.0,
                 img_guidance_scale=1.6, seed=None):
        print("step", num_inference_steps)
        mark, _, instruction = prompt.partition(" ")
        assert mark == "<img><|image_1|></img>" and self.name == "Shitao/OmniGen-v1"
        if instruction == "explode":
            raise RuntimeError("CUDA out of memory")
        picture = Image.open(input_images[0]).convert("RGB").resize((width, height))
        picture.putpixel((0, 0), (seed, num_inference_steps, int(10 * guidance_scale)))
        return [picture]
'''


def requests(*instructions: str, size: tuple[int, int] = (64, 64)) -> list[EditRequest]:
    source = Image.new("RGB", size, (10, 200, 90))
    return [
        EditRequest(SampleId("tone_transfer", "en", f"k{n}"), text, source, 7) for n, text in enumerate(instructions)
    ]


@contextmanager
def loaded(command: str) -> Iterator[EditModel]:
    model = choose_model(f"command:{command}", ["timeout=60", "startup_timeout=120"]).model
    try:
        model.load()
        yield model
    finally:
        model.close()


def made(model: EditModel, *asked: EditRequest) -> list[Outcome]:
    outcomes = list(model.edit(asked))
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    return outcomes  # type: ignore[return-value]


def picture(outcome: Outcome, folder: Path) -> Image.Image:
    assert outcome.encoded is not None
    path = folder / "picture.png"
    path.write_bytes(outcome.encoded)
    return Image.open(path)


def test_the_omnigen_worker_calls_its_package_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "OmniGen.py").write_text(OMNIGEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    worker = DOCS / "workers" / "omnigen_worker.py"
    with loaded(f"{worker} --steps 20 --guidance 3") as model:
        assert model.label() == "omnigen_worker"
        first, failed, last = made(model, *requests("make it red", "explode", "make it blue", size=(70, 41)))
    assert (first.status, last.status) == ("ok", "ok")
    assert (failed.status, failed.message) == ("edit_failed", "RuntimeError: CUDA out of memory")
    image = picture(first, tmp_path)
    assert image.size == (64, 48)
    assert image.getpixel((0, 0)) == (7, 20, 30)


def test_a_worker_without_its_package_stops_the_run_with_the_reason(tmp_path: Path) -> None:
    with (
        pytest.raises(UnavailableError, match="No module named 'OmniGen'"),
        loaded(str(DOCS / "workers" / "omnigen_worker.py")),
    ):
        pass


@pytest.mark.slow  # two processes import diffusers
def test_the_diffusers_worker_makes_what_the_pipeline_makes(tmp_path: Path) -> None:
    import torch
    from diffusers import DiffusionPipeline
    from tiny_pipelines import save_instruct_pix2pix

    folder = save_instruct_pix2pix(tmp_path / "tiny")
    call = tmp_path / "call.json"
    call.write_text(json.dumps({"num_inference_steps": 2}))
    worker = DOCS / "workers" / "diffusers_worker.py"
    with loaded(f"{worker} {folder} --call {call}") as model:
        first, again = made(model, *requests("make it red", "make it red"))
        [wrong] = made(model, replace(requests("make it red")[0], seed=2**70))
    assert (first.status, first.extra) == ("ok", {"call": {"num_inference_steps": 2}})
    assert first.encoded == again.encoded
    assert wrong.status == "edit_failed"
    assert wrong.message
    pipeline = DiffusionPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    [asked] = requests("make it red")
    expected = pipeline(
        image=asked.source,
        prompt=asked.instruction,
        generator=torch.Generator("cpu").manual_seed(7),
        num_inference_steps=2,
    ).images[0]
    shown = picture(first, tmp_path)
    assert shown.size == expected.size
    worst = np.abs(np.asarray(shown, np.int16) - np.asarray(expected, np.int16)).max()
    assert worst <= 1


def test_the_page_names_every_worker_and_nothing_else() -> None:
    text = (DOCS / "workers.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(workers/(\w+\.py)\)", text)) == {path.name for path in (DOCS / "workers").glob("*.py")}
    for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", text):
        assert (DOCS / target).exists(), target
