"""Takes a bundle in as a run: every file is compared with its SHA-256, every record read, every number made again."""

import csv
import hashlib
import io
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from gedit_bench.derived import scores_csv, write_derived
from gedit_bench.errors import DataError
from gedit_bench.fallback import score_all
from gedit_bench.interop.checksums import check_names, copy_checked, read_sums
from gedit_bench.records import EditStatus, SampleId
from gedit_bench.results import Scored
from gedit_bench.store import layout
from gedit_bench.store.atomic import disk_error, make_folder, write_json
from gedit_bench.store.codec import to_json
from gedit_bench.store.manifest import JudgementManifest, RunManifest, read_manifest
from gedit_bench.store.names import checked_name
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import Judgement, Run, note_writer

_FOLDERS = (f"{layout.IMAGES}/", f"{layout.JUDGEMENTS}/")
_FILES = (layout.SAMPLES, layout.WRITERS, layout.edits_file(Path(), None).name)


@dataclass(frozen=True, slots=True)
class Unbundled:
    """A run that came in a bundle, and its judgements.

    `files` is how many were compared with their SHA-256; `differing` counts, by judgement, the rows of the bundle's
    `scores.csv` that its replies don't say. `was_there` is True if the same bundle had been taken in before.
    """

    run: Run
    scored: tuple[Scored, ...]
    files: int
    differing: dict[str, int]
    was_there: bool = False


def import_bundle(bundle: Path, out: Path) -> Unbundled:
    """Verify a bundle and write its run below `out`, whole or not at all; the same bundle is the same run again.

    Manifests note the bundle, and its judgements get folders of their own names, so that another judgement by the
    same judge can be made here beside them. `scores.csv` and `summary.json` are made anew from the replies.

    Raises:
        DataError: a file is missing, changed, unlisted, a link or not what it must be, or a different run is
            there already.
        UnavailableError: the disk is full or the folder can't be written.
    """
    sums = read_sums(bundle)
    check_names(bundle, sums)
    digest = hashlib.sha256((bundle / layout.BUNDLED_FILES).read_bytes()).hexdigest()
    for path, sha256 in sums.items():
        if not _lands(path):
            copy_checked(bundle / path, None, sha256)
    manifest = replace(read_manifest(bundle, RunManifest, layout.BUNDLED_RUN), bundle=digest)
    home = layout.run_folder(out, manifest.name, manifest.recipe, manifest.fingerprint)
    there = _already(home, digest)
    parent = out / ".partial"  # two levels above a manifest, so that no unfinished run is ever found
    unfinished = parent / uuid4().hex / "run"
    try:
        for path, sha256 in sums.items():
            if _lands(path):
                copy_checked(bundle / path, None if there else unfinished / path, sha256)
        if there:
            run = Run.open(home)
            return Unbundled(run, _scored(run), len(sums), {}, was_there=True)
        differing = _settle(Run(unfinished, manifest), bundle, sums)
        make_folder(home.parent)
        unfinished.rename(home)
    except OSError as error:
        raise disk_error(home, error) from error
    finally:
        shutil.rmtree(unfinished.parent, ignore_errors=True)
        with suppress(OSError):
            parent.rmdir()
    run = Run.open(home)
    return Unbundled(run, _scored(run), len(sums), differing)


def _lands(path: str) -> bool:
    """True for what a run is made of; the rest of a bundle is for people, and made anew by `report`."""
    return path in _FILES or path.startswith(_FOLDERS)


def _already(home: Path, digest: str) -> bool:
    if not home.exists():
        return False
    if (home / layout.MANIFEST).is_file() and read_manifest(home, RunManifest).bundle == digest:
        return True
    raise DataError(f"{home} already holds a run of the same fingerprint.", "Choose another --out folder.")


def _settle(run: Run, bundle: Path, sums: Iterable[str]) -> dict[str, int]:
    """Make a run of the copied files; return how many rows of each judgement's scores aren't what its replies say."""
    try:
        _check_records(run, set(sums))
    except DataError as error:
        raise DataError(f"{bundle} is no bundle of a run: {error}", error.hint) from error
    write_json(run.path / layout.MANIFEST, to_json(run.manifest))
    for judgement in run.judgements():
        for folder in (judgement, *judgement.fallbacks()):
            manifest = replace(folder.manifest, bundle=run.manifest.bundle)
            write_json(folder.path / layout.MANIFEST, to_json(manifest))
        judgement.path.rename(layout.reported_folder(judgement.path, run.manifest.bundle))
    note_writer(run.path, this_writer(imported_from=str(bundle)))
    differing = {}
    for one in _scored(run):
        if count := _differing(one):
            differing[one.judgement.manifest.label] = count
        write_derived(one)
    return differing


def _scored(run: Run) -> tuple[Scored, ...]:
    return tuple(one for judgement in run.judgements() for one in score_all(run, judgement))


def _check_records(run: Run, listed: set[str]) -> None:
    """Read everything once; nothing may name a file that isn't listed, or a sample that can't be a file's name."""
    for edit in run.all_edits():
        _check_sample(edit.sample)
        if edit.file is not None and edit.file not in listed:
            raise DataError(f"the edit of {edit.sample} names {edit.file!r}, which is not in it.")
    for edit in run.edits().values():
        if edit.status is EditStatus.OK and not run.holds(edit):
            raise DataError(f"the image of {edit.sample} is not the one that its edit was recorded with.")
    for sample in run.samples():
        _check_sample(sample.id)
    run.writers()
    for manifest in (run.path / layout.JUDGEMENTS).glob(f"*/{layout.MANIFEST}"):
        judgement = Judgement(manifest.parent, read_manifest(manifest.parent, JudgementManifest))
        for part in (judgement, *judgement.fallbacks()):
            part.writers()
            for name in (*(one.id for one in part.samples()), *(reply.sample for reply in part.replies())):
                _check_sample(name)


def _check_sample(sample: SampleId) -> None:
    for part in sample:
        checked_name(part)


def _differing(scored: Scored) -> int:
    """How many rows of the bundle's `scores.csv` say something else than its replies, read by today's code."""
    folder = scored.fallback.judgement.path if scored.fallback else scored.judgement.path
    file = folder / layout.SCORES
    if not file.is_file():
        return 0
    stated = list(csv.reader(io.StringIO(file.read_text("utf-8", "replace"))))
    found = list(csv.reader(io.StringIO(scores_csv(scored))))
    return abs(len(stated) - len(found)) + sum(one != other for one, other in zip(stated, found, strict=False))
