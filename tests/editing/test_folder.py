"""The folder backend, on real folders of real files."""

import io
from pathlib import Path

import pytest
from PIL import Image

from gedit_bench.editing.base import EditRequest, Outcome
from gedit_bench.editing.folder import Folder, FolderSettings
from gedit_bench.editing.registry import choose_model
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.records import EditStatus, SampleId

SOURCE = Image.new("RGB", (4, 4))


def image_bytes(
    format: str = "PNG", color: object = "red", mode: str = "RGB", size: tuple[int, int] = (64, 48)
) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, color).save(buffer, format=format)
    return buffer.getvalue()


def put(root: Path, name: str, data: bytes, task: str = "style_change", language: str = "en") -> None:
    path = root / "fullset" / task / language / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def outcome_of(path: Path, key: str = "k1", task: str = "style_change", language: str = "en") -> Outcome:
    model = Folder(FolderSettings(path=str(path)))
    model.load()
    (outcome,) = model.edit([EditRequest(SampleId(task, language, key), "x", SOURCE, 1)])
    return outcome


@pytest.mark.parametrize("inside", ["", "fullset"])
def test_finds_images_from_the_model_folder_or_its_fullset(tmp_path: Path, inside: str) -> None:
    put(tmp_path, "k1.png", image_bytes())
    assert outcome_of(tmp_path / inside).encoded == image_bytes()


def test_finds_the_only_model_of_a_parent_and_refuses_to_choose(tmp_path: Path) -> None:
    put(tmp_path / "bagel", "k1.png", image_bytes())
    (tmp_path / "notes").mkdir()
    assert outcome_of(tmp_path).encoded == image_bytes()
    put(tmp_path / "flux", "k1.png", image_bytes())
    with pytest.raises(UsageError, match="2 models: bagel, flux") as caught:
        outcome_of(tmp_path)
    assert f"folder:{tmp_path / 'bagel'}" in caught.value.hint


def test_finds_the_images_of_a_run(tmp_path: Path) -> None:
    put(tmp_path / "images", "k1.png", image_bytes())
    assert outcome_of(tmp_path).encoded == image_bytes()
    assert outcome_of(tmp_path / "images").encoded == image_bytes()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("k1.webp", image_bytes("WEBP")),
        ("k1.jpg", image_bytes("JPEG")),
        ("k1.JPEG", image_bytes("JPEG")),
        ("k1.bmp", image_bytes("BMP")),
        ("k1.jpg", image_bytes("JPEG", (1, 2, 3, 4), "CMYK")),
        ("k1.png", image_bytes("PNG", 40000, "I;16")),
        ("k1.png", image_bytes("JPEG")),
    ],
)
def test_any_good_image_is_kept_as_it_is(tmp_path: Path, name: str, data: bytes) -> None:
    put(tmp_path, name, data)
    outcome = outcome_of(tmp_path)
    assert outcome.status is EditStatus.OK
    assert outcome.encoded == data
    assert outcome.suffix == Path(name).suffix.lower()
    assert outcome.extra == {"file": name}


def test_an_animation_is_good(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("P", (8, 8), number) for number in range(3)]
    frames[0].save(buffer, format="GIF", save_all=True, append_images=frames[1:])
    put(tmp_path, "k1.gif", buffer.getvalue())
    assert outcome_of(tmp_path).encoded == buffer.getvalue()


def test_the_first_good_file_wins_whatever_was_written_first(tmp_path: Path) -> None:
    put(tmp_path, "k1.bmp", image_bytes("BMP"))
    put(tmp_path, "k1.jpg", image_bytes("JPEG"))
    put(tmp_path, "k1.webp", image_bytes("WEBP"))
    put(tmp_path, "k1.png", image_bytes()[:40])
    put(tmp_path, "k1.json", b"{}")
    outcome = outcome_of(tmp_path)
    assert outcome.encoded == image_bytes("WEBP")
    put(tmp_path, "k1.png", image_bytes())
    assert outcome_of(tmp_path).encoded == image_bytes()


@pytest.mark.parametrize("name", ["k1.json", "k1.txt", "k1", "k10.png", "k1.png.tmp", "xk1.png"])
def test_other_files_are_no_image_of_the_key(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, image_bytes())
    outcome = outcome_of(tmp_path)
    assert outcome.status is EditStatus.MISSING_IMAGE
    assert outcome.message == "There is no image for style_change/en/k1."
    assert outcome.encoded is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"not an image", "no image"),
        (image_bytes("JPEG", size=(400, 400))[:-400], "truncated"),
        (image_bytes(size=(400, 400))[:300], "can't be read"),
        (image_bytes("WEBP")[:30], "k1.png"),
    ],
)
def test_images_that_are_all_unreadable_fail_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    put(tmp_path, "k1.png", data)
    outcome = outcome_of(tmp_path)
    assert outcome.status is EditStatus.EDIT_FAILED
    assert reason in outcome.message
    assert "0x" not in outcome.message


@pytest.mark.parametrize("key", ["../../secret", "..", "/etc/x", "a/b", "", "*", "a\0b", "k" * 300])
def test_a_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    put(tmp_path / "model", "k1.png", image_bytes())
    (tmp_path / "model" / "secret.png").write_bytes(image_bytes())
    outcome = outcome_of(tmp_path / "model", key)
    assert outcome.status is EditStatus.EDIT_FAILED
    assert "file name" in outcome.message
    assert outcome_of(tmp_path / "model", "k1", task="..").status is EditStatus.EDIT_FAILED


def test_languages_and_categories_are_kept_apart(tmp_path: Path) -> None:
    put(tmp_path, "k1.png", image_bytes(), language="cn")
    put(tmp_path, "k1.png", image_bytes(color="blue"), task="subject-remove")
    assert outcome_of(tmp_path).status is EditStatus.MISSING_IMAGE
    assert outcome_of(tmp_path, language="cn").encoded == image_bytes()
    assert outcome_of(tmp_path, task="subject-remove").encoded == image_bytes(color="blue")


def test_a_folder_that_cannot_be_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="no folder") as missing:
        Folder(FolderSettings(path=str(tmp_path / "nowhere"))).load()
    with pytest.raises(UsageError, match="no images in the official layout"):
        Folder(FolderSettings(path=str(tmp_path))).load()
    with pytest.raises(UsageError, match="needs the path"):
        Folder().load()
    assert "<key>.png" in missing.value.hint


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("out/bagel", "bagel"),
        ("out/bagel/fullset", "bagel"),
        ("out/bagel/images", "bagel"),
        ("out/bagel/images/fullset/", "bagel"),
    ],
)
def test_label_is_the_name_that_means_something(tmp_path: Path, path: str, label: str) -> None:
    assert Folder(FolderSettings(path=str(tmp_path / path))).label() == label


def test_artifacts_change_with_the_images_only(tmp_path: Path) -> None:
    put(tmp_path, "k1.png", image_bytes())
    first = choose_model(f"folder:{tmp_path}")
    put(tmp_path, "notes.txt", b"hello")
    assert choose_model(f"folder:{tmp_path}").artifacts == first.artifacts
    put(tmp_path, "k1.png", image_bytes(color="blue"))
    second = choose_model(f"folder:{tmp_path}")
    assert second.artifacts != first.artifacts
    put(tmp_path, "k2.png", image_bytes())
    assert choose_model(f"folder:{tmp_path}").artifacts != second.artifacts
    assert choose_model(f"folder:{tmp_path / 'nowhere'}").artifacts == {}
