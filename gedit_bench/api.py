"""The verbs as functions: what the command line does, for Python.

    run = edit("identity", Selection(data="sample"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name="offline")))

What can't be done is raised as one of `gedit_bench.errors`, with a hint.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from gedit_bench.dataset import Benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.cluster.crew import edit_on_many
from gedit_bench.engine.editing import EditJob, edit_samples
from gedit_bench.engine.judging import judge_samples
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.engine.questions import JudgeJob
from gedit_bench.engine.replaying import replay
from gedit_bench.engine.spending import checked_price
from gedit_bench.errors import DataError, UsageError
from gedit_bench.fallback import failed_aspects, score_all
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.records import LANGUAGES, Sample
from gedit_bench.results import Scored, find_scoring, score
from gedit_bench.settling import (
    Asking,
    Editing,
    Judging,
    Selection,
    benchmark_of,
    check_budget,
    check_model,
    prepare_asking,
    prepare_edit,
    prepare_fallback,
    reached,
    replaying,
    selected,
    settle_model,
)
from gedit_bench.store import layout
from gedit_bench.store.imported import MODEL as IMPORTED
from gedit_bench.store.manifest import publish
from gedit_bench.store.run import Judgement, Run, find_runs

if TYPE_CHECKING:
    from gedit_bench.report.cards import SourceImages

__all__ = [
    "Budget",
    "Editing",
    "JudgeSettings",
    "Judging",
    "Run",
    "Scored",
    "Selection",
    "build_report",
    "edit",
    "judge",
    "judge_each",
    "prepare_asking",
    "run",
    "selected",
]


def edit(
    model: str | EditModel,
    selection: Selection | None = None,
    editing: Editing | None = None,
    *,
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Run:
    """Edit the selected samples with a model; what is there is not made again.

    Args:
        model: as on the command line (`NAME[@RECIPE]`, `NAME:ARGUMENT`, `path.py:Class`), or a backend.
        selection: which samples; all of the benchmark if None.
        editing: how and where.
        watch: called with the progress.
        budget: what may be spent; limited by nothing if None.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    editing = editing or Editing()
    return edit_prepared(model, editing, prepare_edit(model, selection or Selection(), editing, budget), watch)


def edit_prepared(model: str | EditModel, editing: Editing, job: EditJob, watch: Watcher = unwatched) -> Run:
    """Edit what `prepare_edit` said, where `editing` places it.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    if (placement := editing.placement).alone:
        edit_samples(job, watch)
    else:
        there = replace(editing, device="", ray_address=None, edit_timeout=None)
        edit_on_many(job, placement, partial(settle_model, model, there), watch)
    return job.run


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
    if not isinstance(target, Run):
        target = open_target(Path(target), selection, out, watch)
    if target.manifest.model == IMPORTED:
        raise UsageError(f"{target.path} holds imported scores and no images.", "Name a folder of the images.")
    benchmark = benchmark_of(target, selection.data if selection else None)
    samples = selection.within(target, benchmark) if selection else target.samples()
    manifest = asking.manifest()
    folder = layout.judgement_folder(target.path, manifest.judge_id, manifest.request_id)
    judgement = Judgement(folder, publish(folder, manifest))
    job = JudgeJob(
        target,
        judgement,
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
    scored = judge_samples(job, watch)
    if other is None or fallback_spending is None:
        return scored
    return _ask_fallback(replace(job, spending=fallback_spending), other, watch)


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
    made = target if isinstance(target, Run) else open_target(Path(target), selection, out, watch)
    return [judge(made, selection, judging, out=out, watch=watch, budget=budget) for judging in judgings]


def run(
    model: str | EditModel,
    selection: Selection | None = None,
    editing: Editing | None = None,
    judging: Judging | None = None,
    *,
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Scored:
    """Edit and judge. A missing key, rubric or model is said before any work starts.

    `budget` is what edits and judge may spend together.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    editing = editing or Editing()
    choice = settle_model(model, editing)
    check_model(choice, editing)
    check_budget(choice, budget)
    check_judge(judging or Judging(), budget)
    made = edit(model, selection, editing, watch=watch, budget=budget)
    return judge_edited(made, selection, judging, watch=watch, budget=budget)


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


def _replay(target: Run | str | Path, selection: Selection, stored: ReplayJudge, out: Path, watch: Watcher) -> Scored:
    """Take over stored replies. The benchmark's data are looked at only where they are named."""
    made = target if isinstance(target, Run) else open_target(Path(target), selection, out, watch)
    if selection.data:
        return replay(made, stored, selection.within(made, benchmark_of(made, selection.data)))
    return replay(made, stored, selection.of(made.samples()))


def _asked(judging: Judging) -> list[Asking]:
    """The judges that are to be asked, all settled; none where stored replies are replayed."""
    if replaying(judging) is not None:
        return []
    asking = prepare_asking(judging)
    other = prepare_fallback(judging, asking)
    return [asking] if other is None else [asking, other]


def open_target(target: Path, selection: Selection | None, out: Path, watch: Watcher) -> Run:
    """Return the run in a folder; any other folder of images becomes a run of the backend `folder`."""
    if (target / layout.MANIFEST).exists():
        return Run.open(target)
    if not target.is_dir():
        raise DataError(f"There is no folder {target}.", "Name a run, or a folder of images in the official layout.")
    return edit(f"folder:{target}", selection, Editing(out=out), watch=watch)


def scored_runs(paths: Iterable[Path], scorings: Sequence[str] = ("official",)) -> list[Scored]:
    """Return all judgements of the runs in some folders by each scoring, newest code applied to the stored replies."""
    ways = [find_scoring(name) for name in dict.fromkeys(scorings)]
    judged = [(run, judgement) for run in find_runs(paths) for judgement in run.judgements()]
    return [one for way in ways for run, judgement in judged for one in score_all(run, judgement, way)]


def sources_of_runs() -> "SourceImages":
    """Return a function that opens a run's source images; each benchmark is opened once."""
    opened: dict[tuple[str, str], Benchmark] = {}

    def image(made: Run, sample: Sample) -> Image:
        place = made.data_location(), made.manifest.dataset_revision
        if place not in opened:
            opened[place] = benchmark_of(made)
        return opened[place].source(sample, "input")

    return image


def build_report(
    paths: Iterable[Path],
    out: Path | None = None,
    *,
    allow_partial: bool = False,
    scorings: Sequence[str] = ("official",),
    with_published: bool | Path = False,
    single_file: bool = False,
    embed_budget: float | None = None,
    title: str = "",
) -> Path:
    """Render the leaderboard of the runs in some folders; return its page.

    Args:
        paths: runs, or folders that hold runs.
        out: where the page lands; `leaderboard` in the first of `paths` if None.
        allow_partial: give partial runs a headline.
        scorings: how replies become numbers; rows of different scorings never share a table.
        with_published: show numbers of others below the tables that they fit: the bundled ones, or those of a file in
            the form of `data/published_results.json`.
        single_file: put thumbnails into the page, of a selection of samples that fits.
        embed_budget: megabytes that they may take there; 20 if None.
        title: the page's title; one of its own if empty.

    Raises:
        UsageError: there is a budget for a single file, and none is asked for.
        DataError: nothing has been judged yet, or the published numbers can't be read.
    """
    from gedit_bench.report.build import TITLE
    from gedit_bench.report.build import build_report as render_report
    from gedit_bench.report.embedding import BUDGET
    from gedit_bench.report.published import read_published

    if embed_budget is not None and not single_file:
        raise UsageError("--embed-budget needs --single-file.", "Without it thumbnails lie beside the page.")
    folders = list(paths)
    scored = scored_runs(folders, scorings)
    if not scored:
        raise DataError("Nothing in there has been judged yet.", "Judge a run with `gedit-bench judge RUN`.")
    published = None
    if with_published:
        published = read_published(with_published if isinstance(with_published, Path) else None)
    out = out or folders[0] / "leaderboard"
    return render_report(
        scored,
        out,
        allow_partial=allow_partial,
        sources=sources_of_runs(),
        title=title.strip() or TITLE,
        published=published,
        single_file=single_file,
        embed_budget=BUDGET if embed_budget is None else embed_budget,
    )
