"""`gedit-bench edit`: images only."""

from dataclasses import replace

import typer

from gedit_bench.cli.options import EditOptions, MaxCost, Model, OnlyOption, Prices, SelectionOptions


def edit(
    context: typer.Context,
    model: Model,
    selection: SelectionOptions,
    editing: EditOptions,
    only: OnlyOption = "missing",
    max_cost: MaxCost = None,
    prices: Prices = None,
) -> None:
    """Make images with a model. What is there is not made again.

    Examples:
      gedit-bench edit --model identity --data sample
      gedit-bench edit --model my_model.py:MyModel -o steps=28 --lang en
      gedit-bench edit --model step1x-edit --shard 0/4
    """
    from gedit_bench import api
    from gedit_bench.cli.ending import end_edit
    from gedit_bench.cli.watching import watching

    settled = replace(editing.resolve(only, context), prices=prices)
    budget = None if max_cost is None else api.Budget(max_cost)
    with watching() as watch:
        run = api.edit(model, selection.resolve(), settled, watch=watch, budget=budget)
    end_edit(run, settled.shard, settled.only)
