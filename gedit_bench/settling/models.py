"""From a model's name to a run that its edits land in. The backend is checked and not loaded."""

from pathlib import Path

from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.editing.recipes import Recipe
from gedit_bench.editing.registry import ModelChoice, choose_model, describe_model
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.editing import EditJob
from gedit_bench.engine.placement import check_devices
from gedit_bench.engine.readying import one_sentence
from gedit_bench.errors import UsageError
from gedit_bench.settling.inputs import Editing, Selection
from gedit_bench.store import layout
from gedit_bench.store.manifest import RunManifest, publish
from gedit_bench.store.provenance import now
from gedit_bench.store.run import Run


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
