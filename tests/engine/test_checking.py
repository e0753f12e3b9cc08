"""What `check` finds in a folder of images: each kind of problem is made, and it alone is found."""

import shutil
from pathlib import Path

import pytest
from PIL import Image
from small_benchmark import picture, write_benchmark

from gedit_bench.dataset import Benchmark, load_benchmark
from gedit_bench.engine.checking import Problem, Trouble, check_folder

KEY = f"{0xA:032x}"
"""Of the last category; a letter in it can be written small or large."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return load_benchmark(str(write_benchmark(tmp_path_factory.mktemp("checking") / "benchmark")))


@pytest.fixture
def folder(small: Benchmark, tmp_path: Path) -> Path:
    """An image for every sample, no two alike."""
    for number, sample in enumerate(small.samples):
        path = tmp_path / "model" / "fullset" / sample.id.task_type / sample.id.language / f"{sample.id.key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(100 + number).save(path)
    return tmp_path / "model"


def found(folder: Path, small: Benchmark) -> list[tuple[Problem, str, str]]:
    troubles: list[Trouble] = list(check_folder(folder, small, small.samples))
    return [(one.problem, one.where, one.found) for one in troubles]


def place(folder: Path, suffix: str = ".png", language: str = "en") -> Path:
    return folder / "fullset" / "tone_transfer" / language / f"{KEY}{suffix}"


WHERE = f"tone_transfer/en/{KEY}"


def test_good_images_are_not_found_fault_with(folder: Path, small: Benchmark) -> None:
    assert found(folder, small) == []


def test_missing(folder: Path, small: Benchmark) -> None:
    place(folder).unlink()
    assert found(folder, small) == [(Problem.MISSING, WHERE, "")]


def test_unreadable(folder: Path, small: Benchmark) -> None:
    data = place(folder).read_bytes()
    place(folder).write_bytes(data[: len(data) // 2])
    [(problem, where, words)] = found(folder, small)
    assert (problem, where) == (Problem.UNREADABLE, WHERE)
    assert words.startswith(f"{KEY}.png: ")


def test_a_good_file_beside_a_damaged_one_can_be_judged(folder: Path, small: Benchmark) -> None:
    place(folder).rename(place(folder, ".webp"))
    Image.open(place(folder, ".webp")).save(place(folder, ".webp"))
    place(folder).write_bytes(b"nothing")
    assert found(folder, small) == [(Problem.SEVERAL_FILES, WHERE, f"{KEY}.png, {KEY}.webp")]


def test_duplicate(folder: Path, small: Benchmark) -> None:
    other = folder / "fullset" / "background_change" / "en" / f"{0:032x}.png"
    shutil.copy(other, place(folder))
    same = f"the same file as background_change/en/{0:032x}"
    assert found(folder, small) == [(Problem.DUPLICATE, WHERE, same)]


def test_images_filed_by_key_alone_collide(folder: Path, small: Benchmark) -> None:
    shutil.copy(place(folder), place(folder, language="cn"))
    where = f"tone_transfer/cn/{KEY}"
    assert found(folder, small) == [(Problem.COLLIDING_KEY, where, f"the same file as {WHERE}")]


def test_same_as_source(folder: Path, small: Benchmark) -> None:
    [sample] = [one for one in small.samples if str(one.id) == WHERE]
    place(folder).write_bytes(small.image_bytes(sample, "input"))
    assert found(folder, small) == [(Problem.SAME_AS_SOURCE, WHERE, "byte for byte its input_image")]
    place(folder).write_bytes(small.image_bytes(sample, "raw"))
    assert found(folder, small) == [(Problem.SAME_AS_SOURCE, WHERE, "byte for byte its input_image_raw")]
    small.source(sample).save(place(folder), compress_level=1)
    assert found(folder, small) == [(Problem.SAME_AS_SOURCE, WHERE, "pixel for pixel")]


def test_aspect_changed(folder: Path, small: Benchmark) -> None:
    picture(200, (48, 48)).save(place(folder))
    assert found(folder, small) == [(Problem.ASPECT_CHANGED, WHERE, "48x32 became 48x48")]


def test_wrong_extension(folder: Path, small: Benchmark) -> None:
    picture(200).save(place(folder), "JPEG")
    assert found(folder, small) == [(Problem.WRONG_EXTENSION, WHERE, f"{KEY}.png is a JPEG")]


def test_names_that_differ_only_in_capitals(folder: Path, small: Benchmark) -> None:
    picture(200).save(place(folder).with_name(f"{KEY.upper()}.png"))
    [trouble] = found(folder, small)
    assert trouble == (
        Problem.COLLIDING_KEY,
        f"tone_transfer/en/{KEY.upper()}.png",
        f"differs from {WHERE} only in capitals",
    )


def test_stray_files_lie_anywhere(folder: Path, small: Benchmark) -> None:
    root = folder / "fullset"
    (root / "notes.txt").write_text("x")
    (root / "tone_transfer" / "fr").mkdir()
    picture(200).save(root / "tone_transfer" / "fr" / f"{KEY}.png")
    picture(201).save(root / "tone_transfer" / "en" / "nobody.png")
    place(folder, ".json").write_text("{}")
    (root / ".DS_Store").write_text("x")
    named = "named like a sample, so that the official script may take it"
    assert found(folder, small) == [
        (Problem.STRAY, "notes.txt", ""),
        (Problem.STRAY, f"tone_transfer/en/{KEY}.json", named),
        (Problem.STRAY, "tone_transfer/en/nobody.png", ""),
        (Problem.STRAY, f"tone_transfer/fr/{KEY}.png", ""),
    ]


def test_images_of_samples_that_were_not_asked_about_are_let_be(folder: Path, small: Benchmark) -> None:
    wanted = [one for one in small.samples if one.id.language == "en"]
    assert list(check_folder(folder, small, wanted)) == []
