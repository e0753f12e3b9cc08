"""Writes results for other tools: score tables for the official statistics, edits for EvalScope's offline mode."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.errors import DataError
from gedit_bench.interop import official_csv
from gedit_bench.interop.evalscope import offline_files
from gedit_bench.interop.foreign import number
from gedit_bench.records import TASKS, EditStatus, Json, Verdict
from gedit_bench.results import Scored
from gedit_bench.scoring.coverage import coverage
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.imported import ImportedScore, read_imported
from gedit_bench.store.names import folder_name
from gedit_bench.store.run import Run

TARGETS = ("official", "evalscope", "bundle")
"""What results can be written for."""

_BACKBONES = {"official": "gpt4o", "official-qwen": "qwen25vl"}
"""What the official scripts call the judge of each protocol."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `rows` in `files`; `left_out` counts samples by what they lack; `notes` say what to know."""

    files: tuple[Path, ...]
    rows: int
    left_out: dict[str, int]
    notes: tuple[str, ...] = ()


def export_official(scored: Scored, out: Path) -> Exported:
    """Write `<out>/<model>/<backbone>/<model>_<category>_<all|en|cn>_vie_score.csv` for all 11 categories.

    A row needs both scores; a sample that has only one, or none, is left out and counted. The official
    statistics of the tables have our O, and our SC and PQ but for the samples that have only one. A category
    without rows gets an empty table, of which they make NaN where we give no headline.

    Raises:
        DataError: nothing has both scores, or other tables are there already.
    """
    rows = [verdict for verdict in scored.verdicts if verdict.overall is not None]
    if not rows:
        raise DataError(f"{scored.judgement.path} has no sample with both scores.", "Judge it first.")
    languages = {verdict.sample.id.language for verdict in scored.verdicts}
    suffix = "all" if len(languages) > 1 else languages.pop()
    originals = {one.sample: one for one in read_imported(scored.judgement.path)}
    model = folder_name(scored.run.manifest.name)
    folder = out / model / _backbone(scored)
    texts = {
        folder / official_csv.table_name(model, task, suffix): official_csv.table_text(
            _row(scored.run, verdict, originals.get(verdict.sample.id))
            for verdict in rows
            if verdict.sample.id.task_type == task
        )
        for task in TASKS
    }
    _write(texts)
    left_out = coverage([verdict for verdict in scored.verdicts if verdict.overall is None]).statuses
    lone = sum(_has_one(verdict) for verdict in scored.verdicts)
    notes = [f"Summarise them with --language {suffix}."]
    if lone:
        notes.append(
            f"{lone} left-out sample(s) have one of SC and PQ: the official means of the two differ from ours."
        )
    return Exported(tuple(texts), len(rows), left_out, tuple(notes))


def _backbone(scored: Scored) -> str:
    manifest = scored.judgement.manifest
    return _BACKBONES.get(manifest.protocol, folder_name(manifest.judge))


def _has_one(verdict: Verdict) -> bool:
    there = [reading is not None and reading.score is not None for reading in (verdict.sc, verdict.pq)]
    return sum(there) == 1


def _row(run: Run, verdict: Verdict, imported: ImportedScore | None) -> Sequence[object]:
    sample, edit = verdict.sample, verdict.edit
    original = imported.original if imported else {}
    sc, pq = (reading.score if reading else None for reading in (verdict.sc, verdict.pq))
    assert sc is not None
    assert pq is not None
    image: Json = original.get("edited_image", "")
    if edit is not None and edit.file:
        image = (run.path / edit.file).as_posix()
    return (
        sample.id.key,
        image,
        sample.instruction,
        _text(sc, original.get(official_csv.SC)),
        _text(pq, original.get(official_csv.PQ)),
        sample.intersection,
        sample.id.language,
    )


def _text(score: float, original: Json) -> str:
    """The number as it stood in the table that it was read from, if it was one."""
    if isinstance(original, str) and number(original)[0] == score:
        return original
    return official_csv.score_text(score)


def export_evalscope(run: Run, out: Path) -> Exported:
    """Write `<out>/<model>_<language>.jsonl`, the input of EvalScope's offline mode, with absolute image paths.

    Raises:
        DataError: the run holds no images, or other files are there already.
    """
    edits = run.edits()
    selected = [sample.id for sample in run.samples()]
    images = {one: run.image_path(edits[one]) for one in selected if one in edits and run.holds(edits[one])}
    if not images:
        raise DataError(f"{run.path} holds no images.", "EvalScope's offline mode judges images, not scores.")
    lacking = Counter(
        f"edit {edits[one].status}" if one in edits and edits[one].status is not EditStatus.OK else "without an image"
        for one in selected
        if one not in images
    )
    model = folder_name(run.manifest.name)
    texts, notes = {}, []
    parts = offline_files(images)
    for (language, tasks), text in parts.items():
        several = sum(other == language for other, _ in parts) > 1
        first = next(group for other, group in parts if other == language) == tasks
        path = out / f"{model}_{language}{'' if first else '_' + '_'.join(tasks)}.jsonl"
        texts[path] = text
        only = f", 'subset_list': {list(tasks)}" if several else ""
        notes.append(f"{path.name}: 'extra_params': {{'language': '{language}', 'local_file': '{path}'}}{only}")
    if len(parts) > len({language for language, _ in parts}):
        notes.append("EvalScope finds an edit by its key alone, and some keys stand in two categories.")
    notes.append("EvalScope 1.14.1 refuses the local_file of its own documentation until its benchmark declares it.")
    _write(texts)
    return Exported(tuple(texts), len(images), dict(sorted(lacking.items())), tuple(notes))


def _write(texts: dict[Path, str]) -> None:
    """Write the files, none if one of them is there with another content."""
    data = {path: text.encode("utf-8", "backslashreplace") for path, text in texts.items()}
    _refuse(path for path, content in data.items() if path.exists() and path.read_bytes() != content)
    for path, content in data.items():
        write_bytes(path, content)


def _refuse(there: Iterable[Path]) -> None:
    if (path := next(iter(there), None)) is not None:
        raise DataError(f"{path} holds something else already.", "Choose another --out folder.")
