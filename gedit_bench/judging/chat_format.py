"""The chat-completions format: a question as the bytes of a request, a response as an answer or what it means instead.

Gateways deviate from the format in many ways, so a response is read leniently: whatever holds a
message is an answer. What is said about a failure goes through `hide` before it leaves this module,
because servers echo keys.
"""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any, cast

from gedit_bench.errors import QuotaError, UnavailableError
from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.records import Delivery, Json

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


class TransientError(Exception):
    """Asking again may help.

    `delivery` is what the question ends in if it doesn't, `wait` what the server asks for, in seconds.
    `throttled` says that the server is well, but was asked too much at once.
    """

    def __init__(self, delivery: Delivery, message: str, wait: float | None = None, *, throttled: bool = False) -> None:
        super().__init__(message)
        self.delivery = delivery
        self.message = message
        self.wait = wait
        self.throttled = throttled


@dataclass(frozen=True, slots=True)
class Hints:
    """What to do about a refused key, and about an unknown model or address."""

    key: str = "Set OPENAI_API_KEY to a key that may use the judge's model."
    model: str = "Check --judge and --base-url; a base URL usually ends in /v1."


_HINTS = Hints()


def encode_request(model: str, question: Question) -> bytes:
    """Return the body of a request: `model`, one user message, and the question's parameters, in this order.

    It is put together from pieces, because a JSON encoder would look at every character of the images.
    """
    text = [_json({"type": "text", "text": question.prompt})]
    images = [_image_part(image) for image in question.images]
    content = b",".join(images + text if question.images_first else text + images)
    fields = [b'"model":' + _json(model), b'"messages":[{"role":"user","content":[' + content + b"]}]"]
    fields += [_json(name) + b":" + _json(value) for name, value in question.parameters.items()]
    return b"{" + b",".join(fields) + b"}"


def read_response(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: str, hide: Hide, hints: Hints = _HINTS
) -> Answer:
    """Return what an HTTP response means.

    Args:
        status: the HTTP status.
        headers: its headers, found by names in lower case.
        body: its whole body.
        endpoint: the endpoint's label, for messages.
        hide: removes secrets from what the server says.
        hints: what to do about errors that stop a run.

    Raises:
        TransientError: the response is one to ask again after.
        QuotaError: the account is exhausted.
        UnavailableError: the key is refused, or model or address are unknown.
    """
    value = _load(body)
    choice = _first_choice(value)
    if status == 200 and choice is not None:
        return _completion(cast(dict[str, Any], value), choice)
    return _failure(status, _complaint(value, body, hide), requested_wait(headers), endpoint, hints)


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


def shorten(text: str, hide: Hide) -> str:
    """Return `text` on one line, without markup and secrets, 300 characters at most."""
    # Hidden first: half a key would no longer be recognised.
    words = " ".join(_TAG.sub(" ", hide(text[:20_000])).split())
    return words if len(words) <= _MESSAGE_LENGTH else words[: _MESSAGE_LENGTH - 1] + "…"


@dataclass(frozen=True, slots=True)
class _Complaint:
    codes: frozenset[str]
    message: str
    flagged: bool = False

    @property
    def filtered(self) -> bool:
        return self.flagged or any(_FILTER_CODE.search(code) for code in self.codes)


def _failure(status: int, complaint: _Complaint, wait: float | None, endpoint: str, hints: Hints) -> Answer:
    said = f"HTTP {status}: {complaint.message}"
    if status == 402 or complaint.codes & _QUOTA_CODES:
        raise QuotaError(
            f"{endpoint} refuses to go on until the account is topped up ({said})",
            "Add credit or raise the limit, then run the same command again; what is done stays done.",
        )
    if (status == 200 or 400 <= status < 500) and complaint.filtered:
        return Answer(delivery=Delivery.FILTERED, message=said)
    if status in {401, 403}:
        raise UnavailableError(f"{endpoint} refuses the key ({said})", hints.key)
    if status == 404 or (400 <= status < 500 and "model_not_found" in complaint.codes):
        raise UnavailableError(
            f"{endpoint} doesn't know the judge's model or has no chat completions at this address ({said})",
            hints.model,
        )
    if status == 408:
        raise TransientError(Delivery.TIMEOUT, said, wait)
    if status == 429 or not 400 <= status < 500:
        raise TransientError(Delivery.TRANSPORT, said, wait, throttled=status == 429)
    return Answer(delivery=Delivery.REJECTED, message=said)


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _image_part(image: EncodedImage) -> bytes:
    start = f'{{"type":"image_url","image_url":{{"url":"data:{image.media_type};base64,'
    return start.encode("ascii") + b64encode(image.data) + b'"}}'


def _load(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _first_choice(value: object) -> dict[str, Any] | None:
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return None
    # Where a filter stopped the model at once, Azure may leave the message out.
    return choice if isinstance(choice.get("message"), dict) or _stopped_by_filter(choice) else None


def _stopped_by_filter(choice: dict[str, Any]) -> bool:
    # Some endpoints add the kind of filter after a colon.
    return (_string(choice.get("finish_reason")) or "").startswith("content_filter")


def _completion(value: dict[str, Any], choice: dict[str, Any]) -> Answer:
    message = choice.get("message") or {}
    content = _text(message.get("content"))
    finish = _string(choice.get("finish_reason"))
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    flagged = _flagged(choice.get("content_filter_results")) + _flagged(value.get("prompt_filter_results"))
    filtered = (_stopped_by_filter(choice) or bool(flagged)) and not (content and content.strip())
    reason = f" ({', '.join(flagged)})" if flagged else ""
    return Answer(
        delivery=Delivery.FILTERED if filtered else Delivery.ANSWERED,
        content=content,
        refusal=_string(message.get("refusal")),
        finish_reason=finish,
        message=f"The answer was held back by a content filter{reason}." if filtered else "",
        model=_string(value.get("model")),
        fingerprint=_string(value.get("system_fingerprint")),
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
    )


def _text(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        return json.dumps(content)
    texts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "".join(text for text in texts if isinstance(text, str))


def _flagged(results: object) -> list[str]:
    """Return which of Azure's filters held something back, such as `violence (high)`."""
    if isinstance(results, list):  # one entry for each prompt
        parts = [part.get("content_filter_results") for part in results if isinstance(part, dict)]
        return [kind for part in parts for kind in _flagged(part)]
    if not isinstance(results, dict):
        return []
    held = [(kind, one) for kind, one in results.items() if isinstance(one, dict) and one.get("filtered") is True]
    return [f"{kind} ({severity})" if (severity := _string(one.get("severity"))) else kind for kind, one in held]


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _complaint(value: object, body: bytes, hide: Hide) -> _Complaint:
    """Read any of the shapes in which servers complain: with or without `error`, in a list, or as plain text."""
    if isinstance(value, list) and value:
        value = value[0]
    error = value.get("error", value) if isinstance(value, dict) else None
    if not isinstance(error, dict):
        words = error if isinstance(error, str) else body.decode("utf-8", "replace")
        return _Complaint(frozenset(), shorten(words, hide) or "no reason given")
    inner = error.get("innererror")
    codes = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, dict) else None]
    metadata = error.get("metadata")
    said = error.get("message") or error.get("detail") or error
    said = said if isinstance(said, str) else json.dumps(said)
    flagged = _flagged(inner.get("content_filter_result")) if isinstance(inner, dict) else []
    return _Complaint(
        codes=frozenset(str(code).lower() for code in codes if code is not None),
        # The kinds first: Azure's own words are the same for all of them, and long.
        message=shorten(f"{', '.join(flagged)}: {said}" if flagged else said, hide),
        flagged=isinstance(metadata, dict) and "flagged_input" in metadata,
    )
