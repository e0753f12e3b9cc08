"""What of a suite can be done here: found out before anything is edited or paid for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.api import check_judge
from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.editing import in_shard, to_edit
from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.records import Sample
from gedit_bench.report.published import read_published
from gedit_bench.results import find_scoring
from gedit_bench.settling import Editing, Judging, check_model, run_manifest, settle_model
from gedit_bench.store import layout
from gedit_bench.store.run import Run
from gedit_bench.suites.suite import Lack, Suite, SuiteModel, check_distinct

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """A model that can edit here, or one that can't and needn't: then `edited` is its run."""

    model: SuiteModel
    edited: Run | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """The models whose edits can be had and the judges that can be asked, what the others lack, and the open data."""

    models: tuple[Ready, ...]
    judgings: tuple[Judging, ...]
    lacking: tuple[Lack, ...]
    benchmark: Benchmark


def prepare(suite: Suite, budget: Budget | None = None) -> Prepared:
    """Return what can be done here. What can't be is logged, once, with its reason.

    Raises:
        UsageError, DataError: something in the suite is wrong wherever it runs.
        UnavailableError, QuotaError: no model can edit here, no judge can be asked, or the data aren't there.
    """
    if not suite.models:
        raise UsageError("The suite names no model.", "Name at least one.")
    for name in suite.report.scorings:
        find_scoring(name)
    if isinstance(suite.report.with_published, Path):
        read_published(suite.report.with_published)
    benchmark = load_benchmark(suite.selection.data or HUB_ID)
    suite.selection.of(benchmark.samples)
    models, lacking_models = _models(suite, benchmark)
    judgings, lacking_judges = _judgings(suite.judgings, budget)
    for there, lacking in ((models, lacking_models), (judgings, lacking_judges)):
        if lacking and not there:
            _refuse(lacking)
    for lack in (*lacking_models, *lacking_judges):
        log.warning("Left out: %s", lack.words)
    return Prepared(tuple(models), tuple(judgings), (*lacking_models, *lacking_judges), benchmark)


def _models(suite: Suite, benchmark: Benchmark) -> tuple[list[Ready], list[Lack]]:
    there, lacking, runs = [], [], []
    for one in suite.models:
        try:
            choice = settle_model(one.model, one.editing)
        except UnavailableError as error:
            lacking.append(Lack(one.label, error))
            continue
        manifest = run_manifest(choice, benchmark, one.editing)
        run = Run(layout.run_folder(one.editing.out, manifest.name, manifest.recipe, manifest.fingerprint), manifest)
        runs.append((one.label, run.path))
        try:
            check_model(choice, one.editing)
            there.append(Ready(one))
        except UnavailableError as error:
            if _edited(run, suite.selection.of(benchmark.samples, choice.recipe.languages), one.editing):
                there.append(Ready(one, Run.open(run.path)))
            else:
                lacking.append(Lack(one.label, error))
    check_distinct(runs)
    return there, lacking


def _edited(run: Run, samples: Sequence[Sample], editing: Editing) -> bool:
    """True if there is nothing left to edit, as where another machine did."""
    mine = [sample for sample in samples if in_shard(sample, editing.shard)]
    return (run.path / layout.MANIFEST).exists() and not to_edit(run, mine, editing.only)


def _judgings(judgings: Sequence[Judging], budget: Budget | None) -> tuple[list[Judging], list[Lack]]:
    there, lacking = [], []
    asked: set[str] = set()
    for judging in judgings:
        name = judging.judge.name
        try:
            askings = check_judge(judging, budget)
        except (UnavailableError, QuotaError) as error:
            lacking.append(Lack(f"the judge {name}", error))
            continue
        way = askings[0].manifest().identity if askings else name
        if way in asked:
            raise UsageError(f"The judge {name} is asked twice in the same way.", "Name it once; `repeats` asks again.")
        asked.add(way)
        there.append(judging)
    return there, lacking


def _refuse(lacking: Sequence[Lack]) -> None:
    """Raise what all of some models or judges lack as one error; its exit code is that of the first."""
    first = lacking[0].error
    if len(lacking) == 1:
        raise first
    words = " ".join(lack.words for lack in lacking)
    raise type(first)(f"Nothing can be done here. {words}")
