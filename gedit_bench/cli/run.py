"""`gedit-bench run`: edit, judge, report."""

from dataclasses import replace
from pathlib import Path

import typer

from gedit_bench.cli.options import (
    AllowPartial,
    EditOptions,
    JudgeOptions,
    MaxCost,
    Model,
    OnlyOption,
    SelectionOptions,
)


def run(
    context: typer.Context,
    model: Model,
    selection: SelectionOptions,
    editing: EditOptions,
    judging: JudgeOptions,
    only: OnlyOption = "missing",
    max_cost: MaxCost = None,
    allow_partial: AllowPartial = False,
) -> None:
    """Edit with a model, judge the edits, and render the leaderboard.

    Examples:
      gedit-bench run --model step1x-edit
      gedit-bench run --model my_model.py:MyModel --data sample --judge offline
      gedit-bench run --model folder:images --judge gpt-4.1-2025-04-14 --limit 10
    """
    from gedit_bench import api
    from gedit_bench.cli.console import tell
    from gedit_bench.cli.ending import end_judge
    from gedit_bench.cli.watching import watching

    settled = replace(editing.resolve(only, context), prices=judging.prices)
    budget = None if max_cost is None else api.Budget(max_cost)
    with watching() as watch:
        scored = api.run(model, selection.resolve(), settled, judging.resolve(only), watch=watch, budget=budget)
    page = api.build_report([Path(settled.out)], allow_partial=allow_partial)
    tell(f"Leaderboard: {page}")
    end_judge([scored])
