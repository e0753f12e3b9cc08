"""`gedit-bench plan`: what a run would do; changes and downloads nothing."""

from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from gedit_bench.cli.edit_options import EditOptions, SelectionOptions
from gedit_bench.cli.judge_options import JudgeOptions
from gedit_bench.cli.options import AsJson, Models, OnlyOption, SuiteFile, origin_of
from gedit_bench.cli.suites import only_model, several

if TYPE_CHECKING:
    from gedit_bench.records import Json
    from gedit_bench.suites.planning import SuitePlan


def plan(
    context: typer.Context,
    selection: SelectionOptions,
    editing: EditOptions,
    judging: JudgeOptions,
    model: Models = None,
    suite: SuiteFile = None,
    only: OnlyOption = "missing",
    as_json: AsJson = False,
) -> None:
    """Say what `run` would do, and change nothing.

    That is: edits, downloads, disk, questions, tokens, money, and where each setting comes from.

    Examples:
      gedit-bench plan --model step1x-edit
      gedit-bench plan --model pil-filters --data sample --judge offline
      gedit-bench plan --model folder:images --limit 10 --json
      gedit-bench plan --suite leaderboard.toml
    """
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.planning import make_plan
    from gedit_bench.suites.planning import plan_suite

    single = only_model(model, suite)
    settled = replace(editing.resolve(only, context), prices=judging.prices)
    asked = judging.resolve(only)
    if single is None:
        _tell_suite(plan_suite(several(context, model, suite, selection.resolve(), settled, [asked])), as_json)
        return
    made = make_plan(single, selection.resolve(), settled, asked)
    options = _options(context)
    if selection.lang is None:
        options["--lang"] = (", ".join(made.languages), "recipe")
    if as_json:
        chosen: dict[str, Json] = {name: {"value": value, "from": origin} for name, (value, origin) in options.items()}
        tell_json({**made.to_json(), "options": chosen})
        return
    tell("\n".join(f"{name + ':':<18}{value}" for name, value in made.lines()))
    settings = [(f"-o {name}", value, origin) for name, (value, origin) in made.settings.items()]
    given = [(name, value, origin) for name, (value, origin) in options.items() if value]
    tell("\n" + table(("setting", "value", "from"), [*settings, *given]))


def _tell_suite(planned: "SuitePlan", as_json: bool) -> None:
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.prices import usd

    if as_json:
        tell_json(planned.to_json())
        return
    rows = [
        (name, plan.run, plan.to_edit, plan.judge, plan.questions, "–" if plan.usd is None else usd(plan.usd[1]))
        for name, plans in planned.models
        for plan in plans
    ]
    if rows:
        tell(table(("model", "run", "to edit", "judge", "questions", "at most about"), rows) + "\n")
    tell("\n".join(f"{name + ':':<18}{value}" for name, value in planned.lines()))


def _options(context: typer.Context) -> dict[str, tuple[str, str]]:
    """Return each option's value in words (empty if it has none) and where that came from."""
    from gedit_bench.secrets import redact

    options = {}
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        words = ", ".join(map(str, value)) if isinstance(value, list | tuple) else "" if value is None else str(value)
        options[max(parameter.opts, key=len)] = redact(words), origin_of(context, str(parameter.name))
    options.pop("--json", None)
    options.pop("--help", None)
    return options
