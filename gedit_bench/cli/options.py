"""The options that verbs share, each declared once.

Every one can also be set as `GEDIT_BENCH_<NAME>`; where it may be repeated, blanks separate the values.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gedit_bench.api import Editing, Judging, Selection
    from gedit_bench.engine.editing import Only, Shard
    from gedit_bench.judging.registry import JudgeSettings


def option(*names: str, help: str, variable: str | None = None, **more: Any) -> Any:
    """Return an option that is also read from the environment, as `variable` if its name alone says too little."""
    longest = max(names, key=len)
    named = "GEDIT_BENCH_" + longest.strip("-").replace("-", "_").upper()
    return typer.Option(*names, help=help, envvar=variable or named, **more)


Model = Annotated[
    str,
    option("--model", "-m", metavar="NAME[@RECIPE]", help="NAME, NAME@RECIPE, NAME:ARGUMENT or path.py:Class."),
]
OnlyOption = Annotated[
    str,
    option("--only", help="Do what is 'missing', or once more what 'failed'.", metavar="missing|failed"),
]
Out = Annotated[Path, option("--out", help="Folder of all runs.")]
Runs = Annotated[
    list[Path] | None,
    typer.Argument(
        envvar="GEDIT_BENCH_OUT", help="Runs, or folders of runs. Default: what --out is elsewhere, else results."
    ),
]
AsJson = Annotated[bool, option("--json", help="Print JSON.")]
AllowPartial = Annotated[bool, option("--allow-partial", help="Give partial runs a headline.")]


@dataclass(frozen=True)
class SelectionOptions:
    """Which samples."""

    data: Annotated[
        str | None,
        option("--data", help="Hub id, folder, or 'sample' (bundled). Default: a run's own, else the hub's."),
    ] = None
    task: Annotated[list[str] | None, option("--task", help="Category; may be repeated.")] = None
    lang: Annotated[str | None, option("--lang", help="en, cn (or zh), all. Default: the recipe's languages.")] = None
    subset: Annotated[str, option("--subset", help="full or intersection.")] = "full"
    limit: Annotated[int | None, option("--limit", min=1, help="Samples per category and language.")] = None
    ids: Annotated[Path | None, option("--ids", help="File with one sample id or key a line.")] = None

    def resolve(self) -> "Selection":
        """Return the selection."""
        from gedit_bench.api import Selection
        from gedit_bench.selection import read_ids

        return Selection(
            data=self.data,
            tasks=tuple(self.task or ()),
            languages=None if self.lang is None else (self.lang,),
            subset=self.subset,
            limit=self.limit,
            ids=None if self.ids is None else read_ids(self.ids),
        )


@dataclass(frozen=True)
class ModelOptions:
    """What a model is set to, and where its edits land."""

    options: Annotated[
        list[str] | None,
        option("--option", "-o", metavar="KEY=VALUE", help="A setting of the model; may be repeated."),
    ] = None
    out: Out = Path("results")

    def resolve(self, only: str = "missing", context: typer.Context | None = None) -> "Editing":
        """Return how to edit; `context` tells whether settings came from the environment."""
        from gedit_bench.api import Editing

        settings = "options" if self.options else "model"  # the model's name may hold a setting, too
        return Editing(
            options=tuple(self.options or ()),
            options_origin=origin_of(context, settings) if context else "command line",
            out=self.out,
            only=checked_only(only),
        )


@dataclass(frozen=True)
class EditOptions(ModelOptions):
    """How edits are made."""

    seed: Annotated[int, option("--seed", help="Fixes what is random.")] = 42
    shard: Annotated[str | None, option("--shard", metavar="I/N", help="Edit only the I-th of N parts, I from 0.")] = (
        None
    )
    name: Annotated[str | None, option("--name", help="Name shown in tables. Default: the model's.")] = None

    def resolve(self, only: str = "missing", context: typer.Context | None = None) -> "Editing":
        """Return how to edit; see `ModelOptions.resolve`."""
        settled = super().resolve(only, context)
        return replace(settled, seed=self.seed, name=self.name, shard=_parsed_shard(self.shard))


@dataclass(frozen=True)
class EndpointOptions:
    """Who judges, where, and how it is asked."""

    judge: Annotated[
        str, option("--judge", "-j", help="Model behind an OpenAI-compatible endpoint, or one of `ls judges`.")
    ] = "gpt-4.1-2025-04-14"
    protocol: Annotated[
        str | None, option("--protocol", help="official or native; 'pixels' is the offline judge's.")
    ] = None
    rubric: Annotated[Path | None, option("--rubric", help="Checkout or file that holds the official rubric.")] = None
    base_url: Annotated[str | None, option("--base-url", help="Endpoint of the judge.")] = None
    endpoint_label: Annotated[
        str | None, option("--endpoint-label", help="Name of the endpoint in results. Default: its host.")
    ] = None
    timeout: Annotated[float, option("--timeout", min=0.1, help="Seconds for one request.")] = 120.0

    def resolve(self, only: str = "missing") -> "Judging":
        """Return how to judge."""
        from gedit_bench.api import Judging

        return Judging(judge=self.settings(), protocol=self.protocol, rubric=self.rubric, only=checked_only(only))

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, and how patiently."""
        from gedit_bench.judging.registry import JudgeSettings

        return JudgeSettings(
            name=self.judge, base_url=self.base_url, endpoint_label=self.endpoint_label, timeout=self.timeout
        )


@dataclass(frozen=True)
class AskOptions(EndpointOptions):
    """How one edit is judged."""

    retry_for: Annotated[float, option("--retry-for", min=0.1, help="Seconds over all tries of one question.")] = 600.0

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, and how patiently."""
        return replace(super().settings(), retry_for=self.retry_for)


@dataclass(frozen=True)
class JudgeOptions(AskOptions):
    """How many edits are judged."""

    concurrency: Annotated[int, option("--concurrency", min=1, help="Requests in flight.")] = 256

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, how patiently, and how often at once."""
        return replace(super().settings(), concurrency=self.concurrency)


def checked_only(only: str) -> "Only":
    """Return `missing` or `failed`; UsageError for anything else."""
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    if only == "missing":
        return "missing"
    if only == "failed":
        return "failed"
    raise UsageError(f"--only can't be {only!r}.", did_you_mean(only, ("missing", "failed")))


def origin_of(context: typer.Context, name: str) -> str:
    """Return where an option's value came from: `command line`, `environment` or `default`."""
    source = context.get_parameter_source(name)
    return {"COMMANDLINE": "command line", "ENVIRONMENT": "environment"}.get(source.name if source else "", "default")


def _parsed_shard(text: str | None) -> "Shard | None":
    from gedit_bench.errors import UsageError

    if text is None:
        return None
    index, slash, count = text.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and int(index) < int(count):
        return int(index), int(count)
    raise UsageError(f"--shard can't be {text!r}.", "Use I/N with I from 0 to N-1, such as 0/4.")
