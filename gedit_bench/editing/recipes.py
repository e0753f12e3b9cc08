"""Recipes: named, versioned sets of a model's hyper-parameters with their origin, as small TOML files.

A recipe that names its `backend` makes a model of its own: `qwen-image-edit@default.toml` with
`backend = "diffusers"` is all that `--model qwen-image-edit` needs.
"""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from gedit_bench.data_files import data_folder
from gedit_bench.errors import DataError
from gedit_bench.records import LANGUAGES, Json, Language, SourceKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to run a model, and who says so.

    `backend` runs the model where that is not the backend called `model`; `family` is whose kin it is.
    `origin` names the source of the settings and when it was read, `memory_gb` is approximate GPU
    memory in GB, `needs` are packages as pip takes them (`torchvision`, `diffusers>=0.42`), `gated`
    that the hub gives the weights only to who has accepted their terms, `unverified` says what nobody
    here has seen work.
    """

    model: str
    name: str = "default"
    default: bool = False
    backend: str = ""
    family: str = ""
    settings: dict[str, Json] = field(default_factory=dict)
    languages: tuple[Language, ...] = LANGUAGES
    source: SourceKind = "input"
    needs: tuple[str, ...] = ()
    origin: str = ""
    licence: str = ""
    gated: bool = False
    memory_gb: float | None = None
    unverified: str = ""
    notes: str = ""


def recipes_of(model: str) -> list[Recipe]:
    """Return a model's bundled recipes, the default first."""
    found = [_read(path) for path in _files() if path.stem.partition("@")[0] == model]
    return sorted(found, key=lambda recipe: (not recipe.default, recipe.name))


def named_models() -> dict[str, str]:
    """Return the models that recipes alone make, each with the backend that runs it."""
    read = (_read(path) for path in _files())
    return {recipe.model: recipe.backend for recipe in read if recipe.backend}


def _files() -> list[Path]:
    return sorted((data_folder() / "recipes").glob("*@*.toml"))


@cache
def _read(path: Path) -> Recipe:
    model, _, name = path.stem.partition("@")
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        content["languages"] = tuple(content.get("languages", LANGUAGES))
        content["needs"] = tuple(content.get("needs", ()))
        return Recipe(model=model, name=name, **content)
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise DataError(
            f"The recipe {path.name} can't be read: {error}.", "See the recipes in data/recipes."
        ) from error
