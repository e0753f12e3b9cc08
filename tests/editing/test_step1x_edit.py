"""The backend: the toy preset runs anywhere, the published one says what it lacks."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops
from small_benchmark import editing, selection, write_benchmark

from gedit_bench import EditStatus, edit
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UnavailableError


def test_the_toy_edits_and_says_that_it_paints_noise(tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "data", languages=("en",))
    run = edit("step1x-edit@tiny", selection(data, tasks=["ps_human"]), editing(tmp_path / "out"))
    [made] = run.edits().values()
    assert (made.status, made.width, made.height) == (EditStatus.OK, 48, 32)
    assert run.manifest.notes.startswith("Random weights")
    assert run.manifest.settings["version"] == "v1.1"


def test_the_default_recipe_is_v1_1_at_1024() -> None:
    choice = choose_model("step1x-edit")
    assert (choice.recipe.name, choice.settings["steps"], choice.settings["level"]) == ("v1.1", 28, 1024)
    assert choose_model("step1x-edit@v1.0-512").settings["version"] == "v1.0"


def test_where_weights_are_does_not_decide_pixels_but_their_content_does(tmp_path: Path) -> None:
    from step1x_edit import tiny

    tiny.make_tiny(tmp_path / "w")
    choice = choose_model("step1x-edit", [f"weights={tmp_path / 'w'}"])
    weights = {"step1x-edit-v1p1-official.safetensors", "vae.safetensors", "model.safetensors"}
    assert set(choice.artifacts) == {*weights, "image processing"}
    assert "weights" in choice.handling
    assert choose_model("step1x-edit", [f"weights={tmp_path / 'w'}"]).artifacts == choice.artifacts


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "needs its weights"),
        (["weights=/nowhere"], "has no step1x-edit-v1p1-official.safetensors"),
        (["weights=/nowhere", "version=v1.0"], "has no step1x-edit-i1258.safetensors"),
    ],
)
def test_what_is_missing_is_said_before_any_work(options: list[str], words: str) -> None:
    with pytest.raises(UnavailableError, match=words.replace(".", r"\.")):
        choose_model("step1x-edit", options).model.check()


def test_weights_of_another_size_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from step1x_edit import tiny
    from step1x_edit.prefix import PrefixError

    tiny.make_tiny(tmp_path / "w")
    model = choose_model("step1x-edit", [f"weights={tmp_path / 'w'}", f"prompts={tmp_path}"]).model
    model.device = "cpu"
    model.check()
    with pytest.raises(UnavailableError, match="can't be loaded") as caught:
        model.load()
    assert isinstance(caught.value.__cause__, PrefixError)


def test_adapters_change_the_picture_and_the_fingerprint(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    name = "lora_unet_img_in"
    down, up = torch.randn(2, 64), torch.randn(48, 2)
    adapter = tmp_path / "style.safetensors"
    save_file(
        {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(2.0)}, adapter
    )
    chosen = selection(write_benchmark(tmp_path / "data", languages=("en",)), tasks=["ps_human"])
    plain = edit("step1x-edit@tiny", chosen, editing(tmp_path / "out"))
    for weight in ("", ":0.5"):
        styled = edit("step1x-edit@tiny", chosen, editing(tmp_path / "out", options=[f"lora={adapter}{weight}"]))
        assert styled.manifest.fingerprint != plain.manifest.fingerprint
        assert "style.safetensors" in styled.manifest.artifacts
        assert next(iter(styled.edits().values())).sha256 != next(iter(plain.edits().values())).sha256


def test_an_adapter_that_is_missing_or_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    with pytest.raises(UnavailableError, match="no adapter"):
        choose_model("step1x-edit@tiny", ["lora=/nowhere.safetensors"]).model.check()
    save_file({"lora_unet_other.alpha": torch.tensor(1.0)}, tmp_path / "other.safetensors")
    model = choose_model("step1x-edit@tiny", [f"lora={tmp_path / 'other.safetensors'}"]).model
    model.check()
    with pytest.raises(UnavailableError, match="lora_unet_other"):
        model.load()


def test_none_switches_guidance_off() -> None:
    assert choose_model("step1x-edit@tiny", ["guidance=none"]).settings["guidance"] is None


def test_batches_and_memory_modes_make_the_same_images_in_the_same_run(tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "data", languages=("en",))
    tasks = ["ps_human", "text_change"]
    plain = edit("step1x-edit@tiny", selection(data, tasks=tasks), editing(tmp_path / "plain"))
    options = ("batch=2", "memory=24gb")
    other = edit("step1x-edit@tiny", selection(data, tasks=tasks), editing(tmp_path / "other", options=options))
    assert other.manifest.fingerprint == plain.manifest.fingerprint
    assert other.manifest.handling["memory"] == "24gb"
    for sample, made in plain.edits().items():
        again = other.edits()[sample]
        with Image.open(plain.image_path(made)) as one, Image.open(other.image_path(again)) as two:
            assert max(most for _, most in ImageChops.difference(one, two).getextrema()) <= 1


def test_fp8_is_another_run(tmp_path: Path) -> None:
    plain, fp8 = choose_model("step1x-edit@v1.1"), choose_model("step1x-edit@v1.1-fp8")
    assert fp8.settings["fp8"] == "weights"
    assert plain.settings["fp8"] is None


def test_where_parts_wait_on_the_host_more_edits_share_a_phase() -> None:
    resident, phases = (choose_model("step1x-edit@tiny", [f"memory={mode}"]).model for mode in ("resident", "offload"))
    for model in (resident, phases):
        model.load()
    assert resident.chunk == 8
    assert phases.chunk >= 16


def test_batch_auto_is_halved_until_it_fits_and_makes_the_same_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from step1x_edit.transformer import Transformer

    chosen = selection(write_benchmark(tmp_path / "data", languages=("en",)), limit=1)
    single = edit("step1x-edit@tiny", chosen, editing(tmp_path / "single"))
    trunk = Transformer.trunk

    def small_memory(self: Transformer, tokens: torch.Tensor, *more: object, **named: object) -> torch.Tensor:
        if len(tokens) > 4:  # rows with and without guidance: two pictures
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return trunk(self, tokens, *more, **named)

    monkeypatch.setattr(Transformer, "trunk", small_memory)
    batched = edit("step1x-edit@tiny", chosen, editing(tmp_path / "auto", options=["batch=auto"]))
    found = batched.edits()
    assert {one.status for one in found.values()} == {EditStatus.OK}
    assert {one.extra["batch"] for one in found.values()} == {2}
    for sample, one in single.edits().items():
        with (
            Image.open(single.image_path(one)) as alone,
            Image.open(batched.image_path(found[sample])) as together,
        ):
            extremes = ImageChops.difference(alone, together).getextrema()
        assert max(high for _, high in extremes) <= 1
