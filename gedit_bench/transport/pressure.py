"""What a judge's HTTP exchanges say about how much its server can take; read by whoever sets the pace."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answered", "throttled", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange with a judge's server, told after it is over.

    `seconds` is its length. `throttled` is a refusal because of too much at once (HTTP 429), `failed`
    a server error, a dropped connection or silence; everything else is `answered`, whatever the
    answer is worth. `wait` is the seconds that the server asks to be left alone, `remaining` the
    requests that it still allows, `reset` the seconds until it allows all of them again; None where
    it doesn't say.
    """

    seconds: float
    outcome: Outcome
    wait: float | None = None
    remaining: int | None = None
    reset: float | None = None


Listener = Callable[[Exchange], None]

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LONGEST = 7 * 86400.0


def allowance(headers: Mapping[str, str], tokens: int | None = None) -> tuple[int | None, float | None]:
    """Return how many requests a server still allows and the seconds until it allows all again; None if unsaid.

    Requests and tokens are limited apart, and what runs out first counts: the tokens left are worth as
    many requests as there are `tokens` in one. Read are `x-ratelimit-remaining-requests`, `-tokens`, and
    the like with `reset`.

    Args:
        headers: the headers of a response, found by names in lower case.
        tokens: what this request took; None if unknown.
    """
    requests = _count(headers.get("x-ratelimit-remaining-requests", ""))
    left = _count(headers.get("x-ratelimit-remaining-tokens", ""))
    by_tokens = None if left is None else left // tokens if tokens else 0 if left == 0 else None
    limits = [(requests, "requests"), (by_tokens, "tokens")]
    known = [(count, kind) for count, kind in limits if count is not None]
    if not known:
        return None, None
    count, kind = min(known)
    return count, read_span(headers.get(f"x-ratelimit-reset-{kind}", ""))


def read_span(text: str) -> float | None:
    """Return the seconds in a span such as `1s`, `6m0s`, `20ms` or a bare `12`; None if it is none.

    A number beyond a week is a moment on some clock rather than a span, and none.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        seconds = float(text)
    elif text and not _SPAN.sub("", text):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _SPAN.findall(text))
    else:
        return None
    return seconds if seconds <= _LONGEST else None


def _count(text: str) -> int | None:
    # Gateways say -1 for «no limit».
    text = text.strip()
    return int(text) if text.isdecimal() and len(text) < 19 else None
