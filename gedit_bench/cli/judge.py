"""`gedit-bench judge`: score a run, or any folder in the official layout."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.options import JudgeOptions, OnlyOption, Out, SelectionOptions


def judge(
    target: Annotated[Path, typer.Argument(help="A run, or a folder of images in the official layout.")],
    selection: SelectionOptions,
    judging: JudgeOptions,
    only: OnlyOption = "missing",
    out: Out = Path("results"),
) -> None:
    """Score a run's edits, or a folder of ready-made images.

    Examples:
      gedit-bench judge results/identity/default-1a2b3c4d --judge offline
      gedit-bench judge my_images --judge Qwen/Qwen2.5-VL-72B-Instruct-AWQ --base-url http://localhost:8000/v1
      gedit-bench judge my_images --judge azure:my-deployment
      gedit-bench judge results/x/default-1a2b3c4d --only failed
    """
    from gedit_bench import api
    from gedit_bench.cli.ending import end_judge
    from gedit_bench.cli.watching import watching

    with watching() as watch:
        scored = api.judge(target, selection.resolve(), judging.resolve(only), out=out, watch=watch)
    end_judge([scored])
