"""Reads scores out of a judge's words exactly as the official evaluation's first pass does, and never invents one.

The official parser raises, guesses at random or asks for ever where it finds nothing; here that is a
status. It looks for, in this order: text between two `||V^=^V||`, or from the first `{` to the last
`}`, as a JSON object with `score`; without braces a list of two whole numbers, or a bare number from
0 to 10. What is no JSON gets one repair that quotes bare words.
"""

import json
import re
from typing import NamedTuple

from gedit_bench.records import Json, Reading, ReplyStatus

DELIMITER = "||V^=^V||"
REPAIR_LIMIT = 4000  # characters; the official repair is quadratic, and no reply that it mends is longer
_PAIR = re.compile(r"\[\d+, ?\d+\]")
_BARE_KEY = re.compile(r"(?<!\w)(\w+):")
_FIELD = re.compile(r'"([^"]+)":([^,}]*)')
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

_VERBS = (
    "assist|help|comply|evaluate|rate|assess|judge|score|grade|view|see|access|process|analy[sz]e|compare|"
    "identify|provide|fulfil+|complete|continue|engage|discuss|review|do that|do this"
)
_REFUSAL = re.compile(
    r"\bI(?:['’]m| am) (?:really |very |so )?sorry\b"
    r"|\bI apologi[sz]e\b"
    r"|\b(?:sorry|apologies),? but\b"
    rf"|\bI (?:can['’]?t|cannot|can not|won['’]?t|will not|must decline to)\b[^.]{{0,30}}?\b(?:{_VERBS})\b"
    rf"|\bI(?:['’]m| am) (?:unable|not able) to\b[^.]{{0,30}}?\b(?:{_VERBS})\b"
    rf"|^\W*(?:unable|not able) to (?:{_VERBS})\b"
    r"|\bagainst (?:my|our|the) (?:\w+ )?(?:policy|policies|guidelines)\b"
    r"|抱歉|对不起|我(?:无法|不能|没办法)|无法(?:协助|提供|评估|评价|评分|处理|查看|识别)",
    re.IGNORECASE,
)
_APOLOGY = re.compile(rf"{_REFUSAL.pattern}|\bunable to\b|\bcannot (?:{_VERBS})\b", re.IGNORECASE)


class _Found(NamedTuple):
    scores: list[Json]
    how: str
    reasoning: str = ""


def read_content(content: str | None, refusal: str | None = None, finish_reason: str | None = None) -> Reading:
    """Return what an answer is worth: `ok` with a score, or why there is none.

    Args:
        content: the judge's words; None where the API sent null.
        refusal: the API's own refusal field.
        finish_reason: why the judge stopped; `length` sets the flag `truncated`.

    The score is the smallest of the numbers found, each of them a finite JSON number in 0..10. Never
    raises; takes time linear in the length of `content`.
    """
    truncated = ("truncated",) if finish_reason == "length" else ()
    found = _official_reading(content or "")
    if found is not None and found.scores and all(_is_number(score) for score in found.scores):
        return _judged(found, content or "", truncated)
    return without_score(content, refusal, truncated)


def without_score(content: str | None, refusal: str | None, flags: tuple[str, ...]) -> Reading:
    """Return why an answer in which no score was found has none: `refused`, `empty` or `unparsable`."""
    if refusal or _REFUSAL.search((content or "")[:REPAIR_LIMIT]):
        return Reading(ReplyStatus.REFUSED, flags=flags)
    if not (content or "").strip():
        return Reading(ReplyStatus.EMPTY, flags=flags)
    return Reading(ReplyStatus.UNPARSABLE, flags=flags)


def _judged(found: _Found, content: str, flags: tuple[str, ...]) -> Reading:
    scores = [score for score in found.scores if isinstance(score, int | float)]
    if len(scores) != 2:
        flags += ("count",)
    if any(isinstance(score, float) for score in scores):
        flags += ("float",)
    if found.how in {"list", "repaired"}:
        flags += (found.how,)
    if not all(0 <= score <= 10 for score in scores):  # NaN is not, either
        return Reading(ReplyStatus.OUT_OF_RANGE, None, found.how, flags, found.reasoning)
    lowest = float(min(scores)) + 0.0  # -0.0 becomes 0.0
    if lowest == 0 and _APOLOGY.search(content[:REPAIR_LIMIT]):
        flags += ("apology",)
    return Reading(ReplyStatus.OK, lowest, found.how, flags, found.reasoning)


def _official_reading(text: str) -> _Found | None:
    """The official first pass: the scores as they stand, unchecked, or None where it finds none."""
    if text.count(DELIMITER) == 2:
        return _object(text.split(DELIMITER)[1])
    if "{" in text and "}" in text:
        return _object(text[text.index("{") : text.rindex("}") + 1])
    return _pair(text) or _bare_number(text)


def _object(part: str) -> _Found | None:
    part = part.strip().replace("\n", "")
    value = _loaded(part)
    if isinstance(value, dict) and "score" in value:
        return _scores_in(value, "json")
    if len(part) <= REPAIR_LIMIT:
        value = _loaded(_repaired(part))
        if isinstance(value, dict) and "score" in value:
            return _scores_in(value, "repaired")
    return None


def _scores_in(value: dict[str, Json], how: str) -> _Found:
    score = value["score"]
    reasoning = value.get("reasoning")
    if isinstance(reasoning, list) and len(reasoning) == 1:
        reasoning = reasoning[0]
    return _Found(score if isinstance(score, list) else [score], how, reasoning if isinstance(reasoning, str) else "")


def _pair(text: str) -> _Found | None:
    start, end = text.find("["), text.rfind("]")
    if start < 0 or not _PAIR.fullmatch(candidate := text[start : end + 1]):
        return None
    value = _loaded(candidate)  # full-width or zero-padded digits match, and are no JSON
    return _Found(value, "list") if isinstance(value, list) else None


def _bare_number(text: str) -> _Found | None:
    try:
        number = int(text)
    except ValueError:
        return None
    return _Found([number], "number") if 0 <= number <= 10 else None


def _repaired(part: str) -> str:
    return _FIELD.sub(_quoted_field, _BARE_KEY.sub(r'"\1":', part))


def _quoted_field(field: re.Match[str]) -> str:
    value = field[2].strip()
    if _NUMBER.fullmatch(value):
        value = f"[{value}]"
    elif value not in {"true", "false", "null"}:
        value = f'"{value}"'
    return f'"{field[1]}": {value}'


def _loaded(text: str) -> Json:
    """The JSON value, or None for what is none: too deep, an integer too long, or no JSON at all."""
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
