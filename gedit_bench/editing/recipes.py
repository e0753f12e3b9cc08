"""Recipes: named, versioned sets of a model's hyper-parameters with their origin, as small TOML files."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from gedit_bench.data_files import data_folder
from gedit_bench.errors import DataError
from gedit_bench.records import LANGUAGES, Json, Language, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to run a model, and who says so.

    `origin` names the source of the settings and when it was read, `memory_gb` is approximate GPU
    memory, `unverified` says what nobody here has seen work.
    """

    model: str
    name: str = "default"
    default: bool = False
    settings: dict[str, Json] = field(default_factory=dict)
    languages: tuple[Language, ...] = LANGUAGES
    source: SourceKind = "input"
    origin: str = ""
    licence: str = ""
    memory_gb: float | None = None
    unverified: str = ""
    notes: str = ""


def recipes_of(model: str) -> list[Recipe]:
    """Return a model's bundled recipes, the default first."""
    found = [_read(path) for path in sorted((data_folder() / "recipes").glob(f"{model}@*.toml"))]
    return sorted(found, key=lambda recipe: (not recipe.default, recipe.name))


def _read(path: Path) -> Recipe:
    model, _, name = path.stem.partition("@")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        content["languages"] = tuple(content.get("languages", LANGUAGES))
        return Recipe(model=model, name=name, **content)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise DataError(
            f"The recipe {path.name} can't be read: {error}.", "See the recipes in data/recipes."
        ) from error
