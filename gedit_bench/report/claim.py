"""Claim cards: a ranked row with all that somebody needs to quote it, to check it and to do it again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gedit_bench.report import words
from gedit_bench.report.board import Board, BoardTable, Entry, Row
from gedit_bench.report.latex import COLUMNS, latex_row
from gedit_bench.report.markup import markdown, markdown_table
from gedit_bench.report.method import Facts, command
from gedit_bench.store.provenance import Writer
from gedit_bench.trust import TRUST_WORDS

_INTERVALS = "95 %, from a bootstrap of whole sources by category"


@dataclass(frozen=True, slots=True)
class Claim:
    """What one ranked row claims, fact by fact; `entry` is its entry's id, `row` the row in LaTeX."""

    entry: str
    heading: str
    facts: Facts
    row: str

    @property
    def text(self) -> str:
        """The card as plain text, a line for each fact."""
        lines = [self.heading, *(f"{name}: {value}" for name, value in self.facts)]
        return "\n".join(re.sub(r"\s+", " ", line) for line in lines)

    @property
    def markdown(self) -> str:
        """The card as Markdown: a table, the plain text to copy, and the row in LaTeX."""
        parts = (
            f"## {markdown(self.heading)}",
            markdown_table(("", "claim"), self.facts),
            _fenced("text", self.text),
            f"As a row of LaTeX ({', '.join(COLUMNS)}):",
            _fenced("latex", self.row),
        )
        return "\n\n".join(parts)


def claims(board: Board) -> list[Claim]:
    """Return the cards of all ranked rows, table by table, best first."""
    return [_claim(table, row) for table in board.tables for row in table.rows if row.rank is not None]


def claims_markdown(board: Board) -> str:
    """Return all cards as one Markdown file."""
    cards = [claim.markdown for claim in claims(board)]
    return "\n\n".join(["# Claim cards", *(cards or ["No row is ranked."])]) + "\n"


def claim_texts(board: Board) -> dict[str, list[str]]:
    """Return the cards as plain text, by the id of their entry."""
    texts: dict[str, list[str]] = {}
    for claim in claims(board):
        texts.setdefault(claim.entry, []).append(claim.text)
    return texts


def _claim(table: BoardTable, row: Row) -> Claim:
    entry, manifest, part = row.entry, row.entry.manifest, row.summary.coverage
    ranked = sum(other.rank is not None for other in table.rows)
    ranks = f"; ranks that the samples allow: {words.places(row.standing)}" if table.ranking else ""
    left_out = f"; left out: {words.counts(part.statuses)}" if part.statuses else ""
    known = row.uncertainty is not None and row.uncertainty.headline.overall.known
    facts = (
        *_numbers(row),
        ("intervals", _INTERVALS if known else "unknown: too few sources in a category"),
        ("n", f"{part.scored} of {part.selected} samples scored ({words.percent(part.share)}){left_out}"),
        ("rank", f"{row.rank} of {ranked} in its table{ranks}"),
        ("model", f"{manifest.name}, recipe {manifest.recipe}, seed {manifest.seed}"),
        ("edit fingerprint", manifest.fingerprint),
        ("remarks", "; ".join(filter(None, (manifest.notes, row.with_fallback)))),
        ("judge", entry.judge.label if table.vlm else f"no VLM: {entry.judge.label}"),
        ("returned model", table.key.returned or ("none named" if table.vlm else "")),
        ("request id", table.key.request_id),
        ("scoring id", table.key.scoring_id),
        ("selection id", table.key.selection),
        ("dataset", f"{manifest.dataset}, revision {manifest.dataset_revision}"),
        ("trust", f"{entry.trust}: {TRUST_WORDS[entry.trust]}"),
        ("date", f"edited {manifest.created[:10]}, judged {entry.judge.created[:10]}"),
        ("cost", _cost(row)),
        *_software(entry),
        ("command", command(entry)),
    )
    heading = f"{entry.label} on GEdit-Bench, {table.title}"
    return Claim(entry.id, heading, tuple((name, value) for name, value in facts if value), latex_row(table, row))


def _numbers(row: Row) -> Facts:
    means, known = row.summary.headline, row.uncertainty
    assert means is not None  # a ranked row has a headline
    found = known.headline if known else None
    return (
        ("O", words.bracketed(means.overall, found.overall if found else None)),
        ("SC", words.bracketed(means.sc, found.sc if found else None)),
        ("PQ", words.bracketed(means.pq, found.pq if found else None)),
    )


def _cost(row: Row) -> str:
    """What judging these samples and making their edits has cost, as far as it is told; empty where nothing is."""
    known = row.judging.worth_telling and row.judging.known_usd is not None
    judging = f"judging {row.judging.money()}" if known else ""
    editing = f"edits {words.dollars(row.editing_usd)}" if row.editing_usd is not None else ""
    return ", ".join(filter(None, (judging, editing)))


def _software(entry: Entry) -> Facts:
    """Versions and commits that edited and judged, each once."""
    edited, judged = entry.scored.run.writers(), entry.scored.judgement.writers()
    return tuple((f"{what} with", _versions(writers)) for what, writers in (("edited", edited), ("judged", judged)))


def _versions(writers: Iterable[Writer]) -> str:
    told = (
        f"gedit-bench {one.versions.get('gedit-bench', 'of unknown version')}"
        + (f", commit {one.commit}" if one.commit else "")
        for one in writers
    )
    return "; ".join(dict.fromkeys(told))


def _fenced(kind: str, text: str) -> str:
    """A block of code that nothing in the text can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"
