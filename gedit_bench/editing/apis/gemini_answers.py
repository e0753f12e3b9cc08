"""What Gemini's answers and errors hold, read leniently: gateways leave parts out and rename others."""

from collections.abc import Mapping
from dataclasses import dataclass

from gedit_bench.prices import EditUsage
from gedit_bench.transport.failures import count, text
from gedit_bench.transport.pressure import read_span


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer holds: the last image that is no draft in base64, all words, and why it ended."""

    image: str | None
    words: str
    reason: str
    message: str
    blocked: bool

    @classmethod
    def of(cls, value: Mapping[str, object]) -> "Answer":
        """Read a response as JSON."""
        feedback = _mapping(value.get("promptFeedback"))
        candidate = _mapping((_list(value.get("candidates")) or [None])[0])
        parts = [_mapping(part) for part in _list(_mapping(candidate.get("content")).get("parts"))]
        parts = [part for part in parts if not part.get("thought")]
        images = [_mapping(part.get("inlineData") or part.get("inline_data")).get("data") for part in parts]
        blocked = text(feedback.get("blockReason"))
        return cls(
            image=next((image for one in reversed(images) if (image := text(one))), None),
            words="".join(words for part in parts if (words := text(part.get("text")))),
            reason=blocked or text(candidate.get("finishReason")) or "",
            message=text(feedback.get("blockReasonMessage")) or text(candidate.get("finishMessage")) or "",
            blocked=blocked is not None,
        )


@dataclass(frozen=True, slots=True)
class Details:
    """What Google adds to an error: its status, reasons, exhausted quotas, and the seconds to wait."""

    status: str
    reasons: tuple[str, ...]
    quotas: tuple[str, ...]
    wait: float | None

    @classmethod
    def of(cls, value: object) -> "Details":
        """Read an error's body as JSON; nothing in it may be there."""
        first = value[0] if isinstance(value, list) and value else value
        error = _mapping(_mapping(first).get("error"))
        details = [_mapping(one) for one in _list(error.get("details"))]
        violations = [_mapping(one) for detail in details for one in _list(detail.get("violations"))]
        waits = [read_span(wait) for detail in details if (wait := text(detail.get("retryDelay")))]
        return cls(
            status=text(error.get("status")) or "",
            reasons=tuple(reason for detail in details if (reason := text(detail.get("reason")))),
            quotas=tuple(quota for one in violations if (quota := text(one.get("quotaId")))),
            wait=next((wait for wait in waits if wait is not None), None),
        )


def usage_of(value: object) -> EditUsage | None:
    """Return the tokens that `usageMetadata` tells, None if it tells none."""
    told = _mapping(value)
    if (prompt := count(told.get("promptTokenCount"))) is None:
        return None
    image_in, image_out = (_images(told.get(f"{part}TokensDetails")) for part in ("prompt", "candidates"))
    out = (count(told.get("candidatesTokenCount")) or 0) + (count(told.get("thoughtsTokenCount")) or 0)
    if not told.get("candidatesTokensDetails"):  # then all that was made is counted as image, the dearer
        image_out = count(told.get("candidatesTokenCount")) or 0
    return EditUsage(
        text_in=max(prompt - image_in, 0), image_in=image_in, text_out=max(out - image_out, 0), image_out=image_out
    )


def _images(details: object) -> int:
    found = [_mapping(one) for one in _list(details)]
    return sum(count(one.get("tokenCount")) or 0 for one in found if one.get("modality") == "IMAGE")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
