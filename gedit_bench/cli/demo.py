"""`gedit-bench demo`: the whole way on the bundled sample, with no key, no GPU and no network."""

from pathlib import Path
from typing import Annotated

from gedit_bench.cli.options import Out, option

MODELS = ("identity", "pil-filters", "pil-filters@gentle", "step1x-edit@tiny")


def demo(
    limit: Annotated[
        int | None, option("--limit", metavar="N", min=1, help="Samples per category and language.")
    ] = None,
    out: Out = Path("results"),
) -> None:
    """Try the whole way on the bundled sample.

    Edits it with several backends, measures the edits, and renders the leaderboard. Needs no key, GPU or network.

    Examples:
      gedit-bench demo
      gedit-bench demo --limit 1
      gedit-bench demo --out /tmp/demo
    """
    from gedit_bench import api
    from gedit_bench.cli.console import tell
    from gedit_bench.cli.ending import print_scored
    from gedit_bench.cli.watching import watching

    selection = api.Selection(data="sample", limit=limit)
    judging = api.Judging(judge=api.JudgeSettings(name="offline"))
    editing = api.Editing(out=out)
    with watching() as watch:
        scored = [api.run(model, selection, editing, judging, watch=watch) for model in MODELS]
    page = api.build_report([one.run.path for one in scored], out / "leaderboard")
    for one in scored:
        print_scored(one)
    tell(f"\nLeaderboard: {page}")
