"""Reads scores as EvalScope 1.14.1 does: exactly one JSON object, and it must fit the schema of the grade.

The schema is a list `score` of at least one whole number, where `"8"`, `8.0` and `true` count as whole
numbers by pydantic's coercion, and a text `reasoning`. EvalScope checks no range; here a score outside
0..10 is `out_of_range`, as everywhere.
"""

import json
import re
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from gedit_bench.judging.parse import without_score
from gedit_bench.records import Reading, ReplyStatus

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*+\\?(?:"|\Z)|[{}]', re.DOTALL)


class _Grade(BaseModel):
    score: Annotated[list[int], Field(min_length=1)]
    reasoning: str = ""


def read_strictly(content: str | None, refusal: str | None = None, finish_reason: str | None = None) -> Reading:
    """Return what an answer is worth by EvalScope's rules; arguments as in `parse.read_content`.

    The score is the smallest of the numbers. The flag `range` says that another of them, which EvalScope
    doesn't look at, is outside 0..10.
    """
    flags: tuple[str, ...] = ("truncated",) if finish_reason == "length" else ()
    grade = _grade(content or "")
    if grade is None:
        return without_score(content, refusal, flags)
    if len(grade.score) != 2:
        flags += ("count",)
    if not all(0 <= score <= 10 for score in grade.score):
        flags += ("range",)
    lowest = min(grade.score)
    if not 0 <= lowest <= 10:
        return Reading(ReplyStatus.OUT_OF_RANGE, None, "json", flags, grade.reasoning)
    return Reading(ReplyStatus.OK, float(lowest), "json", flags, grade.reasoning)


def _grade(content: str) -> _Grade | None:
    objects = _objects(content)
    if len(objects) != 1:
        return None
    try:
        return _Grade.model_validate(json.loads(objects[0]))
    except (ValidationError, ValueError, RecursionError):
        return None


def _objects(text: str) -> list[str]:
    """The parts of a text from a `{` to the `}` that closes it; braces in double quotes don't count."""
    found, depth, start = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] == "{":
            start = start if depth else token.start()
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
            if not depth:
                found.append(text[start : token.end()])
    return found
