"""What another tool's files say, before anybody checks it: rows with raw values, and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, isnan
from pathlib import Path
from typing import Literal

from gedit_bench.records import Json

Tool = Literal["official", "lmms-eval", "evalscope"]
TOOLS: tuple[Tool, ...] = ("official", "lmms-eval", "evalscope")

TOOL_WORDS: Mapping[Tool, str] = {
    "official": "the official scripts", "lmms-eval": "lmms-eval", "evalscope": "EvalScope",
}  # fmt: skip

Aggregation = Literal["macro", "micro"]
AGGREGATIONS: Mapping[Tool, Aggregation] = {"official": "macro", "lmms-eval": "micro", "evalscope": "micro"}
"""How each tool's headline is averaged: over categories, or over samples."""

NOT_A_NUMBER = "no number"
BLANK = "blank or NaN"
OUTSIDE = "outside 0 to 10"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRow:
    """One row or line. `place` is `file:line`; `row` is the index in the dataset's split, where only that is given.

    None stands for what the files don't say.
    """

    place: str
    task: str | None
    language: str | None
    key: str | None
    instruction: str | None = None
    intersection: Json = None
    sc: Json = None
    pq: Json = None
    row: int | None = None
    original: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """Everything that one tool says of one model. `judge` is empty where the files don't name one."""

    tool: Tool
    model: str
    judge: str
    files: tuple[Path, ...]
    rows: tuple[ForeignRow, ...]
    notes: tuple[str, ...] = ()


def number(value: Json) -> tuple[float | None, str]:
    """Return a score within 0..10, or None and what is wrong with it; text that spells a number is one."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, BLANK
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None, NOT_A_NUMBER
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None, NOT_A_NUMBER
    if isnan(found):
        return None, BLANK
    return (found + 0.0, "") if isfinite(found) and 0 <= found <= 10 else (None, OUTSIDE)  # -0.0 becomes 0.0
