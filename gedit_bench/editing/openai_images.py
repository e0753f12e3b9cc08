"""OpenAI's image models, and whatever else answers at `/images/edits` as they do: gateways, Azure's `/openai/v1`."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from typing import TYPE_CHECKING, Literal

from gedit_bench.editing.apis.downloading import DownloadError, download
from gedit_bench.editing.apis.remote import RemoteModel, RemoteSettings, nearest_shape, rejected
from gedit_bench.editing.base import EditRequest, Outcome, setting
from gedit_bench.errors import UsageError
from gedit_bench.prices import EditUsage
from gedit_bench.records import EditStatus, Json
from gedit_bench.transport.addresses import basic
from gedit_bench.transport.clients import http_client, openai_client
from gedit_bench.transport.failures import (
    Hints,
    count,
    judge_failure,
    read_complaint,
    read_json,
    requested_wait,
    shorten,
    text,
)

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI

SHAPES = ((1024, 1024), (1536, 1024), (1024, 1536))
"""The sizes in pixels that gpt-image-1 and its kin make."""

AREA, STEP, MOST_RATIO = 1024 * 1024, 16, 3.0
"""What gpt-image-2 is asked for: about so many pixels, sides of multiples, width / height within 1/3 and 3."""

_HINTS = Hints(
    key="Set the key's variable (-o key_variable names another) to a key that may use this model.",
    model="Check the model's name and -o base_url; a base URL usually ends in /v1.",
    place="/images/edits",
)


@dataclass(frozen=True)
class OpenAIImagesSettings(RemoteSettings):
    """What can be set."""

    model: str = setting("gpt-image-1", "The model, as the endpoint calls it.")
    size: str = setting(
        "nearest",
        "nearest of 1024x1024, 1536x1024, 1024x1536 to the source's shape; any: about a megapixel in its very shape; "
        "auto: the model's choice; or WIDTHxHEIGHT.",
    )
    quality: Literal["auto", "low", "medium", "high"] = setting("auto", "How much work goes into an image.")
    input_fidelity: Literal["low", "high"] | None = setting(None, "How closely the source is kept; none: not sent.")

    def __post_init__(self) -> None:
        """Refuse what is no size."""
        wide, _, high = self.size.partition("x")
        if self.size not in {"nearest", "any", "auto"} and not (wide.isdecimal() and high.isdecimal()):
            raise UsageError(f"size can't be {self.size!r}.", "Give nearest, any, auto or such as 1024x1536.")


class OpenAIImages(RemoteModel["AsyncOpenAI"]):
    """Edits through OpenAI's images API or a gateway that speaks it. The API takes no seed: none is sent."""

    name = "openai-images"
    base_url = "https://api.openai.com/v1"
    key_variable = "OPENAI_API_KEY"
    Settings = OpenAIImagesSettings
    settings: OpenAIImagesSettings

    def usual_address(self) -> str:
        """Return `OPENAI_BASE_URL`, or OpenAI's own."""
        return os.environ.get("OPENAI_BASE_URL") or self.base_url

    def level(self) -> str:
        """Return the quality."""
        return self.settings.quality

    def open(self) -> "AsyncOpenAI":
        """Return the official SDK."""
        authorization = basic(self.login) if self.login else ""
        return openai_client(http_client(self.settings.concurrency), self.address, self.key or "none", authorization)

    async def send(self, client: "AsyncOpenAI", request: EditRequest, png: bytes) -> "Response":
        """Send one edit; see `RemoteModel.send`."""
        from openai import omit

        answer = await client.images.with_raw_response.edit(
            model=self.settings.model,
            image=("source.png", png, "image/png"),
            prompt=request.instruction,
            size=size_for(request.source.size, self.settings.size),
            quality=self.settings.quality,
            input_fidelity=self.settings.input_fidelity or omit,
            output_format="png",
            n=1,
        )
        return answer.http_response

    async def read(self, response: "Response") -> Outcome:
        """Return what a response means; see `RemoteModel.read`."""
        value = read_json(response.content)
        images = value.get("data") if isinstance(value, dict) else None
        if response.status_code != 200 or not isinstance(images, list):
            complaint = read_complaint(value, response.content, self.hide)
            wait = requested_wait(response.headers)
            return rejected(judge_failure(response.status_code, complaint, wait, self.host, _HINTS))
        usage = _usage(value)
        extra: dict[str, Json] = {"tokens": asdict(usage)} if usage else {}
        extra |= {name: self.hide(said) for name in ("size", "quality") if (said := text(value.get(name)))}
        image = images[0] if images and isinstance(images[0], dict) else {}
        address = text(image.get("url")) or ""
        encoded = text(image.get("b64_json")) or (address if address.startswith("data:") else None)
        if encoded is not None:
            return self.made(encoded, extra, usage)
        if address:
            try:
                return self.made(await download(address, self.settings.timeout, self.hide), extra, usage)
            except DownloadError as error:  # paid for: asking again would pay again
                return Outcome(
                    status=EditStatus.TRANSPORT, message=str(error), extra=extra, cost_usd=self.cost(usage, 1)
                )
        said = text(image.get("revised_prompt")) or "The answer holds no image."
        return Outcome(
            status=EditStatus.NO_IMAGE, message=shorten(said, self.hide), extra=extra, cost_usd=self.cost(usage)
        )


def size_for(source: tuple[int, int], wanted: str) -> str:
    """Return the size to ask for, such as `1536x1024`.

    Args:
        source: width and height of the source in pixels.
        wanted: `nearest`, `any`, `auto` or a size, as in the settings.
    """
    if wanted not in {"nearest", "any"}:
        return wanted
    width, height = nearest_shape(source, SHAPES) if wanted == "nearest" else _megapixel(source)
    return f"{width}x{height}"


def _megapixel(source: tuple[int, int]) -> tuple[int, int]:
    ratio = min(max(source[0] / source[1], 1 / MOST_RATIO), MOST_RATIO)
    width = max(round(sqrt(AREA * ratio) / STEP), 1) * STEP
    height = max(round(sqrt(AREA / ratio) / STEP), 1) * STEP
    # Rounding may take it beyond the ratio that is allowed.
    return min(width, int(height * MOST_RATIO)), min(height, int(width * MOST_RATIO))


def _usage(value: Mapping[str, object]) -> EditUsage | None:
    told = value.get("usage")
    if not isinstance(told, dict) or (output := count(told.get("output_tokens"))) is None:
        return None
    into, out = told.get("input_tokens_details"), told.get("output_tokens_details")
    into = into if isinstance(into, dict) else {}
    out = out if isinstance(out, dict) else {}
    image_in, words = count(into.get("image_tokens")) or 0, count(out.get("text_tokens")) or 0
    text_in = max((count(told.get("input_tokens")) or 0) - image_in, 0)
    return EditUsage(text_in=text_in, image_in=image_in, text_out=words, image_out=max(output - words, 0))
