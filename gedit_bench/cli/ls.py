"""`gedit-bench ls`: what exists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, Out

if TYPE_CHECKING:
    from collections.abc import Callable

    from gedit_bench.editing.base import EditModel
    from gedit_bench.records import Json

KINDS = ("models", "recipes", "judges", "protocols", "scorings", "tasks", "published", "runs")


def ls(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    name: Annotated[
        str | None, typer.Argument(help="One model: its settings and recipes, or what was published of it.")
    ] = None,
    as_json: AsJson = False,
    out: Out = Path("results"),
) -> None:
    """List models (with their settings), recipes, judges, protocols, scorings, categories, published numbers or runs.

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
        tell_json(rows) if as_json else tell(_words(rows) or "none")
    elif kind == "models":
        _list_model(name, as_json)
    elif kind == "published":
        rows = _published(name, as_json)
        tell_json(rows) if as_json else tell(_words(rows))
    else:
        raise UsageError(f"`ls {kind}` takes no name.", f"Leave {name!r} out.")


def _list_model(name: str, as_json: bool) -> None:
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.editing.registry import find_model

    backend = find_model(name if ".py:" in name else name.partition("@")[0].partition(":")[0])
    settings, recipes = _settings(backend), _recipes(backend.name)
    if as_json:
        tell_json(
            {"model": _form(backend), "what it is": _first_line(backend), "settings": settings, "recipes": recipes}
        )
    else:
        blocks = (f"{_form(backend)}: {_first_line(backend)}", _words(settings) or "no settings", _words(recipes))
        tell("\n\n".join(block for block in blocks if block))


def _words(rows: "list[dict[str, Json]]") -> str:
    from gedit_bench.cli.console import table

    if not rows:
        return ""
    header = list(rows[0])
    return table(header, [["" if row[column] is None else row[column] for column in header] for row in rows])


def _models() -> "list[dict[str, Json]]":
    from gedit_bench.editing.recipes import recipes_of
    from gedit_bench.editing.registry import find_model, model_names

    rows: list[dict[str, Json]] = []
    for name in model_names():
        backend = find_model(name)
        recipes = ", ".join(dict.fromkeys(["default", *(recipe.name for recipe in recipes_of(name))]))
        rows.append({"model": _form(backend), "recipes": recipes, "what it is": _first_line(backend)})
    return rows


def _form(backend: "type[EditModel]") -> str:
    return f"{backend.name}:{backend.argument.upper()}" if backend.argument else backend.name


def _settings(backend: "type[EditModel]") -> "list[dict[str, Json]]":
    from dataclasses import MISSING, fields
    from typing import get_type_hints

    hints = get_type_hints(backend.Settings)
    rows: list[dict[str, Json]] = []
    for field in fields(backend.Settings):
        default = None if field.default is MISSING else str(field.default)
        rows.append(
            {
                "setting": field.name,
                "type": _type(hints[field.name]),
                "default": default,
                "help": field.metadata.get("help", ""),
            }
        )
    return rows


def _type(hint: object) -> str:
    """A type in the fewest words: `int`, `published | tiny`, `float | none`."""
    from typing import Literal, get_args, get_origin

    if get_origin(hint) is Literal:
        return " | ".join(str(value) for value in get_args(hint))
    if parts := get_args(hint):
        return " | ".join(_type(part) for part in parts)
    return "none" if hint is type(None) else getattr(hint, "__name__", str(hint))


def _recipes(model: str | None = None) -> "list[dict[str, Json]]":
    from gedit_bench.editing.recipes import recipes_of
    from gedit_bench.editing.registry import model_names

    return [
        {
            "recipe": f"{recipe.model}@{recipe.name}",
            "languages": ", ".join(recipe.languages),
            "licence": recipe.licence,
            "memory_gb": recipe.memory_gb,
            "settings": ", ".join(f"{name}={value}" for name, value in recipe.settings.items()),
            "origin": recipe.origin,
            "unverified": recipe.unverified,
        }
        for name in ([model] if model else model_names())
        for recipe in recipes_of(name)
    ]


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
        hint = did_you_mean(model or "", {one.model for one in every})
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


def _first_line(backend: "type[EditModel]") -> str:
    return (backend.__doc__ or "").strip().partition("\n")[0]
