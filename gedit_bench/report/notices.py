"""What a reader must know before any number: the strip of warnings at the head of the page."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.judging.answering import alias_words
from gedit_bench.report.board import Board, Entry, Row
from gedit_bench.report.cards import Card, Pictures
from gedit_bench.report.words import LANGUAGE_WORDS, samples
from gedit_bench.store import layout

_KINDS = {
    "partial": "rows are of unfinished runs",
    "damaged": "runs or files are damaged",
    "judge": "judgements are by judges that changed in mid-run: their rows get no rank",
    "fingerprint": "judgements are by judges that changed in mid-run, though not their names",
    "replayed": "judgements are replays: nobody was asked",
    "reported": "judgements came in bundles whose files match their SHA-256",
    "fallback": "rows rest in part on a fallback judge",
    "alias": "judges were asked by an alias",
    "coverage": "rows have a category of which less than 95 % was scored, and no rank",
    "empty": "rows have no headline",
}
"""What several warnings of a kind have in common."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning: what it is about (`partial`, `coverage`, `empty`, `judge`, `mixed`, …) and a sentence."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class NoticeGroup:
    """Warnings of one kind; `words` says in one line how many of what they are."""

    kind: str
    texts: tuple[str, ...]

    @property
    def words(self) -> str:
        """For three or more of them, what stands above the sentences."""
        return f"{len(self.texts)} {_KINDS.get(self.kind, 'warnings of one kind')}"


def grouped(told: Iterable[Notice]) -> list[NoticeGroup]:
    """Return warnings by kind, in the order in which the kinds come first."""
    kinds: dict[str, list[str]] = {}
    for notice in told:
        kinds.setdefault(notice.kind, []).append(notice.text)
    return [NoticeGroup(kind, tuple(texts)) for kind, texts in kinds.items()]


def notices(board: Board, cards: Iterable[Card], pictures: Pictures) -> list[Notice]:
    """Return all warnings, the gravest first."""
    rows = [row for table in board.tables if table.key.subset == "full" for row in table.rows]
    return [
        *_partial(rows),
        *_damaged(board.entries, pictures),
        *_judge_changed(board.entries),
        *_replayed(board.entries),
        *_bundled(board.entries),
        *_fallbacks(rows),
        *_aliases(board.entries),
        *(Notice("coverage", _about(row, row.summary.why_unranked)) for row in rows if row.summary.why_unranked),
        *(Notice("empty", _about(row, row.summary.why_none)) for row in rows if _is_empty(row)),
        *_mixed(board),
        *_offline(board),
        *_sources(cards, pictures),
    ]


def _about(row: Row, what: str) -> str:
    language = LANGUAGE_WORDS.get(row.summary.language, row.summary.language)
    return f"{row.entry.label}, {language}, judged by {row.entry.judge.judge_id}: {what}."


def _is_empty(row: Row) -> bool:
    return bool(row.summary.why_none) and not row.summary.why_none.startswith("partial")


def _partial(rows: Iterable[Row]) -> list[Notice]:
    told = {
        True: "the headline is over what is there",
        False: "no headline until the run is finished",
    }
    return [
        Notice("partial", _about(row, f"{row.partial}; {told[row.summary.headline is not None]}"))
        for row in rows
        if row.partial
    ]


def _damaged(entries: Iterable[Entry], pictures: Pictures) -> list[Notice]:
    found = [
        Notice("damaged", f"{entries_label}: {count} of its images are missing, unreadable or not the recorded ones.")
        for entries_label, count in {
            entry.label: pictures.broken[entry.index] for entry in entries if entry.index in pictures.broken
        }.items()
    ]
    files = {
        path: entry.label
        for entry in entries
        for folder, pattern in ((entry.scored.run.path, layout.EDIT_LINES), (entry.scored.judgement.path, "*.jsonl"))
        for path in sorted(folder.glob(pattern))
    }
    for path, label in files.items():
        lines = _damaged_lines(path)
        if lines:
            found.append(Notice("damaged", f"{label}: {lines} damaged line(s) of {path.name} were left out."))
    return found


def _damaged_lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(bool(line.strip()) and not _is_object(line) for line in lines)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _judge_changed(entries: Iterable[Entry]) -> list[Notice]:
    found = []
    for entry in entries:
        who = entry.scored.fallback or entry.scored
        told = who.answering.words()
        judge = f"{entry.label}: the judge {who.judgement.manifest.judge_id}"
        if len(who.models) > 1:
            text = f"{judge} changed in mid-run and answered as {' and as '.join(who.models)}; the row gets no rank."
            found.append(Notice("judge", f"{text} In time, {told}." if told else text))
        elif told:
            found.append(Notice("fingerprint", f"{judge} changed in mid-run, though not its name: {told}."))
    return found


def _fallbacks(rows: Iterable[Row]) -> list[Notice]:
    return [
        Notice("fallback", _about(row, f"{row.with_fallback}, in rows of their own"))
        for row in rows
        if row.with_fallback
    ]


def _aliases(entries: Iterable[Entry]) -> list[Notice]:
    judges = [entry.scored.fallback or entry.scored for entry in entries]
    told = (alias_words(judge.judgement.manifest.judge, judge.models) for judge in judges)
    return [Notice("alias", f"{sentence}.") for sentence in dict.fromkeys(told) if sentence]


def _replayed(entries: Iterable[Entry]) -> list[Notice]:
    return [
        Notice("replayed", f"{entry.label}: nobody was asked; the replies are those of {entry.judge.replayed_from}.")
        for entry in entries
        if entry.judge.replayed_from
    ]


def _bundled(entries: Iterable[Entry]) -> list[Notice]:
    return [
        Notice("reported", f"{entry.label}: the replies are those of a bundle whose files match their SHA-256.")
        for entry in entries
        if entry.judge.bundle and not entry.judge.replayed_from
    ]


def _mixed(board: Board) -> list[Notice]:
    ways = {(t.key.judge_id, t.key.returned, t.key.request_id, t.key.scoring_id, t.key.imported) for t in board.tables}
    choices: dict[tuple[str, str], set[str]] = {}
    for table in board.tables:
        choices.setdefault((table.key.language, table.key.subset), set()).add(table.key.selection)
    found = []
    if len(ways) > 1:
        found.append(
            Notice(
                "mixed", f"These runs were judged in {len(ways)} ways that can't be ranked together: see the tables."
            )
        )
    if any(len(selections) > 1 for selections in choices.values()):
        found.append(Notice("mixed", "These runs were judged on different selections of samples: see the tables."))
    return found


def _offline(board: Board) -> list[Notice]:
    if all(entry.judge.vlm for entry in board.entries):
        return []
    which = "All numbers here are" if not any(entry.judge.vlm for entry in board.entries) else "Some numbers here are"
    return [
        Notice("offline", f"{which} from the offline judge: no VLM looked. They say nothing about editing quality.")
    ]


def _sources(cards: Iterable[Card], pictures: Pictures) -> list[Notice]:
    lacking = sum(not pictures.sources.get(card.source_id or "") for card in cards)
    return [Notice("sources", f"The sources of {samples(lacking)} are not available here.")] if lacking else []
