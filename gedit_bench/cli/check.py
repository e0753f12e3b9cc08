"""`gedit-bench check`: a folder of images before it is judged."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.edit_options import SelectionOptions
from gedit_bench.cli.options import AsJson, option


def check(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A run, or a folder of images in the official layout.")
    ],
    selection: SelectionOptions,
    top: Annotated[int, option("--top", metavar="N", min=0, help="How many of each problem to list.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find images that can't be judged or look wrong.

    That is: missing, unreadable, duplicate, equal to their source, and more. Exit code 3 if any can't be judged.

    Examples:
      gedit-bench check my_images
      gedit-bench check my_images --lang en --data sample
      gedit-bench check results/x/default-1a2b3c4d --json
    """
    from collections import Counter

    from gedit_bench import api
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.cli.ending import INCOMPLETE
    from gedit_bench.engine.checking import FATAL, check_folder

    benchmark, samples = api.selected(target, selection.resolve())
    found = list(check_folder(target, benchmark, samples))
    counts = Counter(one.problem for one in found)
    fine = len(samples) - len({one.where for one in found if one.problem in FATAL})
    if as_json:
        problems = [{"problem": one.problem, "where": one.where, "found": one.found} for one in found]
        by_kind = {str(problem): count for problem, count in counts.items()}
        tell_json({"samples": len(samples), "fine": fine, "counts": by_kind, "problems": problems})
    else:
        tell(f"{fine} of {len(samples)} samples have an image that can be judged.")
        for problem, count in counts.items():
            rows = [(one.where, one.found) for one in found if one.problem is problem][:top]
            tell(f"\n{problem}: {count}" + (f" (the first {top})" if count > top else ""))
            tell(table(("where", "found"), rows) if rows else "")
    if any(one.problem in FATAL for one in found):
        raise typer.Exit(INCOMPLETE)
