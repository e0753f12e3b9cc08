"""The board as LaTeX: a table with the rules of `booktabs` for each of its tables, intervals in small print."""

from collections.abc import Sequence
from math import isnan

from gedit_bench.report import words
from gedit_bench.report.board import Board, BoardTable, Row
from gedit_bench.report.markup import latex
from gedit_bench.scoring.bootstrap import Interval

COLUMNS = ("Rank", "Model", "SC", "PQ", "O", "n")
_NOTHING = "--"
_BRACKETS = " In brackets: 95 % intervals, from a bootstrap of whole sources by category."
_PARENTHESES = " In parentheses: the ranks that the paired differences, all at once at 95 %, allow."


def board_latex(board: Board, *, created: str) -> str:
    r"""Return a `table` environment for each table; the document needs `\usepackage{booktabs}`.

    Names in other scripts than pdfLaTeX knows need XeLaTeX or LuaLaTeX.
    """
    head = f"% GEdit-Bench, {created[:10]}. Needs \\usepackage{{booktabs}}."
    return "\n\n".join([head, *map(_table, board.tables)]) + "\n"


def latex_row(table: BoardTable, row: Row) -> str:
    """Return a row's cells in the order of `COLUMNS`; in parentheses the ranks that the other rows leave it."""
    return _row(table, row, "")


def _table(table: BoardTable) -> str:
    ranked = [row for row in table.rows if row.rank is not None]
    others = [row for row in table.rows if row.rank is None]
    lines = [_row(table, row, "") for row in ranked]
    if others:
        lines += [r"\midrule"] if ranked else []
        lines += [_row(table, row, f"$^{{{number}}}$") for number, row in enumerate(others, start=1)]
    heads = " & ".join(("Rank", "Model", "SC", "PQ", "O", "$n$"))
    return "\n".join(
        (
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(_caption(table))}}}",
            rf"\label{{tab:gedit-bench-{table.id}}}",
            r"\begin{tabular}{@{}llrrrr@{}}",
            r"\toprule",
            rf"{heads} \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            *_footnotes(others),
            r"\end{table}",
        )
    )


def _caption(table: BoardTable) -> str:
    """Benchmark, samples, judge and protocol; and what the small print of the cells is, where there is any."""
    key = table.key
    returned = f" (answered as {key.returned})" if key.returned else ""
    judge = f"judged by {key.judge_id}{returned}" if table.vlm else f"no VLM: {key.judge_id}"
    imported = " Imported scores, of unknown status." if key.imported else ""
    told = (
        f"GEdit-Bench, {table.title}, n = {table.selected} (selection {key.selection}); {judge}, protocol "
        f"{table.judge.protocol}, asked as {key.request_id}, scored as {key.scoring_id}.{imported}"
    )
    known = any(row.uncertainty and row.uncertainty.headline.overall.known for row in table.rows)
    return told + (_BRACKETS if known else "") + (_PARENTHESES if table.ranking else "")


def _row(table: BoardTable, row: Row, mark: str) -> str:
    means, known, part = row.summary.headline, row.uncertainty, row.summary.coverage
    values = (means.sc, means.pq, means.overall) if means else (None, None, None)
    found = (known.headline.sc, known.headline.pq, known.headline.overall) if known else (None, None, None)
    cells = (
        _rank(table, row),
        latex(row.entry.label) + mark,
        *(_number(value, interval) for value, interval in zip(values, found, strict=True)),
        str(part.selected) if part.scored == part.selected else f"{part.scored}/{part.selected}",
    )
    return " & ".join(cells) + r" \\"


def _rank(table: BoardTable, row: Row) -> str:
    if row.rank is None:
        return _NOTHING
    places = words.places(row.standing)
    return f"{row.rank} ({places.replace('–', '--')})" if table.ranking and row.standing else str(row.rank)


def _number(value: float | None, interval: Interval | None) -> str:
    if value is None or isnan(value):
        return _NOTHING
    if interval is None or not interval.known:
        return f"${value:.2f}$"
    return rf"${value:.2f}$\,{{\scriptsize$[{interval.low:.2f}, {interval.high:.2f}]$}}"


def _footnotes(rows: Sequence[Row]) -> list[str]:
    """Why rows have no rank."""
    if not rows:
        return []
    told = "; ".join(f"$^{{{number}}}$~{latex(row.reason)}" for number, row in enumerate(rows, start=1))
    return [rf"\par\smallskip{{\footnotesize {told}.\par}}"]
