"""Which names of hosted models stand still, and which are aliases that their maker may point elsewhere."""

import re
from typing import Literal

Naming = Literal["snapshot", "alias", "unknown"]

_HOSTED = re.compile(r"(gpt-|chatgpt-|o\d\b|claude-|gemini-|grok-|qwen-vl-(max|plus)|qwen3-vl-(plus|flash)|doubao-)")
_OPEN_WEIGHTS = re.compile(r"[-_:]\d+(\.\d+)?b\b")
_MONTH, _DAY = r"(0[1-9]|1[0-2])", r"(0[1-9]|[12]\d|3[01])"
_DATE = re.compile(
    rf"[-@:](20\d\d-{_MONTH}-{_DAY}|20\d\d{_MONTH}{_DAY}|2\d{_MONTH}{_DAY}|{_MONTH}-{_DAY}|{_MONTH}{_DAY})(?=$|[-@:])"
)
_NUMBERED = re.compile(r"gemini-.*-00\d$")
_LATEST = re.compile(r"[-:]latest$")


def naming(model: str) -> Naming:
    """Return whether a model's name is a dated snapshot, an alias, or of no known kind.

    A snapshot carries its date (`gpt-4.1-2025-04-14`, `gpt-4-0613`) or number (`gemini-2.0-flash-001`). An
    alias is a hosted model's name without one (`gpt-4.1`), or ends in `latest`. Names of published weights and of
    deployments say neither. A gateway's prefix (`openai/gpt-4.1`) makes no difference.
    """
    name = model.strip().lower().rpartition("/")[2]
    if _LATEST.search(name):
        return "alias"
    if not _HOSTED.match(name) or _OPEN_WEIGHTS.search(name):
        return "unknown"
    return "snapshot" if _DATE.search(name) or _NUMBERED.match(name) else "alias"
