"""The verbs as functions: what the command line does, for Python.

    run = edit("identity", Selection(data="sample"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name="offline")))

What can't be done is raised as one of `gedit_bench.errors`, with a hint.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.engine.editing import EditJob, edit_samples
from gedit_bench.engine.judging import JudgeJob, judge_samples
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.errors import DataError, UsageError
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.records import LANGUAGES, Sample
from gedit_bench.results import Scored, score
from gedit_bench.settling import (
    Editing,
    Judging,
    Selection,
    benchmark_of,
    open_run,
    prepare_asking,
    reached,
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
    "Editing",
    "JudgeSettings",
    "Judging",
    "Run",
    "Scored",
    "Selection",
    "build_report",
    "edit",
    "judge",
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
) -> Run:
    """Edit the selected samples with a model; what is there is not made again.

    Args:
        model: as on the command line (`NAME[@RECIPE]`, `NAME:ARGUMENT`, `path.py:Class`), or a backend.
        selection: which samples; all of the benchmark if None.
        editing: how and where.
        watch: called with the progress.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    selection, editing = selection or Selection(), editing or Editing()
    choice = settle_model(model, editing)
    choice.model.check()
    data = selection.data or HUB_ID
    benchmark = load_benchmark(data)
    samples = selection.of(benchmark.samples, choice.recipe.languages)
    run = open_run(choice, benchmark, editing)
    location = str(Path(data).resolve()) if Path(data).is_dir() else data
    edit_samples(EditJob(run, choice.model, benchmark, samples, location, editing.shard, editing.only), watch)
    return run


def judge(
    target: Run | str | Path,
    selection: Selection | None = None,
    judging: Judging | None = None,
    *,
    out: Path = Path("results"),
    watch: Watcher = unwatched,
) -> Scored:
    """Judge a run, or a folder of images in the official layout.

    Args:
        target: a run or its folder; any other folder is taken in as a run of the backend `folder`.
        selection: which of the run's samples; all if None.
        judging: who judges and how.
        out: where a folder of images becomes a run.
        watch: called with the progress.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    asking = prepare_asking(judging or Judging())
    only = judging.only if judging else "missing"
    if not isinstance(target, Run):
        target = open_target(Path(target), selection, out, watch)
    if target.manifest.model == IMPORTED:
        raise UsageError(f"{target.path} holds imported scores and no images.", "Name a folder of the images.")
    benchmark = benchmark_of(target, selection.data if selection else None)
    samples = selection.within(target, benchmark) if selection else target.samples()
    manifest = asking.manifest()
    folder = layout.judgement_folder(target.path, manifest.judge_id, manifest.request_id)
    judgement = Judgement(folder, publish(folder, manifest))
    concurrency = judging.judge.concurrency if judging else JudgeSettings().concurrency
    job = JudgeJob(
        target, judgement, asking.judge, asking.protocol, asking.rubric, benchmark, samples, concurrency, only
    )
    return judge_samples(job, watch)


def run(
    model: str | EditModel,
    selection: Selection | None = None,
    editing: Editing | None = None,
    judging: Judging | None = None,
    *,
    watch: Watcher = unwatched,
) -> Scored:
    """Edit and judge. A missing key, rubric or model is said before any work starts.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    settle_model(model, editing or Editing()).model.check()
    asyncio.run(reached(prepare_asking(judging or Judging()).judge))
    made = edit(model, selection, editing, watch=watch)
    narrowed = replace(selection, languages=selection.languages or LANGUAGES) if selection else None
    scored = judge(made, narrowed, judging, watch=watch)
    if judging and judging.only == "failed":  # what was edited once more has not been judged at all
        scored = judge(made, narrowed, replace(judging, only="missing"), watch=watch)
    return scored


def open_target(target: Path, selection: Selection | None, out: Path, watch: Watcher) -> Run:
    """Return the run in a folder; any other folder of images becomes a run of the backend `folder`."""
    if (target / layout.MANIFEST).exists():
        return Run.open(target)
    if not target.is_dir():
        raise DataError(f"There is no folder {target}.", "Name a run, or a folder of images in the official layout.")
    return edit(f"folder:{target}", selection, Editing(out=out), watch=watch)


def scored_runs(paths: Iterable[Path]) -> list[Scored]:
    """Return all judgements of the runs in some folders, newest code applied to the stored replies."""
    return [score(run, judgement) for run in find_runs(paths) for judgement in run.judgements()]


def sources_of_runs() -> "SourceImages":
    """Return a function that opens a run's source images; each benchmark is opened once."""
    opened: dict[tuple[str, str], Benchmark] = {}

    def image(made: Run, sample: Sample) -> Image:
        place = made.data_location(), made.manifest.dataset_revision
        if place not in opened:
            opened[place] = benchmark_of(made)
        return opened[place].source(sample, "input")

    return image


def build_report(paths: Iterable[Path], out: Path | None = None, *, allow_partial: bool = False) -> Path:
    """Render the leaderboard of the runs in some folders; return its page.

    Args:
        paths: runs, or folders that hold runs.
        out: where the page lands; `leaderboard` in the first of `paths` if None.
        allow_partial: give partial runs a headline.

    Raises:
        DataError: nothing has been judged yet.
    """
    from gedit_bench.report.build import build_report as render_report

    folders = list(paths)
    scored = scored_runs(folders)
    if not scored:
        raise DataError("Nothing in there has been judged yet.", "Judge a run with `gedit-bench judge RUN`.")
    out = out or folders[0] / "leaderboard"
    return render_report(scored, out, allow_partial=allow_partial, sources=sources_of_runs())
