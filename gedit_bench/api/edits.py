"""Edits the selected samples with a model."""

from dataclasses import replace
from functools import partial

from gedit_bench.editing.base import EditModel
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.cluster.crew import edit_on_many
from gedit_bench.engine.editing import EditJob, edit_samples
from gedit_bench.engine.progress import Watcher, unwatched
from gedit_bench.settling import Editing, Selection, prepare_edit, settle_model
from gedit_bench.store.run import Run


def edit(
    model: str | EditModel,
    selection: Selection | None = None,
    editing: Editing | None = None,
    *,
    watch: Watcher = unwatched,
    budget: Budget | None = None,
) -> Run:
    """Edit the selected samples with a model; what is there is not made again.

    Args:
        model: as on the command line (`NAME[@RECIPE]`, `NAME:ARGUMENT`, `path.py:Class`), or a backend.
        selection: which samples; all of the benchmark if None.
        editing: how and where.
        watch: called with the progress.
        budget: what may be spent; limited by nothing if None.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    editing = editing or Editing()
    return edit_prepared(model, editing, prepare_edit(model, selection or Selection(), editing, budget), watch)


def edit_prepared(model: str | EditModel, editing: Editing, job: EditJob, watch: Watcher = unwatched) -> Run:
    """Edit what `prepare_edit` said, where `editing` places it.

    Raises:
        GeditBenchError: see `errors`; each says what to do.
    """
    if (placement := editing.placement).alone:
        edit_samples(job, watch)
    else:
        there = replace(editing, device="", ray_address=None, edit_timeout=None)
        edit_on_many(job, placement, partial(settle_model, model, there), watch)
    return job.run
