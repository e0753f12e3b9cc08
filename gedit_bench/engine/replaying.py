"""Makes a judgement of stored replies: nobody is asked, and nothing but the run's folder and the replies is needed."""

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gedit_bench.derived import scores_csv, write_derived
from gedit_bench.errors import DataError
from gedit_bench.fallback import failed_aspects, with_fallback
from gedit_bench.judging.reading import verdicts
from gedit_bench.judging.replay import ReplayJudge, replies_about
from gedit_bench.records import Aspect, Edit, EditStatus, Reply, Sample, SampleId
from gedit_bench.results import Scored, score
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.codec import to_json
from gedit_bench.store.lock import sole_writer
from gedit_bench.store.manifest import publish
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import Judgement, Run, note_selection, note_writer

log = logging.getLogger(__name__)


def replay(run: Run, judge: ReplayJudge, samples: Sequence[Sample]) -> Scored:
    """Take over the replies about a run's edits of some samples; return what they are worth.

    With a fallback judge's replies these are taken over, too, and what is returned is both together.

    Images that aren't there are taken at their recorded SHA-256. Where the original has a `scores.csv`, it is
    said whether its rows are what its replies say.

    Raises:
        DataError: a reply is missing, an image isn't the recorded one, or the data are another revision; then
            nothing was written.
        RunLockedError: another process does the same.
    """
    if not judge.of_same_data(run):
        raise DataError(
            f"{judge.source.path} is about another revision of the benchmark than {run.path}.",
            "Replay it into a run of the same data.",
        )
    manifest = judge.manifest()
    folder = layout.replay_folder(run.path, manifest.judge_id, manifest.request_id, judge.digest())
    there = Judgement(folder, manifest).samples()  # selections only grow
    wanted = list({sample.id: sample for sample in (*there, *samples)}.values())
    edits = _edits(run, wanted)
    replies = judge.replies(edits)
    failed = failed_aspects(verdicts(wanted, {edit.sample: edit for edit in edits}, replies))
    fallbacks = [(other, _of_fallback(other, edits, failed)) for other in judge.source.fallbacks()]
    judgement = Judgement(folder, publish(folder, manifest))
    with sole_writer(layout.lock_file(folder)):
        _take_over(judgement, judge.source, wanted, replies)
        scored = both = score(run, judgement)
        write_derived(scored)
        for other, its_replies in fallbacks:
            marked = replace(other.manifest, replayed_from=manifest.replayed_from, created=manifest.created)
            path = layout.fallback_folder(folder, marked.judge_id, marked.request_id)
            second = Judgement(path, publish(path, marked))
            _take_over(second, other, [sample for sample in wanted if sample.id in failed], its_replies)
            both = with_fallback(scored, second)
            write_derived(both)
    _compare(judge.source, scored)
    return both


def _of_fallback(
    other: Judgement, edits: Sequence[Edit], failed: Mapping[SampleId, frozenset[Aspect]]
) -> Sequence[Reply]:
    """Another judge's replies about what failed, as far as it was asked about that."""
    asked = {sample.id for sample in other.samples()} & failed.keys()
    return replies_about(other, [(edit, failed[edit.sample]) for edit in edits if edit.sample in asked])


def _take_over(judgement: Judgement, source: Judgement, samples: Sequence[Sample], replies: Iterable[Reply]) -> None:
    """Write replies as they are, and who asked at which price."""
    note_selection(judgement.path, samples)
    there = {writer.writer for writer in judgement.writers()}
    for writer in source.writers():
        if writer.writer not in there:
            note_writer(judgement.path, writer)
    note_writer(judgement.path, this_writer(judge=judgement.manifest.judge, endpoint=judgement.manifest.endpoint))
    lines = (json.dumps(to_json(reply), ensure_ascii=True, separators=(",", ":")) + "\n" for reply in replies)
    write_bytes(judgement.path / layout.REPLIES, "".join(lines).encode())


def _edits(run: Run, samples: Sequence[Sample]) -> list[Edit]:
    edits = run.edits()
    found = [edits[sample.id] for sample in samples if sample.id in edits]
    absent = 0
    for edit in found:
        if edit.status is EditStatus.OK and not run.holds(edit):
            if run.image_path(edit).exists():
                raise DataError(
                    f"{run.image_path(edit)} is not the image recorded for {edit.sample}. Nothing was written.",
                    "Restore the image, or edit that sample again.",
                )
            absent += 1
    if absent:
        log.warning("%d images are not here; the recorded SHA-256 stand for them", absent)
    return found


def _compare(source: Judgement, scored: Scored) -> None:
    file = source.path / layout.SCORES
    if not file.is_file():
        log.info("the original has no %s to compare with", layout.SCORES)
        return
    original = {_identity(row): row for row in csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))}
    found = list(csv.DictReader(io.StringIO(scores_csv(scored))))
    compared = [row for row in found if _identity(row) in original]
    others = [row for row in compared if original[_identity(row)] != row]
    if others:
        log.warning(
            "%d of %d rows of the original %s are not what its replies say, %s among them",
            *(len(others), len(compared), layout.SCORES, "/".join(_identity(others[0]))),
        )
    else:
        log.info(
            "all %d rows of the original %s that were compared are what its replies say", len(compared), layout.SCORES
        )


def _identity(row: dict[str, str]) -> tuple[str, str, str]:
    return row["task_type"], row["instruction_language"], row["key"]
