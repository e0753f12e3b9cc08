"""Writes a run as a bundle: everything that its numbers rest on, checkable file by file, and nothing of the machine.

    <bundle>/
    ├── README.md                    what this is, its tables, its claim cards
    ├── SHA256SUMS                   every other file; `sha256sum --check SHA256SUMS`
    ├── run.json                     the run's manifest
    ├── samples.jsonl, edits.jsonl, writers.jsonl
    ├── images/fullset/<task>/<en|cn>/<key>.png
    ├── judgments/<judge>_<request id>/   manifest, samples, replies, writers; scores.csv and summary.json
    └── tables/                      leaderboard.csv, .json, .md, .tex, scores.csv, claims.md

A bundle is no run: `run.json` is not where runs are looked for, so that nothing is shown before it was verified.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

from gedit_bench.derived import write_derived
from gedit_bench.errors import DataError
from gedit_bench.fallback import score_all
from gedit_bench.interop import scrubbing
from gedit_bench.interop.bundle_card import card
from gedit_bench.interop.checksums import sums_text
from gedit_bench.interop.exporting import Exported
from gedit_bench.records import Edit, EditStatus
from gedit_bench.report.board import make_board
from gedit_bench.report.outputs import table_files
from gedit_bench.results import Scored
from gedit_bench.store import layout
from gedit_bench.store.atomic import disk_error, make_folder, write_bytes, write_json
from gedit_bench.store.codec import to_json
from gedit_bench.store.imported import read_imported, write_imported
from gedit_bench.store.provenance import now
from gedit_bench.store.run import Judgement, Run

TITLE = "A run of GEdit-Bench"


def export_bundle(target: Path, out: Path) -> Exported:
    """Write a run, or one judgement of it, as a bundle into the new folder `out`, whole or not at all.

    Commands, absolute paths and servers are left out; `notes` of what is returned names what had to stay.

    Raises:
        DataError: `target` is no run, an image isn't the recorded one, or there is something in `out` already.
        UnavailableError: the disk is full or the folder can't be written.
    """
    if (home := layout.run_of_judgement(target)) is not None:
        run, judgements = Run.open(home), [Judgement.open(target)]
    else:
        run = Run.open(target)
        judgements = run.judgements()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} holds something already.", "Choose another --out folder.")
    unfinished = make_folder(out.absolute().parent) / f".{uuid4().hex}.partial"
    try:
        bundled = _write_run(run, unfinished)
        for judgement in judgements:
            _write_judgement(judgement, layout.bundled_judgement(unfinished, judgement.path))
        scored = [one for judgement in bundled.judgements() for one in score_all(bundled, judgement)]
        _write_derived(bundled, scored)
        write_bytes(unfinished / layout.BUNDLED_FILES, sums_text(unfinished).encode())
        unfinished.replace(out.absolute())
    except OSError as error:
        raise disk_error(out, error) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Exported((out,), len(run.samples()), {}, tuple(_notes(run, out, len(judgements))))


def _write_run(run: Run, folder: Path) -> Run:
    """Write what a run is made of; return it as it reads from there."""
    manifest = scrubbing.scrubbed_manifest(run.manifest)
    write_json(folder / layout.BUNDLED_RUN, to_json(manifest))
    _write_lines(folder / layout.SAMPLES, run.samples())
    _write_lines(folder / layout.WRITERS, map(scrubbing.scrubbed_writer, run.writers()))
    _write_lines(layout.edits_file(folder, None), map(scrubbing.scrubbed_edit, run.all_edits()))
    for edit in run.edits().values():
        if edit.status is EditStatus.OK:
            _write_image(run, edit, folder)
    return Run(folder, manifest)


def _write_image(run: Run, edit: Edit, folder: Path) -> None:
    if not run.holds(edit):
        raise DataError(
            f"{run.image_path(edit)} is missing or not the image recorded for {edit.sample}. Nothing was written.",
            "Restore the image, or edit that sample again.",
        )
    target = folder / str(edit.file)
    make_folder(target.parent)
    shutil.copyfile(run.image_path(edit), target)


def _write_judgement(judgement: Judgement, folder: Path) -> None:
    write_json(folder / layout.MANIFEST, to_json(judgement.manifest))
    _write_lines(folder / layout.SAMPLES, judgement.samples())
    _write_lines(folder / layout.WRITERS, map(scrubbing.scrubbed_writer, judgement.writers()))
    if judgement.manifest.imported:
        write_imported(folder, map(scrubbing.scrubbed_score, read_imported(judgement.path)))
        findings = judgement.path / layout.FINDINGS
        if findings.is_file():
            value = scrubbing.scrubbed_json(json.loads(findings.read_bytes()))
            write_bytes(folder / layout.FINDINGS, (json.dumps(value, indent=2) + "\n").encode())
    else:
        _write_lines(folder / layout.REPLIES, map(scrubbing.scrubbed_reply, judgement.replies()))
    for fallback in judgement.fallbacks():
        _write_judgement(fallback, folder / fallback.path.relative_to(judgement.path))


def _write_derived(bundled: Run, scored: Sequence[Scored]) -> None:
    """Write what follows from the records, from these very records: the tables of each judgement and of all."""
    for one in scored:
        write_derived(one)
    board, created = make_board(scored), now()
    for name, text in table_files(board, title=TITLE, created=created, warnings={}).items():
        write_bytes(bundled.path / "tables" / name, text.encode("utf-8", "backslashreplace"))
    text = card(bundled, board, created=created)
    write_bytes(bundled.path / "README.md", text.encode("utf-8", "backslashreplace"))


def _notes(run: Run, out: Path, judgements: int) -> list[str]:
    notes = [
        f"Check it with `sha256sum --check {layout.BUNDLED_FILES}` in {out}; `gedit-bench import {out}` takes it in.",
        "Left out: commands, absolute paths, where local data lay, and which of a pool's servers answered.",
    ]
    if kept := scrubbing.paths_kept(run.manifest):
        notes.append(f"Absolute paths stay in {', '.join(kept)}: they are part of the edit fingerprint.")
    if not judgements:
        notes.append("It holds edits and no judgement.")
    return notes


def _write_lines(path: Path, records: Iterable[object]) -> None:
    lines = (json.dumps(to_json(record), ensure_ascii=True, separators=(",", ":")) for record in records)
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
