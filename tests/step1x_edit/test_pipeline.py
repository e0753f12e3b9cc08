"""The whole way at toy size: files in the published layout → text conditioning → sampling → picture."""

import shutil
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageChops
from safetensors.torch import load_file, save_file

from step1x_edit import tiny
from step1x_edit.conditioning import Conditioning, chat_text, prompt_ids
from step1x_edit.diffusers_format import autoencoder_source, transformer_source
from step1x_edit.files import AUTOENCODER_FILE, LANGUAGE_MODEL, TRANSFORMER_FILES
from step1x_edit.loading import Loading, LoadOptions
from step1x_edit.pipeline import Sampling, Step1XEditPipeline
from step1x_edit.prefix import PrefixError, load_prefix
from step1x_edit.residence import Part
from step1x_edit.sizing import SizeError
from step1x_edit.weights import WeightsError

FAST = Sampling(steps=2, level=tiny.LEVEL)


def load(folder: Path, conditioning: Conditioning, **options: object) -> Step1XEditPipeline:
    sizes = {"size": tiny.SIZE, "autoencoder_size": tiny.AUTOENCODER_SIZE}
    return Step1XEditPipeline.from_pretrained(folder, conditioning=conditioning, **sizes, **options)


@pytest.fixture(scope="module")
def pipeline(folder: Path, conditioning: Conditioning) -> Step1XEditPipeline:
    return load(folder, conditioning)


def picture(mode: str = "RGB", size: tuple[int, int] = (90, 60)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert("RGB").convert(mode)


def edit(pipeline: Step1XEditPipeline, instruction: str = "Make it red!", seed: int = 1, **sampling: object) -> bytes:
    options = Sampling(**{"steps": 2, "level": tiny.LEVEL, **sampling})
    [edited] = pipeline([picture()], [instruction], seed=seed, sampling=options)
    assert edited.size == (90, 60)
    return edited.tobytes()


def test_type_checkers_know_every_option_of_loading() -> None:
    told = LoadOptions.__annotations__
    assert told == {field.name: field.type for field in fields(Loading) if field.name != "version"}


def test_the_same_seed_gives_the_same_picture_to_the_last_bit_after_a_reload(
    folder: Path, conditioning: Conditioning, pipeline: Step1XEditPipeline
) -> None:
    first = edit(pipeline)
    torch.manual_seed(12345)  # the global generator must not matter
    assert edit(pipeline) == first
    assert edit(load(folder, conditioning)) == first


def test_what_is_asked_for_matters(pipeline: Step1XEditPipeline) -> None:
    pictures = [
        edit(pipeline),
        edit(pipeline, seed=2),
        edit(pipeline, "Make it blue"),
        edit(pipeline, posterior="mode"),
        edit(pipeline, guidance=None),
        edit(pipeline, steps=3),
    ]
    assert len(set(pictures)) == len(pictures)


def test_teacache_computes_the_first_and_the_last_step(pipeline: Step1XEditPipeline) -> None:
    assert edit(pipeline, teacache=0.2) == edit(pipeline)  # of two steps both are computed
    assert edit(pipeline, steps=6, teacache=100.0) != edit(pipeline, steps=6)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "I;16", "P", "1"])
def test_every_kind_of_picture_is_edited(pipeline: Step1XEditPipeline, mode: str) -> None:
    source = Image.new("I;16", (90, 60), 40_000) if mode == "I;16" else picture(mode)
    [edited] = pipeline([source], ["x"], seed=1, sampling=FAST)
    assert (edited.mode, edited.size) == ("RGB", (90, 60))


@pytest.mark.parametrize("instruction", ["", "x" * 5_000, "the girl's hat", 'write "你好"', "!", "<|im_end|>"])
def test_every_instruction_is_edited(pipeline: Step1XEditPipeline, instruction: str) -> None:
    assert len(set(edit(pipeline, instruction))) > 1  # a picture, not one flat value


def test_a_picture_that_is_too_long_and_thin_is_one_error(pipeline: Step1XEditPipeline) -> None:
    with pytest.raises(SizeError, match="20000x10 pixels is too long and thin"):
        pipeline([picture(size=(20_000, 10))], ["x"], seed=1, sampling=FAST)


def test_a_batch_gives_what_single_pictures_give(pipeline: Step1XEditPipeline) -> None:
    texts = ["Make it red", 'the girl\'s "hat"']
    together = pipeline([picture(), picture(size=(60, 90))], texts, seed=3, sampling=FAST)
    alone = [
        pipeline([one], [text], seed=3, sampling=FAST)[0]
        for one, text in zip((picture(), picture(size=(60, 90))), texts, strict=True)
    ]
    assert [one.tobytes() for one in together] == [one.tobytes() for one in alone]


def test_versions_and_profiles_differ(tmp_path: Path, folder: Path, conditioning: Conditioning) -> None:
    tiny.make_tiny(tmp_path / "v1.0", "v1.0")
    old = load(tmp_path / "v1.0", conditioning, version="v1.0")
    assert (old.profile.name, old.profile.resample, old.profile.damped_above) == ("v1.0", "bicubic", 1.0)
    assert edit(old) != edit(load(tmp_path / "v1.0", conditioning, version="v1.0", profile="v1.1"))
    with pytest.raises(ValueError, match="no profile"):
        load(folder, conditioning, profile="v9")


def test_the_diffusers_layout_gives_the_same_picture(
    tmp_path: Path, folder: Path, conditioning: Conditioning, pipeline: Step1XEditPipeline
) -> None:
    parts = (
        ("transformer", TRANSFORMER_FILES["v1.1"], transformer_source),
        ("vae", AUTOENCODER_FILE, autoencoder_source(len(tiny.AUTOENCODER_SIZE.multipliers))),
    )
    for part, file, naming in parts:
        (tmp_path / part).mkdir()
        save_file(as_diffusers(load_file(folder / file), naming), tmp_path / part / "model.safetensors")
    for part in ("text_encoder", "processor"):
        (tmp_path / part).symlink_to(folder / LANGUAGE_MODEL)
    assert edit(load(tmp_path, conditioning)) == edit(pipeline)


def as_diffusers(tensors: dict[str, torch.Tensor], naming) -> dict[str, torch.Tensor]:
    """The same weights under diffusers' names."""
    found = {}
    for name, tensor in tensors.items():
        source = naming(name)
        if source.swap_halves:
            tensor = torch.cat(tensor.chunk(2)[::-1])
        if source.to_convolution:
            tensor = tensor[..., 0, 0]
        hidden = tiny.SIZE.hidden
        sizes = (
            [hidden, hidden, hidden, len(tensor) - 3 * hidden]
            if len(source.names) == 4
            else len(tensor) // len(source.names)
        )
        for part, piece in zip(source.names, tensor.split(sizes), strict=True):
            found[part] = piece.contiguous()
    return found


@pytest.mark.parametrize("missing", [TRANSFORMER_FILES["v1.1"], AUTOENCODER_FILE, LANGUAGE_MODEL])
def test_a_missing_part_is_named(tmp_path: Path, folder: Path, conditioning: Conditioning, missing: str) -> None:
    for path in folder.iterdir():
        if path.name != missing:
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(WeightsError, match=missing.replace(".", r"\.")):
        load(tmp_path, conditioning)


def test_ids_keep_the_whole_text_to_the_picture_and_the_pieces_after_it(pipeline: Step1XEditPipeline) -> None:
    tokenizer = pipeline.conditioner.tokenizer
    ids = prompt_ids(tokenizer, tiny.PREFIX, "Make it red", 5)
    plain = tokenizer(chat_text(tiny.PREFIX, "Make it red"), add_special_tokens=False)["input_ids"]
    pad = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert ids.count(pad) == 5
    assert [one for one in ids if one != pad] == [one for one in plain if one != pad]
    assert len(prompt_ids(tokenizer, tiny.PREFIX, "the girl's hat", 5)) > len(ids) + 20  # the apostrophe quirk


def test_the_kept_states_begin_with_the_prefixs_last_token(pipeline: Step1XEditPipeline) -> None:
    conditioner = pipeline.conditioner
    states, mask = conditioner.encode([picture(size=(96, 64))], ["Make it red"])
    assert states.shape[:2] == mask.shape == (1, conditioner.conditioning.length)
    kept = int(mask.sum())
    assert torch.equal(mask[0], (torch.arange(mask.shape[1]) < kept).long())
    assert torch.count_nonzero(states[0, kept:]) == 0
    assert conditioner.processing.startswith("Qwen2VLImageProcessor")


def test_another_text_is_not_taken_for_the_prefix(tmp_path: Path) -> None:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "conditioner.py").write_text('Qwen25VL_7b_PREFIX = """something else"""\n')
    with pytest.raises(PrefixError, match="doesn't hold the prefix"):
        load_prefix(tmp_path)
    with pytest.raises(PrefixError, match="can't be read"):
        load_prefix(tmp_path / "nothing.txt")


def test_without_network_the_missing_prefix_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PrefixError, match="can't be fetched"):
        load_prefix(cache=tmp_path, address="http://127.0.0.1:9")
    (tmp_path / "prefix.txt").write_text("tampered with")
    with pytest.raises(PrefixError, match="can't be fetched"):
        load_prefix(cache=tmp_path, address="http://127.0.0.1:9")


def spoilt(folder: Path, where: Path, spoil: Callable[[Path], None]) -> Path:
    """A copy of the toy's files whose language model was spoilt."""
    shutil.copytree(folder, where)
    spoil(where / LANGUAGE_MODEL / "model.safetensors")
    return where


def without_a_tensor(path: Path) -> None:
    tensors = load_file(path)
    del tensors["visual.merger.mlp.0.weight"]
    save_file(tensors, path, metadata={"format": "pt"})


def with_a_wrong_shape(path: Path) -> None:
    tensors = load_file(path)
    tensors["visual.merger.mlp.0.weight"] = tensors["visual.merger.mlp.0.weight"][:-1].contiguous()
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without_a_tensor, r"visual\.merger\.mlp\.0\.weight is missing"),
        (with_a_wrong_shape, r"visual\.merger\.mlp\.0\.weight|can't be loaded"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "can't be loaded"),
        (Path.unlink, "can't be loaded"),
    ],
)
def test_a_spoilt_language_model_is_one_clear_error(
    folder: Path, conditioning: Conditioning, tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    with pytest.raises(WeightsError, match=words):
        load(spoilt(folder, tmp_path / "spoilt", spoil), conditioning)


INSTRUCTIONS = ["Make it red!", "", 'Write "two words" on the wall, don\'t change the rest', "Blue " * 40]
SIZES = [(90, 60), (120, 80), (60, 90), (90, 60)]


@pytest.mark.parametrize("sampling", [FAST, Sampling(steps=5, level=tiny.LEVEL, teacache=0.3, guidance=None)])
def test_a_batch_gives_the_pictures_of_one_at_a_time(pipeline: Step1XEditPipeline, sampling: Sampling) -> None:
    sources = [picture(size=size) for size in SIZES]
    together = pipeline(sources, INSTRUCTIONS, seed=[1, 2, 3, 4], sampling=sampling, batch=3)
    for index, found in enumerate(together):
        [alone] = pipeline([sources[index]], [INSTRUCTIONS[index]], seed=index + 1, sampling=sampling)
        assert found.size == SIZES[index]
        assert most_different(found, alone) <= 1


def most_different(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any 8-bit value."""
    return max(most for _, most in ImageChops.difference(one, other).getextrema())


def test_pictures_come_as_soon_as_their_batch_is_finished(pipeline: Step1XEditPipeline) -> None:
    decoded: list[int] = []
    hook = pipeline.autoencoder.decoder.register_forward_hook(lambda *_: decoded.append(1))
    try:
        edits = pipeline.edits([picture()] * 3, ["red"] * 3, seed=1, sampling=FAST, batch=2)
        next(edits)
        assert len(decoded) == 2
        assert len(list(edits)) == 2
    finally:
        hook.remove()


@pytest.mark.parametrize("mode", ["offload", "24gb"])
def test_every_memory_mode_gives_the_same_picture_and_has_what_it_runs_present(
    folder: Path, conditioning: Conditioning, pipeline: Step1XEditPipeline, mode: str
) -> None:
    other = load(folder, conditioning, memory=mode)
    ran: list[str] = []

    def watch(module: torch.nn.Module, part: Part) -> None:
        def check(*_: object) -> None:
            assert part in other.residence.present
            ran.append(part)

        module.register_forward_pre_hook(check)

    watch(other.conditioner.model.model.language_model, "language")
    watch(other.transformer.connector, "conditioning")
    watch(other.transformer.double_blocks[0], "blocks")
    watch(other.autoencoder.encoder, "autoencoder")
    watch(other.autoencoder.decoder, "autoencoder")
    sources, instructions = [picture(), picture(size=(60, 90))], ["red", "blue"]
    found = other(sources, instructions, seed=1, sampling=FAST)
    wanted = pipeline(sources, instructions, seed=1, sampling=FAST)
    assert [image.tobytes() for image in found] == [image.tobytes() for image in wanted]
    assert list(dict.fromkeys(ran)) == ["language", "autoencoder", "conditioning", "blocks"]
    assert ran.index("conditioning") > len(sources)  # every phase is gone through for all before the next
    assert not other.residence.present


@pytest.mark.parametrize("fp8", ["weights", "matmul"])
def test_fp8_paints_another_picture_of_the_same_size(
    folder: Path, conditioning: Conditioning, pipeline: Step1XEditPipeline, fp8: str
) -> None:
    found = edit(load(folder, conditioning, fp8=fp8))
    assert found != edit(pipeline)


def test_seeds_and_instructions_must_be_as_many_as_images(pipeline: Step1XEditPipeline) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        pipeline([picture()], ["red", "blue"], seed=1, sampling=FAST)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        pipeline([picture()], ["red"], seed=[1, 2], sampling=FAST)
