"""Preparation beside the official one: what becomes of palettes, alpha, 16 bits, profiles and orientation."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from gedit_bench.errors import DataError
from gedit_bench.judging.base import EncodedImage
from gedit_bench.judging.pictures import edit_picture, source_picture
from gedit_bench.judging.prepare import judge_size, prepare_file, prepare_source
from gedit_bench.judging.protocol import PROTOCOLS

OFFICIAL, QWEN = PROTOCOLS["official"], PROTOCOLS["official-qwen"]
LMMS, EVALSCOPE = PROTOCOLS["lmms-eval"], PROTOCOLS["evalscope"]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def noise(mode: str, size: tuple[int, int] = (96, 64)) -> Image.Image:
    channels = {"RGB": (3,), "RGBA": (4,), "P": ()}[mode]
    pixels = np.random.default_rng(7).integers(0, 256, (size[1], size[0], *channels), dtype=np.uint8)
    if mode != "P":
        return Image.fromarray(pixels)
    image = Image.fromarray(pixels % 4).convert("P")
    image.putpalette([10, 20, 30, 250, 0, 0, 0, 250, 0, 0, 0, 250])
    return image


def file(image: Image.Image, form: str = "PNG", **more: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=form, **more)
    return buffer.getvalue()


def opened(picture: EncodedImage) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    assert image.get_format_mimetype() == picture.media_type
    return image


@pytest.mark.parametrize("protocol", [OFFICIAL, QWEN])
def test_the_official_protocols_show_what_they_always_did(protocol) -> None:
    data = file(noise("RGB"))
    assert source_picture(data, protocol) == edit_picture(data, protocol) == prepare_file(data, protocol.encoding)
    assert source_picture(data, protocol) == prepare_source(data, protocol.encoding)


def test_a_palette_is_resized_by_nearest_neighbour_as_a_source_and_blended_as_an_edit() -> None:
    image = noise("P")
    size = judge_size(*image.size)
    source = opened(source_picture(file(image), LMMS))
    assert source.mode == "P"
    assert set(source.convert("RGB").get_flattened_data()) == set(image.convert("RGB").get_flattened_data())
    assert source.convert("RGB").tobytes() == image.resize(size, Image.Resampling.NEAREST).convert("RGB").tobytes()
    edit = opened(edit_picture(file(image), LMMS))
    assert edit.tobytes() == image.convert("RGB").resize(size, Image.Resampling.BICUBIC).tobytes()
    assert opened(source_picture(file(image), QWEN)).tobytes() == edit.tobytes()


def test_alpha_is_kept_in_a_source_and_dropped_from_an_edit() -> None:
    image = noise("RGBA")
    size = judge_size(*image.size)
    source = opened(source_picture(file(image), LMMS))
    assert source.mode == "RGBA"
    assert source.tobytes() == image.resize(size, Image.Resampling.BICUBIC).tobytes()
    assert opened(edit_picture(file(image), LMMS)).tobytes() == image.convert("RGB").resize(size).tobytes()


def test_sixteen_bits_stay_in_a_source_and_are_clipped_in_an_edit() -> None:
    image = Image.fromarray(np.full((64, 96), 1000, dtype=np.uint16))
    source = opened(source_picture(file(image), LMMS))
    assert source.mode == "I;16"
    assert set(np.asarray(source).ravel().tolist()) == {1000}
    edit = opened(edit_picture(file(image), LMMS))
    assert edit.getpixel((3, 3)) == (255, 255, 255)


def test_a_profile_goes_into_a_png_and_into_no_jpeg() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = file(noise("RGB"), "JPEG", icc_profile=profile, quality=95)
    for picture in (source_picture, edit_picture):
        assert opened(picture(data, LMMS)).info["icc_profile"] == profile
        assert "icc_profile" not in opened(picture(data, OFFICIAL)).info
        assert picture(data, EVALSCOPE).data == data


def test_orientation_counts_on_the_way_to_jpeg_only() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = file(Image.new("RGB", (1024, 666)), "JPEG", exif=exif)
    assert opened(edit_picture(data, OFFICIAL)).size == (412, 634)
    for protocol in (QWEN, LMMS):
        shown = opened(edit_picture(data, protocol))
        assert shown.size == (634, 412)
        assert not shown.getexif()


def test_bytes_go_as_they_are() -> None:
    for form in ("PNG", "JPEG", "WEBP", "GIF"):
        data = file(noise("RGB", (1500, 20)), form)
        assert edit_picture(data, EVALSCOPE) == EncodedImage(data, f"image/{form.lower()}")
        assert source_picture(data, EVALSCOPE) == EncodedImage(data, "image/png")


@pytest.mark.parametrize("protocol", [LMMS, EVALSCOPE])
@pytest.mark.parametrize("data", [b"", b"GIF89a", file(noise("RGB"))[:-30]])
def test_what_is_no_whole_image_is_never_sent(protocol, data: bytes) -> None:
    for picture in (source_picture, edit_picture):
        with pytest.raises(DataError, match=r"can't be read|no image|empty"):
            picture(data, protocol)


def test_what_a_png_cannot_hold_is_said() -> None:
    with pytest.raises(DataError, match="can't be sent as PNG"):
        source_picture(file(Image.new("CMYK", (40, 30)), "JPEG"), LMMS)
    with pytest.raises(DataError, match="too long and thin"):
        source_picture(file(Image.new("RGB", (300_000, 1))), LMMS)


def test_sources_of_two_preparations_never_stand_for_each_other(cache: Path) -> None:
    data = file(noise("RGBA"))
    first = source_picture(data, LMMS)
    assert source_picture(data, QWEN) != first
    kept = [path for path in cache.rglob("*.png") if "unconverted" in path.parent.parent.name]
    assert [path.stem for path in kept] == [hashlib.sha256(data).hexdigest()]
    kept[0].write_bytes(b"from the cache")
    assert source_picture(data, LMMS).data == b"from the cache"
    assert source_picture(data, QWEN).data != b"from the cache"
