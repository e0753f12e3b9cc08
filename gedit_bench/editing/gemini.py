"""Google's Gemini image models, through `generateContent`.

Asked over plain HTTP: the vendor's SDK brings ten packages, among them another HTTP client, for one call.
"""

import json
from base64 import b64encode
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from gedit_bench.editing.apis.gemini_answers import Answer, Details, usage_of
from gedit_bench.editing.apis.remote import RemoteModel, RemoteSettings, nearest_shape, rejected
from gedit_bench.editing.base import EditRequest, Outcome, setting
from gedit_bench.errors import QuotaError, UnavailableError, UsageError
from gedit_bench.records import EditStatus, Json
from gedit_bench.transport.clients import http_client
from gedit_bench.transport.failures import (
    Hints,
    judge_failure,
    read_complaint,
    read_json,
    requested_wait,
    shorten,
    text,
)

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
"""The aspect ratios that all of these models take."""

_FILTERS = ("SAFETY", "BLOCKLIST", "PROHIBITED", "RECITATION", "SPII")
_HINTS = Hints(
    key="Set GEMINI_API_KEY to a key that may use this model.",
    model="Check the model's name and -o base_url, which ends in /v1beta.",
    place="generateContent",
)


@dataclass(frozen=True)
class GeminiSettings(RemoteSettings):
    """What can be set."""

    model: str = setting("gemini-2.5-flash-image", "The model, as the API calls it.")
    aspect: str = setting(
        "nearest", "nearest of those offered to the source's shape; auto: the model's choice; or such as 3:2."
    )
    image_size: Literal["1K", "2K", "4K"] | None = setting(None, "How large an image is; none: not sent.")

    def __post_init__(self) -> None:
        """Refuse what is no aspect ratio on offer."""
        choices = ("nearest", "auto", *RATIOS)
        if self.aspect not in choices:
            raise UsageError(f"aspect can't be {self.aspect!r}.", f"Give {', '.join(choices[:-1])} or {choices[-1]}.")


class Gemini(RemoteModel["AsyncClient"]):
    """Edits by Gemini's image models. No seed is sent."""

    name = "gemini"
    base_url = "https://generativelanguage.googleapis.com/v1beta"
    key_variable = "GEMINI_API_KEY"
    Settings = GeminiSettings
    settings: GeminiSettings

    def level(self) -> str:
        """Return the size of images."""
        return self.settings.image_size or "1K"

    def open(self) -> "AsyncClient":
        """Return an HTTP client."""
        return http_client(self.settings.concurrency)

    async def send(self, client: "AsyncClient", request: EditRequest, png: bytes) -> "Response":
        """Send one edit; see `RemoteModel.send`."""
        image = {"inlineData": {"mimeType": "image/png", "data": b64encode(png).decode("ascii")}}
        config: dict[str, Json] = {"responseModalities": ["TEXT", "IMAGE"]}
        if shape := self._shape(request):
            config["imageConfig"] = shape
        contents: list[Json] = [{"role": "user", "parts": [image, {"text": request.instruction}]}]
        return await client.post(
            f"{self.address.rstrip('/')}/models/{quote(self.settings.model, safe='')}:generateContent",
            content=json.dumps({"contents": contents, "generationConfig": config}).encode(),
            headers={"Content-Type": "application/json", "x-goog-api-key": self.key},
        )

    async def read(self, response: "Response") -> Outcome:
        """Return what a response means; see `RemoteModel.read`."""
        value = read_json(response.content)
        known = {"candidates", "promptFeedback"}
        if response.status_code != 200 or not isinstance(value, dict) or known.isdisjoint(value):
            return self._failed(response, value)
        usage = usage_of(value.get("usageMetadata"))
        answer = Answer.of(value)
        extra: dict[str, Json] = {"tokens": asdict(usage)} if usage else {}
        named = {"text": answer.words, "finish_reason": answer.reason, "answered_by": text(value.get("modelVersion"))}
        extra |= {name: self.hide(said) for name, said in named.items() if said}
        if answer.image is not None:
            return self.made(answer.image, extra, usage)
        held = answer.blocked or any(word in answer.reason for word in _FILTERS)
        said = ": ".join(part for part in (answer.reason, answer.message or answer.words) if part)
        return Outcome(
            status=EditStatus.FILTERED if held else EditStatus.NO_IMAGE,
            message=shorten(said or "The answer holds no image.", self.hide),
            extra=extra,
            cost_usd=self.cost(usage),
        )

    def _shape(self, request: EditRequest) -> dict[str, Json]:
        shape: dict[str, Json] = {"imageSize": self.settings.image_size} if self.settings.image_size else {}
        if self.settings.aspect != "auto":
            nearest = self.settings.aspect == "nearest"
            shape["aspectRatio"] = nearest_ratio(request.source.size) if nearest else self.settings.aspect
        return shape

    def _failed(self, response: "Response", value: object) -> Outcome:
        """Return what an error means, or raise it: Google tells why in its details."""
        complaint = read_complaint(value, response.content, self.hide)
        details = Details.of(value)
        said = f"HTTP {response.status_code}: {complaint.message}"
        if "API_KEY_INVALID" in details.reasons:
            raise UnavailableError(f"{self.host} refuses the key ({said})", _HINTS.key)
        if details.status == "FAILED_PRECONDITION":
            raise UnavailableError(f"{self.host} doesn't serve this account ({said})", "See the account's console.")
        if any("PerDay" in quota for quota in details.quotas):
            raise QuotaError(
                f"{self.host} has answered as often as it does in a day ({said})",
                "Run the same command again tomorrow, or raise the limit; what is done stays done.",
            )
        waits = [wait for wait in (requested_wait(response.headers), details.wait) if wait is not None]
        return rejected(judge_failure(response.status_code, complaint, max(waits, default=None), self.host, _HINTS))


def nearest_ratio(source: tuple[int, int]) -> str:
    """Return the aspect ratio on offer that is nearest to that of a source of width and height in pixels."""
    shapes = {(int(wide), int(high)): ratio for ratio in RATIOS for wide, _, high in [ratio.partition(":")]}
    return shapes[nearest_shape(source, shapes)]
