"""How a suite ends: one table of all its models and judges, what could not be done, and how to go on."""

import sys

import typer

from gedit_bench.accounting import total
from gedit_bench.cli.console import say, table, tell
from gedit_bench.cli.ending import INCOMPLETE, shortcomings, tell_edited, with_only
from gedit_bench.cli.verb import continue_with
from gedit_bench.engine.editing import Only
from gedit_bench.errors import QuotaError
from gedit_bench.prices import usd
from gedit_bench.results import Scored
from gedit_bench.scoring.summary import Summary
from gedit_bench.suites.suite import Suite, SuiteResult


def end_suite(suite: Suite, result: SuiteResult) -> None:
    """Print what became of a suite; exit 3 if anything is lacking or partial, 4 if somebody must pay first.

    Raises:
        BudgetError, Interrupted: this is what stopped it.
    """
    open_ = _tell_scored(result) if suite.judgings else _tell_edited(suite, result)
    if result.page:
        tell(f"Leaderboard: {result.page}")
    if result.lacking:
        say(f"{len(result.lacking)} of the suite's parts could not be done:")
        for lack in result.lacking:
            say(f"  {lack.words}")
    if result.stopped:
        say(f"{len(result.models)} of {len(suite.models)} models are edited.")
        raise result.stopped
    if not (result.lacking or open_):
        return
    only: Only = "missing" if result.lacking or "missing" in open_ else "failed"
    continue_with(with_only(only, sys.argv[1:]))
    raise typer.Exit(QuotaError.exit_code if result.unpaid else INCOMPLETE)


def _tell_edited(suite: Suite, result: SuiteResult) -> set[Only]:
    """Print how many edits each run holds; return what is still to be done."""
    editing = suite.models[0].editing
    found = [tell_edited(one.run, editing.shard, editing.only) for one in result.models]
    return {open_ for open_ in found if open_ is not None}


def _tell_scored(result: SuiteResult) -> set[Only]:
    """Print the numbers of all judgements, and below them what they leave out; return what is still to be done."""
    every = [one for model in result.models for one in model.scored]
    rows, open_ = [], set[Only]()
    for scored in every:
        for summary in scored.summaries():
            if summary.subset == "full":
                rows.append(_row(scored, summary))
                open_ |= _open(scored, summary)
    if rows:
        tell(table(("model", "run", "judge", "asked as", "language", "SC", "PQ", "O", "scored", "selected"), rows))
    for scored in every:
        for summary in scored.summaries():
            if summary.subset == "full":
                for reason in shortcomings(summary):
                    say(f"{scored.run.manifest.name}, {scored.judgement.manifest.label}, {summary.language}: {reason}.")
    edits = sum(sum(model.run.paid_for_edits().values()) for model in result.models)
    if edits:
        tell(f"editing cost {usd(edits)}")
    spent = total(scored.spent for scored in every)
    if spent.worth_telling:
        tell(f"judging cost {spent.words()}")
    return open_


def _row(scored: Scored, summary: Summary) -> tuple[object, ...]:
    means = summary.headline
    numbers = (f"{means.sc:.3f}", f"{means.pq:.3f}", f"{means.overall:.3f}") if means else ("–", "–", "–")
    manifest = scored.judgement.manifest
    return (
        scored.run.manifest.name,
        scored.run.path.name,
        manifest.label,
        manifest.request_id,
        summary.language,
        *numbers,
        summary.coverage.scored,
        summary.coverage.selected,
    )


def _open(scored: Scored, summary: Summary) -> set[Only]:
    if summary.coverage.partial or any(verdict.edit is None for verdict in scored.verdicts):
        return {"missing"}
    return {"failed"} if summary.why_unranked else set()
