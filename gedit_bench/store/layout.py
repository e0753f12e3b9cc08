"""Every path inside a run folder, in one place."""

from pathlib import Path

from gedit_bench.records import SampleId
from gedit_bench.store.names import checked_name, folder_name

MANIFEST = "manifest.json"
SAMPLES = "samples.jsonl"
WRITERS = "writers.jsonl"
REPLIES = "replies.jsonl"
IMPORTED = "imported.jsonl"
FINDINGS = "findings.json"
SCORES = "scores.csv"
SUMMARY = "summary.json"
EDIT_LINES = "edits*.jsonl"
IMAGES = "images"
JUDGEMENTS = "judgments"
BUNDLED_RUN = "run.json"
"""A run's manifest in a bundle: no bundle is taken for a run before it was verified."""
BUNDLED_FILES = "SHA256SUMS"


def run_folder(root: Path, name: str, recipe: str, fingerprint: str) -> Path:
    """Return `<root>/<model>/<recipe>-<fingerprint>`."""
    return root / folder_name(name) / f"{folder_name(recipe)}-{fingerprint}"


def edits_file(run: Path, shard: tuple[int, int] | None) -> Path:
    """Return the file that a shard (index, count) appends its edits to."""
    return run / ("edits.jsonl" if shard is None else f"edits.{shard[0]}-of-{shard[1]}.jsonl")


def image_file(run: Path, sample: SampleId, suffix: str = ".png") -> Path:
    """Return the path of an edit in the official layout.

    Raises:
        DataError: category, language or key can't become a file name.
    """
    task, language, key = (checked_name(part) for part in sample)
    return run / IMAGES / "fullset" / task / language / f"{key}{suffix}"


def temporary_folder(run: Path) -> Path:
    """Return where images are written before they are renamed; never beside `<key>.*`."""
    return run / ".partial"


def judgement_folder(run: Path, judge_id: str, request_id: str) -> Path:
    """Return the folder of all replies of one judge to one way of asking."""
    return run / JUDGEMENTS / f"{folder_name(judge_id)}_{request_id}"


def fallback_folder(judgement: Path, judge_id: str, request_id: str) -> Path:
    """Return the folder of the replies of another judge, asked where the judgement in `judgement` failed."""
    return judgement / "fallbacks" / f"{folder_name(judge_id)}_{request_id}"


def judgement_of_fallback(folder: Path) -> Path | None:
    """Return the judgement that a fallback's folder belongs to, None if it is no such folder."""
    whole = folder.absolute()
    return whole.parents[1] if whole.parent.name == "fallbacks" and (whole / MANIFEST).exists() else None


def same_judgements(root: Path, judgement: Path) -> list[Path]:
    """Return the judgements below a folder of runs that are named as one of them, in the order of their paths."""
    pattern = f"*/*/{judgement.parent.name}/{judgement.name}/{MANIFEST}"
    return sorted(manifest.parent for manifest in root.glob(pattern))


def replay_folder(run: Path, judge_id: str, request_id: str, digest: str) -> Path:
    """Return the folder of replies that were taken over from another judgement; `digest` names those replies."""
    original = judgement_folder(run, judge_id, request_id)
    return original.with_name(f"{original.name}_replayed-{digest}")


def bundled_judgement(bundle: Path, judgement: Path) -> Path:
    """Return where a bundle holds a judgement."""
    return bundle / JUDGEMENTS / judgement.name


def reported_folder(judgement: Path, bundle: str) -> Path:
    """Return the folder of a judgement that came in a bundle: its own name is left to one that is made here."""
    return judgement.with_name(f"{judgement.name}_bundle-{bundle[:8]}")


def run_of_judgement(folder: Path) -> Path | None:
    """Return the run that a judgement's folder belongs to, None if it is no such folder."""
    whole = folder.absolute()
    return whole.parents[1] if whole.parent.name == JUDGEMENTS and (whole / MANIFEST).exists() else None


def lock_file(folder: Path, shard: tuple[int, int] | None = None) -> Path:
    """Return the lock that a writer holds on a run, shard or judgement."""
    return folder / (".lock" if shard is None else f".lock.{shard[0]}-of-{shard[1]}")


def notes_lock(folder: Path) -> Path:
    """Return the lock held for the moment in which a selection or a writer is noted."""
    return folder / ".lock.notes"
