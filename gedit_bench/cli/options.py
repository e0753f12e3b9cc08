"""The options that verbs share, each declared once; whole groups of them are in `edit_options` and `judge_options`.

Every one can also be set as `GEDIT_BENCH_<NAME>`; where it may be repeated, blanks separate the values.
"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gedit_bench.engine.editing import Only


def option(*names: str, help: str, variable: str | None = None, **more: Any) -> Any:
    """Return an option that is also read from the environment, as `variable` if its name alone says too little.

    Help names only such a variable; of all others it says once how they are called.
    """
    longest = max(names, key=len)
    named = "GEDIT_BENCH_" + longest.strip("-").replace("-", "_").upper()
    return typer.Option(*names, help=help, envvar=variable or named, show_envvar=variable is not None, **more)


Models = Annotated[
    list[str] | None,
    option(
        "--model",
        "-m",
        metavar="NAME[@RECIPE]",
        help="NAME, NAME@RECIPE, NAME:ARGUMENT or path.py:Class; may be repeated.",
    ),
]
SuiteFile = Annotated[
    Path | None,
    option(
        "--suite", metavar="FILE", help="TOML file of models, judges and data, instead of --model. See docs/suites.md."
    ),
]
OnlyOption = Annotated[
    str,
    option("--only", help="Do what is 'missing', or redo what 'failed'.", metavar="missing|failed"),
]
Out = Annotated[Path, option("--out", metavar="FOLDER", help="Folder of all runs.")]
Runs = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RUNS", envvar="GEDIT_BENCH_OUT", help="Runs, or folders of runs. Default: results."),
]
AsJson = Annotated[bool, option("--json", help="Print JSON.")]
Scorings = Annotated[
    list[str] | None,
    option("--scoring", metavar="NAME", help="How replies become numbers; may be repeated. See `ls scorings`."),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost",
        metavar="USD",
        help="Most that this command may spend. It stops before a call could exceed that.",
    ),
]
Prices = Annotated[
    Path | None,
    option("--prices", metavar="FILE", help="TOML file of prices, which come before the bundled ones."),
]
AllowPartial = Annotated[bool, option("--allow-partial", help="Give unfinished runs a headline, too.")]


def checked(name: str, value: str, known: Collection[str]) -> None:
    """Refuse a value that an option can't have.

    Raises:
        UsageError: `value` isn't among those that are known; the hint has the nearest match.
    """
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    if value not in known:
        raise UsageError(f"{name} can't be {value!r}.", did_you_mean(value, known))


def checked_only(only: str) -> "Only":
    """Return `missing` or `failed`; UsageError for anything else."""
    checked("--only", only, ("missing", "failed"))
    return "failed" if only == "failed" else "missing"


def origin_of(context: typer.Context, name: str) -> str:
    """Return where an option's value came from: `command line`, `environment` or `default`."""
    source = context.get_parameter_source(name)
    return {"COMMANDLINE": "command line", "ENVIRONMENT": "environment"}.get(source.name if source else "", "default")
