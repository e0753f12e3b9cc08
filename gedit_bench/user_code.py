"""Classes from files of the user's: `path.py:Class`, with no packaging."""

import hashlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.nearest import did_you_mean

Kind = TypeVar("Kind")


def class_from_file(path: Path, name: str, kind: type[Kind], called: str) -> type[Kind]:
    """Return the subclass of `kind` called `name` in a file, which is run for it.

    Args:
        path: of the file.
        name: of the class.
        kind: its base.
        called: what such a class is, for errors: `backend`, `judge`.

    Raises:
        UsageError: there is no such file or class; the hint has the nearest match.
        UnavailableError: the file imports a package that is not here.
    """
    hint = f"Name a {called} as path.py:Class."
    if not path.is_file():
        raise UsageError(f"There is no file {path}.", hint)
    unit = importlib.util.spec_from_file_location(f"gedit_bench_user_{path.stem}", path)
    if unit is None or unit.loader is None:
        raise UsageError(f"{path} is no Python file.", hint)
    module = importlib.util.module_from_spec(unit)
    sys.modules[unit.name] = module
    try:
        unit.loader.exec_module(module)
    except ImportError as error:
        raise UnavailableError(f"{path} needs what can't be imported here: {error}.", "Install it.") from error
    found = getattr(module, name, None)
    if not (inspect.isclass(found) and issubclass(found, kind)):
        there = classes_in(module, kind)
        raise UsageError(f"{path} has no {kind.__name__} called {name!r}.", did_you_mean(name, there))
    return found


def classes_in(module: ModuleType, kind: type[Kind]) -> dict[str, type[Kind]]:
    """Return the subclasses of `kind` that a module itself defines, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__
    }


def code_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
