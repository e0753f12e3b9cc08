"""Where words go: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.records import Json


def tell(text: str) -> None:
    """Print a result."""
    sys.stdout.write(text + "\n")


def tell_json(value: "Json") -> None:
    """Print a result for a program."""
    tell(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def say(text: str) -> None:
    """Print what is no result."""
    sys.stderr.write(text + "\n")


def complain(message: str, hint: str) -> None:
    """Print what went wrong and what to do about it."""
    say(f"Error: {message}" + (f" {hint}" if hint else ""))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a plain table; numbers and short words line up, nothing is cut."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in (header, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(header), *lines[1:]])
