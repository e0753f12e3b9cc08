"""`gedit-bench import`: scores that another tool gave, or a whole run that somebody sent."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.options import Out, option

Source = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="A file with another tool's scores, a folder that holds them, or a bundle."),
]
Tool = Annotated[
    str | None,
    option(
        "--from", metavar="official|lmms-eval|evalscope|bundle", help="What wrote them. Default: told by the files."
    ),
]
Name = Annotated[str | None, option("--name", metavar="NAME", help="Name shown in tables. Default: the model's.")]
Data = Annotated[
    str | None,
    option(
        "--data",
        metavar="NAME",
        help="Benchmark to check the rows against: hub id, folder, or 'sample'. Default: none.",
    ),
]


def import_(path: Source, tool: Tool = None, out: Out = Path("results"), name: Name = None, data: Data = None) -> None:
    """Take in another tool's scores, or verify a bundle.

    Nothing says how another tool's score came about: a failed call may have become one. Imported rows have the status
    unknown and are never ranked. No images are needed. A bundle is compared file by file with its SHA-256, and its
    numbers are made again from its replies; its rows are marked as reported.

    Examples:
      gedit-bench import csv_results/step1x/gpt4o
      gedit-bench import outputs/20260101_120000/reviews/my-model --from evalscope --name "My model"
      gedit-bench import logs/model/20260101_120000_samples_gedit_bench.jsonl --data stepfun-ai/GEdit-Bench
      gedit-bench import to_share/x
    """
    from gedit_bench.cli.console import say, tell
    from gedit_bench.cli.ending import print_scored
    from gedit_bench.dataset import load_benchmark
    from gedit_bench.interop.detection import is_bundle
    from gedit_bench.interop.importing import Origin, import_scores

    if tool == "bundle" or (tool is None and is_bundle(path)):
        _take_in_bundle(path, out, name, data)
        return
    origin = None
    if data is not None:
        benchmark = load_benchmark(data)
        origin = Origin(benchmark.name, benchmark.revision, benchmark.samples)
    imported = import_scores(path, out, tool=tool, name=name, origin=origin)
    tell(f"{len(imported.scored.verdicts)} samples: {imported.scored.judgement.path}")
    print_scored(imported.scored)
    if imported.scored.judgement.manifest.imported["aggregation"] == "micro":
        for summary in imported.scored.summaries():
            if summary.subset == "full":
                means = summary.table.micro
                told = f"SC {means.sc:.3f}, PQ {means.pq:.3f}, O {means.overall:.3f}"
                say(f"{summary.language}: {told} as means over samples, which is how that tool averages.")
    for finding in imported.findings:
        say(finding.text)


def _take_in_bundle(path: Path, out: Path, name: str | None, data: str | None) -> None:
    from gedit_bench.cli.console import say, tell
    from gedit_bench.cli.ending import print_scored
    from gedit_bench.errors import UsageError
    from gedit_bench.interop.unbundling import import_bundle

    if name is not None or data is not None:
        raise UsageError("A bundle brings its own name and data.", "Leave --name and --data out.")
    taken = import_bundle(path, out)
    tell(f"{len(taken.run.samples())} samples: {taken.run.path}")
    say(f"All {taken.files} files match their SHA-256." + (" It was here already." if taken.was_there else ""))
    for scored in taken.scored:
        print_scored(scored)
    for judge, count in taken.differing.items():
        say(f"{judge}: {count} row(s) of the bundle's scores.csv are not what its replies say; the replies count.")
