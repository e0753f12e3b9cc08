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
    option("--suite", metavar="FILE", help="TOML file of models, judges and data, instead of --model; docs/suites.md."),
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
Scorings = Annotated[
    list[str] | None,
    option("--scoring", metavar="NAME", help="How replies become numbers; may be repeated. See `ls scorings`."),
]
MaxCost = Annotated[
    float | None,
    option(
        "--max-cost",
        metavar="USD",
        help="What this command may spend, whatever earlier ones did; it stops before a call could exceed it.",
    ),
]
Prices = Annotated[
    Path | None,
    option("--prices", help="TOML file of what judges and edits cost; its rows precede the bundled ones."),
]
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
    device: Annotated[
        str,
        option(
            "--device",
            metavar="DEVICE,…",
            help="cuda:0, or several that share the work: cuda:0,cuda:1; all; cpu. Default: a GPU if there is one.",
        ),
    ] = ""

    def resolve(self, only: str = "missing", context: typer.Context | None = None) -> "Editing":
        """Return how to edit; `context` tells whether settings came from the environment."""
        from gedit_bench.api import Editing

        settings = "options" if self.options else "model"  # the model's name may hold a setting, too
        return Editing(
            options=tuple(self.options or ()),
            options_origin=origin_of(context, settings) if context else "command line",
            out=self.out,
            only=checked_only(only),
            device=self.device,
        )


@dataclass(frozen=True)
class EditOptions(ModelOptions):
    """How edits are made."""

    seed: Annotated[int, option("--seed", help="Fixes what is random.")] = 42
    shard: Annotated[str | None, option("--shard", metavar="I/N", help="Edit only the I-th of N parts, I from 0.")] = (
        None
    )
    name: Annotated[str | None, option("--name", help="Name shown in tables. Default: the model's.")] = None
    batch_size: Annotated[
        str | None,
        option(
            "--batch-size", metavar="N|auto", help="Edits at once: -o batch=N. auto takes as many as the memory does."
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        option("--ray-address", metavar="auto|HOST:PORT", help="Ray cluster whose GPUs share the work."),
    ] = None
    edit_timeout: Annotated[
        float | None,
        option("--edit-timeout", min=0.1, help="Seconds for one edit where several devices work. Default: 600."),
    ] = None

    def resolve(self, only: str = "missing", context: typer.Context | None = None) -> "Editing":
        """Return how to edit; see `ModelOptions.resolve`."""
        settled = super().resolve(only, context)
        batch = () if self.batch_size is None else (f"batch={self.batch_size}",)
        if batch and context and not self.options:
            settled = replace(settled, options_origin=origin_of(context, "batch_size"))
        return replace(
            settled,
            options=(*settled.options, *batch),
            seed=self.seed,
            name=self.name,
            shard=_parsed_shard(self.shard),
            ray_address=self.ray_address,
            edit_timeout=self.edit_timeout,
        )


@dataclass(frozen=True)
class EndpointOptions:
    """Who judges, where, and how it is asked."""

    judge: Annotated[
        str,
        option(
            "--judge", "-j", help="Model behind an OpenAI-compatible endpoint, azure:DEPLOYMENT, or one of `ls judges`."
        ),
    ] = "gpt-4.1-2025-04-14"
    protocol: Annotated[
        list[str] | None,
        option("--protocol", metavar="NAME", help="How it is asked, see `ls protocols`; `judge` takes several."),
    ] = None
    rubric: Annotated[Path | None, option("--rubric", help="Checkout or file that holds the official rubric.")] = None
    base_url: Annotated[
        list[str] | None, option("--base-url", help="Endpoint of the judge; repeated, a pool of servers.")
    ] = None
    endpoint_label: Annotated[
        str | None, option("--endpoint-label", help="Name of the endpoint in results. Default: its host or hosts.")
    ] = None
    timeout: Annotated[float, option("--timeout", min=0.1, help="Seconds for one request.")] = 120.0

    def resolve(self, only: str = "missing") -> "Judging":
        """Return how to judge; UsageError if several protocols are named."""
        from gedit_bench.api import Judging
        from gedit_bench.errors import UsageError

        names = self.protocol or []
        if len(names) > 1:
            raise UsageError("Only one --protocol can be taken here.", "`judge` takes several.")
        protocol = names[0] if names else None
        return Judging(judge=self.settings(), protocol=protocol, rubric=self.rubric, only=checked_only(only))

    def resolve_each(self, only: str = "missing") -> "list[Judging]":
        """Return how to judge under each protocol named; a path to a rubric goes to those that can take it."""
        from gedit_bench.judging.protocol import find_protocol
        from gedit_bench.judging.rubric import REPLACEABLE

        names = list(dict.fromkeys(self.protocol or ()))
        if len(names) < 2:
            return [replace(self, protocol=names).resolve(only)]
        fixed = {name for name in names if find_protocol(name).rubric not in REPLACEABLE}
        return [
            replace(self, protocol=[name], rubric=None if name in fixed else self.rubric).resolve(only)
            for name in names
        ]

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, and how patiently."""
        from gedit_bench.judging.registry import JudgeSettings

        return JudgeSettings(
            name=self.judge, base_url=self.base_url or None, endpoint_label=self.endpoint_label, timeout=self.timeout
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

    concurrency: Annotated[
        int | None, option("--concurrency", min=1, help="Requests in flight. Default: as many as the judge can take.")
    ] = None
    repeats: Annotated[
        int, option("--repeats", min=1, max=100, help="Independent askings of each question; the first one scores.")
    ] = 1
    fallback_judge: Annotated[
        str | None,
        option("--fallback-judge", help="Another judge for what the first fails on; its numbers stand in rows apart."),
    ] = None
    fallback_base_url: Annotated[
        str | None, option("--fallback-base-url", help="Endpoint of the fallback judge. Default: OpenAI's.")
    ] = None
    no_reuse: Annotated[
        bool, option("--no-reuse", help="Ask even where another run in the folder has the answer to the same request.")
    ] = False
    prices: Prices = None

    def resolve(self, only: str = "missing") -> "Judging":
        """Return how to judge, and what it costs.

        Raises:
            UsageError: there is an endpoint for a fallback judge and no such judge.
        """
        return replace(
            super().resolve(only),
            repeats=self.repeats,
            fallback=self._fallback(),
            prices=self.prices,
            reuse=not self.no_reuse,
        )

    def _fallback(self) -> "JudgeSettings | None":
        from gedit_bench.errors import UsageError

        if self.fallback_judge is None:
            if self.fallback_base_url is not None:
                raise UsageError("--fallback-base-url needs --fallback-judge.", "Name the judge that answers there.")
            return None
        other = replace(self.settings(), name=self.fallback_judge, endpoint_label=None)
        return replace(other, base_url=self.fallback_base_url)

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
