"""Finds a backend by what the user calls it, and settles its settings.

`NAME`, `NAME@RECIPE`, `NAME:ARGUMENT`, or `path.py:Class`. Names come from this folder (`BUILT_IN`), from the
decorator `register`, from the entry point group `gedit_bench.models`, and from recipes that name the backend
which runs them.
"""

import importlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar, cast, get_args, get_type_hints

from gedit_bench import editing
from gedit_bench.editing.base import EditModel
from gedit_bench.editing.recipes import Recipe, named_models, recipes_of
from gedit_bench.editing.requirements import check_packages
from gedit_bench.editing.rewriter import RewritingSettings
from gedit_bench.editing.rewriting import Rewriting
from gedit_bench.errors import UsageError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import Json
from gedit_bench.secrets import redact
from gedit_bench.user_code import class_from_file, classes_in, code_sha256

ENTRY_POINTS = "gedit_bench.models"
BUILT_IN = ("command", "diffusers", "folder", "gemini", "identity", "openai_images", "pil_filters", "step1x_edit")
"""The modules of this folder that hold a backend, one each: `pil_filters` is what `--model pil-filters` names."""

_registered: dict[str, type[EditModel]] = {}

Backend = TypeVar("Backend", bound=type[EditModel])


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A backend ready to load, with everything about it that goes into the manifest.

    `settings` decide the pixels, `handling` are those that don't, such as time limits. `origins` says
    where each came from: `command line`, `environment`, `recipe`, `default`.
    """

    model: EditModel
    recipe: Recipe
    settings: dict[str, Json]
    handling: dict[str, Json]
    origins: dict[str, str]
    artifacts: dict[str, str]
    spec: str = ""

    @property
    def name(self) -> str:
        """What `--model` calls the model: the backend's name, or one that a recipe gives."""
        return self.recipe.model

    @property
    def label(self) -> str:
        """The name under which results are shown unless the user gives another."""
        return self.name if self.recipe.backend else self.model.label()

    def check(self) -> None:
        """Say, before any work starts, what is missing: packages, weights, a GPU, a key.

        Raises:
            UnavailableError: something is.
        """
        check_packages(self.name, self.recipe.needs)
        self.model.check()


def register(backend: Backend) -> Backend:
    """Make a backend known by its `name`; use it as a decorator."""
    if not backend.name:
        raise UsageError(f"{backend.__name__} has no name.", 'Give it one: name = "my-model".')
    _registered[backend.name] = backend
    return backend


def model_names() -> list[str]:
    """Return all names that `--model` takes, without importing a backend."""
    plugins = {point.name for point in entry_points(group=ENTRY_POINTS)}
    return sorted(set(_builtin_modules()) | plugins | set(_registered) | set(named_models()))


def find_model(name: str) -> type[EditModel]:
    """Return the backend called `name`, or that of the model of this name, or the class that `path.py:Class` names.

    Raises:
        UsageError: there is none; the hint has the nearest match.
    """
    if name in _registered:
        return _registered[name]
    head, colon, tail = name.partition(":")
    if colon and head.endswith(".py"):
        return _from_file(Path(head), tail)
    for point in entry_points(group=ENTRY_POINTS, name=name):
        return cast(type[EditModel], point.load())
    module = _builtin_modules().get(named_models().get(name, name))
    if module is None:
        raise _unknown(name)
    return _only_backend(importlib.import_module(module))


def recipe_choices(model: str) -> list[Recipe]:
    """Return what can follow the @ of a model, first what is taken without one.

    A backend's own defaults are the recipe `default`, unless a file says otherwise.
    """
    recipes = recipes_of(model)
    if any(recipe.backend or recipe.name == "default" for recipe in recipes):
        return recipes
    own = Recipe(model=model)
    return [*recipes, own] if recipes and recipes[0].default else [own, *recipes]


def choose_model(spec: str, options: Sequence[str] = (), origin: str = "command line") -> ModelChoice:
    """Return the backend that `spec` names, with its settings resolved.

    Args:
        spec: `NAME[:ARGUMENT][@RECIPE]` or `path.py:Class`.
        options: `key=value` pairs that override recipe and defaults.
        origin: where the options came from, for the manifest.

    Raises:
        UsageError: unknown model, recipe or setting, or a value of the wrong type.
    """
    asked = _parse_spec(spec)
    recipe = _choose_recipe(asked.name, asked.recipe)
    chosen = dict(option.partition("=")[::2] for option in options)
    if malformed := [option for option in options if "=" not in option]:
        raise UsageError(f"The option {malformed[0]!r} is not of the form key=value.", "For example -o steps=28.")
    if asked.argument is not None:
        if asked.backend.argument is None or recipe.backend:
            raise UsageError(f"{asked.name} takes nothing after the colon.", f"Use --model {asked.name}.")
        chosen = {asked.backend.argument: asked.argument} | chosen
    own, words = _apart(asked.backend, {**recipe.settings, **chosen})
    model: EditModel = asked.backend(_validated(asked.name, asked.backend.Settings, own))
    if words.get("rewrite", "none") != "none":
        model = Rewriting(model, cast(RewritingSettings, _validated(asked.name, RewritingSettings, words)))
    elif set(words) - {"rewrite"}:
        raise UsageError(f"{min(set(words) - {'rewrite'})} means nothing without a rewriter.", "Add -o rewrite=polish.")
    choice = describe_model(model, recipe, chosen, origin)
    return replace(choice, spec=redact(spec), artifacts={**choice.artifacts, **asked.code})


def describe_model(model: EditModel, recipe: Recipe, chosen: Collection[str], origin: str) -> ModelChoice:
    """Return a backend with everything about it that goes into the manifest.

    Args:
        model: the backend with its settings.
        recipe: the recipe that it runs under.
        chosen: names of the settings that the user gave.
        origin: where those came from.
    """
    parts = [model.inner, model] if isinstance(model, Rewriting) else [model]
    found = {one.name: (one, part) for part in parts for one in fields(part.Settings)}
    origins = {name: origin if name in chosen else "recipe" if name in recipe.settings else "default" for name in found}
    values = {name: _plain(getattr(part.settings, name)) for name, (_, part) in found.items()}
    idle = {name for name, (one, _) in found.items() if not one.metadata.get("decides_pixels", True)}
    settings = {name: value for name, value in values.items() if name not in idle}
    handling = {name: value for name, value in values.items() if name in idle}
    return ModelChoice(model, recipe, settings, handling, origins, dict(model.artifacts()))


@dataclass(frozen=True, slots=True)
class _Spec:
    """What `--model` says, taken apart; `code` is the hash of a file that it names."""

    name: str
    backend: type[EditModel]
    argument: str | None = None
    recipe: str | None = None
    code: Mapping[str, str] = field(default_factory=dict)


def _parse_spec(spec: str) -> _Spec:
    head, colon, tail = spec.partition(":")
    if head.endswith(".py") and colon:
        path = Path(head)
        backend = _from_file(path, tail)
        return _Spec(backend.name, backend, code={path.name: code_sha256(path)})
    if head.endswith(".py"):
        raise UsageError(f"{head} alone doesn't say which class is meant.", f"Name it as {head}:Class.")
    if colon:
        return _Spec(head, find_model(head), argument=tail)
    name, _, recipe = spec.partition("@")
    return _Spec(name, find_model(name), recipe=recipe or None)


def _unknown(name: str) -> UsageError:
    if "/" in name:
        return UsageError(f"There is no model {name!r}.", f"A pipeline on the hub is named as diffusers:{name}.")
    return UsageError(f"There is no model {name!r}.", did_you_mean(name, model_names(), "See `gedit-bench ls models`."))


def _from_file(path: Path, name: str) -> type[EditModel]:
    found = class_from_file(path, name, EditModel, "backend")
    if not found.name:
        found.name = name
    return found


def _choose_recipe(model: str, name: str | None) -> Recipe:
    choices = recipe_choices(model)
    if name is None:
        return choices[0]
    for recipe in choices:
        if recipe.name == name:
            return recipe
    raise UsageError(f"{model} has no recipe {name!r}.", did_you_mean(name, [recipe.name for recipe in choices]))


def _apart(backend: type[EditModel], values: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, Json]]:
    """Return the settings of a backend, and those of rewriting that are none of its own."""
    general = {one.name for one in fields(RewritingSettings)} - {one.name for one in fields(backend.Settings)}
    words = {name: value for name, value in values.items() if name in general}
    return {name: value for name, value in values.items() if name not in general}, words


def _validated(name_of: str, kind: type, values: Mapping[str, object]) -> object:
    from pydantic import TypeAdapter, ValidationError

    known = [one.name for one in fields(kind)]
    for name in values:
        if name not in known:
            raise UsageError(f"{name_of} has no setting {name!r}.", did_you_mean(name, known))
    try:
        hints = get_type_hints(kind)
        given = {name: None if _means_none(value, hints[name]) else value for name, value in values.items()}
        return TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        setting = ".".join(str(part) for part in first["loc"]) or "settings"
        raise UsageError(
            f"{name_of}: {setting} can't be {first['input']!r}: {first['msg'].lower()}.",
            f"Settings are shown by `gedit-bench ls models {name_of}`.",
        ) from error


def _means_none(value: object, hint: object) -> bool:
    return isinstance(value, str) and value.lower() == "none" and type(None) in get_args(hint)


def _builtin_modules() -> dict[str, str]:
    return {name.replace("_", "-"): f"{editing.__name__}.{name}" for name in BUILT_IN}


def _only_backend(module: ModuleType) -> type[EditModel]:
    backends = classes_in(module, EditModel)
    if len(backends) != 1:
        raise TypeError(f"{module.__name__} must define exactly one backend, not {sorted(backends)}")
    return next(iter(backends.values()))


def _plain(value: object) -> Json:
    # A command's arguments may hold a key, and manifests are shown to everybody.
    return redact(str(value)) if isinstance(value, str | Path) else cast(Json, value)
