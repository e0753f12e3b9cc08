import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from report_fixtures import make_run, make_samples, picture

from gedit_bench.errors import DataError
from gedit_bench.report.thumbnails import SIZE, edit_thumbnail, source_thumbnail, thumbnail_path


def _edit(run):
    return next(iter(run.edits().values()))


def test_a_thumbnail_is_named_by_content_and_made_once(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", make_samples()[:1], image=lambda s: picture("red", (800, 400)))
    edit = _edit(run)
    path = edit_thumbnail(tmp_path, run, edit)
    assert path == thumbnail_path(edit.sha256) == f"thumbs/{edit.sha256[:2]}/{edit.sha256}.webp"
    with Image.open(tmp_path / path) as made:
        assert (made.format, made.size) == ("WEBP", (SIZE, SIZE // 2))
    before = (tmp_path / path).stat().st_mtime_ns
    run.image_path(edit).unlink()
    assert edit_thumbnail(tmp_path, run, edit) == path
    assert (tmp_path / path).stat().st_mtime_ns == before
    assert not list(tmp_path.glob("thumbs/**/*.partial"))


@pytest.mark.parametrize("damage", [b"", b"no image", picture()[:40], picture("black")])
def test_a_damaged_or_other_image_has_none(tmp_path: Path, damage: bytes) -> None:
    run = make_run(tmp_path / "r", make_samples()[:1])
    edit = _edit(run)
    run.image_path(edit).write_bytes(damage)
    assert edit_thumbnail(tmp_path, run, edit) is None
    run.image_path(edit).unlink()
    assert edit_thumbnail(tmp_path, run, edit) is None
    assert not (tmp_path / "thumbs").exists()


@pytest.mark.parametrize("data", [b"no image", picture()[:60]])
def test_an_unreadable_image_with_the_recorded_hash_has_none(tmp_path: Path, data: bytes) -> None:
    run = make_run(tmp_path / "r", make_samples()[:1])
    edit = replace(_edit(run), sha256=hashlib.sha256(data).hexdigest())
    run.image_path(edit).write_bytes(data)
    assert edit_thumbnail(tmp_path, run, edit) is None


@pytest.mark.parametrize("sha256", [None, "", "../../evil", "A" * 64, "0" * 63])
def test_only_a_hash_becomes_a_path(tmp_path: Path, sha256: str | None) -> None:
    assert source_thumbnail(tmp_path, sha256, lambda: Image.new("RGB", (4, 4))) is None


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1"])
def test_any_mode_is_shown(tmp_path: Path, mode: str) -> None:
    path = source_thumbnail(tmp_path, "0" * 64, lambda: Image.new(mode, (10, 10)))
    assert path
    assert (tmp_path / path).is_file()


def test_a_source_is_asked_for_only_once(tmp_path: Path) -> None:
    asked = []

    def load():
        asked.append(1)
        return Image.new("RGB", (4, 4))

    for _ in range(2):
        assert source_thumbnail(tmp_path, "0" * 64, load)
    assert asked == [1]


def test_a_source_that_fails_has_none(tmp_path: Path) -> None:
    def load():
        raise DataError("no such row")

    assert source_thumbnail(tmp_path, "0" * 64, load) is None
    assert source_thumbnail(tmp_path, "0" * 64, lambda: None) is None
