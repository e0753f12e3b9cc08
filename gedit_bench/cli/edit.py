"""`gedit-bench edit`: images only."""

from dataclasses import replace

import typer

from gedit_bench.cli.edit_options import EditOptions, SelectionOptions
from gedit_bench.cli.options import MaxCost, Models, OnlyOption, Prices, SuiteFile
from gedit_bench.cli.suites import only_model, several


def edit(
    context: typer.Context,
    selection: SelectionOptions,
    editing: EditOptions,
    model: Models = None,
    suite: SuiteFile = None,
    only: OnlyOption = "missing",
    max_cost: MaxCost = None,
    prices: Prices = None,
) -> None:
    """Make images with a model or several. What is there is not made again.

    Examples:
      gedit-bench edit --model identity --data sample
      gedit-bench edit --model my_model.py:MyModel -o steps=28 --lang en
      gedit-bench edit --model step1x-edit --shard 0/4
      gedit-bench edit --suite leaderboard.toml
    """
    from gedit_bench import api
    from gedit_bench.cli.ending import end_edit
    from gedit_bench.cli.suite_ending import end_suite
    from gedit_bench.cli.watching import watching
    from gedit_bench.suites.running import run_suite

    single = only_model(model, suite)
    settled = replace(editing.resolve(only, context), prices=prices)
    if single is None:
        whole = replace(several(context, model, suite, selection.resolve(), settled, ()), judgings=())
        with watching() as watch:
            result = run_suite(whole, watch=watch)
        end_suite(whole, result)
        return
    budget = None if max_cost is None else api.Budget(max_cost)
    with watching() as watch:
        run = api.edit(single, selection.resolve(), settled, watch=watch, budget=budget)
    end_edit(run, settled.shard, settled.only)
