"""`gedit-bench doctor`: whether this machine has what a run needs."""

from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.edit_options import ModelOptions
from gedit_bench.cli.judge_options import EndpointOptions
from gedit_bench.cli.options import AsJson, option

if TYPE_CHECKING:
    from gedit_bench.diagnosis import Finding


def doctor(
    editing: ModelOptions,
    judging: EndpointOptions,
    model: Annotated[
        str | None, option("--model", "-m", metavar="NAME", help="Load this model, too, if its weights are here.")
    ] = None,
    data: Annotated[str | None, option("--data", metavar="NAME", help="Open these data, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check machine, keys, endpoint, rubric, data and weights.

    Shows no secret and spends nothing.

    Examples:
      gedit-bench doctor
      gedit-bench doctor --judge offline --data sample --model pil-filters
      gedit-bench doctor --base-url http://localhost:8000/v1 --judge Qwen/Qwen2.5-VL-72B-Instruct-AWQ
    """
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.diagnosis import examine

    findings = list(examine(model, data, editing.resolve(), judging.resolve()))
    if as_json:
        tell_json([{"what": one.what, "ok": one.ok, "found": one.found} for one in findings])
    else:
        tell(table(("what", "", "found"), [_row(one) for one in findings]))
    if not all(one.ok for one in findings):
        raise typer.Exit(5)


def _row(finding: "Finding") -> tuple[str, str, str]:
    return finding.what, "ok" if finding.ok else "missing", finding.found
