"""`gedit-bench compare`: two runs, or two ways of judging one, against each other, sample by sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, Scorings, checked, option

if TYPE_CHECKING:
    from gedit_bench.comparison import Comparison
    from gedit_bench.report.paired_tables import Table


FORMATS = ("table", "md", "latex", "json")
BY = ("task", "headline")

First = Annotated[Path, typer.Argument(metavar="A", help="A run, or the folder of one of its judgements.")]
Second = Annotated[
    Path | None,
    typer.Argument(metavar="B", help="Another. Default: the same, under another --protocol or --scoring."),
]
Protocols = Annotated[
    list[str] | None,
    option("--protocol", metavar="NAME", help="Judged under this protocol; given twice, one for each side."),
]
By = Annotated[str, option("--by", metavar="|".join(BY), help="Each category and the headline, or the headline alone.")]
Top = Annotated[int, option("--top", metavar="N", min=0, help="How many lost and how many gained samples to list.")]
Form = Annotated[str, option("--format", metavar="|".join(FORMATS), help="How it is written.")]
Page = Annotated[
    Path | None,
    option(
        "--page",
        metavar="PATH",
        help="Also make a page of the lost and gained samples: an .html file, or a folder for it.",
    ),
]


def compare(
    first: First,
    second: Second = None,
    protocol: Protocols = None,
    scoring: Scorings = None,
    by: By = "task",
    top: Top = 20,
    form: Form = "table",
    as_json: AsJson = False,
    page: Page = None,
) -> None:
    """Set two runs, or two ways of judging one, side by side.

    Only samples that both have are compared, and nothing is ranked.

    Differences are second minus first, with 95 % intervals. Two protocols or scorings of one run show how far the
    judging alone moves SC, PQ and O.

    Examples:
      gedit-bench compare results/a/default-11111111 results/b/default-22222222
      gedit-bench compare results/a/v1-11111111 results/a/v2-22222222 --page results/leaderboard
      gedit-bench compare results/a/v1-11111111 --protocol official --protocol lmms-eval
      gedit-bench compare results/a/v1-11111111 --scoring official --scoring zeros --by headline
      gedit-bench compare results/a/v1-11111111 results/a/v2-22222222 --format latex
    """
    from gedit_bench.cli.console import say, tell, tell_json
    from gedit_bench.comparison import compare as pair_up
    from gedit_bench.report.paired_json import comparison_json

    checked("--format", form, FORMATS)
    checked("--by", by, BY)
    found = pair_up(first, second, protocols=protocol or (), scorings=scoring or ())
    for remark in found.remarks:
        say(remark)
    if page is not None:
        from gedit_bench.api import sources_of_runs
        from gedit_bench.report.compare_page import build_comparison_page

        say(f"Page: {build_comparison_page(found, page, top=top, sources=sources_of_runs())}")
    if as_json or form == "json":
        tell_json(comparison_json(found, by=by, top=top))
    else:
        tell(_text(found, form, by=by, top=top))


def _text(found: "Comparison", form: str, *, by: str, top: int) -> str:
    from gedit_bench.cli.console import harmless
    from gedit_bench.records import LANGUAGES
    from gedit_bench.report.markup import latex, markdown
    from gedit_bench.report.paired_tables import tables

    shown = [table for language in LANGUAGES for table in tables(found, language, by=by, top=top)]
    if not shown:
        return "The two sides have no sample in common that both were scored on."
    blocks = [_written(table, form) for table in shown]
    if form == "latex":
        remarks = [rf"\par {latex(harmless(remark))}" for remark in found.remarks]
        return "\n\n".join([_PREAMBLE, *remarks, *blocks])
    return "\n\n".join([*(markdown(remark) for remark in found.remarks if form == "md"), *blocks])


def _written(table: "Table", form: str) -> str:
    from gedit_bench.cli import console
    from gedit_bench.report import markup

    if form == "table":
        return console.table(table.header, table.rows)
    # What steers a terminal is spelled out here: in LaTeX the spelling would be a command of its own.
    header, *rows = ([console.harmless(str(cell)) for cell in row] for row in (table.header, *table.rows))
    if form == "md":
        return markup.markdown_table(header, rows)
    return markup.latex_table(console.harmless(table.caption), header, rows)


_PREAMBLE = r"% Needs \usepackage{booktabs}; for Chinese instructions XeLaTeX or LuaLaTeX and a font that has them."
