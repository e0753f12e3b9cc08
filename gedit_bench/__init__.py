"""GEdit-Bench for image-editing models: run any of them, judge the edits, and explain every number."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.api import Budget, Editing, Judging, Scored, Selection, build_report, edit, judge, judge_each, run
    from gedit_bench.comparison import compare
    from gedit_bench.dataset import load_benchmark
    from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
    from gedit_bench.editing.registry import register
    from gedit_bench.errors import GeditBenchError
    from gedit_bench.explaining import explain
    from gedit_bench.judging.base import Answer, Judge, Question
    from gedit_bench.judging.registry import JudgeSettings
    from gedit_bench.records import Delivery, EditStatus, ReplyStatus
    from gedit_bench.scoring.summary import summarize
    from gedit_bench.store.run import Run
    from gedit_bench.suites.reading import read_suite
    from gedit_bench.suites.running import run_suite
    from gedit_bench.suites.suite import Suite, SuiteModel, SuiteReport

_HOMES = {
    "api": (
        *("Budget", "Editing", "Judging", "Scored", "Selection"),
        *("build_report", "edit", "judge", "judge_each", "run"),
    ),
    "comparison": ("compare",),
    "dataset": ("load_benchmark",),
    "editing.base": ("EditModel", "EditRequest", "Outcome", "setting"),
    "editing.registry": ("register",),
    "errors": ("GeditBenchError",),
    "explaining": ("explain",),
    "judging.base": ("Answer", "Judge", "Question"),
    "judging.registry": ("JudgeSettings",),
    "records": ("Delivery", "EditStatus", "ReplyStatus"),
    "scoring.summary": ("summarize",),
    "store.run": ("Run",),
    "suites.reading": ("read_suite",),
    "suites.running": ("run_suite",),
    "suites.suite": ("Suite", "SuiteModel", "SuiteReport"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "Budget",
    "Delivery",
    "EditModel",
    "EditRequest",
    "EditStatus",
    "Editing",
    "GeditBenchError",
    "Judge",
    "JudgeSettings",
    "Judging",
    "Outcome",
    "Question",
    "ReplyStatus",
    "Run",
    "Scored",
    "Selection",
    "Suite",
    "SuiteModel",
    "SuiteReport",
    "build_report",
    "compare",
    "edit",
    "explain",
    "judge",
    "judge_each",
    "load_benchmark",
    "read_suite",
    "register",
    "run",
    "run_suite",
    "setting",
    "summarize",
]


def __getattr__(name: str) -> object:
    """Import a public name where it is first used, so that importing the package costs nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module 'gedit_bench' has no attribute {name!r}")
    return getattr(import_module(f"gedit_bench.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
