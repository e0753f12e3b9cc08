"""`gedit-bench import`: scores that another tool gave."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.options import Out, option


def import_(
    path: Annotated[Path, typer.Argument(help="A file with another tool's scores, or a folder that holds them.")],
    tool: Annotated[
        str | None,
        option("--from", metavar="official|lmms-eval|evalscope", help="Which tool. Default: told by the files."),
    ] = None,
    out: Out = Path("results"),
    name: Annotated[str | None, option("--name", help="Name shown in tables. Default: the model's.")] = None,
    data: Annotated[
        str | None,
        option("--data", help="Benchmark to check the rows against: hub id, folder, or 'sample'. Default: none."),
    ] = None,
) -> None:
    """Take in another tool's scores, and point out what looks wrong with them.

    Nothing says how such a score came about: a failed call may have become one. Imported rows have the status
    unknown and are never ranked. No images are needed.

    Examples:
      gedit-bench import csv_results/step1x/gpt4o
      gedit-bench import outputs/20260101_120000/reviews/my-model --from evalscope --name "My model"
      gedit-bench import logs/model/20260101_120000_samples_gedit_bench.jsonl --data stepfun-ai/GEdit-Bench
    """
    from gedit_bench.cli.console import say, tell
    from gedit_bench.cli.ending import print_scored
    from gedit_bench.dataset import load_benchmark
    from gedit_bench.interop.importing import Origin, import_scores

    origin = None
    if data is not None:
        benchmark = load_benchmark(data)
        origin = Origin(benchmark.name, benchmark.revision, benchmark.samples)
    imported = import_scores(path, out, tool=tool, name=name, origin=origin)
    tell(f"{len(imported.scored.verdicts)} samples: {imported.scored.judgement.path}")
    print_scored(imported.scored)
    for finding in imported.findings:
        say(finding.text)
