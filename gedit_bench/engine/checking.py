"""Looks at a folder of images before anybody pays to have it judged."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PIL import Image

from gedit_bench.dataset import Benchmark
from gedit_bench.decoding import decode
from gedit_bench.editing.folder import find_layout, image_files
from gedit_bench.engine.saving import aspect_changed, same_pixels
from gedit_bench.errors import DataError
from gedit_bench.records import Sample, SampleId
from gedit_bench.store.names import checked_name


class Problem(StrEnum):
    """What can be wrong with an image."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    SAME_AS_SOURCE = "same as source"
    ASPECT_CHANGED = "aspect changed"
    WRONG_EXTENSION = "wrong extension"
    SEVERAL_FILES = "several files"
    DUPLICATE = "duplicate"
    COLLIDING_KEY = "colliding key"
    STRAY = "stray"


FATAL = frozenset({Problem.MISSING, Problem.UNREADABLE})
"""Problems that leave a sample without a score."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem: the sample's id, or the file's path for a stray one, and what was found."""

    problem: Problem
    where: str
    found: str = ""


def check_folder(path: Path, benchmark: Benchmark, samples: Iterable[Sample]) -> Iterator[Trouble]:
    """Yield what is wrong with the images of some samples in the official layout.

    Duplicates are byte-equal images of different samples, sources returned as they were left out. Where
    the two samples share a key, the key may have collided, as happens when images are filed by key alone.

    Raises:
        UsageError, UnavailableError: the folder isn't there or holds no images in the layout.
    """
    root = find_layout(path)
    wanted = list(samples)
    by_content: dict[str, list[SampleId]] = defaultdict(list)
    known: set[Path] = set()
    for sample in wanted:
        files = _files(root, sample)
        known.update(files)
        yield from _check_sample(benchmark, sample, files, by_content)
    yield from _duplicates(by_content)
    yield from _strays(root, known, {sample.id for sample in benchmark.samples})


def _files(root: Path, sample: Sample) -> list[Path]:
    try:
        task, language, key = (checked_name(part) for part in sample.id)
    except DataError:
        return []
    return image_files(root / task / language, key)


def _check_sample(
    benchmark: Benchmark, sample: Sample, files: list[Path], by_content: dict[str, list[SampleId]]
) -> Iterator[Trouble]:
    name = str(sample.id)
    if not files:
        yield Trouble(Problem.MISSING, name)
        return
    if len(files) > 1:
        yield Trouble(Problem.SEVERAL_FILES, name, ", ".join(file.name for file in files))
    for file in files:
        data = file.read_bytes()
        try:
            image = decode(data)
        except DataError as error:
            yield Trouble(Problem.UNREADABLE, name, f"{file.name}: {error}")
            continue
        troubles = list(_check_image(benchmark, sample, file, image))
        if Problem.SAME_AS_SOURCE not in {trouble.problem for trouble in troubles}:
            by_content[hashlib.sha256(data).hexdigest()].append(sample.id)
        yield from troubles
        return


def _check_image(benchmark: Benchmark, sample: Sample, file: Path, image: Image.Image) -> Iterator[Trouble]:
    name = str(sample.id)
    expected = Image.registered_extensions().get(file.suffix.lower())
    if image.format and expected != image.format:
        yield Trouble(Problem.WRONG_EXTENSION, name, f"{file.name} is a {image.format}")
    try:
        source = benchmark.source(sample, "input")
    except DataError:
        return  # the source can't be compared with; editing and judging say so
    if same_pixels(source, image):
        yield Trouble(Problem.SAME_AS_SOURCE, name)
    if aspect_changed(source, image):
        sizes = f"{source.width}x{source.height} became {image.width}x{image.height}"
        yield Trouble(Problem.ASPECT_CHANGED, name, sizes)


def _duplicates(by_content: dict[str, list[SampleId]]) -> Iterator[Trouble]:
    for samples in by_content.values():
        first, *others = samples
        for other in others:
            problem = Problem.COLLIDING_KEY if other.key == first.key else Problem.DUPLICATE
            yield Trouble(problem, str(other), f"the same file as {first}")


def _strays(root: Path, known: set[Path], samples: set[SampleId]) -> Iterator[Trouble]:
    for file in sorted(root.glob("*/*/*")):
        identity = SampleId(file.parent.parent.name, file.parent.name, file.stem)
        if file not in known and (identity not in samples or not file.is_file()):
            yield Trouble(Problem.STRAY, file.relative_to(root).as_posix())
