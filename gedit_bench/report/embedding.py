"""A report in a single file: which samples' thumbnails stand in it, within a budget."""

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from gedit_bench.report.board import Entry
from gedit_bench.report.cards import Card, Pictures, SourceImages, count_broken, find_images, make_pictures
from gedit_bench.report.words import samples

BUDGET = 20.0
"""Megabytes of 10⁶ bytes that pictures may take in a single file, as they stand there."""

_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Embedded:
    """The thumbnails in a page, one a line: path, blank, base64. `chosen` of `samples` have theirs, by stratum."""

    text: str
    pictures: int
    chosen: dict[tuple[str, str], int]
    samples: int

    @property
    def words(self) -> str:
        """Return what was embedded, in one or two sentences."""
        size = f"{self.pictures:,} thumbnails, {len(self.text) / _MEGABYTE:.1f} MB"
        total, counts = sum(self.chosen.values()), sorted(set(self.chosen.values()))
        if total == self.samples:
            return f"This page is one file and holds the pictures of {_all(self.samples)}: {size}."
        each = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}" if counts else "none"
        return (
            f"This page is one file and holds the pictures of {total:,} of {samples(self.samples)} "
            f"({each} of each category and language, all models of a sample together): {size}. "
            "Numbers and words are those of all samples."
        )


def embed(
    entries: Sequence[Entry], cards: Sequence[Card], out: Path, sources: SourceImages | None, budget: float
) -> tuple[Pictures, Embedded]:
    """Choose samples whose thumbnails fit into `budget` megabytes, and return those.

    Taken in turn is one sample of each category and language, always the same ones, and twins in the same turn where
    that can be; the first that doesn't fit ends it. Thumbnails are made in `out` unless they are there, and only of
    what is looked at.
    """
    strata: dict[tuple[str, str], list[Card]] = defaultdict(list)
    for card in sorted(cards, key=_order):
        strata[_stratum(card)].append(card)
    lines: dict[str, str] = {}
    used, chosen = 0, Counter(dict.fromkeys(strata, 0))
    edits: dict[str, str | None] = {}
    origins: dict[str, str | None] = {}
    for card, pictures in _made(entries, strata.values(), out, sources):
        edits |= pictures.edits
        origins |= pictures.sources
        new = {path: _line(out, path) for path in _paths(card, pictures) if path not in lines}
        size = sum(map(len, new.values()))
        if used + size > budget * _MEGABYTE:
            break
        used += size
        lines |= new
        chosen[_stratum(card)] += bool(_paths(card, pictures))
    images = find_images(entries, cards)
    held = Pictures(
        {sha256: path for sha256, path in edits.items() if path in lines},
        {source_id: path for source_id, path in origins.items() if path in lines},
        images,
        count_broken(cards, edits, images),
    )
    return held, Embedded("".join(lines.values()), len(lines), dict(chosen), len(cards))


def _made(
    entries: Sequence[Entry], strata: Iterable[Sequence[Card]], out: Path, sources: SourceImages | None
) -> Iterator[tuple[Card, Pictures]]:
    for turn in zip_longest(*strata):
        cards = [card for card in turn if card is not None]
        pictures = make_pictures(entries, cards, out, sources)
        for card in cards:
            yield card, pictures


def _paths(card: Card, pictures: Pictures) -> list[str]:
    """The thumbnails of a card, each once."""
    paths = [pictures.sources.get(card.source_id or ""), *(pictures.edits.get(e.sha256 or "") for _, e in card.edits)]
    return list(dict.fromkeys(path for path in paths if path))


def _line(out: Path, path: str) -> str:
    return f"{path} {base64.b64encode((out / path).read_bytes()).decode()}\n"


def _stratum(card: Card) -> tuple[str, str]:
    return card.sample.id.task_type, card.sample.id.language


def _order(card: Card) -> tuple[str, str]:
    """By chance, but always the same, and alike for the twins of one source."""
    return hashlib.sha256((card.source_id or card.sample.id.key).encode()).hexdigest(), card.sample.id.key


def _all(count: int) -> str:
    return f"all {samples(count)}" if count != 1 else "its sample"
