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
from gedit_bench.records import Sample, SampleId, SourceKind
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


_SOURCES: dict[SourceKind, str] = {"input": "input_image", "raw": "input_image_raw"}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem: the sample's id, or the file's path for one that is no sample's, and what was found."""

    problem: Problem
    where: str
    found: str = ""


def check_folder(path: Path, benchmark: Benchmark, samples: Iterable[Sample]) -> Iterator[Trouble]:
    """Yield what is wrong with the images of some samples in the official layout.

    Duplicates are byte-equal images of different samples, sources returned as they were left out. Where
    the two samples share a key, the key may have collided, as happens when images are filed by key alone; so
    it may where two files differ only in capitals, of which some disks keep one. A file that no sample of the
    benchmark has a place for is stray, wherever it lies. Files whose names begin with a dot are nobody's.

    Raises:
        UsageError, UnavailableError: the folder isn't there or holds no images in the layout.
    """
    root = find_layout(path)
    by_content: dict[str, list[SampleId]] = defaultdict(list)
    known: set[Path] = set()
    for sample in samples:
        files = _files(root, sample)
        known.update(files)
        yield from _check_sample(benchmark, sample, files, by_content)
    yield from _duplicates(by_content)
    yield from _others(root, known, {sample.id for sample in benchmark.samples})


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
    reasons = []
    for file in files:
        try:
            data = file.read_bytes()
            image = decode(data)
        except (DataError, OSError) as error:
            reasons.append(f"{file.name}: {error}")
            continue
        troubles = list(_check_image(benchmark, sample, file, data, image))
        if Problem.SAME_AS_SOURCE not in {trouble.problem for trouble in troubles}:
            by_content[hashlib.sha256(data).hexdigest()].append(sample.id)
        yield from troubles
        return  # the first good file is the one that is judged
    yield Trouble(Problem.UNREADABLE, name, " ".join(reasons))


def _check_image(
    benchmark: Benchmark, sample: Sample, file: Path, data: bytes, image: Image.Image
) -> Iterator[Trouble]:
    name = str(sample.id)
    expected = Image.registered_extensions().get(file.suffix.lower())
    if image.format and expected != image.format:
        yield Trouble(Problem.WRONG_EXTENSION, name, f"{file.name} is a {image.format}")
    try:
        source = benchmark.source(sample, "input")
        copies = [column for kind, column in _SOURCES.items() if data == benchmark.image_bytes(sample, kind)]
    except DataError:
        return  # the source can't be compared with; editing and judging say so
    if copies:
        yield Trouble(Problem.SAME_AS_SOURCE, name, f"byte for byte its {copies[0]}")
    elif same_pixels(source, image):
        yield Trouble(Problem.SAME_AS_SOURCE, name, "pixel for pixel")
    if aspect_changed(source, image):
        sizes = f"{source.width}x{source.height} became {image.width}x{image.height}"
        yield Trouble(Problem.ASPECT_CHANGED, name, sizes)


def _duplicates(by_content: dict[str, list[SampleId]]) -> Iterator[Trouble]:
    for samples in by_content.values():
        first, *others = samples
        for other in others:
            problem = Problem.COLLIDING_KEY if other.key == first.key else Problem.DUPLICATE
            yield Trouble(problem, str(other), f"the same file as {first}")


def _others(root: Path, known: set[Path], samples: set[SampleId]) -> Iterator[Trouble]:
    """What else lies there; images of samples that weren't asked about are let be."""
    by_small_letters = {str(sample).lower(): sample for sample in samples}
    for file in sorted(root.rglob("*")):
        if file in known or file.is_dir() or any(part.startswith(".") for part in file.relative_to(root).parts):
            continue
        place = file.relative_to(root)
        identity = place.with_suffix("").as_posix()
        sample = by_small_letters.get(identity.lower())
        if sample is None or not file.is_file() or not _is_image(file):
            named = "named like a sample, so that the official script may take it" if sample else ""
            yield Trouble(Problem.STRAY, place.as_posix(), named)
        elif str(sample) != identity:
            yield Trouble(Problem.COLLIDING_KEY, place.as_posix(), f"differs from {sample} only in capitals")


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in Image.registered_extensions()
