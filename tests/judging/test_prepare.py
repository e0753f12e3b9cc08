"""Image preparation: the official bytes."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gedit_bench.errors import DataError
from gedit_bench.judging.prepare import judge_size, prepare, prepare_file, prepare_source


def synthetic(width: int, height: int) -> Image.Image:
    x, y = np.meshgrid(np.arange(width, dtype=np.int64), np.arange(height, dtype=np.int64))
    red = 7 * x + 13 * y + x * y // 17
    green = 3 * x + 5 * y + x * x // 29
    blue = 11 * x + 2 * y + y * y // 23
    return Image.fromarray((np.stack([red, green, blue], axis=2) % 256).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def test_sizes_are_the_official_ones(golden: Path) -> None:
    rows = [json.loads(line) for line in (golden / "dims.jsonl").read_text().splitlines()]
    assert len(rows) == 404
    for row in rows:
        assert judge_size(row["w"], row["h"]) == (row["judge_w"], row["judge_h"])


def vectors() -> list[dict]:
    return json.loads((Path(__file__).parents[1] / "golden" / "prep_vectors.json").read_text())["vectors"]


@pytest.mark.parametrize("vector", vectors(), ids=lambda vector: f"{vector['w']}x{vector['h']}")
def test_bytes_are_the_official_ones(vector: dict) -> None:
    image = synthetic(vector["w"], vector["h"])
    assert hashlib.sha256(image.tobytes()).hexdigest() == vector["sha256_source_rgb"]
    jpeg = prepare_file(png(image), "jpeg").data
    assert hashlib.sha256(jpeg).hexdigest() == vector["sha256_jpeg"]
    with Image.open(io.BytesIO(prepare(image, "png").data)) as lossless:
        assert list(lossless.size) == vector["judge_size"]
        assert hashlib.sha256(lossless.tobytes()).hexdigest() == vector["sha256_resized_rgb"]


def test_alpha_is_dropped_without_compositing() -> None:
    hidden = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    with Image.open(io.BytesIO(prepare(hidden, "png").data)) as shown:
        assert shown.getpixel((5, 5)) == (255, 0, 0)


def test_exif_orientation_is_applied_after_the_resize() -> None:
    image = Image.new("RGB", (1024, 666))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", exif=exif)
    with Image.open(io.BytesIO(prepare_file(buffer.getvalue(), "jpeg").data)) as shown:
        assert shown.size == (412, 634)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "LA", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    with Image.open(io.BytesIO(prepare(Image.new(mode, (40, 30)), "jpeg").data)) as shown:
        assert shown.mode == "RGB"


@pytest.mark.parametrize("data", [b"", b"GIF89a", png(Image.new("RGB", (90, 90), "red"))[:-30]])
def test_what_is_no_whole_image_is_said(data: bytes) -> None:
    with pytest.raises(DataError, match=r"can't be read|no image|empty"):
        prepare_file(data, "jpeg")


def test_an_image_without_a_side_is_said() -> None:
    with pytest.raises(DataError, match="too long and thin"):
        prepare(Image.new("RGB", (300_000, 1)), "jpeg")


def test_sources_are_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path))
    data = png(synthetic(160, 96))
    first = prepare_source(data, "jpeg")
    [kept] = [path for path in tmp_path.rglob("*") if path.is_file()]
    kept.write_bytes(b"from the cache")
    assert prepare_source(data, "jpeg").data == b"from the cache"
    assert first == prepare_file(data, "jpeg")
    assert prepare_source(data, "png").media_type == "image/png"
