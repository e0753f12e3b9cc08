"""Tiny benchmarks in the official schema, and a Hugging Face cache that is the test's own."""

from io import BytesIO
from pathlib import Path

import datasets
import pytest
from PIL import Image

FEATURES = datasets.Features(
    {
        "task_type": datasets.Value("string"),
        "key": datasets.Value("string"),
        "instruction": datasets.Value("string"),
        "instruction_language": datasets.Value("string"),
        "input_image": datasets.Image(),
        "input_image_raw": datasets.Image(),
        "Intersection_exist": datasets.Value("bool"),
    }
)
KEY = "ae3bf75e9abe53ab8e24052ef129d1ef"
OTHER_KEY = "bc8d567ee91ca1521adaa8d4a486851f"


@pytest.fixture
def hf_cache(tmp_path, monkeypatch):
    """Keep what `datasets` writes out of the user's cache."""
    cache = tmp_path / "hf-cache"
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    return cache


def picture(color="teal", size=(32, 48)) -> Image.Image:
    """A picture whose left half has a colour and whose right half is white."""
    image = Image.new("RGB", size, "white")
    image.paste(color, (0, 0, size[0] // 2, size[1]))
    return image


def encoded(image: Image.Image, image_format="PNG", **options) -> bytes:
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def row(task="subject-remove", language="en", key=KEY, color="teal", **columns) -> dict:
    return {
        "task_type": task,
        "key": key,
        "instruction": "Remove the hat",
        "instruction_language": language,
        "input_image": {"bytes": encoded(picture(color)), "path": None},
        "input_image_raw": {"bytes": encoded(picture(color, (64, 96))), "path": None},
        "Intersection_exist": True,
        **columns,
    }


def small_rows() -> list[dict]:
    """Six rows: en/cn twins, a key that stands in two categories, blanks around instructions."""
    return [
        row(),
        row(instruction=" Remove “the hat” \n", key=OTHER_KEY, color="red"),
        row("subject-replace", instruction="Replace the hat"),
        row("style_change", color="navy", Intersection_exist=False),
        row(language="cn", instruction="去掉帽子"),
        row("style_change", "cn", color="navy", instruction="改成油画"),
    ]


def as_dataset(rows, features=FEATURES) -> datasets.Dataset:
    return datasets.Dataset.from_dict({name: [r[name] for r in rows] for name in features}, features=features)


def write_parquet(folder: Path, rows, features=FEATURES, shards=1) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    whole = as_dataset(rows, features)
    for i in range(shards):
        shard = whole.shard(shards, i, contiguous=True)
        shard.to_parquet(folder / f"train-{i:05}-of-{shards:05}.parquet")
    return folder
