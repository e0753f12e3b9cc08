"""The backend with weights on the hub: what is known before, what is downloaded when, what is recorded."""

import shutil
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_hub import FakeHub
from huggingface_hub import close_session, constants
from small_benchmark import OFFLINE, editing, selection, write_benchmark
from weights_hub import make_it_the_hub, weights_hub

from gedit_bench.diagnosis import examine
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UnavailableError
from gedit_bench.planning import make_plan
from gedit_bench.settling import Editing, settle_model
from step1x_edit import tiny
from step1x_edit.hub_errors import ORIGINAL
from step1x_edit.weights import sha256

ON_A_CPU = Editing(device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny"
    tiny.make_tiny(path)
    return path


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with weights_hub(folder) as hub:
        make_it_the_hub(hub, tmp_path / "hub", monkeypatch)
        yield hub
    close_session()


def test_hashes_are_the_same_from_the_hub_the_cache_and_a_folder(
    hub: FakeHub, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settle_model("step1x-edit", ON_A_CPU)
    before.model.check()
    assert before.model.to_download() > 100_000
    assert not (tmp_path / "hub").exists()  # known, not downloaded
    local = settle_model("step1x-edit", replace(ON_A_CPU, options=[f"weights={folder}"]))
    assert before.artifacts == local.artifacts
    assert before.artifacts["vae.safetensors"] == sha256(folder / "vae.safetensors")
    assert local.model.to_download() == 0
    with pytest.raises(UnavailableError, match="no-prefix"):  # the first thing after the download that isn't there
        settle_model("step1x-edit", replace(ON_A_CPU, options=[f"prompts={tmp_path / 'no-prefix'}"])).model.load()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    after = settle_model("step1x-edit", ON_A_CPU)
    after.model.check()
    assert (after.artifacts, after.settings, after.model.to_download()) == (before.artifacts, before.settings, 0)


def test_a_hub_id_and_a_revision_can_be_named(hub: FakeHub) -> None:
    first = hub.main
    hub.push({**hub.commits[first], "vae.safetensors": b"another"})
    named = {
        words: choose_model("step1x-edit", [f"weights={words}"]).artifacts["vae.safetensors"]
        for words in (ORIGINAL, f"{ORIGINAL}@{first}", f"{ORIGINAL}@{hub.main}")
    }
    assert named[ORIGINAL] == named[f"{ORIGINAL}@{hub.main}"] != named[f"{ORIGINAL}@{first}"]
    with pytest.raises(UnavailableError, match=r"no folder someone/else and the hub has no repository called so"):
        choose_model("step1x-edit", ["weights=someone/else"]).model.check()
    with pytest.raises(UnavailableError, match="has no revision 'v9'"):
        choose_model("step1x-edit", [f"weights={ORIGINAL}@v9"]).model.check()


def test_the_hub_is_asked_once(hub: FakeHub) -> None:
    model = settle_model("step1x-edit", ON_A_CPU).model
    model.check()
    model.to_download()
    assert len(hub.requests) == 2  # the network's repository and the language model's
    hub.refusal = (503, "")
    hub.requests.clear()
    model = settle_model("step1x-edit", ON_A_CPU).model
    assert model.to_download() == 0
    with pytest.raises(UnavailableError, match=r"needs its weights .* can't be reached"):
        model.check()
    assert len(hub.requests) == 1


def test_a_full_disk_is_said_before_any_work(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, 1000))
    with pytest.raises(UnavailableError, match=r"needs its weights .* has 1.0 kB free: make room"):
        settle_model("step1x-edit", ON_A_CPU).model.check()


def test_plan_and_doctor_say_what_would_be_downloaded(hub: FakeHub, tmp_path: Path) -> None:
    chosen = selection(write_benchmark(tmp_path / "data", languages=("en",)), tasks=["ps_human"])
    size = choose_model("step1x-edit").model.to_download()
    plan = make_plan("step1x-edit", chosen, editing(tmp_path / "out", device="cpu"), OFFLINE)
    assert (plan.download_bytes, plan.missing) == (size, ())
    assert ("to download", f"{size / 1e9:.1f} GB of weights") in list(plan.lines())
    assert make_plan("identity", chosen, editing(tmp_path / "out"), OFFLINE).download_bytes == 0
    found = {one.what: one for one in examine("step1x-edit", None, editing(tmp_path, device="cpu"), OFFLINE)}
    assert found["model"].ok
    assert f"step1x-edit can be downloaded, {size / 1e9:.1f} GB" in found["model"].found
    assert not (tmp_path / "hub").exists()


def test_profile_and_image_processing_are_recorded_by_name() -> None:
    from step1x_edit.language_loading import image_processing

    for version in ("v1.0", "v1.1"):
        choice = choose_model("step1x-edit@tiny", [f"version={version}"])
        assert (choice.settings["profile"], choice.settings["posterior"]) == (version, "sample")
        assert choice.artifacts == {"image processing": image_processing()}
    choice = choose_model("step1x-edit@tiny", ["version=v1.0", "profile=v1.1"])
    assert choice.settings["profile"] == "v1.1"
    choice.model.load()
    assert choice.model._pipeline.conditioner.processing == choice.artifacts["image processing"]
