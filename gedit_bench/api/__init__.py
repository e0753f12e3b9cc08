"""The verbs as functions: what the command line does, for Python.

    run = edit("identity", Selection(data="sample"))
    scored = judge(run, judging=Judging(judge=JudgeSettings(name="offline")))

What can't be done is raised as one of `gedit_bench.errors`, with a hint.
"""

from gedit_bench.api.edits import edit, edit_prepared
from gedit_bench.api.judgements import check_judge, judge, judge_each, judge_edited
from gedit_bench.api.reports import build_report, scored_runs, sources_of_runs
from gedit_bench.api.runs import run
from gedit_bench.engine.budget import Budget
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.results import Scored
from gedit_bench.settling import Editing, Judging, Selection, prepare_asking, selected
from gedit_bench.store.run import Run

__all__ = [
    "Budget",
    "Editing",
    "JudgeSettings",
    "Judging",
    "Run",
    "Scored",
    "Selection",
    "build_report",
    "check_judge",
    "edit",
    "edit_prepared",
    "judge",
    "judge_each",
    "judge_edited",
    "prepare_asking",
    "run",
    "scored_runs",
    "selected",
    "sources_of_runs",
]
