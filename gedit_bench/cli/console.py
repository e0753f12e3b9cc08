"""Where words go: results to stdout, everything else to stderr, and nothing that steers a terminal to either."""

import json
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gedit_bench.records import Json

_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but newline and tab, what turns the direction of writing, and halves of characters."""


def harmless(text: str) -> str:
    """Return `text` with what could steer a terminal spelled out as numbers, so that JSON stays valid."""
    return _STEERING.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def tell(text: str) -> None:
    """Print a result."""
    sys.stdout.write(harmless(text) + "\n")


def tell_json(value: "Json") -> None:
    """Print a result for a program."""
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    tell(json.dumps(value, indent=2, ensure_ascii=ascii_only, default=str))


def say(text: str) -> None:
    """Print what is no result."""
    sys.stderr.write(harmless(text) + "\n")


def complain(message: str, hint: str) -> None:
    """Print what went wrong and what to do about it."""
    say(f"Error: {message}" + (f" {hint}" if hint else ""))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a plain table; numbers and short words line up, nothing is cut, each row is one line."""
    cells = [[harmless(" ".join(str(cell).splitlines())) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)
