"""The verbs as functions: what the command line does, for Python.

run = edit("identity", Selection(data="sample"))
scored = judge(run, judging=Judging(judge=JudgeSettings(name="offline")))
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.editing.recipes import Recipe
from gedit_bench.editing.registry import ModelChoice, choose_model, describe_model
from gedit_bench.engine.editing import EditJob, Only, Shard, edit_samples
from gedit_bench.engine.judging import JudgeJob, judge_samples
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.errors import DataError, UsageError
from gedit_bench.judging.base import Judge
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.registry import JudgeSettings, make_judge, protocol_for
from gedit_bench.judging.rubric import load_rubric
from gedit_bench.records import LANGUAGES, Sample
from gedit_bench.results import Scored, score
from gedit_bench.selection import select
from gedit_bench.store import layout
from gedit_bench.store.manifest import JudgementManifest, RunManifest, publish
from gedit_bench.store.provenance import now
from gedit_bench.store.run import Judgement, Run, find_runs

if TYPE_CHECKING:
    from gedit_bench.report.cards import SourceImages

__all__ = [
    "Asking",
    "Editing",
    "JudgeSettings",
    "Judging",
    "Run",
    "Scored",
    "Selection",
    "build_report",
    "edit",
    "judge",
    "run",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which samples.

    `data` None stands for a run's own, or the benchmark on the hub where there is no run yet; `languages`
    None for those that the recipe names. `limit` is per category and language.
    """

    data: str | None = None
    tasks: Sequence[str] = ()
    languages: Sequence[str] | None = None
    subset: str = "full"
    limit: int | None = None
    ids: Sequence[str] | None = None

    def of(self, samples: Iterable[Sample], languages: Sequence[str] = LANGUAGES) -> list[Sample]:
        """Return those of some samples that are selected; `languages` are those of the recipe."""
        wanted = languages if self.languages is None else self.languages
        return select(samples, tasks=self.tasks, languages=wanted, subset=self.subset, ids=self.ids, limit=self.limit)

    def within(self, made: Run, benchmark: Benchmark) -> list[Sample]:
        """Return those of a run's samples that are selected; the limit counts the run's alone."""
        wanted = {sample.id for sample in replace(self, limit=None).of(benchmark.samples)}
        return select((sample for sample in made.samples() if sample.id in wanted), limit=self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """How and where edits are made: settings as `key=value`, the seed, the name shown in tables."""

    options: Sequence[str] = ()
    options_origin: str = "command line"
    seed: int = 42
    name: str | None = None
    out: Path = Path("results")
    only: Only = "missing"
    shard: Shard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges and how it is asked. `protocol` None stands for the judge's own, else the official."""

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    protocol: str | None = None
    rubric: Path | None = None
    only: Only = "missing"


@dataclass(frozen=True, slots=True)
class Asking:
    """A judge ready to be asked: resolved before any work starts."""

    judge: Judge
    protocol: Protocol
    rubric: Rubric

    def manifest(self) -> JudgementManifest:
        """Return the manifest of judgements made this way."""
        return JudgementManifest(
            judge=self.judge.name,
            endpoint=self.judge.endpoint,
            protocol=self.protocol.name,
            request_id=self.protocol.request_id(self.rubric),
            request=self.protocol.request(self.rubric),
            vlm=self.judge.vlm,
            created=now(),
        )


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
    asyncio.run(reached(prepare_asking(judging or Judging()).judge))
    made = edit(model, selection, editing, watch=watch)
    narrowed = replace(selection, languages=selection.languages or LANGUAGES) if selection else None
    scored = judge(made, narrowed, judging, watch=watch)
    if judging and judging.only == "failed":  # what was edited once more has not been judged at all
        scored = judge(made, narrowed, replace(judging, only="missing"), watch=watch)
    return scored


def settle_model(model: str | EditModel, editing: Editing) -> ModelChoice:
    """Return the backend with its settings resolved."""
    if isinstance(model, EditModel):
        return describe_model(model, Recipe(model=model.name), chosen=(), origin="code")
    return choose_model(model, editing.options, editing.options_origin)


def selected(target: Path, selection: Selection) -> tuple[Benchmark, list[Sample]]:
    """Return a folder's benchmark and those of its samples, a run's or all, that are selected.

    Raises:
        GeditBenchError: the data aren't there, or the selection is empty.
    """
    if (target / layout.MANIFEST).exists():
        run = Run.open(target)
        benchmark = benchmark_of(run, selection.data)
        return benchmark, selection.within(run, benchmark)
    benchmark = load_benchmark(selection.data or HUB_ID)
    return benchmark, selection.of(benchmark.samples)


def open_run(choice: ModelChoice, benchmark: Benchmark, editing: Editing) -> Run:
    """Return the run that a model's edits of a benchmark belong to, made if it isn't there."""
    manifest = run_manifest(choice, benchmark, editing)
    folder = layout.run_folder(editing.out, manifest.name, manifest.recipe, manifest.fingerprint)
    return Run(folder, publish(folder, manifest))


def run_manifest(choice: ModelChoice, benchmark: Benchmark, editing: Editing) -> RunManifest:
    """Return what decides the pixels of a run."""
    return RunManifest(
        model=choice.name,
        name=editing.name or choice.model.label(),
        recipe=choice.recipe.name,
        spec=choice.spec,
        settings=choice.settings,
        handling=choice.handling,
        origins=choice.origins,
        artifacts=choice.artifacts,
        notes=choice.recipe.notes,
        dataset=benchmark.name,
        dataset_revision=benchmark.revision,
        seed=editing.seed,
        source=choice.recipe.source,
        created=now(),
    )


def open_target(target: Path, selection: Selection | None, out: Path, watch: Watcher) -> Run:
    """Return the run in a folder; any other folder of images becomes a run of the backend `folder`."""
    if (target / layout.MANIFEST).exists():
        return Run.open(target)
    if not target.is_dir():
        raise DataError(f"There is no folder {target}.", "Name a run, or a folder of images in the official layout.")
    return edit(f"folder:{target}", selection, Editing(out=out), watch=watch)


def benchmark_of(made: Run, data: str | None = None) -> Benchmark:
    """Return the benchmark that a run was made on, from `data` if it has moved.

    Raises:
        DataError: it is no longer there, or is of another revision than the run's.
    """
    try:
        return load_benchmark(data or made.data_location(), made.manifest.dataset_revision)
    except UsageError as error:
        raise DataError(
            f"The data of {made.path} can't be found: {error}", "Say where they are with --data."
        ) from error


def prepare_asking(judging: Judging, *, fetch: bool = True) -> Asking:
    """Return judge, protocol and rubric; a missing key or rubric is an error here, before any work.

    Args:
        judging: who judges and how.
        fetch: whether the official rubric may be downloaded.
    """
    judge = make_judge(judging.judge)
    protocol = protocol_for(judge, judging.protocol)
    return Asking(judge, protocol, load_rubric(protocol.rubric, judging.rubric, fetch=fetch))


async def reached(judge: Judge) -> str:
    """Make sure that a judge can be asked; return a sentence about it.

    Raises:
        QuotaError, UnavailableError: it can't.
    """
    try:
        return await judge.reachable()
    finally:
        await judge.close()


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
