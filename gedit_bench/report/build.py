"""Builds a report: the page, its thumbnails, and the board as files."""

import logging
from collections.abc import Sequence
from pathlib import Path

from gedit_bench.report.beside import beside
from gedit_bench.report.board import make_board
from gedit_bench.report.cards import SourceImages, make_cards, make_pictures
from gedit_bench.report.embedding import BUDGET, embed
from gedit_bench.report.gallery import gallery_json
from gedit_bench.report.notices import Notice, notices
from gedit_bench.report.outputs import table_files
from gedit_bench.report.page import render
from gedit_bench.report.published import PublishedResult
from gedit_bench.results import Scored
from gedit_bench.store.atomic import make_folder, write_bytes
from gedit_bench.store.provenance import now

log = logging.getLogger(__name__)

PAGE = "index.html"
TITLE = "Image editing, judged"


def build_report(
    scored: Sequence[Scored],
    out: Path,
    *,
    allow_partial: bool = False,
    sources: SourceImages | None = None,
    title: str = TITLE,
    published: Sequence[PublishedResult] | None = None,
    single_file: bool = False,
    embed_budget: float = BUDGET,
) -> Path:
    """Write a report into the folder `out` and return the path of its page.

    Written are `index.html`, the files of `outputs`, and `thumbs/`; each file whole or not at all, the page
    last. Thumbnails that are there are kept.

    Args:
        scored: the judgements to show.
        out: the report's folder; created if it isn't there.
        allow_partial: give headlines to rows of which samples were never brought to an end.
        sources: returns the image that a sample was edited from; without it the page says that it is lacking.
        title: the page's title.
        published: numbers of others, to be set beside the tables that they fit; None says nothing of them.
        single_file: put thumbnails into the page, which then needs no `thumbs/`; that of as many samples as
            `embed_budget` allows.
        embed_budget: megabytes that those thumbnails may take in the page.

    Raises:
        UnavailableError: the disk is full or the folder can't be written.
    """
    created = now()
    board = make_board(scored, allow_partial=allow_partial)
    around = {} if published is None else {table.id: beside(table, published) for table in board.tables}
    make_folder(out)
    cards = make_cards(board.entries)
    if single_file:
        pictures, embedded = embed(board.entries, cards, out, sources, embed_budget)
        shown = [card for card in cards if pictures.holds(card)]
    else:
        pictures, embedded, shown = make_pictures(board.entries, cards, out, sources), None, cards
    told = notices(board, shown, pictures)
    for notice in told:
        if notice.kind == "damaged":
            log.warning("%s", notice.text)
    files = table_files(board, title=title, created=created, warnings=_by_kind(told), published=around)
    data = gallery_json(board, cards, pictures, None if single_file else out)
    page = render(board, data, told, title=title, created=created, published=around, embedded=embedded)
    for name, text in {**files, PAGE: page}.items():
        write_bytes(out / name, text.encode("utf-8", "backslashreplace"))
    return out / PAGE


def _by_kind(told: Sequence[Notice]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for notice in told:
        kinds.setdefault(notice.kind, []).append(notice.text)
    return kinds
