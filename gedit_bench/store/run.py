"""A run and its judgements, read back from disk."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gedit_bench.errors import DataError
from gedit_bench.records import Edit, EditStatus, Json, Reply, Sample, SampleId
from gedit_bench.store import layout
from gedit_bench.store.codec import from_json, to_json
from gedit_bench.store.jsonl import JsonlWriter, read_lines
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.manifest import JudgementManifest, RunManifest, read_manifest
from gedit_bench.store.provenance import Writer

if TYPE_CHECKING:
    import pandas

_NOTES_WAIT = 60.0  # seconds; shards that start together note their selections one after another


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judge's replies to one way of asking about a run's edits."""

    path: Path
    manifest: JudgementManifest

    @classmethod
    def open(cls, path: Path) -> "Judgement":
        """Open a judgement's folder; DataError if it is none."""
        return cls(path, read_manifest(path, JudgementManifest))

    def samples(self) -> list[Sample]:
        """Return the samples that were selected to be judged, in the dataset's order."""
        return read_selection(self.path)

    def replies(self) -> list[Reply]:
        """Return all replies, oldest first."""
        return [from_json(Reply, line) for line in read_lines(self.path / layout.REPLIES)]

    def fallbacks(self) -> "list[Judgement]":
        """Return the replies of other judges that were asked where this one failed."""
        return [Judgement.open(found.parent) for found in sorted(self.path.glob(f"fallbacks/*/{layout.MANIFEST}"))]

    def writers(self) -> list[Writer]:
        """Return the processes that asked."""
        return [from_json(Writer, line) for line in read_lines(self.path / layout.WRITERS)]


@dataclass(frozen=True, slots=True)
class Run:
    """One folder: a model under a recipe, its edits and all judgements of them."""

    path: Path
    manifest: RunManifest

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Open a run's folder.

        Raises:
            DataError: the folder holds no run.
        """
        if (run := layout.run_of_judgement(Path(path))) is not None:
            raise DataError(f"{path} is a judgement, not a run.", f"Its run is {run}.")
        return cls(Path(path), read_manifest(Path(path), RunManifest))

    def samples(self) -> list[Sample]:
        """Return the samples that were selected to be edited, in the dataset's order."""
        return read_selection(self.path)

    def edits(self) -> dict[SampleId, Edit]:
        """Return each sample's edit.

        Of several lines for a sample, one whose SHA-256 matches the file wins, else the newest.
        """
        lines: dict[SampleId, list[Edit]] = {}
        for edit in self.all_edits():
            lines.setdefault(edit.sample, []).append(edit)
        return {sample: self._deciding(edits) for sample, edits in lines.items()}

    def all_edits(self) -> list[Edit]:
        """Return every line of every shard, oldest first: several for a sample that was edited more than once."""
        return sorted((from_json(Edit, line) for line in self._edit_lines()), key=lambda edit: edit.time)

    def holds(self, edit: Edit) -> bool:
        """True if the file of an `ok` edit is there with the recorded SHA-256."""
        if edit.status is not EditStatus.OK or edit.file is None:
            return False
        try:
            with self.image_path(edit).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == edit.sha256
        except OSError:
            return False

    def image_path(self, edit: Edit) -> Path:
        """Return where an edit's image is, inside the run's folder.

        Raises:
            DataError: the recorded file lies outside the run.
        """
        path = self.path / (edit.file or "")
        if not edit.file or not path.resolve().is_relative_to(self.path.resolve()):
            raise DataError(
                f"The edit of {edit.sample} names a file outside its run.", "Was edits.jsonl edited by hand?"
            )
        return path

    def judgements(self) -> list[Judgement]:
        """Return all judgements, in the order of their folder names."""
        folders = sorted((self.path / layout.JUDGEMENTS).glob(f"*/{layout.MANIFEST}"))
        return [Judgement.open(folder.parent) for folder in folders]

    def writers(self) -> list[Writer]:
        """Return the processes that edited."""
        return [from_json(Writer, line) for line in read_lines(self.path / layout.WRITERS)]

    def data_location(self) -> str:
        """Return where the benchmark was when it was last edited: a hub id, a folder, or `sample`."""
        places = [writer.details["data"] for writer in self.writers() if "data" in writer.details]
        return places[-1] if places else self.manifest.dataset

    def to_pandas(self) -> "pandas.DataFrame":
        """Return one row per edit: identity, instruction, status, file, size, seconds, flags."""
        import pandas

        edits = self.edits()
        rows = []
        for sample in self.samples():
            edit = edits.get(sample.id)
            made: dict[str, Json] = to_json(edit) if edit else {"status": None}
            rows.append(to_json(sample) | made)
        return pandas.DataFrame(rows)

    def paid_for_edits(self) -> dict[SampleId, float]:
        """Return US dollars by sample as its backend stated them, for all attempts, failed ones included."""
        paid: dict[SampleId, float] = {}
        for line in self._edit_lines():
            if line.get("cost_usd") is not None:
                edit = from_json(Edit, line)
                paid[edit.sample] = paid.get(edit.sample, 0.0) + (edit.cost_usd or 0.0)
        return paid

    def _edit_lines(self) -> Iterator[dict[str, Json]]:
        for path in sorted(self.path.glob(layout.EDIT_LINES)):
            yield from read_lines(path)

    def _deciding(self, edits: list[Edit]) -> Edit:
        if len({edit.sha256 for edit in edits}) == 1:
            return edits[-1]
        return next((edit for edit in reversed(edits) if self.holds(edit)), edits[-1])


def find_runs(paths: Iterable[Path]) -> list[Run]:
    """Return the runs that the folders are or hold, one or two levels down (`<root>/<model>/<recipe>-<fingerprint>`).

    Raises:
        DataError: one of the folders neither is a run nor holds any.
    """
    runs: list[Run] = []
    for path in paths:
        folders = [path] if (path / layout.MANIFEST).exists() else []
        folders = folders or [folder for folder in _below(path) if layout.run_of_judgement(folder) is None]
        if not folders:
            raise DataError(
                f"There is no run in {path}.", "Make one with `gedit-bench run --model identity --data sample`."
            )
        runs += [Run.open(folder) for folder in folders]
    return list({run.path.resolve(): run for run in runs}.values())


def _below(path: Path) -> list[Path]:
    return sorted(found.parent for depth in ("*", "*/*") for found in path.glob(f"{depth}/{layout.MANIFEST}"))


def read_selection(folder: Path) -> list[Sample]:
    """Return the samples noted as selected, in the dataset's order, each once."""
    samples = {
        sample.id: sample for sample in (from_json(Sample, line) for line in read_lines(folder / layout.SAMPLES))
    }
    return sorted(samples.values(), key=lambda sample: sample.row)


def note_selection(folder: Path, samples: Iterable[Sample]) -> None:
    """Add samples to those selected. Selections only grow: a smaller one later takes nothing away."""
    with sole_writer(layout.notes_lock(folder), wait=_NOTES_WAIT):
        there = {sample.id for sample in read_selection(folder)}
        _append(folder / layout.SAMPLES, [sample for sample in samples if sample.id not in there])


def note_writer(folder: Path, writer: Writer) -> None:
    """Add the line that says who is about to write."""
    with sole_writer(layout.notes_lock(folder), wait=_NOTES_WAIT):
        _append(folder / layout.WRITERS, [writer])


def _append(path: Path, records: Iterable[object]) -> None:
    lines = JsonlWriter(path)
    try:
        for record in records:
            lines.append(to_json(record))
    finally:
        lines.close()
