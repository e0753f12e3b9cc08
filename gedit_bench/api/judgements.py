"""Judges runs and folders of images, with a fallback judge or by replaying stored replies."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gedit_bench.api.edits import edit
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.judging import judge_samples
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.engine.questions import JudgeJob
from gedit_bench.engine.replaying import replay
from gedit_bench.engine.spending import Spending, checked_price
from gedit_bench.errors import DataError, UsageError
from gedit_bench.fallback import failed_aspects
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.records import LANGUAGES
from gedit_bench.results import Scored, score
from gedit_bench.settling import (
    Asking,
    Editing,
    Judging,
    Selection,
    benchmark_of,
    prepare_asking,
    prepare_fallback,
    reached,
    replaying,
)
from gedit_bench.store import layout
from gedit_bench.store.imported import MODEL as IMPORTED
from gedit_bench.store.manifest import publish
from gedit_bench.store.run import Judgement, Run


def judge(
    target: Run | str | Path,
    selection: Selection | None = None,
    judging: Judging | None = None,
    *,
    out: Path = Path("results"),
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Scored:
    """Judge a run, or a folder of images in the official layout.

    With a fallback judge, what is returned is both together; the first one's own is `fallback.without`.

    Args:
        target: a run or its folder; any other folder is taken in as a run of the backend `folder`.
        selection: which of the run's samples; all if None.
        judging: who judges and how.
        out: where a folder of images becomes a run.
        watch: called with the progress.
        budget: what may be spent; limited by nothing if None.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    judging = judging or Judging()
    if (stored := replaying(judging)) is not None:
        return _replay(target, selection or Selection(), stored, out, watch)
    asking = prepare_asking(judging)
    other = prepare_fallback(judging, asking)
    spending = checked_price(asking.judge, asking.price, budget)
    fallback_spending = checked_price(other.judge, other.price, budget) if other else None
    made = open_target(target, selection, out, watch)
    if made.manifest.model == IMPORTED:
        raise UsageError(f"{made.path} holds imported scores and no images.", "Name a folder of the images.")
    job = _job(made, selection, asking, judging, spending)
    scored = judge_samples(job, watch)
    if other is None or fallback_spending is None:
        return scored
    return _ask_fallback(replace(job, spending=fallback_spending), other, watch)


def judge_each(
    target: Run | str | Path,
    selection: Selection | None,
    judgings: Sequence[Judging],
    *,
    out: Path = Path("results"),
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> list[Scored]:
    """Judge the same samples in several ways, one after the other; see `judge`. One budget covers them all.

    Raises:
        GeditBenchError: see `errors`; what is lacking for any of the ways is said before anything is asked.
    """
    for judging in judgings:
        _asked(judging)
    made = open_target(target, selection, out, watch)
    return [judge(made, selection, judging, out=out, watch=watch, budget=budget) for judging in judgings]


def judge_edited(
    made: Run,
    selection: Selection | None = None,
    judging: Judging | None = None,
    *,
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Scored:
    """Judge what has just been edited: see `judge`.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    narrowed = replace(selection, languages=selection.languages or LANGUAGES) if selection else None
    scored = judge(made, narrowed, judging, watch=watch, budget=budget)
    if judging and judging.only == "failed":  # what was edited once more has not been judged at all
        scored = judge(made, narrowed, replace(judging, only="missing"), watch=watch, budget=budget)
    return scored


def check_judge(judging: Judging, budget: Budget | None = None) -> list[Asking]:
    """Return the judges that will be asked, each of which answers now and can be paid; none for a replay.

    Raises:
        GeditBenchError: a judge can't be asked, or a budget can't be kept with it.
    """
    found = _asked(judging)
    for one in found:
        checked_price(one.judge, one.price, budget)
        asyncio.run(reached(one.judge))
    return found


def open_target(target: Run | str | Path, selection: Selection | None, out: Path, watch: Watcher) -> Run:
    """Return a run, or that in a folder; any other folder of images becomes a run of the backend `folder`.

    Raises:
        DataError: there is no such folder.
    """
    if isinstance(target, Run):
        return target
    folder = Path(target)
    if (folder / layout.MANIFEST).exists():
        return Run.open(folder)
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}.", "Name a run, or a folder of images in the official layout.")
    return edit(f"folder:{folder}", selection, Editing(out=out), watch=watch)


def _asked(judging: Judging) -> list[Asking]:
    """The judges that are to be asked, all settled; none where stored replies are replayed."""
    if replaying(judging) is not None:
        return []
    asking = prepare_asking(judging)
    other = prepare_fallback(judging, asking)
    return [asking] if other is None else [asking, other]


def _job(made: Run, selection: Selection | None, asking: Asking, judging: Judging, spending: Spending) -> JudgeJob:
    """What is to be asked, in a judgement that is made if it isn't there."""
    benchmark = benchmark_of(made, selection.data if selection else None)
    samples = selection.within(made, benchmark) if selection else made.samples()
    manifest = asking.manifest()
    folder = layout.judgement_folder(made.path, manifest.judge_id, manifest.request_id)
    return JudgeJob(
        made,
        Judgement(folder, publish(folder, manifest)),
        asking.judge,
        asking.protocol,
        asking.rubric,
        benchmark,
        samples,
        concurrency=judging.judge.concurrency,
        only=judging.only,
        repeats=judging.repeats,
        spending=spending,
        reuse=judging.reuse,
    )


def _ask_fallback(job: JudgeJob, other: Asking, watch: Watcher) -> Scored:
    """Ask another judge about what the first one failed on; its replies stay apart in a folder of their own."""
    manifest = other.manifest()
    folder = layout.fallback_folder(job.judgement.path, manifest.judge_id, manifest.request_id)
    judgement = Judgement(folder, publish(folder, manifest))
    failed = failed_aspects(score(job.run, job.judgement).verdicts)
    again = replace(
        job,
        judgement=judgement,
        judge=other.judge,
        rubric=other.rubric,
        samples=[sample for sample in job.samples if sample.id in failed],
        only="missing",
        repeats=1,
        fallback_for=job.judgement,
    )
    scored = judge_samples(again, watch)
    return judge_samples(replace(again, only="failed"), watch) if job.only == "failed" else scored


def _replay(target: Run | str | Path, selection: Selection, stored: ReplayJudge, out: Path, watch: Watcher) -> Scored:
    """Take over stored replies. The benchmark's data are looked at only where they are named."""
    made = open_target(target, selection, out, watch)
    if selection.data:
        return replay(made, stored, selection.within(made, benchmark_of(made, selection.data)))
    return replay(made, stored, selection.of(made.samples()))
