"""Replies that were paid for once, taken over from the judgement that holds them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gedit_bench.errors import DataError, UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.reading import attempts_by_aspect, read_answer, settled
from gedit_bench.records import Aspect, Edit, EditStatus, Reply, SampleId
from gedit_bench.store import layout
from gedit_bench.store.manifest import JudgementManifest, RunManifest, read_manifest
from gedit_bench.store.provenance import now
from gedit_bench.store.run import Judgement, Run

if TYPE_CHECKING:
    from gedit_bench.judging.registry import JudgeSettings

NAME = "replay"


class MissingReplyError(DataError):
    """A judgement lacks a reply that is to be replayed."""


class ReplayJudge(Judge):
    """Stored replies instead of a judge: `replay:RUN` or `replay:JUDGEMENT`, with no key and no network.

    It bears the original's name and endpoint, and its protocol. Replies are found by sample and by the
    SHA-256 of the very image that they are about.
    """

    def __init__(self, settings: "JudgeSettings") -> None:
        """Open the judgement that holds the replies.

        Raises:
            UsageError: none is named, or a run that has several.
            DataError: there is none, or it is a replay itself.
        """
        self.source = _source(settings.argument)
        manifest = self.source.manifest
        super().__init__(manifest.judge, manifest.endpoint)

    async def ask(self, question: Question) -> Answer:
        """Refuse: what is stored are replies about the samples of a run."""
        raise UsageError(f"{NAME} holds replies about a run's edits and can't be asked anew.", "Use `judge RUN`.")

    async def reachable(self) -> str:
        """Say what is stored."""
        return f"{len(self.source.replies())} replies of {self.source.manifest.judge_id} are stored; nobody is asked."

    def manifest(self) -> JudgementManifest:
        """Return the original's manifest, marked as a replay."""
        return replace(self.source.manifest, replayed_from=f"{self._place()} ({self.digest()})", created=now())

    def digest(self) -> str:
        """Return 8 hex digits that name the stored replies."""
        file = self.source.path / layout.REPLIES
        return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()[:8]

    def of_same_data(self, run: Run) -> bool:
        """True unless the replies are known to be about another revision of the benchmark than a run's."""
        own = self._run()
        return own is None or own.dataset_revision == run.manifest.dataset_revision

    def _run(self) -> RunManifest | None:
        """The manifest of the run that the judgement is in, None where it was sent alone."""
        folder = layout.run_of_judgement(self.source.path)
        return read_manifest(folder, RunManifest) if folder and (folder / layout.MANIFEST).exists() else None

    def _place(self) -> str:
        """Where the judgement is in a folder of runs: the same on each machine, whatever was moved where."""
        manifest, run = self.source.manifest, self._run()
        root = layout.run_folder(Path(), run.name, run.recipe, run.fingerprint) if run else Path()
        return layout.judgement_folder(root, manifest.judge_id, manifest.request_id).as_posix()

    def replies(self, edits: Iterable[Edit]) -> list[Reply]:
        """Return all stored replies about some edits, as they are, in the order in which they came.

        Raises:
            MissingReplyError: an aspect of an `ok` edit has no reply that decides, in one of the repeats in which the
                sample was asked about; nothing is made up for it.
        """
        return replies_about(self.source, [(edit, tuple(Aspect)) for edit in edits if edit.status is EditStatus.OK])


def replies_about(source: Judgement, needed: Iterable[tuple[Edit, Iterable[Aspect]]]) -> list[Reply]:
    """Return a judgement's replies about some edits, as they are, in the order in which they came.

    Args:
        source: the judgement.
        needed: `ok` edits, each with the aspects that must be decided in each repeat in which it was asked about.

    Raises:
        MissingReplyError: one of them isn't.
    """
    stored: dict[SampleId, list[tuple[int, Reply]]] = defaultdict(list)
    for place, reply in enumerate(source.replies()):
        stored[reply.sample].append((place, reply))
    found: list[tuple[int, Reply]] = []
    for edit, aspects in needed:
        about = [(place, reply) for place, reply in stored[edit.sample] if reply.edit_sha256 == edit.sha256]
        replies = [reply for _, reply in about]
        for repeat in range(1 + max((reply.repeat for reply in replies), default=0)):
            attempts = attempts_by_aspect(edit, replies, repeat)
            for aspect in aspects:
                if settled([read_answer(reply) for reply in attempts[aspect]]) is None:
                    raise _missing(source, edit, aspect, repeat, bool(stored[edit.sample]) and not about)
        found += about
    return [reply for _, reply in sorted(found, key=lambda one: one[0])]


def _missing(source: Judgement, edit: Edit, aspect: str, repeat: int, another_image: bool) -> MissingReplyError:
    which = f"{aspect} in repeat {repeat + 1}" if repeat else aspect
    why = "about another image of that sample only" if another_image else "none"
    return MissingReplyError(
        f"{source.path} lacks a reply about {edit.sample}, {which}: it has {why}. Nothing was written.",
        "Replay the samples that it has, with --ids or --limit, or have the rest judged.",
    )


def _source(place: str) -> Judgement:
    if not place:
        raise UsageError(
            "Which replies are meant isn't said.", f"Name a run or a judgement: {NAME}:results/x/default-1a2b3c4d."
        )
    folder = Path(place)
    if layout.run_of_judgement(folder) is not None or _is_judgement(folder):
        judgement = Judgement.open(folder)
        if judgement.manifest.replayed_from:
            raise DataError(f"{place} is a replay itself.", f"Name the original: {judgement.manifest.replayed_from}.")
        return judgement
    originals = [one for one in Run.open(folder).judgements() if not one.manifest.replayed_from]
    if not originals:
        raise DataError(f"{place} has not been judged.", "Name a run that has been.")
    if len(originals) > 1:
        raise UsageError(
            f"{place} has {len(originals)} judgements.",
            f"Name one of them: {', '.join(str(one.path) for one in originals)}.",
        )
    return originals[0]


def _is_judgement(folder: Path) -> bool:
    """True for a judgement that was sent without its run."""
    return (folder / layout.MANIFEST).exists() and (folder / layout.REPLIES).exists()
