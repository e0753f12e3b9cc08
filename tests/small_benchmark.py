"""A benchmark of a dozen tiny samples on disk, and backends and runs on it."""

from pathlib import Path

import datasets
import numpy as np
from data_fixtures import FEATURES
from PIL import Image

from gedit_bench.api import Editing, Judging, Selection
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.records import TASKS

OFFLINE = Judging(judge=JudgeSettings(name="offline"))


def picture(seed: int, size: tuple[int, int] = (48, 32)) -> Image.Image:
    """A small picture that no other seed has."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize(size)


def write_benchmark(
    folder: Path, keys: int = 1, languages: tuple[str, ...] = ("en", "cn"), side_by_side: bool = False
) -> Path:
    """Write a benchmark with `keys` samples of each category and language; twins share their source.

    Twins are rows that follow each other if `side_by_side`.
    """
    rows = [
        {
            "task_type": task,
            "key": f"{number * len(TASKS) + index:032x}",
            "instruction": f"{language} {task} {number} ",
            "instruction_language": language,
            "input_image": picture(number * len(TASKS) + index),
            "input_image_raw": picture(number * len(TASKS) + index, (96, 64)),
            "Intersection_exist": number % 2 == 0,
        }
        for language in languages
        for index, task in enumerate(TASKS)
        for number in range(keys)
    ]
    if side_by_side:
        rows.sort(key=lambda row: str(row["key"]))
    datasets.Dataset.from_list(rows, features=FEATURES).save_to_disk(folder)
    return folder


def selection(folder: Path, **more: object) -> Selection:
    """All samples of a benchmark."""
    return Selection(data=str(folder), **more)


def editing(out: Path, **more: object) -> Editing:
    """Edits that land in `out`."""
    return Editing(out=out, **more)


def lines(path: Path) -> list[str]:
    """The lines of a file; none if it isn't there."""
    return path.read_text().splitlines() if path.exists() else []
