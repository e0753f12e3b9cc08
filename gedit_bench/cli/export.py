"""`gedit-bench export`: results for other tools."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.options import checked, option


def export(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A run, or the folder of one of its judgements.")],
    out: Annotated[
        Path,
        option(
            "--out", metavar="FOLDER", variable="GEDIT_BENCH_EXPORT_OUT", help="Folder that the files are written to."
        ),
    ],
    to: Annotated[
        str | None,
        option("--to", metavar="official|evalscope|bundle", help="What they are written for. Default: official."),
    ] = None,
    bundle: Annotated[bool, option("--bundle", help="The same as --to bundle.")] = False,
) -> None:
    """Write results for other tools, or a bundle to share.

    Other tools get score tables for the official statistics, or a run's edits for EvalScope's offline mode.

    A bundle holds images, replies, manifests and tables with the SHA-256 of each file, and nothing of this machine:
    commands, absolute paths and hosts are left out. `gedit-bench import` verifies it.

    Examples:
      gedit-bench export results/x/default-1a2b3c4d --out csv_results
      gedit-bench export results/x/default-1a2b3c4d --to evalscope --out for_evalscope
      gedit-bench export results/x/default-1a2b3c4d --bundle --out to_share/x
    """
    from gedit_bench.cli.console import say, tell
    from gedit_bench.comparison import judgement_of
    from gedit_bench.errors import UsageError
    from gedit_bench.interop.bundling import export_bundle
    from gedit_bench.interop.exporting import TARGETS, export_evalscope, export_official
    from gedit_bench.store.layout import run_of_judgement
    from gedit_bench.store.run import Run

    if bundle and to not in (None, "bundle"):
        raise UsageError(f"--bundle and --to {to} contradict each other.", "Give one of them.")
    to = "bundle" if bundle else to or "official"
    checked("--to", to, TARGETS)
    if to == "official":
        written = export_official(judgement_of(target), out)
    elif to == "bundle":
        written = export_bundle(target, out)
    else:
        written = export_evalscope(Run.open(run_of_judgement(target) or target), out)
    tell("\n".join(str(path) for path in written.files))
    say(f"{written.rows} samples were written.")
    if written.left_out:
        say("Left out: " + ", ".join(f"{count} {why}" for why, count in written.left_out.items()) + ".")
    for note in written.notes:
        say(note)
