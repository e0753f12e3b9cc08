"""The README of a bundle, which is also its card on the Hugging Face hub."""

import json

from gedit_bench.records import EditStatus
from gedit_bench.report import words
from gedit_bench.report.board import Board
from gedit_bench.report.claim import claims
from gedit_bench.report.markup import markdown, markdown_table
from gedit_bench.store import layout
from gedit_bench.store.run import Run

_PARTS = (
    (layout.BUNDLED_FILES, "the SHA-256 of every other file"),
    (layout.BUNDLED_RUN, "everything that decides the pixels: model, settings, weights, data, seed"),
    ("samples.jsonl, edits.jsonl, writers.jsonl", "what was edited, how each edit ended, which software did it"),
    ("images/", "the edits in the official layout, fullset/<category>/<en|cn>/<key>.png, byte for byte"),
    ("judgments/", "for each judge its raw replies, and the scores that follow from them"),
    ("tables/", "leaderboard (CSV, JSON, Markdown, LaTeX), claim cards, scores by sample"),
)

_CHECKING = (
    f"`sha256sum --check {layout.BUNDLED_FILES}` compares every file. `gedit-bench import <this folder>` does so too, "
    "and takes the run in: its numbers are made again from the replies. The commands, absolute paths and hosts of who "
    "made it were left out. Pictures and instructions may be under the licences of their sources."
)


def card(run: Run, board: Board, *, created: str) -> str:
    """Return the card's Markdown: what the bundle holds, how to check it, and the claims that it backs.

    Args:
        run: the run as it stands in the bundle.
        board: its judgements.
        created: when the bundle was made, ISO 8601.
    """
    manifest = run.manifest
    made = sum(edit.status is EditStatus.OK for edit in run.edits().values())
    facts = (
        ("model", f"{manifest.name} (backend {manifest.model}, recipe {manifest.recipe})"),
        ("edit fingerprint", manifest.fingerprint),
        ("remarks", manifest.notes),
        ("dataset", f"{manifest.dataset}, revision {manifest.dataset_revision}"),
        ("samples", f"{len(run.samples()):,} selected, {made:,} images"),
        ("seed", str(manifest.seed)),
        ("edited", manifest.created),
        ("bundled", created),
    )
    cards = [claim.markdown for claim in claims(board)]
    parts = (
        _front_matter(f"{manifest.name} on GEdit-Bench"),
        f"# {markdown(manifest.name)} on GEdit-Bench",
        "Edits of one model, the replies of the judges that scored them, and what follows from these.",
        markdown_table(("", "run"), [fact for fact in facts if fact[1]]),
        "## What is here",
        markdown_table(("file", "what"), _PARTS),
        _CHECKING,
        *("## Tables", *_tables(board)),
        *cards,
    )
    return "\n\n".join(parts) + "\n"


def _front_matter(name: str) -> str:
    """What the hub reads; JSON's texts are YAML's."""
    return f"---\npretty_name: {json.dumps(name)}\ntags:\n- image-editing\n- gedit-bench\n---"


def _tables(board: Board) -> list[str]:
    if not board.tables:
        return ["It has not been judged."]
    header = ("judge", "language and subset", "O", "SC", "PQ", "scored", "trust", "no rank because")
    rows = []
    for table in board.tables:
        for row in table.rows:
            means, known = row.summary.headline, row.uncertainty.headline if row.uncertainty else None
            numbers = (
                words.bracketed(means.overall if means else None, known.overall if known else None),
                words.bracketed(means.sc if means else None, known.sc if known else None),
                words.bracketed(means.pq if means else None, known.pq if known else None),
            )
            part = row.summary.coverage
            counted = (f"{part.scored}/{part.selected}", row.entry.trust, row.reason)
            rows.append((row.entry.judge.label, table.title, *numbers, *counted))
    return [
        markdown_table(header, rows),
        "In brackets, where known: 95 % intervals by a bootstrap of whole sources.",
    ]
