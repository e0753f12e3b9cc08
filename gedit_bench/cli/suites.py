"""Which models a verb is about: a single one, or several, by `--model` or in a file, which make a suite."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gedit_bench.cli.options import origin_of

if TYPE_CHECKING:
    from gedit_bench.settling import Editing, Judging, Selection
    from gedit_bench.suites.suite import Suite

_AT_THE_TOP = ("out", "max_cost", "device", "ray_address", "edit_timeout")
"""Options that are keys of a suite's top level, too, and come before those."""

BESIDE_A_SUITE = {"suite", "only", "allow_partial", "limit", "shard", "as_json", *_AT_THE_TOP}
"""Options that `--suite` can be given with; the file settles the others."""


def only_model(models: Sequence[str] | None, file: Path | None) -> str | None:
    """Return the one model that is named, or None if there are several or a suite.

    Raises:
        UsageError: there is nothing.
    """
    from gedit_bench.errors import UsageError

    if file is not None:
        return None
    if not models:
        raise UsageError("No model is named.", "Name one with --model, or a file of several with --suite.")
    return models[0] if len(models) == 1 else None


def several(
    context: typer.Context,
    models: Sequence[str] | None,
    file: Path | None,
    selection: "Selection",
    editing: "Editing",
    judgings: "Sequence[Judging]",
) -> "Suite":
    """Return the suite in a file, or the models of the command line as one, all with the same settings.

    Raises:
        UsageError: the file is wrong, an option is given that it settles, or all models are to have one name.
    """
    from gedit_bench.errors import UsageError
    from gedit_bench.suites.suite import Suite, SuiteModel, SuiteReport

    if file is not None:
        return _from_file(context, file, editing)
    if editing.name is not None:
        raise UsageError(
            "--name can't name several models.", "Give each its name in a suite file; docs/suites.md says how."
        )
    return Suite(
        models=[SuiteModel(model=model, editing=editing) for model in models or ()],
        judgings=judgings,
        selection=selection,
        report=SuiteReport(allow_partial=bool(context.params.get("allow_partial"))),
        out=editing.out,
        max_cost=context.params.get("max_cost"),
    )


def _from_file(context: typer.Context, file: Path, editing: "Editing") -> "Suite":
    """Return the suite in a file, with what the command line says in its place."""
    from gedit_bench.errors import UsageError
    from gedit_bench.suites.reading import read_suite

    given = {name: value for name, value in context.params.items() if origin_of(context, name) != "default"}
    for parameter in context.command.params:
        if parameter.name in given.keys() - BESIDE_A_SUITE:
            name, origin = max(parameter.opts, key=len), origin_of(context, str(parameter.name))
            raise UsageError(f"{name} ({origin}) can't be given with --suite.", "Write it into the suite file.")
    over = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    suite = read_suite(file, {name: over[name] for name in _AT_THE_TOP if name in over})
    return replace(
        suite,
        selection=replace(suite.selection, limit=given.get("limit", suite.selection.limit)),
        models=[
            replace(one, editing=replace(one.editing, shard=editing.shard, only=editing.only)) for one in suite.models
        ],
        judgings=[replace(judging, only=editing.only) for judging in suite.judgings],
        report=replace(suite.report, allow_partial=given.get("allow_partial", suite.report.allow_partial)),
    )
