"""The gallery's cards: a sample with what each judged run made of it, and the pictures of both."""

import os
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from gedit_bench.errors import DataError, UnavailableError
from gedit_bench.records import LANGUAGES, TASKS, Edit, EditStatus, Sample, SampleId, Verdict
from gedit_bench.report.board import Entry
from gedit_bench.report.thumbnails import edit_thumbnail, made_already, source_thumbnail
from gedit_bench.store.run import Run

SourceImages = Callable[[Run, Sample], Image.Image | None]
"""Returns the `input_image` that a run's sample was edited from, or None where it isn't at hand."""


@dataclass(frozen=True, slots=True)
class Card:
    """A sample and its verdicts by the index of their entry. `source_id` is None where no edit noted it."""

    sample: Sample
    source_id: str | None
    verdicts: dict[int, Verdict] = field(default_factory=dict)

    @property
    def edits(self) -> list[tuple[int, Edit]]:
        """The edits that ended `ok`, each with the index of its entry."""
        found = [(index, verdict.edit) for index, verdict in self.verdicts.items()]
        return [(index, edit) for index, edit in found if edit is not None and edit.status is EditStatus.OK]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Thumbnails' paths by SHA-256 of the edit and by source id; None where there is none.

    `images` are the edits, by entry's index and sample, whose file is inside their run's folder. `broken` counts, by
    entry, the `ok` edits whose image is missing, unreadable or not the recorded one.
    """

    edits: dict[str, str | None]
    sources: dict[str, str | None]
    images: frozenset[tuple[int, SampleId]]
    broken: dict[int, int]

    def holds(self, card: Card) -> bool:
        """True if there is a picture of any of the card's edits."""
        return any(self.edits.get(edit.sha256 or "") for _, edit in card.edits)


def make_cards(entries: Iterable[Entry]) -> list[Card]:
    """Return one card per sample, in the order of categories, languages and rows.

    Samples of the same name whose instruction or source differs, as between two revisions of a
    dataset, don't share a card.
    """
    rows = [(entry.index, verdict) for entry in entries for verdict in entry.scored.verdicts]
    known: dict[tuple[SampleId, str], str] = {}
    for _, verdict in rows:
        if verdict.edit and verdict.edit.source_id:
            known.setdefault((verdict.sample.id, verdict.sample.instruction), verdict.edit.source_id)
    cards: dict[tuple[SampleId, str, str | None], Card] = {}
    for index, verdict in rows:
        sample = verdict.sample
        noted = verdict.edit.source_id if verdict.edit else None
        source_id = noted or known.get((sample.id, sample.instruction))
        card = cards.setdefault((sample.id, sample.instruction, source_id), Card(sample, source_id))
        card.verdicts[index] = verdict
    return sorted(cards.values(), key=lambda card: _place(card.sample))


def make_pictures(entries: Sequence[Entry], cards: Sequence[Card], out: Path, sources: SourceImages | None) -> Pictures:
    """Make the thumbnails of some cards that aren't there yet."""
    edits = [(entries[index].scored.run, edit) for card in cards for index, edit in card.edits]
    made: dict[str, str | None] = {edit.sha256 or "": made_already(out, edit.sha256) for _, edit in edits}
    missing = [(run, edit) for run, edit in edits if made[edit.sha256 or ""] is None]
    with ThreadPoolExecutor(2) as pool:
        for (_, edit), path in zip(missing, pool.map(lambda one: edit_thumbnail(out, *one), missing), strict=True):
            made[edit.sha256 or ""] = path or made[edit.sha256 or ""]
    images = find_images(entries, cards)
    return Pictures(made, _sources(entries, cards, out, sources), images, count_broken(cards, made, images))


def find_images(entries: Sequence[Entry], cards: Iterable[Card]) -> frozenset[tuple[int, SampleId]]:
    """Return which entry's edits have their image inside the run's folder. Each folder is looked into once."""
    found = set()
    folders: dict[str, frozenset[str]] = {}
    for card in cards:
        for index, edit in card.edits:
            run = entries[index].scored.run
            folder, _, name = f"{run.path}/{edit.file or ''}".rpartition("/")
            if folder not in folders:
                folders[folder] = _plain_files(run, Path(folder))
            if name in folders[folder] or _is_there(run, edit):
                found.add((index, edit.sample))
    return frozenset(found)


def _plain_files(run: Run, folder: Path) -> frozenset[str]:
    """Names of the files in a folder of the run's that are no links; of none that lies elsewhere."""
    if not folder.is_dir() or not folder.resolve().is_relative_to(run.path.resolve()):
        return frozenset()
    with os.scandir(folder) as files:
        return frozenset(file.name for file in files if file.is_file(follow_symlinks=False))


def count_broken(
    cards: Iterable[Card], made: Mapping[str, str | None], images: Container[tuple[int, SampleId]]
) -> dict[int, int]:
    """Return how many `ok` edits of each entry have no image, or none that a thumbnail could be made of."""
    edits = [(index, edit) for card in cards for index, edit in card.edits]
    lost = [
        index
        for index, edit in edits
        if made.get(edit.sha256 or "", "not tried") is None or (index, edit.sample) not in images
    ]
    return dict(Counter(lost))


def _sources(
    entries: Sequence[Entry], cards: Iterable[Card], out: Path, load: SourceImages | None
) -> dict[str, str | None]:
    made: dict[str, str | None] = {}
    closed: set[Path] = set()
    for card in cards:
        if card.source_id is None or made.get(card.source_id):
            continue
        runs = [entries[index].scored.run for index in card.verdicts]

        def ask(runs: list[Run] = runs, sample: Sample = card.sample) -> Image.Image | None:
            return _first_source(runs, sample, load, closed)

        made[card.source_id] = source_thumbnail(out, card.source_id, ask)
    return made


def _first_source(
    runs: Iterable[Run], sample: Sample, load: SourceImages | None, closed: set[Path]
) -> Image.Image | None:
    """Ask for the source; a run whose dataset is out of reach is asked once and not again."""
    for run in runs:
        if load is None or run.path in closed:
            continue
        try:
            image = load(run, sample)
        except (UnavailableError, DataError):
            closed.add(run.path)
            continue
        if image is not None:
            return image
    return None


def _is_there(run: Run, edit: Edit) -> bool:
    try:
        return run.image_path(edit).is_file()
    except DataError:
        return False


def _place(sample: Sample) -> tuple[int, str, int, int, str]:
    task, language, key = sample.id
    return (
        TASKS.index(task) if task in TASKS else len(TASKS),
        task,
        [*LANGUAGES, language].index(language),
        sample.row,
        key,
    )
