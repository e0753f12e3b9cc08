"""Takes scores that another tool gave in as a run: no images, no replies, only numbers of unknown origin."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gedit_bench.derived import write_derived
from gedit_bench.errors import DataError
from gedit_bench.interop.detection import read_foreign
from gedit_bench.interop.findings import Finding, find
from gedit_bench.interop.foreign import AGGREGATIONS, TOOL_WORDS, Foreign
from gedit_bench.interop.settling_rows import settle_rows
from gedit_bench.records import Json, Sample
from gedit_bench.results import Scored, score
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_json
from gedit_bench.store.imported import MODEL, write_imported
from gedit_bench.store.manifest import JudgementManifest, RunManifest, publish, short_hash
from gedit_bench.store.provenance import now, this_writer
from gedit_bench.store.run import Judgement, Run, note_selection, note_writer

PROTOCOL = "imported"


@dataclass(frozen=True, slots=True)
class Origin:
    """The benchmark that imported rows are checked against."""

    name: str
    revision: str
    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Imported:
    """A judgement of imported scores, and what looks wrong with them."""

    scored: Scored
    findings: tuple[Finding, ...]


def import_scores(
    path: Path, out: Path, *, tool: str | None = None, name: str | None = None, origin: Origin | None = None
) -> Imported:
    """Write a run and a judgement that hold another tool's scores; the same files are the same run again.

    Args:
        path: a file of the tool, or a folder that holds its files.
        out: the folder of runs.
        tool: which tool; told by the files if None.
        name: the model's name in tables; as the files or folders call it if None.
        origin: the benchmark, if it is at hand: instructions are then its own, and missing rows are counted
            against it rather than against the released one.

    Raises:
        UsageError, UnavailableError, DataError: the files aren't there, are unclear, or hold no score.
    """
    foreign = read_foreign(path, tool)
    settled = settle_rows(foreign, origin.samples if origin else None)
    findings = tuple(find(foreign, settled, origin.samples if origin else None))
    if not settled.samples:
        reasons = "; ".join(finding.text for finding in findings) or "there are no rows"
        raise DataError(f"{path} holds no row of a sample: {reasons}", "Are these scores of GEdit-Bench?")
    files = {_file_name(foreign, file): _sha256(file) for file in foreign.files}
    run = _run(foreign, files, name or foreign.model, out, origin)
    judgement = _judgement(foreign, files, run)
    for folder in (run.path, judgement.path):
        note_selection(folder, settled.samples)
        note_writer(folder, this_writer(imported_from=str(path)))
    write_imported(judgement.path, settled.scores)
    write_json(judgement.path / layout.FINDINGS, {"findings": [asdict(finding) for finding in findings]})
    scored = score(run, judgement)
    write_derived(scored)
    return Imported(scored, findings)


def _run(foreign: Foreign, files: dict[str, str], name: str, out: Path, origin: Origin | None) -> Run:
    manifest = RunManifest(
        model=MODEL,
        name=name,
        recipe=foreign.tool,
        artifacts=files,
        notes=f"Scores that {TOOL_WORDS[foreign.tool]} gave elsewhere; the images are not here.",
        dataset=origin.name if origin else "unknown",
        dataset_revision=origin.revision if origin else "unknown",
        seed=0,
        created=now(),
    )
    folder = layout.run_folder(out, name, foreign.tool, manifest.fingerprint)
    return Run(folder, publish(folder, manifest))


def _judgement(foreign: Foreign, files: dict[str, str], run: Run) -> Judgement:
    hashes: dict[str, Json] = dict(files)
    manifest = JudgementManifest(
        judge=foreign.judge or "unknown",
        endpoint=foreign.tool,
        protocol=PROTOCOL,
        request_id=f"{PROTOCOL}-{short_hash(hashes)}",
        created=now(),
        imported={"tool": foreign.tool, "aggregation": AGGREGATIONS[foreign.tool], "files": hashes},
    )
    folder = layout.judgement_folder(run.path, manifest.judge_id, manifest.request_id)
    return Judgement(folder, publish(folder, manifest))


def _file_name(foreign: Foreign, file: Path) -> str:
    """A file's name, with its folder where two have the same."""
    same = sum(other.name == file.name for other in foreign.files) > 1
    return f"{file.parent.name}/{file.name}" if same else file.name


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file} can't be read: {error}.", "Change its permissions.") from error
