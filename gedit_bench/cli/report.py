"""`gedit-bench report`: the leaderboard page and its tables."""

from pathlib import Path
from typing import Annotated

from gedit_bench.cli.options import AllowPartial, Runs, Scorings, option


def report(
    runs: Runs = None,
    out: Annotated[
        Path | None,
        option(
            "--out",
            metavar="FOLDER",
            variable="GEDIT_BENCH_REPORT_OUT",
            help="Where the page lands. Default: leaderboard in the first of RUNS.",
        ),
    ] = None,
    title: Annotated[str, option("--title", metavar="TEXT", help="The page's title. Default: one of its own.")] = "",
    allow_partial: AllowPartial = False,
    scoring: Scorings = None,
    with_published: Annotated[
        bool,
        option("--with-published", help="Show what others published below the tables that it fits, never ranked."),
    ] = False,
    single_file: Annotated[
        bool, option("--single-file", help="Put thumbnails into the page, of a selection of samples that fits.")
    ] = False,
    embed_budget: Annotated[
        float | None,
        option("--embed-budget", metavar="MB", min=0, help="What they may take in a single file. Default: 20."),
    ] = None,
) -> None:
    """Render the leaderboard of any set of runs.

    Beside the page stand its tables as CSV, JSON, Markdown and LaTeX, the scores of all samples, and claim cards.

    Examples:
      gedit-bench report
      gedit-bench report results/identity results/pil-filters --out /tmp/page
      gedit-bench report --allow-partial --title "Editing at our group, 2026"
      gedit-bench report --scoring official --scoring zeros
      gedit-bench report --with-published
      gedit-bench report --single-file --embed-budget 8
    """
    from gedit_bench import api
    from gedit_bench.cli.console import tell

    page = api.build_report(
        runs or [Path("results")],
        out,
        title=title,
        allow_partial=allow_partial,
        scorings=scoring or ["official"],
        with_published=with_published,
        single_file=single_file,
        embed_budget=embed_budget,
    )
    tell(str(page))
