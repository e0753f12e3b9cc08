"""`gedit-bench plan`: what a run would do; changes and downloads nothing."""

import typer

from gedit_bench.cli.options import AsJson, EditOptions, JudgeOptions, Model, OnlyOption, SelectionOptions


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
    from gedit_bench.cli.options import origin_of
    from gedit_bench.planning import make_plan

    made = make_plan(model, selection.resolve(), editing.resolve(only, context), judging.resolve(only))
    origins = {name: (value, origin_of(context, name)) for name, value in context.params.items() if name != "as_json"}
    if as_json:
        options = {name: {"value": str(value), "from": origin} for name, (value, origin) in origins.items()}
        tell_json({**made.to_json(), "options": options})
        return
    tell("\n".join(f"{name + ':':<18}{value}" for name, value in made.lines()))
    settings = [(f"-o {name}", value, origin) for name, (value, origin) in made.settings.items()]
    options_set = [(f"--{name.replace('_', '-')}", value, origin) for name, (value, origin) in origins.items()]
    tell("\n" + table(("setting", "value", "from"), [*settings, *options_set]))
