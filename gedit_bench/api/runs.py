"""The whole way: edit, then judge."""

from gedit_bench.api.edits import edit
from gedit_bench.api.judgements import check_judge, judge_edited
from gedit_bench.editing.base import EditModel
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.results import Scored
from gedit_bench.settling import Editing, Judging, Selection, check_budget, check_model, settle_model


def run(
    model: str | EditModel,
    selection: Selection | None = None,
    editing: Editing | None = None,
    judging: Judging | None = None,
    *,
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Scored:
    """Edit and judge. A missing key, rubric or model is said before any work starts.

    `budget` is what edits and judge may spend together.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    editing = editing or Editing()
    choice = settle_model(model, editing)
    check_model(choice, editing)
    check_budget(choice, budget)
    check_judge(judging or Judging(), budget)
    made = edit(model, selection, editing, watch=watch, budget=budget)
    return judge_edited(made, selection, judging, watch=watch, budget=budget)
