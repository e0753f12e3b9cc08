"""Sizes, seeds and batches of pipelines of diffusers: what goes in and what comes out."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from small_benchmark import picture
from tiny_pipelines import OPTIONS, save_chronoedit, save_visual_cloze

from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.editing.batching import START
from gedit_bench.editing.diffusers import Diffusers
from gedit_bench.editing.pipelines.calls import Signature
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.sizes import ask, finish
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UsageError
from gedit_bench.records import SampleId

SIDES = st.integers(64, 1500)


def request(index: int = 0, size: tuple[int, int] = (64, 64), seed: int = 7) -> EditRequest:
    return EditRequest(SampleId("color_alter", "en", f"{index:032x}"), f"Edit {index}.", picture(index, size), seed)


def loaded(pipeline: Path, *options: str) -> Diffusers:
    model = choose_model(f"diffusers:{pipeline}", [*OPTIONS[pipeline.name], *options]).model
    assert isinstance(model, Diffusers)
    model.load()
    return model


def made(model: Diffusers, *requests: EditRequest) -> list[Outcome]:
    return list(model.edit(requests))


@pytest.mark.parametrize(
    ("name", "policies"),
    [
        ("tiny-ip2p", {"native": (96, 66), "resize-to-source": (96, 67)}),
        ("tiny-kontext", {"source": (96, 68)}),
        ("tiny-klein", {"native": (96, 66), "resize-to-source": (96, 67), "source": (96, 68)}),
    ],
)
def test_sizes_are_asked_for_resized_and_recorded(
    name: str, policies: dict[str, tuple[int, int]], pipelines: Path
) -> None:
    model = loaded(pipelines / name)
    for policy, size in policies.items():
        model.settings = replace(model.settings, size=policy)
        [outcome] = made(model, request(size=(96, 67)))
        assert outcome.image is not None
        assert outcome.image.size == size, policy
        native = [96, 66] if policy == "resize-to-source" else list(size)
        assert (outcome.extra["source_size"], outcome.extra["made_size"]) == ([96, 67], native)
        cropped = (name, policy) == ("tiny-klein", "native")
        assert ("cropped_to" in outcome.extra, "cropped the source to 96x66" in outcome.message) == (cropped, cropped)


def test_the_edit_is_the_last_picture_of_a_film(tmp_path: Path) -> None:
    model = loaded(save_chronoedit(tmp_path / "tiny-chronoedit"), "max_area=1536")
    films: list[list[Image.Image]] = []
    pipeline = model._pipeline

    def watched(**arguments: object) -> object:
        output = pipeline(**arguments)
        films.extend(output.frames)
        return output

    model._pipeline = watched
    [outcome] = made(model, request(size=(96, 67)))
    [film] = films
    assert outcome.image is not None
    assert (len(film), outcome.image.size) == (5, (48, 32))
    assert np.array_equal(np.array(outcome.image), np.array(film[-1]))
    assert not np.array_equal(np.array(outcome.image), np.array(film[0]))


def test_the_edit_is_the_picture_that_was_blank_in_the_row(tmp_path: Path) -> None:
    model = loaded(save_visual_cloze(tmp_path / "tiny-visualcloze"))
    asked: list[dict[str, object]] = []
    pipeline = model._pipeline

    def watched(**arguments: object) -> object:
        asked.append(arguments)
        return pipeline(**arguments)

    watched.config, watched.generation_pipe = pipeline.config, pipeline.generation_pipe  # type: ignore[attr-defined]
    model._pipeline = watched
    [outcome] = made(model, request(size=(96, 67)))
    [arguments] = asked
    assert arguments["image"] == [[request(size=(96, 67)).source, None]]
    assert arguments["task_prompt"].endswith("<editing instruction> Edit 0. <\\editing instruction>")
    assert (arguments["content_prompt"], "prompt" in arguments) == ("", False)
    assert outcome.image is not None
    assert outcome.extra["made_size"] == list(outcome.image.size)
    assert outcome.extra["cropped_to"] == [93, 67]
    assert pipeline.generation_pipe._progress_bar_config == {"disable": True}


def test_an_area_that_is_set_is_left_to_the_pipeline() -> None:
    import diffusers

    from gedit_bench.editing.pipelines.calls import signature_of

    kontext, source = signature_of(diffusers.FluxKontextPipeline), Image.new("RGB", (500, 333))
    own = {"width": 496, "height": 336, "max_area": 496 * 336, "_auto_resize": False}
    assert ask(kontext, source, DiffusersSettings(size="source"), 8).arguments == own
    scaled = ask(kontext, source, DiffusersSettings(size="source", max_area=1024**2), 8).arguments
    assert scaled == {"width": 496, "height": 336}


def test_another_aspect_is_said(pipelines: Path) -> None:
    small = 'extra={"max_sequence_length": 32, "_auto_resize": false}'
    model = loaded(pipelines / "tiny-kontext", "size=resize-to-source", "max_area=4096", small)
    square, wide = made(model, request(), request(size=(96, 64)))
    assert (square.message, wide.message) == ("", "Resized from 64x64 to 96x64: another aspect.")
    assert wide.image is not None
    assert wide.image.size == (96, 64)


class _CropsPipeline:
    pass


_CropsPipeline.__name__ = "Flux2Pipeline"  # whose traits say that it crops


@given(width=SIDES, height=SIDES)
def test_a_pipeline_that_crops_is_given_what_it_takes_whole(width: int, height: int) -> None:
    source = Image.new("L", (width, height))
    signature = Signature(_CropsPipeline, {"image": None, "width": None, "height": None})
    for policy in ("resize-to-source", "source"):
        picture = ask(signature, source, DiffusersSettings(size=policy), scale=8).picture
        assert picture.width % 16 == picture.height % 16 == 0
        assert picture.width * picture.height <= 1024**2
        assert picture.width / picture.height == pytest.approx(width / height, rel=0.3)
    native = DiffusersSettings()
    assert ask(signature, source, native, scale=8).picture is source
    whole = width % 16 == height % 16 == 0 and width * height <= 1024**2
    outcome = finish(signature, source, source, native, scale=8)
    assert not (whole and "cropped_to" in outcome.extra)
    if "cropped_to" in outcome.extra:
        assert "cropped the source" in outcome.message


def covering(name: str) -> object:
    """What is asked of a loaded pipeline that scales a source to one of its own sizes and cuts off what stands out."""
    from diffusers.pipelines.bria_fibo2.image_processor import BriaFibo2ImageProcessor
    from diffusers.pipelines.joyimage.image_processor import JoyImageEditImageProcessor

    if name == "BriaFibo2Pipeline":
        return SimpleNamespace(image_processor=BriaFibo2ImageProcessor(), default_sample_size=128, vae_scale_factor=8)
    joy = JoyImageEditImageProcessor()
    return SimpleNamespace(image_processor=joy, vae_image_processor=joy)


@pytest.mark.parametrize("name", ["JoyImageEditPipeline", "JoyImageEditPlusPipeline", "BriaFibo2Pipeline"])
def test_what_a_pipeline_cuts_off_is_recorded_or_squeezed_in(name: str) -> None:
    import diffusers

    from gedit_bench.editing.pipelines.calls import signature_of

    signature, pipeline = signature_of(getattr(diffusers, name)), covering(name)

    def used(picture: Image.Image, size: tuple[int, int] | None = None) -> Image.Image:
        """The picture as diffusers itself scales and crops it."""
        processor = pipeline.image_processor
        if name == "BriaFibo2Pipeline":
            width, height = size or processor.get_image_size(picture.width / picture.height)
            return processor.resize(picture, height=height, width=width, resize_mode="crop")
        return processor.resize_center_crop(picture, processor.get_default_height_width(picture))

    source = Image.new("RGB", (517, 389), "red")
    source.paste("blue", (20, 20, 497, 369))  # a frame, of which some is cut off
    native = finish(signature, used(source), source, DiffusersSettings(), 8, pipeline)
    assert native.extra["cropped_to"] != [517, 389]
    width, height = native.extra["cropped_to"]
    assert 0 < 517 - width + 389 - height < 40
    assert native.message == f"The pipeline cropped the source to {width}x{height}."
    for policy in ("resize-to-source", "source"):
        settings = DiffusersSettings(size=policy)
        asked = ask(signature, source, settings, 8, pipeline)
        size = (asked.arguments["width"], asked.arguments["height"]) if asked.arguments else None
        seen = used(asked.picture, size)
        assert np.array_equal(np.array(seen), np.array(asked.picture)), policy  # nothing was scaled or cut off
        assert "cropped_to" not in finish(signature, seen, source, settings, 8, pipeline).extra


def test_omnigen_crops_to_multiples_after_shrinking_the_longer_side() -> None:
    import diffusers

    from gedit_bench.editing.pipelines.calls import signature_of

    omnigen = signature_of(diffusers.OmniGenPipeline)
    for size, seen in {(512, 384): None, (517, 389): [512, 384], (1500, 1000): [1024, 672], (2048, 1024): None}.items():
        source = Image.new("RGB", size)
        assert finish(omnigen, source, source, DiffusersSettings(), 8).extra.get("cropped_to") == seen
        picture = ask(omnigen, source, DiffusersSettings(size="source"), 8).picture
        assert picture.width % 16 == picture.height % 16 == 0


def test_words_may_be_put_as_json() -> None:
    """FIBO Edit takes nothing else, and says so itself."""
    import json

    import diffusers
    from diffusers.pipelines.bria_fibo.pipeline_bria_fibo_edit import is_valid_edit_json

    from gedit_bench.editing.pipelines.calls import call_arguments, signature_of, template_for

    signature = signature_of(diffusers.BriaFiboEditPipeline)
    template = template_for(signature, DiffusersSettings())
    for words in ('Write "{instruction}" \\ on it\n', "把“猫”换成狗 {instruction:json}"):
        [one] = requests = [replace(request(), instruction=words)]
        prompt = call_arguments(signature, requests, [one.source], template, {})["prompt"]
        assert is_valid_edit_json(prompt)
        assert json.loads(prompt) == {"edit_instruction": words}


def test_a_seed_means_the_same_in_any_company(pipelines: Path) -> None:
    model = loaded(pipelines / "tiny-ip2p")
    first, other, again = made(model, request(seed=7), request(seed=8), request(seed=7))
    assert first.image is not None
    assert first.image.tobytes() == again.image.tobytes() != other.image.tobytes()


def test_sources_of_equal_size_share_a_call_and_results_keep_their_order(pipelines: Path) -> None:
    model = loaded(pipelines / "tiny-kontext", "batch=2")
    requests = [request(0), request(1, (96, 64)), request(2), request(3), request(4, (96, 64))]
    calls: list[list[str]] = []
    pipeline = model._pipeline

    def watched(**arguments: object) -> object:
        prompts = arguments["prompt"]
        calls.append([prompts] if isinstance(prompts, str) else list(prompts))
        return pipeline(**arguments)

    model._pipeline = watched
    together = made(model, *requests)
    assert calls == [["Edit 0.", "Edit 2."], ["Edit 1.", "Edit 4."], ["Edit 3."]]
    for single, outcome in zip(requests, together, strict=True):
        [alone] = made(model, single)
        difference = np.array(alone.image, int) - np.array(outcome.image, int)
        assert np.abs(difference).max() <= 1


def test_a_batch_is_halved_where_memory_runs_out(pipelines: Path) -> None:
    model = loaded(pipelines / "tiny-ip2p", "batch=auto")
    assert model.chunk >= START
    pipeline, asked = model._pipeline, []

    def small_memory(**arguments: object) -> object:
        prompts = arguments["prompt"]
        count = len(prompts) if isinstance(prompts, list) else 1
        asked.append(count)
        if count > 2:
            raise MemoryError
        return pipeline(**arguments)

    model._pipeline = small_memory
    outcomes = made(model, *(request(index) for index in range(5)))
    assert [outcome.extra["batch"] for outcome in outcomes] == [2] * 5
    assert asked == [5, 2, 2, 1]


def test_a_pipeline_whose_pictures_are_references_takes_one_edit_at_a_time(pipelines: Path) -> None:
    klein = pipelines / "tiny-klein"
    with pytest.raises(UsageError, match="Flux2KleinPipeline isn't known to make several edits"):
        loaded(klein, "batch=2")
    model = loaded(klein, "batch=auto")
    assert [one.extra["batch"] for one in made(model, request(0), request(1))] == [1, 1]


def test_the_instruction_is_put_as_the_template_says(pipelines: Path) -> None:
    model = loaded(pipelines / "tiny-ip2p", "template=Please: {instruction} {thanks}")
    said: list[object] = []
    pipeline = model._pipeline

    def listening(**arguments: object) -> object:
        said.append(arguments["prompt"])
        return pipeline(**arguments)

    model._pipeline = listening
    made(model, request(3))
    assert said == ["Please: Edit 3. {thanks}"]


def test_published_ways_of_putting_it_are_known() -> None:
    """OmniGen's processor wants a place for the picture in the prompt, and GLM-Image larger multiples."""
    import diffusers

    from gedit_bench.editing.pipelines.calls import call_arguments, signature_of, template_for

    signature = signature_of(diffusers.OmniGenPipeline)
    settings = DiffusersSettings(size="source")
    [one] = requests = [request()]
    arguments: dict[str, object] = call_arguments(
        signature, requests, [one.source], template_for(signature, settings), {}
    )
    assert arguments["prompt"] == "<img><|image_1|></img> Edit 0."
    assert arguments["input_images"] == [one.source]
    assert ask(signature, one.source, settings, 8).arguments == {"use_input_image_size_as_output": True}
    glm = signature_of(diffusers.GlmImagePipeline)
    assert ask(glm, Image.new("RGB", (500, 333)), settings, 8).arguments == {"width": 512, "height": 320}


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("QwenImageEditPlusPipeline", {"true_guidance": 4.0, "negative": " "}, {"true_cfg_scale", "negative_prompt"}),
        ("QwenImageEditPipeline", {"true_guidance": 4.0, "steps": 8}, {"true_cfg_scale", "num_inference_steps"}),
        ("FluxKontextPipeline", {"guidance": 2.5, "max_area": 4096}, {"guidance_scale", "max_area"}),
        ("Flux2Pipeline", {"guidance": 4.0}, {"guidance_scale"}),
        ("LongCatImageEditPipeline", {"guidance": 4.5, "negative": ""}, {"guidance_scale", "negative_prompt"}),
        ("OmniGenPipeline", {"image_guidance": 1.6}, {"img_guidance_scale"}),
        ("StableDiffusionXLInstructPix2PixPipeline", {"image_guidance": 1.5}, {"image_guidance_scale"}),
        ("JoyImageEditPlusPipeline", {"guidance": 4.0}, {"guidance_scale"}),
        ("DreamLitePipeline", {"image_guidance": 1.5}, {"image_guidance_scale"}),
    ],
)
def test_settings_go_by_the_names_of_each_call(name: str, settings: dict[str, object], expected: set[str]) -> None:
    import diffusers

    from gedit_bench.editing.pipelines.calls import constant_arguments, signature_of

    signature = signature_of(getattr(diffusers, name))
    assert set(constant_arguments(signature, DiffusersSettings(**settings))) == expected
    assert signature.pictures in {"image", "images", "input_images"}


@pytest.mark.slow
def test_a_compiled_pipeline_makes_the_same_pictures(pipelines: Path) -> None:
    klein = pipelines / "tiny-klein"
    [eager], [compiled] = made(loaded(klein), request()), made(loaded(klein, "compile=true"), request())
    difference = np.array(compiled.image, int) - np.array(eager.image, int)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("quantise", ["torchao-int8", "torchao-float8"])
def test_weights_in_8_bits_make_almost_the_same_pictures(quantise: str, pipelines: Path) -> None:
    pytest.importorskip("torchao")
    kontext = pipelines / "tiny-kontext"
    model = loaded(kontext, f"quantise={quantise}")
    kinds = {type(parameter).__name__ for parameter in model._pipeline.transformer.parameters()}
    assert kinds & {"Int8Tensor", "Float8Tensor", "AffineQuantizedTensor", "LinearActivationQuantizedTensor"}, kinds
    [plain], [quantised] = made(loaded(kontext), request()), made(model, request())
    difference = np.abs(np.array(quantised.image, int) - np.array(plain.image, int))
    assert 0 < difference.max() < 32
