"""From what somebody asks for to what is there: models, runs, benchmarks and judges, settled before any work."""

from gedit_bench.settling.data import benchmark_of, selected
from gedit_bench.settling.inputs import Editing, Judging, Selection
from gedit_bench.settling.judges import Asking, prepare_asking, prepare_fallback, reached, replaying
from gedit_bench.settling.models import check_budget, check_model, open_run, prepare_edit, run_manifest, settle_model

__all__ = [
    "Asking",
    "Editing",
    "Judging",
    "Selection",
    "benchmark_of",
    "check_budget",
    "check_model",
    "open_run",
    "prepare_asking",
    "prepare_edit",
    "prepare_fallback",
    "reached",
    "replaying",
    "run_manifest",
    "selected",
    "settle_model",
]
