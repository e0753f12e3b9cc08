"""`gedit-bench plan`: what a run would do; changes and downloads nothing."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from gedit_bench.cli.options import AsJson, EditOptions, JudgeOptions, Model, OnlyOption, SelectionOptions

if TYPE_CHECKING:
    from gedit_bench.records import Json


def plan(
    context: typer.Context,
    model: Model,
    selection: SelectionOptions,
    editing: EditOptions,
    judging: JudgeOptions,
    only: OnlyOption = "missing",
    as_json: AsJson = False,
) -> None:
    """Say what `run` would do with the same options, and where each setting comes from.

    Examples:
      gedit-bench plan --model step1x-edit
      gedit-bench plan --model pil-filters --data sample --judge offline
      gedit-bench plan --model folder:images --limit 10 --json
    """
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.planning import make_plan

    settled = replace(editing.resolve(only, context), prices=judging.prices)
    made = make_plan(model, selection.resolve(), settled, judging.resolve(only))
    options = _options(context)
    if selection.lang is None:
        options["--lang"] = (", ".join(made.languages), "recipe")
    if as_json:
        chosen: dict[str, Json] = {name: {"value": value, "from": origin} for name, (value, origin) in options.items()}
        tell_json({**made.to_json(), "options": chosen})
        return
    tell("\n".join(f"{name + ':':<18}{value}" for name, value in made.lines()))
    settings = [(f"-o {name}", value, origin) for name, (value, origin) in made.settings.items()]
    tell("\n" + table(("setting", "value", "from"), [*settings, *((name, *rest) for name, rest in options.items())]))


def _options(context: typer.Context) -> dict[str, tuple[str, str]]:
    """Return each option's value in words (empty if it has none) and where that came from."""
    from gedit_bench.cli.options import origin_of
    from gedit_bench.secrets import redact

    options = {}
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
        options[max(parameter.opts, key=len)] = redact(words), origin_of(context, str(parameter.name))
    options.pop("--json", None)
    options.pop("--help", None)
    return options
