"""The page of a comparison: paired numbers, and just the samples that were lost and gained."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from gedit_bench.comparison import VALUES, Comparison
from gedit_bench.errors import UsageError
from gedit_bench.records import LANGUAGES, Json, SampleId
from gedit_bench.report.board import Board, Entry
from gedit_bench.report.cards import SourceImages, make_cards, make_pictures
from gedit_bench.report.gallery import gallery_json
from gedit_bench.report.method import methods, other_scorings
from gedit_bench.report.notices import Notice, notices
from gedit_bench.report.page import document
from gedit_bench.report.paired_tables import Table, agreement_tables, group_words, headline_tables
from gedit_bench.report.words import LANGUAGE_WORDS
from gedit_bench.results import Scored
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.paired import Pair, PairedMeans
from gedit_bench.store.atomic import make_folder, write_bytes
from gedit_bench.store.provenance import now

PAGE = "compare.html"

_STYLES = ("base", "board", "gallery", "viewer", "method", "comparison", "print")
_SCRIPTS = (
    "common",
    "theme",
    "views",
    "filters",
    "cards",
    "gallery",
    "viewer",
    "judges",
    "comparison",
    "start_comparison",
)


@dataclass(frozen=True, slots=True)
class PairedRow:
    """A category or the average over them: by `O`, `SC` and `PQ` the paired means and their difference's interval."""

    name: str
    aspects: Mapping[str, tuple[PairedMeans, Interval]]

    @property
    def overall(self) -> PairedMeans:
        """The means of O, with the counts."""
        return self.aspects["O"][0]


@dataclass(frozen=True, slots=True)
class MovedList:
    """The first of `count` samples whose O was `lost` or `gained`, the largest difference first."""

    name: str
    count: int
    pairs: list[Pair]


@dataclass(frozen=True, slots=True)
class Section:
    """What the page shows of one language; `rows` end with the headline."""

    language: str
    title: str
    rows: list[PairedRow]
    tables: list[Table]
    lists: list[MovedList]


def build_comparison_page(
    found: Comparison, place: Path, *, top: int = 20, sources: SourceImages | None = None
) -> Path:
    """Write the page of a comparison and return its path.

    It holds all samples whose O differs, the most lost first. Thumbnails lie in `thumbs` beside it; those that are
    there are kept.

    Args:
        found: what is compared.
        place: the page, a name that ends in `.html`; or the folder in which it becomes `compare.html`.
        top: how many lost and how many gained samples are listed before the gallery.
        sources: returns the image that a sample was edited from; without it the page says that it is lacking.

    Raises:
        UsageError: `place` is a file of another kind.
        UnavailableError: the disk is full or the folder can't be written.
    """
    path = _page_path(place)
    make_folder(path.parent)
    moved = {pair.sample.id: pair.difference for language in LANGUAGES for pair in found.pairs(language)}
    moved = {sample: difference for sample, difference in moved.items() if difference}
    sides = _entries(found)
    board = Board(tuple(replace(side, scored=_only(side.scored, moved)) for side in sides), ())
    cards = sorted(make_cards(board.entries), key=lambda card: moved[card.sample.id])
    pictures = make_pictures(board.entries, cards, path.parent, sources)
    data = gallery_json(board, cards, pictures, path.parent)
    samples = [
        {**cast(Mapping[str, Json], sample), "difference": round(moved[card.sample.id], 4)}
        for sample, card in zip(cast(Sequence[Json], data["samples"]), cards, strict=True)
    ]
    html = document(
        "compare.html.j2",
        {
            "title": " against ".join(found.names),
            "created": now(),
            "board": board,
            "sides": sides,
            "names": found.names,
            "sections": [_section(found, language, top) for language in LANGUAGES if found.pairs(language)],
            "notices": [*(Notice("differs", told) for told in found.remarks), *notices(board, cards, pictures)],
            "methods": methods(sides),
            "other_scorings": other_scorings(sides),
            "published": {},
            "gallery_title": "Lost and gained samples",
        },
        {**data, "samples": samples, "moved": True},
        styles=_STYLES,
        scripts=_SCRIPTS,
    )
    write_bytes(path, html.encode("utf-8", "backslashreplace"))
    return path


def _page_path(place: Path) -> Path:
    if place.suffix in {".html", ".htm"} and not place.is_dir():
        return place
    if place.is_file():
        raise UsageError(f"{place} is a file, and no page.", "Name a folder, or a file that ends in .html.")
    return place / PAGE


def _entries(found: Comparison) -> tuple[Entry, Entry]:
    run = found.first.run.manifest.name
    labels = [f"{run} ({name})" if found.same_images and name != run else name for name in found.names]
    return Entry(0, "first", labels[0], found.first), Entry(1, "second", labels[1], found.second)


def _only(side: Scored, samples: Container[SampleId]) -> Scored:
    """The same without what the page doesn't show."""
    return replace(side, verdicts=[verdict for verdict in side.verdicts if verdict.sample.id in samples], later=())


def _section(found: Comparison, language: str, top: int) -> Section:
    means = {value: found.means(language, value) for value in VALUES}
    intervals = found.intervals(language)
    rows = [
        PairedRow(
            group_words(group, len(means["O"]) - 1),
            {value: (means[value][group], intervals[value][group]) for value in VALUES},
        )
        for group in means["O"]
    ]
    tables = [*(headline_tables(found, language) if found.rescored else ()), *agreement_tables(found, language)]
    lost, gained = found.lost(language), found.gained(language)
    lists = [MovedList("lost", len(lost), lost[:top]), MovedList("gained", len(gained), gained[:top])]
    return Section(language, LANGUAGE_WORDS[language], rows, tables, lists)
