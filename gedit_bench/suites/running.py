"""Works through a suite, model by model, each edited, closed and judged before the next one is loaded."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gedit_bench.api import build_report, edit_prepared, judge_edited
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.errors import BudgetError, GeditBenchError, Interrupted
from gedit_bench.results import Scored
from gedit_bench.settling import prepare_edit
from gedit_bench.store.run import Run
from gedit_bench.suites.preparing import Prepared, prepare
from gedit_bench.suites.reading import read_suite
from gedit_bench.suites.suite import Lack, ModelResult, Suite, SuiteModel, SuiteResult

log = logging.getLogger(__name__)


def run_suite(suite: Suite | str | Path, *, watch: Watcher = unwatched) -> SuiteResult:
    """Edit, judge and report everything in a suite that isn't done yet.

    What one model or judge lacks, or fails at, costs that one alone: it is logged, stands in the result, and the
    rest goes on. Only a spent budget and Ctrl-C stop all.

    Args:
        suite: a suite, or a suite file.
        watch: called with the progress.

    Raises:
        GeditBenchError: something in the suite is wrong wherever it runs, or nothing of it can be done here.
    """
    if not isinstance(suite, Suite):
        suite = read_suite(Path(suite))
    budget = None if suite.max_cost is None else Budget(suite.max_cost)
    work = _Work(suite, prepare(suite, budget), budget, watch)
    stopped: BudgetError | Interrupted | None = None
    try:
        work.go()
    except (BudgetError, Interrupted) as error:
        stopped = error
    page = _report(suite, work.results) if suite.judgings and not isinstance(stopped, Interrupted) else None
    return SuiteResult(tuple(work.results), (*work.prepared.lacking, *work.failures), stopped, page)


@dataclass(slots=True)
class _Work:
    """One go at a suite: what has been reached so far survives what stops it."""

    suite: Suite
    prepared: Prepared
    budget: Budget | None
    watch: Watcher
    results: list[ModelResult] = field(default_factory=list)
    failures: list[Lack] = field(default_factory=list)

    def go(self) -> None:
        """Edit and judge; BudgetError and Interrupted end it."""
        models = self.prepared.models
        for number, one in enumerate(models, start=1):
            log.info("Model %d of %d: %s", number, len(models), one.model.label)
            made = one.edited or self._edited(one.model)
            if made is not None:
                self.results.append(ModelResult(made))
                self._judge(one.model, made)

    def _edited(self, one: SuiteModel) -> Run | None:
        try:
            job = prepare_edit(one.model, self.suite.selection, one.editing, self.budget, self.prepared.benchmark)
            edit_prepared(one.model, one.editing, job, self.watch)
        except (BudgetError, Interrupted):
            raise
        except GeditBenchError as error:
            self._fail(one.label, error)
            return None
        return job.run

    def _judge(self, one: SuiteModel, made: Run) -> None:
        for judging in self.prepared.judgings:
            try:
                scored = judge_edited(made, self.suite.selection, judging, watch=self.watch, budget=self.budget)
            except (BudgetError, Interrupted):
                raise
            except GeditBenchError as error:
                self._fail(f"{one.label}, judged by {judging.judge.name}", error)
            else:
                self._add(scored)

    def _add(self, scored: Scored) -> None:
        self.results[-1] = replace(self.results[-1], scored=(*self.results[-1].scored, scored))

    def _fail(self, who: str, error: GeditBenchError) -> None:
        lack = Lack(who, error)
        self.failures.append(lack)
        log.warning("Not finished: %s", lack.words)


def _report(suite: Suite, results: Sequence[ModelResult]) -> Path | None:
    judged = [one.run.path for one in results if one.run.judgements()]
    if not judged:
        return None
    return build_report(
        judged,
        suite.report.out or suite.out / "leaderboard",
        allow_partial=suite.report.allow_partial,
        scorings=suite.report.scorings,
        with_published=suite.report.with_published,
    )
