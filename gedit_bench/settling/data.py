"""The benchmark that a run or a folder of images belongs to."""

from pathlib import Path

from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.errors import DataError, UsageError
from gedit_bench.records import Sample
from gedit_bench.settling.inputs import Selection
from gedit_bench.store import layout
from gedit_bench.store.run import Run


def benchmark_of(made: Run, data: str | None = None) -> Benchmark:
    """Return the benchmark that a run was made on, from `data` if it has moved.

    Raises:
        DataError: it is no longer there, or is of another revision than the run's.
    """
    try:
        return load_benchmark(data or made.data_location(), made.manifest.dataset_revision)
    except UsageError as error:
        raise DataError(
            f"The data of {made.path} can't be found: {error}", "Say where they are with --data."
        ) from error


def selected(target: Path, selection: Selection) -> tuple[Benchmark, list[Sample]]:
    """Return a folder's benchmark and those of its samples, a run's or all, that are selected.

    Raises:
        GeditBenchError: the data aren't there, or the selection is empty.
    """
    if (target / layout.MANIFEST).exists():
        run = Run.open(target)
        benchmark = benchmark_of(run, selection.data)
        return benchmark, selection.within(run, benchmark)
    benchmark = load_benchmark(selection.data or HUB_ID)
    return benchmark, selection.of(benchmark.samples)
