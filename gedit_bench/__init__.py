"""GEdit-Bench for image-editing models: run any of them, judge the edits, and explain every number."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.editing.base import EditModel, EditRequest, Outcome
    from gedit_bench.editing.registry import register
    from gedit_bench.errors import GeditBenchError

__all__ = ["EditModel", "EditRequest", "GeditBenchError", "Outcome", "register"]

_HOMES = {
    "EditModel": "editing.base",
    "EditRequest": "editing.base",
    "GeditBenchError": "errors",
    "Outcome": "editing.base",
    "register": "editing.registry",
}


def __getattr__(name: str) -> object:
    """Import a public name where it is first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gedit_bench' has no attribute {name!r}")
    return getattr(import_module(f"gedit_bench.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
