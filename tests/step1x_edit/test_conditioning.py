"""Text conditioning: many rows at once give what a whole pass of the model gives for each of them."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from step1x_edit import tiny
from step1x_edit.conditioning import TextConditioner
from step1x_edit.files import find_files
from step1x_edit.language_loading import load_conditioner
from step1x_edit.language_model import ChatTurns, hidden_states

CLOSE = {"rtol": 0.0, "atol": 1e-5}
INSTRUCTIONS = (
    "Make it red",
    "",
    "Make it red! Now!!! And blue!",
    "the girl's hat",
    'write "你好, wörld!" on the wall',
    "!",
    "x" * 5_000,
    "Replace the cat with a dog. " * 4,
    "<|vision_end|> <|im_end|>",
)


@pytest.fixture(scope="module")
def conditioner(tmp_path_factory: pytest.TempPathFactory) -> TextConditioner:
    folder = tmp_path_factory.mktemp("weights")
    conditioning = tiny.make_tiny(folder)
    return load_conditioner(find_files(folder, "v1.1"), conditioning, "cpu", torch.float32)


def having(conditioner: TextConditioner, batch: int = 8, **conditioning: int) -> TextConditioner:
    """The same model with another bound or another length."""
    kept = replace(conditioner.conditioning, **conditioning)
    return TextConditioner(conditioner.model, conditioner.tokenizer, conditioner.image_processor, kept, batch)


def picture(width: int = 96, height: int = 64, shade: int = 0) -> Image.Image:
    gradient = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (gradient, gradient.rotate(180), Image.new("L", gradient.size, shade)))


def pictures_for(instructions: Sequence[str]) -> list[Image.Image]:
    """Three pictures of different sizes in turn."""
    shown = picture(), picture(64, 96, 80), picture(320, 32, 160)
    return [shown[index % 3] for index in range(len(instructions))]


def by_one_whole_pass(conditioner: TextConditioner, image: Image.Image, instruction: str) -> Tensor:
    """The last hidden states of one row, kept ones only, from one masked, uncut call of the whole model."""
    model, kept = conditioner.model.model, conditioner.conditioning
    turns = conditioner.prepare([image], [instruction])
    ids, grids = turns.ids[0][None], turns.grids[0][None]
    about = {"image_grid_thw": grids, "mm_token_type_ids": (ids == model.config.image_token_id).int()}
    attended = (ids > 0).long()
    positions, _ = model.get_rope_index(ids, attention_mask=attended, **about)
    positions[:, ids == 0] = 1
    given = {"input_ids": ids, "position_ids": positions, "pixel_values": turns.pixels[0]}
    with torch.inference_mode():
        found = model(**given, **about, attention_mask=attended, use_cache=False)
    return found.last_hidden_state[0, kept.drop :][: kept.length]


@contextmanager
def calls_of(module: nn.Module) -> Iterator[list[dict[str, Tensor | None]]]:
    """The keyword arguments of each of a module's calls."""
    found: list[dict[str, Tensor | None]] = []
    handle = module.register_forward_pre_hook(lambda _module, _given, named: found.append(named), with_kwargs=True)
    try:
        yield found
    finally:
        handle.remove()


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_many_rows_at_once_give_what_a_whole_pass_gives_for_each(conditioner: TextConditioner, batch: int) -> None:
    pictures = pictures_for(INSTRUCTIONS)
    states, mask = having(conditioner, batch).encode(pictures, INSTRUCTIONS)
    assert states.shape == (len(INSTRUCTIONS), conditioner.conditioning.length, tiny.SIZE.text)
    assert mask.shape == states.shape[:2]
    for row, row_mask, image, text in zip(states, mask, pictures, INSTRUCTIONS, strict=True):
        wanted = by_one_whole_pass(conditioner, image, text)
        torch.testing.assert_close(row[: len(wanted)], wanted, **CLOSE)
        assert torch.count_nonzero(row[len(wanted) :]) == 0
        assert torch.equal(row_mask, (torch.arange(len(row)) < len(wanted)).long())


def test_rows_alone_and_together_are_alike(conditioner: TextConditioner) -> None:
    instructions = [*INSTRUCTIONS, "<|image_pad|> of an instruction's own"]
    pictures = pictures_for(instructions)
    states, mask = conditioner.encode(pictures, instructions)
    alone = [conditioner.encode([image], [text]) for image, text in zip(pictures, instructions, strict=True)]
    torch.testing.assert_close(states, torch.cat([row for row, _ in alone]), **CLOSE)
    assert torch.equal(mask, torch.cat([row for _, row in alone]))


def test_every_picture_goes_once_through_the_vision_tower(conditioner: TextConditioner) -> None:
    first, second = picture(), picture(64, 96)
    with calls_of(conditioner.model.model.visual) as seen, calls_of(conditioner.model.model.language_model) as read:
        conditioner.encode([first, first, second, first, second], ["Make it red", "", "a", "b", ""])
    assert [len(call["grid_thw"]) for call in seen] == [2]
    assert [len(call["inputs_embeds"]) for call in read] == [5]


def test_each_row_is_about_its_own_picture(conditioner: TextConditioner) -> None:
    dark, light = picture(shade=0), picture(shade=250)
    states, _ = conditioner.encode([dark, light, dark], ["Make it red"] * 3)
    torch.testing.assert_close(states[0], states[2], **CLOSE)
    assert (states[0] - states[1]).abs().max() > 0.01


def test_only_a_pass_with_the_masked_token_has_a_mask(conditioner: TextConditioner) -> None:
    with calls_of(conditioner.model.model.language_model) as read:
        conditioner.encode([picture()] * 2, ["Make it red and blue and green", ""])
    assert [call["attention_mask"] for call in read] == [None]
    with calls_of(conditioner.model.model.language_model) as read:
        having(conditioner, batch=2).encode([picture()] * 4, ["!", "a", "Now!", "b"])
    plain, masked = (call["attention_mask"] for call in read)
    assert plain is None
    assert masked is not None
    assert sorted((masked == 0).sum(1).tolist()) == [1, 1]


def test_no_attention_layer_builds_a_mask_where_none_is_needed(conditioner: TextConditioner) -> None:
    layer = conditioner.model.model.language_model.layers[-1]
    with calls_of(layer) as plain:
        conditioner.encode([picture()] * 2, ["Make it red and blue and green", ""])
    with calls_of(layer) as masked:
        conditioner.encode([picture()] * 2, ["Make it red!", ""])
    assert [call["attention_mask"] for call in plain] == [None]
    assert masked[0]["attention_mask"] is not None


def test_nothing_after_the_masked_token_knows_of_it_but_all_knows_of_another(conditioner: TextConditioner) -> None:
    plain, masked, other = (conditioner.encode([picture()], [text])[0][0] for text in ("ab red", "ab! red", "ab? red"))
    at = int((plain - masked).abs().amax(-1).gt(1e-3).nonzero()[0])  # where "!" stands
    end = at + len(" red")
    torch.testing.assert_close(masked[at + 1 : end + 1], plain[at:end], **CLOSE)
    assert (other[at + 1 : end + 1] - plain[at:end]).abs().max() > 1e-3


@pytest.mark.parametrize("batch", [1, 3])
def test_the_bound_holds_for_both_towers(conditioner: TextConditioner, batch: int) -> None:
    model = conditioner.model.model
    pictures = [picture(shade=shade) for shade in range(0, 250, 50)]
    with calls_of(model.visual) as seen, calls_of(model.language_model) as read:
        having(conditioner, batch).encode([*pictures, pictures[0], pictures[1]], list("abc!efg"))
    for calls, name, whole in ((seen, "grid_thw", 5), (read, "inputs_embeds", 7)):
        sizes = [len(call[name]) for call in calls]
        assert max(sizes) == batch
        assert sum(sizes) == whole


def test_a_bound_below_one_is_an_error(conditioner: TextConditioner) -> None:
    with pytest.raises(ValueError, match="a batch of 0 holds no row"):
        having(conditioner, batch=0).encode([picture()], ["x"])


@pytest.mark.parametrize("instruction", ["change it " * 80, "don't " + "change it " * 30])
def test_what_lies_behind_the_kept_length_is_neither_returned_nor_computed(
    conditioner: TextConditioner, instruction: str
) -> None:
    longer = having(conditioner, length=640)
    with calls_of(conditioner.model.model.language_model) as read:
        states, mask = longer.encode([picture()] * 2, [instruction, ""])
    assert read[0]["inputs_embeds"].shape[1] == longer.conditioning.drop + 640
    assert mask[0].tolist() == [1] * 640
    assert 0 < mask[1].sum() < 640
    torch.testing.assert_close(states[0], by_one_whole_pass(longer, picture(), instruction), **CLOSE)


def test_no_rows_are_no_states(conditioner: TextConditioner) -> None:
    states, mask = conditioner.encode([], [])
    assert states.shape == (0, conditioner.conditioning.length, tiny.SIZE.text)
    assert mask.shape == states.shape[:2]


def test_pictures_and_instructions_must_be_as_many(conditioner: TextConditioner) -> None:
    with pytest.raises(ValueError, match="zip"):
        conditioner.encode([picture()] * 2, ["x"])


def test_states_have_the_type_that_the_model_has_now(conditioner: TextConditioner) -> None:
    before = conditioner.encode([picture()], ["Make it red"])[0]
    conditioner.model.to(torch.bfloat16)
    try:
        states, mask = conditioner.encode([picture()], ["Make it red"])
    finally:
        conditioner.model.to(torch.float32)
    assert (states.dtype, mask.dtype) == (torch.bfloat16, torch.int64)
    torch.testing.assert_close(states.float(), before, rtol=0.0, atol=0.2)


def made_up_turns(conditioner: TextConditioner, image_tokens: int) -> ChatTurns:
    """Random patches and ids, as a measurement makes them: no tokenizer, no picture."""
    image = conditioner.model.config.image_token_id
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(20, 200, (30,), generator=generator)
    ids = torch.cat((text, torch.full((image_tokens,), image), text[:7]))
    pixels = torch.randn(4 * 6, 3 * 2 * 14 * 14, generator=generator)
    return ChatTurns(ids=(ids, ids[:-3]), pictures=(0, 0), pixels=(pixels,), grids=(torch.tensor([1, 4, 6]),))


def test_turns_can_be_made_up_without_tokenizer_and_picture(conditioner: TextConditioner) -> None:
    states, mask = hidden_states(conditioner.model, made_up_turns(conditioner, 6), drop=20, length=40)
    assert states.shape == (2, 40, tiny.SIZE.text)
    assert mask.sum(1).tolist() == [10 + 6 + 7, 10 + 6 + 4]
    torch.testing.assert_close(states[0, :20], states[1, :20], **CLOSE)


@pytest.mark.parametrize(("image_tokens", "length"), [(5, 40), (0, 40), (6, 14)])
def test_a_row_without_all_of_its_pictures_tokens_is_an_error(
    conditioner: TextConditioner, image_tokens: int, length: int
) -> None:
    with pytest.raises(ValueError, match="image tokens in place of its picture's 6"):
        hidden_states(conditioner.model, made_up_turns(conditioner, image_tokens), drop=20, length=length)


def test_conditioning_needs_no_pillow_to_be_imported() -> None:
    code = "import sys; sys.modules['PIL'] = None; import step1x_edit.conditioning"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
