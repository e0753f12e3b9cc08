"""What a failed HTTP exchange means: ask again, stop the run, or record it as what became of this request.

Servers complain in many shapes, and echo keys: what they say goes through `hide` before it leaves this
module.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, TypedDict

from gedit_bench.errors import QuotaError, UnavailableError
from gedit_bench.records import Delivery

Hide = Callable[[str], str]

_MESSAGE_LENGTH = 300
_FILTER_CODE = re.compile(
    r"content_?filter|content_?policy|policy_?violation|moderation|data_?inspection_?failed|^invalid_prompt$"
)
_QUOTA_CODES = {
    "insufficient_quota",
    "insufficient_user_quota",
    "exceeded_current_quota_error",
    "billing_hard_limit_reached",
    "billing_not_active",
}
_TAG = re.compile(r"<[^>]*>")


class Usage(TypedDict, total=False):
    """Tokens that one call took, as far as the server tells; `cached_tokens` are some of the prompt's."""

    prompt_tokens: int | None
    completion_tokens: int | None
    cached_tokens: int | None


class TransientError(Exception):
    """Asking again may help.

    `delivery` is what the request ends in if it doesn't, `wait` what the server asks for, in seconds.
    `throttled` says that the server is well, but was asked too much at once. `usage` is what the server
    says it has worked; `lost` is True where it may have, but nobody heard.
    """

    def __init__(
        self,
        delivery: Delivery,
        message: str,
        wait: float | None = None,
        *,
        throttled: bool = False,
        usage: Usage | None = None,
        lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.delivery = delivery
        self.message = message
        self.wait = wait
        self.throttled = throttled
        self.usage = usage or Usage()
        self.lost = lost


@dataclass(frozen=True, slots=True)
class Hints:
    """What to do about a refused key, and about an unknown model or address; `place` is what is looked for there."""

    key: str
    model: str
    place: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """A request that the server won't carry out however often it is asked; `filtered` by a content filter."""

    filtered: bool
    message: str


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server says about a failure: codes in lower case, its words, and whether it flagged the content."""

    codes: frozenset[str]
    message: str
    flagged: bool = False

    @property
    def filtered(self) -> bool:
        """True if a content filter or policy is the reason."""
        return self.flagged or any(_FILTER_CODE.search(code) for code in self.codes)


def judge_failure(
    status: int, complaint: Complaint, wait: float | None, endpoint: str, hints: Hints, usage: Usage | None = None
) -> Rejection:
    """Return what a response other than a success means for its request.

    Args:
        status: the HTTP status; 200 where a success holds an error.
        complaint: what the server says.
        wait: seconds that it asks to be left alone.
        endpoint: the endpoint's label, for messages.
        hints: what to do about errors that stop a run.
        usage: the tokens that it has counted all the same.

    Raises:
        TransientError: the request is one to ask again.
        QuotaError: the account is exhausted.
        UnavailableError: the key is refused, or model or address are unknown.
    """
    said = f"HTTP {status}: {complaint.message}"
    if status == 402 or complaint.codes & _QUOTA_CODES:
        raise QuotaError(
            f"{endpoint} refuses to go on until the account is topped up ({said})",
            "Add credit or raise the limit, then run the same command again; what is done stays done.",
        )
    if (status == 200 or 400 <= status < 500) and complaint.filtered:
        return Rejection(True, said)
    if status in {401, 403}:
        raise UnavailableError(f"{endpoint} refuses the key ({said})", hints.key)
    if status == 404 or (400 <= status < 500 and "model_not_found" in complaint.codes):
        raise UnavailableError(
            f"{endpoint} doesn't know the model or has no {hints.place} at this address ({said})", hints.model
        )
    if status == 408:
        raise TransientError(Delivery.TIMEOUT, said, wait, usage=usage)
    if status == 429 or not 400 <= status < 500:
        raise TransientError(Delivery.TRANSPORT, said, wait, throttled=status == 429, usage=usage)
    return Rejection(False, said)


def read_complaint(value: object, body: bytes, hide: Hide) -> Complaint:
    """Read any of the shapes in which servers complain: with or without `error`, in a list, or as plain text.

    Args:
        value: the body as JSON; None if it is none.
        body: the body as it came.
        hide: removes secrets.
    """
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else None
    if not isinstance(error, dict):
        words = error if isinstance(error, str) else body.decode("utf-8", "replace")
        return Complaint(frozenset(), shorten(words, hide) or "no reason given")
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
    metadata = error.get("metadata")
    said = error.get("message") or error.get("detail") or error
    said = said if isinstance(said, str) else json.dumps(said)
    flagged = filters_that_held(inner.get("content_filter_result")) if isinstance(inner, dict) else []
    return Complaint(
        codes=frozenset(str(code).lower() for code in codes if code is not None),
        # The kinds first: Azure's own words are the same for all of them, and long.
        message=shorten(f"{', '.join(flagged)}: {said}" if flagged else said, hide),
        flagged=isinstance(metadata, dict) and "flagged_input" in metadata,
    )


def filters_that_held(results: object) -> list[str]:
    """Return which of Azure's filters held something back, such as `violence (high)`."""
    if isinstance(results, list):  # one entry for each prompt
        parts = [part.get("content_filter_results") for part in results if isinstance(part, dict)]
        return [kind for part in parts for kind in filters_that_held(part)]
    if not isinstance(results, dict):
        return []
    held = [(kind, one) for kind, one in results.items() if isinstance(one, dict) and one.get("filtered") is True]
    return [f"{kind} ({one['severity']})" if text(one.get("severity")) else kind for kind, one in held]


def requested_wait(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds a server asks to be left alone, at least 0; None if it doesn't say."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if isfinite(seconds):
            return max(seconds, 0.0)
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, OverflowError):
        return None
    # A date without a zone is in UTC, as HTTP dates are.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def shorten(words: str, hide: Hide) -> str:
    """Return `words` on one line, without markup and secrets, 300 characters at most."""
    # Hidden first: half a key would no longer be recognised.
    line = " ".join(_TAG.sub(" ", hide(words[:20_000])).split())
    return line if len(line) <= _MESSAGE_LENGTH else line[: _MESSAGE_LENGTH - 1] + "…"


def read_json(body: bytes) -> Any:
    """Return a body as JSON, None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text(value: object) -> str | None:
    """Return a value if it is a text with something in it."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Return a value if it is a whole number from 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
