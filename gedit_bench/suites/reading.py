"""Reads a suite file: TOML, every key known, a wrong one answered with its place and the nearest match."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from gedit_bench.errors import UsageError
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.nearest import did_you_mean
from gedit_bench.selection import read_ids
from gedit_bench.settling import Editing, Judging, Selection
from gedit_bench.suites.suite import Suite, SuiteModel, SuiteReport

ORIGIN = "suite"
"""Where a model's settings came from, for its record."""

_USUAL = JudgeSettings()


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Selection(_Table):
    data: str | None = None
    tasks: list[str] = []
    languages: list[str] | None = None
    subset: str = "full"
    limit: int | None = Field(default=None, ge=1)
    ids: str | None = None


class _Place(_Table):
    device: str | None = None
    ray_address: str | None = None
    edit_timeout: float | None = Field(default=None, ge=0.1)


class _Model(_Place):
    model: str = Field(min_length=1)
    recipe: str | None = None
    name: str | None = None
    seed: int | None = None
    options: dict[str, JsonValue] = {}


class _Judge(_Table):
    judge: str = Field(default=_USUAL.name, min_length=1)
    protocol: str | None = None
    rubric: str | None = None
    base_url: str | list[str] | None = None
    endpoint_label: str | None = None
    timeout: float = Field(default=_USUAL.timeout, ge=0.1)
    retry_for: float = Field(default=_USUAL.retry_for, ge=0.1)
    concurrency: int | None = Field(default=None, ge=1)
    repeats: int = Field(default=1, ge=1, le=100)
    reuse: bool = True
    fallback_judge: str | None = None
    fallback_base_url: str | None = None


class _Report(_Table):
    out: str | None = None
    allow_partial: bool = False
    scorings: list[str] = Field(default=["official"], min_length=1)
    with_published: bool | str = False


def _tables(key: str) -> BeforeValidator:
    """Let a text alone stand for a table that holds it under `key` and nothing else."""

    def expanded(value: JsonValue) -> JsonValue:
        return [{key: one} if isinstance(one, str) else one for one in value] if isinstance(value, list) else value

    return BeforeValidator(expanded)


class _File(_Place):
    out: str = "results"
    seed: int = 42
    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    prices: str | None = None
    selection: _Selection = _Selection()
    models: Annotated[list[_Model], _tables("model")] = Field(min_length=1)
    judges: Annotated[list[_Judge], _tables("judge")] = Field(default=[_Judge()], min_length=1)
    report: _Report = _Report()


_TABLES: dict[str, type[_Table]] = {"selection": _Selection, "models": _Model, "judges": _Judge, "report": _Report}


def read_suite(path: Path, over: Mapping[str, JsonValue] | None = None) -> Suite:
    """Return the suite in a file. Paths in it are taken from the working folder, as on the command line.

    Args:
        path: the file.
        over: keys of its top level that have other values than it says.

    Raises:
        UsageError: the file isn't there, is not valid TOML, or holds what a suite can't; the message says where.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The suite {path} can't be read: {error}.", "Give a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The suite {path} is not valid TOML: {error}.", "Correct it there.") from error
    try:
        file = _File.model_validate({**content, **(over or {})})
    except ValidationError as error:
        raise _explained(path, error) from error
    out = Path(file.out)
    return Suite(
        models=[_model(path, number, one, file, out) for number, one in enumerate(file.models, start=1)],
        judgings=[_judging(path, number, one, _path(file.prices)) for number, one in enumerate(file.judges, start=1)],
        selection=_selection(file.selection),
        report=_report(file.report),
        out=out,
        max_cost=file.max_cost,
    )


def _model(path: Path, number: int, one: _Model, file: _File, out: Path) -> SuiteModel:
    if one.recipe is not None and {"@", ":"} & set(one.model):
        raise UsageError(
            f"The suite {path}: {_place('models', number)} can't take a recipe beside {one.model!r}.",
            "A recipe goes with a plain name.",
        )
    own_place = {"device", "ray_address", "edit_timeout"} & one.model_fields_set
    place: _Place = one if own_place else file
    options = [f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in one.options.items()]
    return SuiteModel(
        model=f"{one.model}@{one.recipe}" if one.recipe else one.model,
        editing=Editing(
            options=options,
            options_origin=ORIGIN,
            seed=file.seed if one.seed is None else one.seed,
            name=one.name,
            out=out,
            prices=_path(file.prices),
            device=place.device or "",
            ray_address=place.ray_address,
            edit_timeout=place.edit_timeout,
        ),
    )


def _judging(path: Path, number: int, one: _Judge, prices: Path | None) -> Judging:
    if one.fallback_base_url is not None and one.fallback_judge is None:
        raise UsageError(
            f"The suite {path}: {_place('judges', number)} has a fallback_base_url and no fallback_judge.",
            "Name the judge that answers there.",
        )
    settings = JudgeSettings(
        name=one.judge,
        base_url=one.base_url or None,
        endpoint_label=one.endpoint_label,
        timeout=one.timeout,
        retry_for=one.retry_for,
        concurrency=one.concurrency,
    )
    fallback = None
    if one.fallback_judge is not None:
        fallback = replace(settings, name=one.fallback_judge, base_url=one.fallback_base_url, endpoint_label=None)
    return Judging(
        judge=settings,
        protocol=one.protocol,
        rubric=_path(one.rubric),
        repeats=one.repeats,
        fallback=fallback,
        prices=prices,
        reuse=one.reuse,
    )


def _selection(one: _Selection) -> Selection:
    return Selection(
        data=one.data,
        tasks=tuple(one.tasks),
        languages=None if one.languages is None else tuple(one.languages),
        subset=one.subset,
        limit=one.limit,
        ids=None if one.ids is None else read_ids(one.ids),
    )


def _report(one: _Report) -> SuiteReport:
    published = one.with_published
    return SuiteReport(
        out=_path(one.out),
        allow_partial=one.allow_partial,
        scorings=tuple(one.scorings),
        with_published=Path(published) if isinstance(published, str) else published,
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)


def _place(table: str, number: int) -> str:
    """Where an entry stands, counted from 1."""
    return f"number {number} of [[{table}]]"


def _explained(path: Path, error: ValidationError) -> UsageError:
    """Return the first thing that is wrong with a suite, its place in words."""
    first = error.errors()[0]
    place = f"The suite {path}"
    table: type[_Table] = _File
    location = list(first["loc"])
    if location[0] in _TABLES and len(location) > 1:
        name = str(location.pop(0))
        table = _TABLES[name]
        place += f": {_place(name, int(location.pop(0)) + 1)}" if isinstance(location[0], int) else f": [{name}]"
    if not location:
        return UsageError(f"{place} is neither a table nor a name.", "docs/suites.md shows the form.")
    key = str(location[0])
    if first["type"] == "extra_forbidden" and len(location) == 1:
        return UsageError(f"{place} has no key {key!r}.", did_you_mean(key, table.model_fields))
    if first["type"] == "missing":
        return UsageError(f"{place} lacks the key {key!r}.", "docs/suites.md shows the form.")
    return UsageError(f"{place}: {key} can't be {first['input']!r}: {first['msg'].lower()}.")
