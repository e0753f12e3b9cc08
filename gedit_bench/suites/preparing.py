"""What of a suite can be done here: found out before anything is edited or paid for."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.api import check_judge
from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.readying import check_model
from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.report.published import read_published
from gedit_bench.results import find_scoring
from gedit_bench.settling import Judging, run_manifest, settle_model
from gedit_bench.store import layout
from gedit_bench.suites.suite import Lack, Suite, SuiteModel, check_distinct

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The models that can edit here and the judges that can be asked, what the others lack, and the open data."""

    models: tuple[SuiteModel, ...]
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


def _models(suite: Suite, benchmark: Benchmark) -> tuple[list[SuiteModel], list[Lack]]:
    there, lacking, runs = [], [], []
    for one in suite.models:
        try:
            choice = settle_model(one.model, one.editing)
            manifest = run_manifest(choice, benchmark, one.editing)
            folder = layout.run_folder(one.editing.out, manifest.name, manifest.recipe, manifest.fingerprint)
            runs.append((one.label, folder))
            check_model(choice.model)
        except UnavailableError as error:
            lacking.append(Lack(one.label, error))
        else:
            there.append(one)
    check_distinct(runs)
    return there, lacking


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
