"""What `gedit-bench ls` says about models and recipes; nothing heavy is imported for it."""

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.editing.base import EditModel
    from gedit_bench.editing.recipes import Recipe
    from gedit_bench.records import Json

COLUMNS = 100
"""Width that the table of models fits into."""

_NAME = 12


def model_rows() -> "list[dict[str, Json]]":
    """Return every model with what its first recipe says, and what is lacking here to run it."""
    from gedit_bench.editing.registry import find_model, model_names, recipe_choices

    rows = []
    for name in model_names():
        backend, choices = find_model(name), recipe_choices(name)
        about: dict[str, Json] = {
            "model": _form(name, backend, choices[0]),
            "family": choices[0].family or None,
            "backend": backend.name,
            "recipes": [recipe.name for recipe in choices],
            "what it is": _about(backend, choices[0]),
        }
        rows.append(about | _facts(choices[0]))
    return rows


def models_text(rows: "list[dict[str, Json]]") -> str:
    """Return models as a table of those with published weights, kin together, and one of the other backends."""
    from gedit_bench.cli.console import table
    from gedit_bench.editing.requirements import install_command

    published = sorted((row for row in rows if row["family"]), key=lambda row: (str(row["family"]), str(row["model"])))
    others = [row for row in rows if not row["family"]]
    lacks = sorted({str(need) for row in published for need in _list(row["lacks"])})
    blocks = []
    if published:
        header = ("model", "family", "recipe", "licence", "GB", "lang", "lacks")
        blocks.append(table(header, [_published_row(row) for row in published]))
    if others:
        width = max(len(str(row["model"])) for row in others)
        lines = [line for row in others for line in _wrapped(row, COLUMNS - width - 2)]
        blocks.append(table(("backend", "what it is"), lines))
    if lacks:
        blocks.append(f"What is missing comes with: {install_command(lacks)}")
    return "\n\n".join(blocks)


def model_details(spec: str) -> "dict[str, Json]":
    """Return one model's settings and recipes; UsageError if there is none of this name."""
    from gedit_bench.editing.registry import find_model, recipe_choices

    name = spec if ".py:" in spec else spec.partition("@")[0].partition(":")[0]
    backend = find_model(name)
    name = backend.name if ".py:" in spec else name
    choices = recipe_choices(name)
    settings: list[Json] = list(_settings(backend))
    recipes: list[Json] = [recipe_row(recipe) for recipe in choices if recipe.origin]
    return {
        "model": _form(name, backend, choices[0]),
        "family": choices[0].family or None,
        "backend": backend.name,
        "what it is": _about(backend, choices[0]),
        "recipes": recipes,
        "settings": settings,
    }


def details_text(details: "dict[str, Json]") -> str:
    """Return one model's recipes in paragraphs and its settings as a table."""
    from gedit_bench.cli.console import table

    blocks = [f"{details['model']}: {details['what it is']}"]
    for recipe in _list(details["recipes"]):
        assert isinstance(recipe, dict)
        words = [(key.replace("_gb", ""), _words(key, value)) for key, value in recipe.items() if key != "recipe"]
        lines = (_paragraph(key, text) for key, text in words if text)
        blocks.append("\n".join((str(recipe["recipe"]), *lines)))
    settings = [row for row in _list(details["settings"]) if isinstance(row, dict)]
    if settings:
        header = list(settings[0])
        blocks.append(table(header, [["" if row[key] is None else row[key] for key in header] for row in settings]))
    else:
        blocks.append("no settings")
    return "\n\n".join(blocks)


def recipe_row(recipe: "Recipe") -> "dict[str, Json]":
    """Return everything about a recipe."""
    return {
        "recipe": f"{recipe.model}@{recipe.name}",
        "default": recipe.default,
        "settings": dict(recipe.settings),
        **_facts(recipe),
        "origin": recipe.origin,
        "unverified": recipe.unverified,
        "notes": recipe.notes,
    }


def settings_words(settings: "Json") -> str:
    """Return a recipe's settings as they are given on the command line."""
    return ", ".join(f"{name}={value}" for name, value in settings.items()) if isinstance(settings, dict) else ""


def _facts(recipe: "Recipe") -> "dict[str, Json]":
    from gedit_bench.editing.requirements import install_command, lacking

    lacks = lacking(recipe.needs)
    return {
        "licence": recipe.licence,
        "gated": recipe.gated,
        "memory_gb": recipe.memory_gb,
        "languages": list(recipe.languages),
        "needs": list(recipe.needs),
        "lacks": list(lacks),
        "install": install_command(lacks) if lacks else None,
    }


def _published_row(row: "dict[str, Json]") -> tuple[str, ...]:
    memory, unknown = row["memory_gb"], "–" if row["licence"] == "API" else "?"
    return (
        str(row["model"]),
        str(row["family"]),
        str(_list(row["recipes"])[0]),
        str(row["licence"]),
        f"{memory:g}" if isinstance(memory, int | float) else unknown,
        " ".join(map(str, _list(row["languages"]))),
        " ".join(map(str, _list(row["lacks"]))),
    )


def _wrapped(row: "dict[str, Json]", width: int) -> list[tuple[str, str]]:
    first, *rest = textwrap.wrap(str(row["what it is"]), width) or [""]
    return [(str(row["model"]), first), *(("", line) for line in rest)]


def _paragraph(key: str, text: str) -> str:
    indent = " " * (_NAME + 2)
    return textwrap.fill(
        text, COLUMNS, initial_indent=f"  {key:<{_NAME}}", subsequent_indent=indent, break_on_hyphens=False
    )


def _words(key: str, value: "Json") -> str:
    if key == "memory_gb":
        return f"about {value:g} GB" if isinstance(value, int | float) else "unknown"
    if isinstance(value, bool):
        return (
            {"default": "what is taken without @", "gated": "accept its terms on the hub first"}[key] if value else ""
        )
    if isinstance(value, dict):
        return settings_words(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _form(name: str, backend: "type[EditModel]", recipe: "Recipe") -> str:
    return f"{name}:{backend.argument.upper()}" if backend.argument and not recipe.backend else name


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


def _about(backend: "type[EditModel]", recipe: "Recipe") -> str:
    if recipe.backend:
        return f"{recipe.family}, run by {backend.name}"
    return (backend.__doc__ or "").strip().partition("\n")[0]


def _list(value: "Json") -> "list[Json]":
    return value if isinstance(value, list) else []
