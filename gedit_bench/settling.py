"""From what somebody asks for to what is there: models, runs, benchmarks and judges, settled before any work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.editing.recipes import Recipe
from gedit_bench.editing.registry import ModelChoice, choose_model, describe_model
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.editing import EditJob, Only, Shard
from gedit_bench.engine.placement import Placement, check_devices, place
from gedit_bench.engine.readying import one_sentence
from gedit_bench.errors import DataError, UsageError
from gedit_bench.judging.base import Judge
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.registry import JudgeSettings, make_judge, protocol_for
from gedit_bench.judging.replay import NAME as REPLAY
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.judging.rubric import load_rubric
from gedit_bench.prices import FREE, Price, find_price
from gedit_bench.records import LANGUAGES, Sample
from gedit_bench.selection import select
from gedit_bench.store import layout
from gedit_bench.store.manifest import JudgementManifest, RunManifest, publish
from gedit_bench.store.provenance import now
from gedit_bench.store.run import Run


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
    """How and where edits are made: settings as `key=value`, the seed, the name shown in tables.

    `device`, `ray_address` and `edit_timeout` are those of `engine.placement.place`. `prices` is a file of prices
    that come before the bundled ones.
    """

    options: Sequence[str] = ()
    options_origin: str = "command line"
    seed: int = 42
    name: str | None = None
    out: Path = Path("results")
    only: Only = "missing"
    shard: Shard | None = None
    device: str = ""
    ray_address: str | None = None
    edit_timeout: float | None = None
    prices: Path | None = None

    @property
    def placement(self) -> Placement:
        """Where edits are made."""
        return place(self.device, self.ray_address, self.edit_timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges and how it is asked. `protocol` None stands for the judge's own, else the official.

    `repeats` is how often each aspect is asked independently. `reuse` takes the answer to the very same
    request from another run of the same folder, if there is one.
    `fallback` is another judge, asked in the same way about the aspects that the first one failed on.
    `prices` is a file of prices that come before the bundled ones.
    """

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    protocol: str | None = None
    rubric: Path | None = None
    only: Only = "missing"
    repeats: int = 1
    fallback: JudgeSettings | None = None
    prices: Path | None = None
    reuse: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """A judge ready to be asked: resolved before any work starts. `price` is None where nobody knows it."""

    judge: Judge
    protocol: Protocol
    rubric: Rubric
    price: Price | None = None

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


def settle_model(model: str | EditModel, editing: Editing) -> ModelChoice:
    """Return the backend with its settings resolved, and told its device and the user's prices."""
    device = editing.placement.device
    if isinstance(model, EditModel):
        choice = describe_model(model, Recipe(model=model.name), chosen=(), origin="code")
    else:
        choice = choose_model(model, editing.options, editing.options_origin)
    choice.model.device = device or choice.model.device
    choice.model.prices = editing.prices or choice.model.prices
    return choice


def check_model(choice: ModelChoice, editing: Editing) -> None:
    """Say what a backend lacks on this machine; a cluster's machines are asked when its processes begin.

    Raises:
        UnavailableError: weights, a device, a key or a program are missing, or the check itself failed.
    """
    check_devices(editing.placement)
    if editing.ray_address is None:
        with one_sentence(choice.name, "checked"):
            choice.check()


def check_budget(choice: ModelChoice, budget: Budget | None) -> None:
    """Say that a limit can't be kept.

    Raises:
        UsageError: there is a budget, but nobody knows what an edit costs.
    """
    if budget is not None and choice.model.costs() is None:
        raise UsageError(
            f"--max-cost can't be kept: nobody knows what an edit by {choice.name} costs.",
            "Name its price with --prices FILE (data/prices.toml shows the form), or leave --max-cost out.",
        )


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


def prepare_edit(
    model: str | EditModel,
    selection: Selection,
    editing: Editing,
    budget: Budget | None = None,
    benchmark: Benchmark | None = None,
) -> EditJob:
    """Return what a model is to edit, in a run that is made if it isn't there.

    Args:
        model: as on the command line, or a backend.
        selection: which samples.
        editing: how and where.
        budget: what may be spent.
        benchmark: the selection's, if it is open already.

    Raises:
        GeditBenchError: see `errors`; the backend was checked and not loaded.
    """
    choice = settle_model(model, editing)
    check_model(choice, editing)
    check_budget(choice, budget)
    data = selection.data or HUB_ID
    benchmark = benchmark or load_benchmark(data)
    samples = selection.of(benchmark.samples, choice.recipe.languages)
    run = open_run(choice, benchmark, editing)
    location = str(Path(data).resolve()) if Path(data).is_dir() else data
    return EditJob(run, choice.model, benchmark, samples, location, editing.shard, editing.only, budget)


def run_manifest(choice: ModelChoice, benchmark: Benchmark, editing: Editing) -> RunManifest:
    """Return what decides the pixels of a run."""
    return RunManifest(
        model=choice.name,
        backend=choice.recipe.backend,
        name=editing.name or choice.label,
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
    rubric = load_rubric(protocol.rubric, judging.rubric, fetch=fetch)
    return Asking(judge, protocol, rubric, _price(judge, judging))


def replaying(judging: Judging) -> ReplayJudge | None:
    """Return the stored replies that are to be taken over, None if a judge is to be asked.

    Raises:
        UsageError, DataError: there are none, or something else is wanted that a replay can't do.
    """
    if judging.judge.name.partition(":")[0] != REPLAY:
        return None
    stored = ReplayJudge(judging.judge)
    manifest = stored.source.manifest
    if judging.protocol not in (None, manifest.protocol):
        raise UsageError(
            f"The stored replies are answers under the protocol {manifest.protocol!r}.", "Leave --protocol out."
        )
    if judging.rubric is not None or judging.only == "failed":
        raise UsageError("A replay asks nobody: --rubric and --only failed mean nothing to it.", "Leave them out.")
    return stored


async def reached(judge: Judge) -> str:
    """Make sure that a judge can be asked; return a sentence about it.

    Raises:
        QuotaError, UnavailableError: it can't.
    """
    try:
        return await judge.reachable()
    finally:
        await judge.close()


def _price(judge: Judge, judging: Judging) -> Price | None:
    return FREE if judge.free else find_price(judge.name, judge.host, judging.prices)


def prepare_fallback(judging: Judging, asking: Asking) -> Asking | None:
    """Return the judge that is asked where another fails, in the same way as that one; None if there is none.

    Raises:
        UsageError: the judge can't be asked in this way, or it is the one that fails.
        UnavailableError: there is no key for it.
    """
    if judging.fallback is None:
        return None
    judge = make_judge(judging.fallback)
    found = Asking(judge, protocol_for(judge, asking.protocol.name), asking.rubric, _price(judge, judging))
    if found.manifest().identity == asking.manifest().identity:
        raise UsageError(
            f"{judge.name} can't be its own fallback.", "Name another --fallback-judge, or use --only failed."
        )
    return found
