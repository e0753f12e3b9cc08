"""The chat-completions format: a question as the bytes of a request, a response as an answer or what it means instead.

Gateways deviate from the format in many ways, so a response is read leniently: whatever holds a
message is an answer. What is said about a failure goes through `hide` before it leaves this module,
because servers echo keys.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, cast

from gedit_bench.judging.base import Answer, EncodedImage, Question
from gedit_bench.records import Delivery, Json
from gedit_bench.transport.failures import (
    Hide,
    Hints,
    Usage,
    count,
    filters_that_held,
    judge_failure,
    read_complaint,
    read_json,
    requested_wait,
    text,
)

HINTS = Hints(
    key="Set OPENAI_API_KEY to a key that may use the judge's model.",
    model="Check --judge and --base-url; a base URL usually ends in /v1.",
    place="chat completions",
)


def encode_request(model: str, question: Question) -> bytes:
    """Return the body of a request: `model`, one user message, and the question's parameters, in this order.

    It is put together from pieces, because a JSON encoder would look at every character of the images.
    """
    text = [_json({"type": "text", "text": question.prompt})]
    images = [_image_part(image, question.image_detail) for image in question.images]
    content = b",".join(images + text if question.images_first else text + images)
    fields = [b'"model":' + _json(model), b'"messages":[{"role":"user","content":[' + content + b"]}]"]
    fields += [_json(name) + b":" + _json(value) for name, value in question.parameters.items()]
    return b"{" + b",".join(fields) + b"}"


def read_response(
    status: int, headers: Mapping[str, str], body: bytes, endpoint: str, hide: Hide, hints: Hints = HINTS
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
    value = read_json(body)
    choice = _first_choice(value)
    if status == 200 and choice is not None:
        return _completion(cast(dict[str, Any], value), choice)
    complaint, usage = read_complaint(value, body, hide), _usage(value)
    rejected = judge_failure(status, complaint, requested_wait(headers), endpoint, hints, usage)
    delivery = Delivery.FILTERED if rejected.filtered else Delivery.REJECTED
    return Answer(delivery=delivery, message=rejected.message, **usage)


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _image_part(image: EncodedImage, detail: str | None) -> bytes:
    start = f'{{"type":"image_url","image_url":{{"url":"data:{image.media_type};base64,'
    end = b'"' if detail is None else b'","detail":' + _json(detail)
    return start.encode("ascii") + b64encode(image.data) + end + b"}}"


def _first_choice(value: object) -> dict[str, Any] | None:
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return None
    # Where a filter stopped the model at once, Azure may leave the message out.
    return choice if isinstance(choice.get("message"), dict) or _stopped_by_filter(choice) else None


def _stopped_by_filter(choice: dict[str, Any]) -> bool:
    # Some endpoints add the kind of filter after a colon.
    return (text(choice.get("finish_reason")) or "").startswith("content_filter")


def _completion(value: dict[str, Any], choice: dict[str, Any]) -> Answer:
    message = choice.get("message") or {}
    content = _text(message.get("content"))
    finish = text(choice.get("finish_reason"))
    flagged = filters_that_held(choice.get("content_filter_results")) + filters_that_held(
        value.get("prompt_filter_results")
    )
    filtered = (_stopped_by_filter(choice) or bool(flagged)) and not (content and content.strip())
    reason = f" ({', '.join(flagged)})" if flagged else ""
    return Answer(
        delivery=Delivery.FILTERED if filtered else Delivery.ANSWERED,
        content=content,
        refusal=text(message.get("refusal")),
        finish_reason=finish,
        message=f"The answer was held back by a content filter{reason}." if filtered else "",
        model=text(value.get("model")),
        fingerprint=text(value.get("system_fingerprint")),
        **_usage(value),
    )


def _usage(value: object) -> Usage:
    usage = value.get("usage") if isinstance(value, dict) else None
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=count(usage.get("prompt_tokens")),
        completion_tokens=count(usage.get("completion_tokens")),
        cached_tokens=count(details.get("cached_tokens")) if isinstance(details, dict) else None,
    )


def _text(content: object) -> str | None:
    if content is None or isinstance(content, str):
        return content
    if not isinstance(content, list):
        return json.dumps(content)
    texts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return "".join(text for text in texts if isinstance(text, str))
