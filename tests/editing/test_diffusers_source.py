"""Where a pipeline comes from: what is downloaded from the hub and when, and what is never opened."""

import json
import shutil
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_hub import FakeHub
from huggingface_hub import close_session, constants
from program import gedit_bench
from safetensors.torch import load_file, save_file
from tiny_pipelines import OPTIONS, save_adapter
from weights_hub import make_it_the_hub

from gedit_bench.editing.pipelines.hub import list_files
from gedit_bench.editing.registry import ModelChoice, choose_model
from gedit_bench.errors import UnavailableError

REPOSITORY = "someone/tiny-klein"
ADAPTER = "someone/style"


def choice(source: object, *options: str) -> ModelChoice:
    return choose_model(f"diffusers:{source}", [*OPTIONS["tiny-klein"], *options])


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def klein(pipelines: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return shutil.copytree(pipelines / "tiny-klein", tmp_path / "tiny-klein")


@pytest.fixture
def hub(pipelines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    files = content(pipelines / "tiny-klein")
    files |= {
        "README.md": b"# klein",
        "transformer/diffusion_pytorch_model.bin": b"a pickle",
        "whole.safetensors": b"no",
    }
    files |= {"transformer/diffusion_pytorch_model.fp16.safetensors": b"half", "../../outside.json": b"{}"}
    adapter = content(save_adapter(pipelines / "tiny-kontext", tmp_path / "style").parent)
    close_session()
    with FakeHub(REPOSITORY, files, "models", beside=(FakeHub(ADAPTER, adapter, "models"),)) as hub:
        make_it_the_hub(hub, tmp_path / "hub", monkeypatch)
        yield hub
    close_session()


def test_hashes_are_the_same_from_the_hub_the_cache_and_a_folder(
    hub: FakeHub, pipelines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = choice(REPOSITORY)
    before.model.check()
    weights = {path for path in content(pipelines / "tiny-klein") if path.endswith(".safetensors")}
    assert before.model.to_download() == sum((pipelines / "tiny-klein" / path).stat().st_size for path in weights)
    assert not list((tmp_path / "hub").rglob("*.safetensors"))  # known, not downloaded
    local = choice(pipelines / "tiny-klein")
    assert (before.artifacts, before.settings) == (local.artifacts, local.settings)
    assert weights < set(before.artifacts)
    before.model.load()
    files = {path.name for path in (tmp_path / "hub").rglob("*") if path.suffix in {".bin", ".md", ".safetensors"}}
    assert files == {"model.safetensors", "diffusion_pytorch_model.safetensors"}
    assert not (tmp_path / "outside.json").exists()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    after = choice(REPOSITORY)
    after.model.check()
    after.model.load()
    assert (after.artifacts, after.model.to_download()) == (before.artifacts, 0)
    assert after.model.label() == "tiny-klein"


def test_the_hub_is_asked_once_and_a_revision_can_be_named(hub: FakeHub) -> None:
    first = hub.main
    model = choice(REPOSITORY).model
    hub.requests.clear()
    model.check()
    model.to_download()
    assert hub.requests == []
    changed = {**hub.commits[first], "vae/diffusion_pytorch_model.safetensors": b"another"}
    hub.push(changed)
    name = "vae/diffusion_pytorch_model.safetensors"
    found = {words: choice(words).artifacts[name] for words in (REPOSITORY, f"{REPOSITORY}@{first}")}
    assert found[REPOSITORY] != found[f"{REPOSITORY}@{first}"]
    assert choice(REPOSITORY, f"revision={first}").artifacts[name] == found[f"{REPOSITORY}@{first}"]


def test_what_the_hub_refuses_is_one_sentence(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableError, match="has no revision 'v9'"):
        choice(f"{REPOSITORY}@v9").model.check()
    with pytest.raises(UnavailableError, match="There is no folder someone/else, and the hub has no repository"):
        choice("someone/else").model.check()
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, 100_000))
        with pytest.raises(UnavailableError, match=r"needs 0\.0 GB more, and the disk of"):
            choice(REPOSITORY).model.check()
    hub.refusal = (403, "GatedRepo")
    with pytest.raises(UnavailableError, match="is gated: its terms have to be accepted"):
        choice(REPOSITORY).model.check()
    hub.refusal = (503, "")
    with pytest.raises(UnavailableError, match="is not in the hub's cache, and the hub can't be reached"):
        choice("someone/new").model.check()


def test_a_download_that_breaks_off_can_be_tried_again(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    model = choice(REPOSITORY).model
    hub.refusal = (403, "")  # anything that isn't tried again at once
    with pytest.raises(UnavailableError, match="can't be downloaded"):
        model.load()
    with monkeypatch.context() as patch:
        patch.setattr(constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(UnavailableError, match="is only in part in the hub's cache"):
            choice(REPOSITORY).model.check()
    hub.refusal = None
    choice(REPOSITORY).model.load()


def test_an_adapter_comes_from_the_hub(hub: FakeHub, pipelines: Path, tmp_path: Path) -> None:
    adapter = tmp_path / "style" / "pytorch_lora_weights.safetensors"
    kontext, options = pipelines / "tiny-kontext", list(OPTIONS["tiny-kontext"])
    words = [f"lora={ADAPTER}:0.5", f"lora={ADAPTER}/{adapter.name}:0.5", f"lora={adapter}:0.5"]
    chosen = [choose_model(f"diffusers:{kontext}", [*options, word]) for word in words]
    assert len({one.artifacts[adapter.name] for one in chosen}) == 1
    assert chosen[0].model.to_download() == adapter.stat().st_size
    chosen[0].model.load()
    assert chosen[0].model.to_download() == 0
    with pytest.raises(UnavailableError, match=r"has no file other\.safetensors"):
        choose_model(f"diffusers:{kontext}", [*options, f"lora={ADAPTER}/other.safetensors"]).model.check()


def test_an_adapter_that_fits_nothing_or_is_a_pickle_is_refused(klein: Path, tmp_path: Path) -> None:
    stray = tmp_path / "stray.safetensors"
    save_file(
        {
            "transformer.nowhere.lora_A.weight": torch.zeros(2, 2),
            "transformer.nowhere.lora_B.weight": torch.zeros(2, 2),
        },
        stray,
    )
    with pytest.raises(UnavailableError, match=r"The adapter stray\.safetensors (fits no part of|can't be loaded)"):
        choice(klein, f"lora={stray}").model.load()
    pickle = tmp_path / "adapter.bin"
    pickle.write_bytes(b"\x80\x04.")
    with pytest.raises(UnavailableError, match="is not in safetensors, and pickles are not opened here"):
        choice(klein, f"lora={pickle}").model.check()


def test_weights_that_are_pickles_are_refused(klein: Path) -> None:
    weights = klein / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    ended = gedit_bench("edit", "--model", f"diffusers:{klein}", "--data", "sample")
    assert ended.code == 5
    assert "weights of its transformer only as a pickle (transformer/diffusion_pytorch_model.bin)" in ended.err


class Trap:
    """Runs code where a pickle is read as one."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.place,)


def test_pickles_are_read_as_tensors_and_nothing_else_where_that_is_wanted(
    pipelines: Path, klein: Path, tmp_path: Path
) -> None:
    plain = choice(pipelines / "tiny-klein")
    for weights in (*klein.rglob("*.safetensors"),):
        name = "pytorch_model.bin" if weights.name == "model.safetensors" else f"{weights.stem}.bin"
        torch.save(load_file(weights), weights.with_name(name))
        weights.unlink()
    opened = choice(klein, "pickles=true")
    assert opened.artifacts["transformer/diffusion_pytorch_model.bin"]
    assert len(opened.artifacts) == len(plain.artifacts)
    opened.model.load()
    plain.model.load()
    for part in ("transformer", "text_encoder", "vae"):
        before, after = (getattr(one.model._pipeline, part).state_dict() for one in (plain, opened))  # type: ignore[attr-defined]
        assert all(torch.equal(before[name], after[name]) for name in before)
    torch.save({"x": Trap(tmp_path / "ran")}, klein / "transformer" / "diffusion_pytorch_model.bin")
    with pytest.raises(UnavailableError, match="can't be loaded as Flux2KleinPipeline"):
        choice(klein, "pickles=true").model.load()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("saved_by", "words", "hint"),
    [
        ("99.1.0.dev0", "doesn't have; it was saved by 99.1.0.dev0, which has.", "pip install 'diffusers>=99.1.0'"),
        ("0.35.0.dev0", "doesn't have; it was saved by 0.35.0.dev0, perhaps a fork.", "--model command:./worker.py"),
        ("?", "doesn't have.", "A newer one may"),
    ],
)
def test_a_class_that_is_missing_is_told_with_the_version_that_has_it(
    saved_by: str, words: str, hint: str, klein: Path
) -> None:
    index = klein / "model_index.json"
    content = {**json.loads(index.read_text()), "_class_name": "Step9XEditPipeline", "_diffusers_version": saved_by}
    index.write_text(json.dumps(content))
    with pytest.raises(UnavailableError, match="needs the class Step9XEditPipeline, which diffusers") as raised:
        choice(klein).model.check()
    assert str(raised.value).endswith(words)
    assert hint in raised.value.hint
    with pytest.raises(UnavailableError) as raised:
        choice(klein, "pipeline=FluxKontxtPipeline").model.check()
    assert "Did you mean 'FluxKontextPipeline'?" in raised.value.hint


def test_a_variant_is_chosen_by_name_and_never_by_chance(klein: Path) -> None:
    plain = choice(klein).artifacts
    weights = klein / "transformer" / "diffusion_pytorch_model.safetensors"
    shutil.copy(weights, weights.with_suffix(".fp16.safetensors"))
    assert choice(klein).artifacts == plain
    half = choice(klein, "variant=fp16")
    assert "transformer/diffusion_pytorch_model.fp16.safetensors" in half.artifacts
    half.model.load()  # the other parts come without a variant
    weights.unlink()
    with pytest.raises(UnavailableError, match="has the weights of its transformer only as fp16") as caught:
        choice(klein).model.check()
    assert caught.value.hint == "Choose with -o variant=fp16."


def test_no_code_of_a_pipeline_is_run(klein: Path, tmp_path: Path) -> None:
    index = klein / "model_index.json"
    content = json.loads(index.read_text())
    trap = f"from pathlib import Path\nPath({str(tmp_path / 'ran')!r}).touch()\n"
    (klein / "pipeline.py").write_text(trap)
    index.write_text(json.dumps({**content, "_class_name": ["pipeline", "MyPipeline"]}))
    with pytest.raises(UnavailableError, match="brings a pipeline class of its own"):
        choice(klein).model.check()
    index.write_text(json.dumps({**content, "transformer": ["my_transformer", "MyTransformer"]}))
    (klein / "transformer" / "my_transformer.py").write_text(trap)
    with pytest.raises(UnavailableError, match="can't be loaded as Flux2KleinPipeline"):
        choice(klein).model.load()
    assert not (tmp_path / "ran").exists()


def test_damaged_files_are_one_sentence(klein: Path) -> None:
    weights = klein / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UnavailableError, match="can't be loaded as Flux2KleinPipeline"):
        choice(klein).model.load()
    (klein / "model_index.json").write_text("[]")
    with pytest.raises(UnavailableError, match="is no JSON object"):
        choice(klein).model.check()
    (klein / "model_index.json").write_text("{")
    with pytest.raises(UnavailableError, match="is no JSON object"):
        choice(klein).model.check()
    (klein / "model_index.json").unlink()
    with pytest.raises(UnavailableError, match=r"no pipeline of diffusers: it has no model_index\.json"):
        choice(klein).model.check()


@pytest.mark.parametrize(("quantise", "package"), [("torchao-int8", "torchao"), ("bnb-4bit", "bitsandbytes")])
def test_a_missing_package_is_named(quantise: str, package: str, klein: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UnavailableError, match=f"quantise={quantise} needs the package {package}"):
        choice(klein, f"quantise={quantise}").model.check()


def test_a_processor_for_video_needs_torchvision(klein: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    index = klein / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "processor": ["transformers", "Qwen2VLProcessor"]}))
    with pytest.raises(UnavailableError, match="needs the package torchvision for its Qwen2VLProcessor"):
        choice(klein).model.check()


def test_a_folder_in_the_working_directory_comes_before_the_hub(
    klein: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(klein, tmp_path / "someone" / "tiny-klein")
    monkeypatch.chdir(tmp_path)
    assert list_files(REPOSITORY).repository == ""
