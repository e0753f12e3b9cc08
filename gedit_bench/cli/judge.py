"""`gedit-bench judge`: score a run, or any folder in the official layout."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.edit_options import SelectionOptions
from gedit_bench.cli.judge_options import JudgeOptions
from gedit_bench.cli.options import MaxCost, OnlyOption, Out


def judge(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A run, or a folder of images in the official layout.")
    ],
    selection: SelectionOptions,
    judging: JudgeOptions,
    only: OnlyOption = "missing",
    max_cost: MaxCost = None,
    out: Out = Path("results"),
) -> None:
    """Score a run's edits, or a folder of ready-made images.

    Examples:
      gedit-bench judge results/identity/default-1a2b3c4d --judge offline
      gedit-bench judge my_images --judge Qwen/Qwen2.5-VL-72B-Instruct-AWQ --base-url http://localhost:8000/v1
      gedit-bench judge my_images --judge azure:my-deployment
      gedit-bench judge results/x/default-1a2b3c4d --only failed
      gedit-bench judge results/x/default-1a2b3c4d --fallback-judge gpt-4o-2024-08-06
      gedit-bench judge results/x/default-1a2b3c4d --protocol official --protocol lmms-eval --limit 10
      gedit-bench judge results/x/default-1a2b3c4d --max-cost 5
    """
    from gedit_bench import api
    from gedit_bench.cli.ending import end_judge
    from gedit_bench.cli.watching import watching

    budget = None if max_cost is None else api.Budget(max_cost)
    with watching() as watch:
        ways = judging.resolve_each(only)
        scored = api.judge_each(target, selection.resolve(), ways, out=out, watch=watch, budget=budget)
    end_judge(scored)
