"""Text as Markdown and LaTeX show it: nothing in a name or an instruction is taken for markup."""

import re
from collections.abc import Sequence

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~&])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "α": r"$\alpha$",
    # Behind the end of a row a bracket would be its option, and a star part of it.
    **{character: f"{{{character}}}" for character in "[]*"},
    **{character: f"\\{character}" for character in "{}$&#_%"},
}
_LIGATURE = re.compile(r"([-',`])(?=\1)|([?!])(?=`)")
"""Marks that would be set as another one together."""

_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
"""Line ends and characters that print nothing, some of which LaTeX refuses."""

_NUMBER = r"[+-]?\d+(?:\.\d+)?"
_FIGURE = re.compile(rf"{_NUMBER}|\[{_NUMBER}, {_NUMBER}\]")


def markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", _one_line(text))


def latex(text: str) -> str:
    """Return text that LaTeX sets as it is, on one line; numbers and intervals stand in math mode."""
    line = _one_line(text)
    if _FIGURE.fullmatch(line):
        return f"${line}$"
    return _LIGATURE.sub(r"\g<0>{}", "".join(_LATEX.get(character, character) for character in line))


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [f"| {' | '.join(markdown(str(cell)) for cell in row)} |" for row in (header, *rows)]
    return "\n".join([lines[0], "|" + " --- |" * len(header), *lines[1:]])


def latex_table(caption: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a LaTeX table with the rules of `booktabs`; columns of figures are flush right."""
    columns = "".join(_column([str(row[column]) for row in rows]) for column in range(len(header)))
    lines = [" & ".join(latex(str(cell)) for cell in row) + r" \\" for row in (header, *rows)]
    return "\n".join(
        (
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex(caption)}}}",
            rf"\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
            *(r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"),
            r"\end{tabular}",
            r"\end{table}",
        )
    )


def _column(cells: Sequence[str]) -> str:
    if all(_FIGURE.fullmatch(cell) or cell in {"", "–"} for cell in cells):
        return "r"
    return "l" if max(map(len, cells)) <= _NARROW else r"p{0.4\linewidth}"


_NARROW = 60
"""Characters up to which a cell's text stays on one line."""


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text).strip()
