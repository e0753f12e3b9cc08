"""Makes a stand-in for GEdit-Bench: the official columns and counts, drawn pictures with the noise of photographs.

    python perf/make_data.py --out data_folder --rows-scale 1.0 --raw-scale 1.0

Writes `dataset` (as `save_to_disk` does) and `edits/fullset/<task>/<lang>/<key>.png`, the official layout.
Both languages share key and source, as most of the real rows do. The same arguments make the same pixels.
Beyond the real counts, pictures repeat in files that differ by a comment: new to every cache, and drawn once.
"""

import argparse
import hashlib
import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

COUNTS = {
    "background_change": 40,
    "color_alter": 40,
    "material_alter": 40,
    "motion_change": 40,
    "ps_human": 70,
    "style_change": 60,
    "subject-add": 60,
    "subject-remove": 57,
    "subject-replace": 60,
    "text_change": 99,
    "tone_transfer": 40,
}
"""Rows per category and language, as in the real set: 606 in all."""

SIZES = [(640, 416), (416, 640), (608, 448), (448, 576), (512, 512), (480, 576), (704, 384), (384, 640)]
INSTRUCTIONS = {"en": "Change picture {} as the task {} asks.", "cn": "请按任务{1}的要求修改图片{0}。"}


@dataclass(frozen=True)
class Subject:
    """What one English and one Chinese row are about."""

    task: str
    index: int
    raw_scale: float
    copies: int = 1

    @property
    def key(self) -> str:
        return self.key_of(0)

    def key_of(self, copy: int) -> str:
        name = f"{self.task} {self.index + copy * COUNTS[self.task]}"
        return hashlib.sha256(name.encode()).hexdigest()[:32]

    @property
    def seed(self) -> int:
        return int(self.key[:8], 16)

    @property
    def size(self) -> tuple[int, int]:
        return SIZES[self.seed % len(SIZES)]


def picture(seed: int, size: tuple[int, int]) -> Image.Image:
    """Return smooth fields of colour, a few ellipses and sensor noise: a PNG takes about 1.5 bytes a pixel."""
    random = np.random.default_rng(seed)
    width, height = size
    pixels = np.zeros((height, width, 3), np.float32) + random.uniform(70, 180, 3)
    for cells, strength in ((3, 70), (7, 40), (19, 22), (47, 12), (131, 7)):
        for channel in range(3):
            coarse = Image.fromarray(random.normal(0, strength, (cells, cells)).astype(np.float32))
            pixels[..., channel] += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))
    y, x = np.mgrid[0:height, 0:width]
    for _ in range(6):
        across, down = random.uniform(0, width), random.uniform(0, height)
        inside = ((x - across) / random.uniform(20, width / 3)) ** 2 + (
            (y - down) / random.uniform(20, height / 3)
        ) ** 2 < 1
        pixels[inside] = pixels[inside] * 0.4 + random.uniform(0, 255, 3) * 0.6
    pixels += random.normal(0, 5, (height, width, 1)) + random.normal(0, 2.5, (height, width, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def images(subject: Subject) -> tuple[bytes, bytes, dict[str, bytes]]:
    """Return input_image, input_image_raw and the edit for each language, as PNG."""
    source = picture(subject.seed, subject.size)
    small = large = png(source)
    if subject.raw_scale != 1:
        width, height = (round(side * subject.raw_scale) for side in subject.size)
        large = png(source.resize((width, height), Image.Resampling.BICUBIC))
    edits = {
        language: png(Image.blend(source, picture(subject.seed + shift, subject.size), 0.35))
        for shift, language in enumerate(INSTRUCTIONS, start=1)
    }
    return small, large, edits


def with_comment(data: bytes, comment: str) -> bytes:
    """Return a PNG of the same pixels as another file: with a text chunk behind its header."""
    body = b"tEXtComment\0" + comment.encode("ascii")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def rows(subjects: list[Subject], edits: Path) -> Iterator[dict[str, object]]:
    """Write the edits and yield the dataset's rows."""
    with ProcessPoolExecutor() as pool:
        for subject, drawn in zip(subjects, pool.map(images, subjects, chunksize=8), strict=True):
            yield from rows_of(subject, *drawn, edits)


def rows_of(
    subject: Subject, small: bytes, large: bytes, made: dict[str, bytes], edits: Path
) -> Iterator[dict[str, object]]:
    """Write a subject's edits, and those of its copies, and yield their rows."""
    for copy in range(subject.copies):
        key = subject.key_of(copy)
        for language, data in made.items():
            path = edits / "fullset" / subject.task / language / f"{key}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(with_comment(data, key) if copy else data)
            yield {
                "task_type": subject.task,
                "key": key,
                "instruction": INSTRUCTIONS[language].format(subject.index, subject.task),
                "instruction_language": language,
                "input_image": {"bytes": with_comment(small, key) if copy else small, "path": None},
                "input_image_raw": {"bytes": with_comment(large, key) if copy else large, "path": None},
                "Intersection_exist": subject.seed % 10 < 7,
            }


def batched(items: Iterable[dict[str, object]], size: int) -> Iterator[list[dict[str, object]]]:
    """Yield lists of at most `size` items."""
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch


def make_data(out: Path, rows_scale: float = 1.0, raw_scale: float = 1.0) -> None:
    """Write dataset and edits below `out`; at least one row per category and language."""
    import datasets

    text = datasets.Value("string")
    features = datasets.Features(
        {
            "task_type": text,
            "key": text,
            "instruction": text,
            "instruction_language": text,
            "input_image": datasets.Image(),
            "input_image_raw": datasets.Image(),
            "Intersection_exist": datasets.Value("bool"),
        }
    )
    subjects = []
    for task, count in COUNTS.items():
        wanted = max(1, round(count * rows_scale))
        distinct = min(wanted, count)
        for index in range(distinct):
            subjects.append(Subject(task, index, raw_scale, copies=len(range(index, wanted, count))))
    parts = [
        datasets.Dataset.from_list(part, features=features)
        for part in batched(rows(subjects, out / "edits"), 500)  # one array may not hold more than 2 GB
    ]
    made = datasets.concatenate_datasets(parts)
    datasets.DatasetDict({"train": made}).save_to_disk(out / "dataset")
    print(f"{len(made)} rows and as many edits are in {out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows-scale", type=float, default=1.0, help="1.0: 1212 rows")
    parser.add_argument("--raw-scale", type=float, default=1.0, help="sides of the raw source; 2.8: 2 megapixels")
    given = parser.parse_args()
    make_data(given.out, given.rows_scale, given.raw_scale)
