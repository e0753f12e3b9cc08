"""`gedit-bench ls`: what exists."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, Out

if TYPE_CHECKING:
    from collections.abc import Callable

    from gedit_bench.records import Json

KINDS = ("models", "recipes", "judges", "protocols", "tasks", "runs")


def ls(
    kind: Annotated[str, typer.Argument(help=", ".join(KINDS))],
    name: Annotated[str | None, typer.Argument(help="One model: its settings and recipes.")] = None,
    as_json: AsJson = False,
    out: Out = Path("results"),
) -> None:
    """List models (with their settings), recipes, judges, protocols, categories or runs.

    Examples:
      gedit-bench ls models
      gedit-bench ls models pil-filters
      gedit-bench ls runs --json
    """
    from gedit_bench.cli.console import table, tell, tell_json
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    listings: dict[str, Callable[[], list[dict[str, Json]]]] = {
        "models": lambda: _settings(name) if name else _models(),
        "recipes": _recipes,
        "judges": _judges,
        "protocols": _protocols,
        "tasks": _tasks,
        "runs": lambda: _runs(out),
    }
    if kind not in listings:
        raise UsageError(f"There is no listing of {kind!r}.", did_you_mean(kind, KINDS))
    rows = listings[kind]()
    if as_json:
        tell_json(rows)
    elif not rows:
        tell("none")
    else:
        header = list(rows[0])
        tell(table(header, [["" if row[column] is None else row[column] for column in header] for row in rows]))


def _models() -> "list[dict[str, Json]]":
    from gedit_bench.editing.recipes import recipes_of
    from gedit_bench.editing.registry import find_model, model_names

    rows: list[dict[str, Json]] = []
    for name in model_names():
        backend = find_model(name)
        recipes = ", ".join(recipe.name for recipe in recipes_of(name)) or "default"
        form = f"{name}:{backend.argument.upper()}" if backend.argument else name
        rows.append({"model": form, "recipes": recipes, "what it is": _first_line(backend)})
    return rows


def _settings(name: str) -> "list[dict[str, Json]]":
    from dataclasses import MISSING, fields

    from gedit_bench.editing.registry import find_model

    rows: list[dict[str, Json]] = []
    for field in fields(find_model(name).Settings):
        default = None if field.default is MISSING else str(field.default)
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        rows.append({"setting": field.name, "type": kind, "default": default, "help": field.metadata.get("help", "")})
    return rows


def _recipes() -> "list[dict[str, Json]]":
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
        }
        for model in model_names()
        for recipe in recipes_of(model)
    ]


def _judges() -> "list[dict[str, Json]]":
    from gedit_bench.judging.registry import DEFAULT_JUDGE

    return [
        {"judge": DEFAULT_JUDGE, "what it is": "the default: a snapshot of the official judge, with OPENAI_API_KEY"},
        {"judge": "any model name", "what it is": "behind an OpenAI-compatible endpoint, with --base-url"},
        {"judge": "offline", "what it is": "no VLM: measures pixels, so that the whole way runs anywhere"},
    ]


def _protocols() -> "list[dict[str, Json]]":
    from gedit_bench.judging.protocol import PROTOCOLS

    return [{"protocol": protocol.name, "what it is": protocol.words} for protocol in PROTOCOLS.values()]


def _tasks() -> "list[dict[str, Json]]":
    from gedit_bench.records import TASKS

    return [{"category": task} for task in TASKS]


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
            "judged by": ", ".join(one.manifest.judge_id for one in run.judgements()),
        }
        for run in runs
    ]


def _first_line(backend: type) -> str:
    return (backend.__doc__ or "").strip().partition("\n")[0]
