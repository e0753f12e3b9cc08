"""Groups of options about edits: which samples, which settings, where and how they are made."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import Out, checked_only, option, origin_of

if TYPE_CHECKING:
    from gedit_bench.api import Editing, Selection
    from gedit_bench.engine.editing import Shard


@dataclass(frozen=True)
class SelectionOptions:
    """Which samples."""

    data: Annotated[
        str | None,
        option(
            "--data",
            metavar="NAME",
            help="The benchmark: a hub id, a folder, or 'sample' (bundled). Default: a run's own, else the hub's.",
        ),
    ] = None
    task: Annotated[list[str] | None, option("--task", metavar="NAME", help="Category; may be repeated.")] = None
    lang: Annotated[
        str | None,
        option("--lang", metavar="en|cn|all", help="Language of the instructions (zh is cn). Default: the recipe's."),
    ] = None
    subset: Annotated[
        str,
        option(
            "--subset",
            metavar="full|intersection",
            help="All samples, or those that the benchmark marks as its intersection.",
        ),
    ] = "full"
    limit: Annotated[int | None, option("--limit", metavar="N", min=1, help="Samples per category and language.")] = (
        None
    )
    ids: Annotated[Path | None, option("--ids", metavar="FILE", help="File with one sample id or key a line.")] = None

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

    seed: Annotated[int, option("--seed", metavar="N", help="Fixes what is random.")] = 42
    shard: Annotated[str | None, option("--shard", metavar="I/N", help="Edit only the I-th of N parts, I from 0.")] = (
        None
    )
    name: Annotated[
        str | None, option("--name", metavar="NAME", help="Name shown in tables. Default: the model's.")
    ] = None
    batch_size: Annotated[
        str | None,
        option(
            "--batch-size",
            metavar="N|auto",
            help="Edits at once, as -o batch=N. auto takes as many as fit into memory.",
        ),
    ] = None
    ray_address: Annotated[
        str | None,
        option("--ray-address", metavar="auto|HOST:PORT", help="Ray cluster whose GPUs share the work."),
    ] = None
    edit_timeout: Annotated[
        float | None,
        option(
            "--edit-timeout",
            metavar="SECONDS",
            min=0.1,
            help="Seconds for one edit where several devices share the work. Default: 600.",
        ),
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


def _parsed_shard(text: str | None) -> "Shard | None":
    from gedit_bench.errors import UsageError

    if text is None:
        return None
    index, slash, count = text.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and int(index) < int(count):
        return int(index), int(count)
    raise UsageError(f"--shard can't be {text!r}.", "Use I/N with I from 0 to N-1, such as 0/4.")
