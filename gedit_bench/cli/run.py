"""`gedit-bench run`: edit, judge, report."""

from dataclasses import replace
from pathlib import Path

import typer

from gedit_bench.cli.edit_options import EditOptions, SelectionOptions
from gedit_bench.cli.judge_options import JudgeOptions
from gedit_bench.cli.options import AllowPartial, MaxCost, Models, OnlyOption, SuiteFile
from gedit_bench.cli.suites import only_model, several


def run(
    context: typer.Context,
    selection: SelectionOptions,
    editing: EditOptions,
    judging: JudgeOptions,
    model: Models = None,
    suite: SuiteFile = None,
    only: OnlyOption = "missing",
    max_cost: MaxCost = None,
    allow_partial: AllowPartial = False,
) -> None:
    """Edit, judge, and render the leaderboard.

    Examples:
      gedit-bench run --model step1x-edit
      gedit-bench run --model my_model.py:MyModel --data sample --judge offline
      gedit-bench run --model folder:images --judge gpt-4.1-2025-04-14 --limit 10
      gedit-bench run --model step1x-edit@v1.0 --model step1x-edit@v1.1 --max-cost 20
      gedit-bench run --suite leaderboard.toml
    """
    from gedit_bench import api
    from gedit_bench.cli.console import tell
    from gedit_bench.cli.ending import end_judge
    from gedit_bench.cli.suite_ending import end_suite
    from gedit_bench.cli.watching import watching
    from gedit_bench.suites.running import run_suite

    single = only_model(model, suite)
    settled = replace(editing.resolve(only, context), prices=judging.prices)
    asked = judging.resolve(only)
    if single is None:
        whole = several(context, model, suite, selection.resolve(), settled, [asked])
        with watching() as watch:
            result = run_suite(whole, watch=watch)
        end_suite(whole, result)
        return
    budget = None if max_cost is None else api.Budget(max_cost)
    with watching() as watch:
        scored = api.run(single, selection.resolve(), settled, asked, watch=watch, budget=budget)
    page = api.build_report([Path(settled.out)], allow_partial=allow_partial)
    tell(f"Leaderboard: {page}")
    end_judge([scored])
