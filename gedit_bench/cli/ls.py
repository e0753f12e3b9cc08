"""`gedit-bench ls`: what exists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, Out

if TYPE_CHECKING:
    from collections.abc import Callable

    from gedit_bench.records import Json

KINDS = ("models", "recipes", "judges", "protocols", "scorings", "tasks", "published", "runs")


def ls(
    kind: Annotated[str, typer.Argument(metavar="WHAT", help=", ".join(KINDS))],
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="One model: its settings and recipes, or what was published of it."),
    ] = None,
    as_json: AsJson = False,
    out: Out = Path("results"),
) -> None:
    """List models, recipes, judges, runs and more.

    Examples:
      gedit-bench ls models
      gedit-bench ls models pil-filters
      gedit-bench ls published BAGEL
      gedit-bench ls runs --json
    """
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    listings: dict[str, Callable[[], list[dict[str, Json]]]] = {
        "models": _models,
        "recipes": _recipes,
        "judges": _judges,
        "protocols": _protocols,
        "scorings": _scorings,
        "tasks": _tasks,
        "published": lambda: _published(None, as_json),
        "runs": lambda: _runs(out),
    }
    if kind not in listings:
        raise UsageError(f"There is no listing of {kind!r}.", did_you_mean(kind, KINDS))
    if name is None:
        rows = listings[kind]()
        text = {"models": _models_text, "recipes": _recipes_text}.get(kind, _words)
        tell_json(rows) if as_json else tell(text(rows) or "none")
    elif kind == "models":
        _list_model(name, as_json)
    elif kind == "published":
        rows = _published(name, as_json)
        tell_json(rows) if as_json else tell(_words(rows))
    else:
        raise UsageError(f"`ls {kind}` takes no name.", f"Leave {name!r} out.")


def _list_model(name: str, as_json: bool) -> None:
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.cli.listing_models import details_text, model_details

    details = model_details(name)
    tell_json(details) if as_json else tell(details_text(details))


def _words(rows: "list[dict[str, Json]]") -> str:
    from gedit_bench.cli.console import table

    if not rows:
        return ""
    header = list(rows[0])
    return table(header, [["" if row[column] is None else row[column] for column in header] for row in rows])


def _models() -> "list[dict[str, Json]]":
    from gedit_bench.cli.listing_models import model_rows

    return model_rows()


def _models_text(rows: "list[dict[str, Json]]") -> str:
    from gedit_bench.cli.listing_models import models_text

    return models_text(rows)


def _recipes() -> "list[dict[str, Json]]":
    from gedit_bench.cli.listing_models import recipe_row
    from gedit_bench.editing.recipes import recipes_of
    from gedit_bench.editing.registry import model_names

    return [recipe_row(recipe) for name in model_names() for recipe in recipes_of(name)]


def _recipes_text(rows: "list[dict[str, Json]]") -> str:
    from gedit_bench.cli.listing_models import settings_words

    return _words(
        [
            {"recipe": row["recipe"], "licence": row["licence"], "settings": settings_words(row["settings"])}
            for row in rows
        ]
    )


def _judges() -> "list[dict[str, Json]]":
    from gedit_bench.judging.registry import DEFAULT_JUDGE, judge_words

    words = {
        DEFAULT_JUDGE: "the default: a snapshot of the official judge, with OPENAI_API_KEY",
        "any model name": "behind an OpenAI-compatible endpoint, or several: --base-url",
        "azure:DEPLOYMENT": "on Azure OpenAI, with AZURE_OPENAI_ENDPOINT and its key",
    }
    return [{"judge": name, "what it is": line} for name, line in (words | judge_words()).items()]


def _protocols() -> "list[dict[str, Json]]":
    from gedit_bench.judging.protocol import PROTOCOLS

    return [{"protocol": protocol.name, "what it is": protocol.words} for protocol in PROTOCOLS.values()]


def _scorings() -> "list[dict[str, Json]]":
    from gedit_bench.scoring.scorings import SCORINGS

    return [{"scoring": scoring.name, "id": scoring.id, "what it is": scoring.words} for scoring in SCORINGS.values()]


def _tasks() -> "list[dict[str, Json]]":
    from gedit_bench.records import TASKS

    return [{"category": task} for task in TASKS]


def _published(model: str | None, whole: bool) -> "list[dict[str, Json]]":
    """All published numbers, or those of the models whose name holds `model`; `whole` with all that is known."""
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean
    from gedit_bench.report.published import read_published

    every = read_published()
    found = [one for one in every if model is None or model.casefold() in one.model.casefold()]
    if not found:
        hint = did_you_mean(model or "", {one.model for one in every}, "See `gedit-bench ls published`.")
        raise UsageError(f"Nothing published is known of {model!r}.", hint)
    if whole:
        return [one.to_json() for one in found]
    shown = ("model", "language", "subset", "judge", "sc", "pq", "overall", "reported_by", "date")
    return [{name: one.to_json()[name] for name in shown} for one in found]


def _runs(root: Path) -> "list[dict[str, Json]]":
    from gedit_bench.errors import DataError
    from gedit_bench.store.run import find_runs

    try:
        runs = find_runs([root])
    except DataError:
        return []
    return [
        {
            "run": str(run.path),
            "model": run.manifest.name,
            "recipe": run.manifest.recipe,
            "samples": len(run.samples()),
            "judged by": ", ".join(one.manifest.label for one in run.judgements()),
        }
        for run in runs
    ]
