"""The classical editor: what it reads, what it paints, and what it leaves alone."""

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.editing.filters import regions
from gedit_bench.editing.filters.arrays import from_image
from gedit_bench.editing.filters.language import read_instruction
from gedit_bench.editing.filters.words import BACKDROPS, EFFECTS, STYLES
from gedit_bench.editing.pil_filters import PilFilters
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UsageError
from gedit_bench.records import SampleId

GREY, RED = (150, 160, 150), (200, 40, 40)


def picture(width: int = 120, height: int = 96) -> Image.Image:
    """A shaded red ball in the middle of a grey-green wall with a little grain."""
    grain = np.random.default_rng(3).integers(-6, 7, (height, width, 1))
    image = Image.fromarray((np.full((height, width, 3), GREY) + grain).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.ellipse((35, 22, 85, 74), fill=RED)
    draw.ellipse((45, 30, 60, 45), fill=(235, 90, 90))
    return image


def edited(instruction: str, image: Image.Image | None = None, seed: int = 42, **settings: float) -> Outcome:
    model = choose_model("pil-filters", [f"{name}={value}" for name, value in settings.items()]).model
    (outcome,) = model.edit([EditRequest(SampleId("t", "en", "k"), instruction, image or picture(), seed)])
    assert isinstance(outcome, Outcome)
    return outcome


def pixels(outcome: Outcome) -> np.ndarray:
    assert outcome.image is not None
    return np.asarray(outcome.image, float)


def redness(array: np.ndarray) -> float:
    return float((array[..., 0] - array[..., 2]).mean())


@pytest.mark.parametrize(
    ("instruction", "operations"),
    [
        ("Make it brighter", ["brighter"]),
        ("Brighten the image and increase the contrast", ["brighter", "more-contrast"]),
        ("Reduce the saturation of the photo", ["less-saturation"]),
        ("Change the tone to warm.", ["warm"]),
        ("Make the scene look like a rainy night", ["night", "rain"]),
        ("Change the night scene to daytime", ["sunny"]),
        ("Change the weather to snowy", ["snow"]),
        ("Add fog to the scene", ["fog"]),
        ("Change the season to autumn", ["autumn"]),
        ("Apply a sepia tone", ["sepia"]),
        ("Give the photo a vintage look", ["vintage"]),
        ("Turn the photo into black and white", ["black-and-white"]),
        ("Turn it into a pencil sketch.", ["pencil-sketch"]),
        ("Transform the image into a Ghibli style", ["cartoon"]),
        ("Convert to oil painting style", ["oil-painting"]),
        ("Pixel art", ["pixel-art"]),
        ("Invert the colors", ["negative"]),
        ("Change the background to a beach, keep the person in black and white", ["beach background"]),
        ("Replace the background with a starry night sky", ["night background"]),
        ("Blur the background", ["blur background"]),
        ("Make the background black and white", ["black-and-white background"]),
        ("Add a solid blue background", ["plain background to blue"]),
        ("Remove the background", ["plain background to white"]),
        ("Change the color of the car to red", ["recolour foreground to red"]),
        ("Change the red apple to green", ["recolour red to green"]),
        ("Recolor the sky to purple", ["recolour sky to purple"]),
        ("Tint the image blue", ["tint to blue"]),
        ("让画面更亮", ["brighter"]),
        ("增加对比度", ["more-contrast"]),
        ("把天气改成下雪", ["snow"]),
        ("把时间改成夜晚", ["night"]),
        ("给图片加上复古滤镜", ["vintage"]),
        ("把照片变成黑白的", ["black-and-white"]),
        ("将照片转换为油画", ["oil-painting"]),
        ("将图像转为像素画风格", ["pixel-art"]),
        ("将背景虚化", ["blur background"]),
        ("把背景换成海滩", ["beach background"]),
        ("把背景改成蓝色", ["plain background to blue"]),
        ("将汽车的颜色改成红色", ["recolour foreground to red"]),
        ("把红色的苹果变成绿色", ["recolour red to green"]),
        ("把天空变成粉色", ["recolour sky to pink"]),
    ],
)
def test_reads_what_filters_can_do(instruction: str, operations: list[str]) -> None:
    assert [str(operation) for operation in read_instruction(instruction)] == operations


@pytest.mark.parametrize(
    "instruction",
    [
        "Replace the red car with a dog",
        "Change the text to OPEN",
        "Change the text 'SUNSET' to 'NIGHT'",
        "Replace “WOOD” with “SNOW” ",
        "Turn the car into a red truck",
        "Make the man wear a red hat",
        "Add a snowman",
        "Add snow boots to the man",
        "Add a rainbow in the sky",
        "Add a red car in the background",
        "Remove the people in the background",
        "Add an oil painting to the wall",
        "Replace the oil painting with a mirror",
        "Make the dog sit in the snow",
        "Remove the fog from the image",
        "Make the car brighter",
        "Change the material of the cup to gold",
        "Make the person smile",
        "Make the woman's hair longer and darker",
        "Change the action of the cat to running",
        "把红色的车换成一只狗",
        "把文字改成“黑夜”",
        "去掉背景中的人",
        "加一个雪人",
        "给猫戴上红色的帽子",
        "让她微笑",
        "",
        " \n",
    ],
)
def test_leaves_the_rest_unchanged(instruction: str) -> None:
    outcome = edited(instruction)
    assert outcome.extra == {"operations": []}
    assert np.array_equal(pixels(outcome), np.asarray(picture()))


def test_a_very_long_instruction_costs_no_time() -> None:
    begin = time.perf_counter()
    for text in ("make the background " * 900, "把背景变成" * 4000, "x" * 20000, "make " + "a " * 9000):
        read_instruction(text)
    assert time.perf_counter() - begin < 1


def each_operation() -> list[str]:
    """One instruction for every operation there is."""
    names = {"black-and-white": "black and white", "more-contrast": "high contrast", "less-contrast": "low contrast"}
    names |= {"more-saturation": "vivid", "less-saturation": "less saturated", "negative": "colour negative"}
    asked = [f"Make the image {names.get(name, name)}" for name in (*EFFECTS, *STYLES)]
    behind = {"snowfield": "snow", "black-and-white": "black and white"}
    return asked + [f"Change the background to {behind.get(name, name)}" for name in BACKDROPS]


@pytest.mark.parametrize("instruction", each_operation())
def test_every_operation_changes_the_picture_and_repeats_to_the_pixel(instruction: str) -> None:
    first, again = edited(instruction), edited(instruction)
    assert len(first.extra["operations"]) == 1  # type: ignore[arg-type]
    assert first.image is not None
    assert first.image.size == picture().size
    assert first.image.mode == "RGB"
    assert np.abs(pixels(first) - np.asarray(picture(), float)).mean() > 2
    assert np.array_equal(pixels(first), pixels(again))


def test_tones_go_the_right_way() -> None:
    source = np.asarray(picture(), float)
    assert pixels(edited("Make it brighter")).mean() > source.mean() + 15
    assert pixels(edited("Make it darker")).mean() < source.mean() - 15
    reddish = {tone: redness(pixels(edited(f"Make it {tone}"))) for tone in ("warm", "cold")}
    assert reddish["warm"] > redness(source) + 20 > redness(source) - 20 > reddish["cold"]
    grey = pixels(edited("Make it black and white"))
    assert np.ptp(grey, axis=-1).max() == 0
    assert np.array_equal(pixels(edited("Invert the colors")), 255 - source)


def test_recolouring_finds_the_thing_and_keeps_the_rest() -> None:
    for instruction in ("Change the red ball to blue", "Change the color of the ball to blue", "把球改成蓝色"):
        result = pixels(edited(instruction))
        red, _, blue = result[65, 60]
        assert blue > red + 60, instruction
        assert np.abs(result[:10] - np.asarray(picture(), float)[:10]).mean() < 3


def test_a_new_background_leaves_the_subject() -> None:
    result = pixels(edited("Change the background to a plain blue wall"))
    red, _, blue = result[5, 5]
    assert blue > red + 60
    assert np.abs(result[60, 60] - RED).max() < 12


def test_the_foreground_is_the_ball() -> None:
    mask = regions.foreground(from_image(picture()))
    assert mask.shape == (96, 120)
    assert mask[48, 60] > 0.9
    assert mask[:8].mean() < 0.1
    assert 0 <= mask.min() <= mask.max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (17, 16)])
def test_odd_sizes_are_no_trouble(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, GREY)
    for instruction in ("Change the background to a sunset", "Change the color of the ball to red", *each_operation()):
        outcome = edited(instruction, image)
        assert outcome.image is not None
        assert outcome.image.size == size


def test_strength_blends_with_the_source() -> None:
    source, full = np.asarray(picture(), float), pixels(edited("Invert the colors"))
    assert np.array_equal(pixels(edited("Invert the colors", strength=0)), source)
    half = pixels(edited("Invert the colors", strength=0.5))
    assert np.abs(half - (source + full) / 2).max() <= 1


def test_the_seed_moves_the_drops() -> None:
    assert not np.array_equal(pixels(edited("Make it rain", seed=1)), pixels(edited("Make it rain", seed=2)))


def test_the_recipe_gentle_is_half_the_strength() -> None:
    chosen = choose_model("pil-filters@gentle")
    assert chosen.settings == {"strength": 0.5}
    assert chosen.origins == {"strength": "recipe"}
    assert choose_model("pil-filters").settings == {"strength": 1.0}


@pytest.mark.parametrize("value", ["1.5", "-0.1", "much"])
def test_strength_has_a_range(value: str) -> None:
    with pytest.raises(UsageError, match="strength"):
        choose_model("pil-filters", [f"strength={value}"])


def test_the_code_of_the_filters_is_part_of_the_identity() -> None:
    (digest,) = PilFilters().artifacts().values()
    assert len(digest) == 64
