"""A language model that polishes instructions: asked once for each, its answers kept in the cache."""

import asyncio
import hashlib
import io
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from gedit_bench.cache import cache_folder
from gedit_bench.data_files import data_folder
from gedit_bench.editing.base import EditRequest, setting
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.judging.base import Answer
from gedit_bench.judging.openai_compatible import DEFAULT_BASE_URL, OpenAICompatibleJudge
from gedit_bench.judging.parse import without_score
from gedit_bench.nearest import did_you_mean
from gedit_bench.prices import Price, find_price
from gedit_bench.records import Delivery, EditStatus, Json, ReplyStatus, SampleId
from gedit_bench.store.atomic import write_json
from gedit_bench.transport.addresses import read_key
from gedit_bench.transport.failures import Hints

DECLINED = "DECLINED"
"""What the bundled prompts have a rewriter say that won't help."""

_QUOTED = re.compile(r'"[^"]*"|“[^”]*”|‘[^’]*’|「[^」]*」')
_TOKENS = (300, 3000), (20, 1000)
"""Tokens of a rewriting, to and from the model, each from and to: for estimates."""


@dataclass(frozen=True)
class RewritingSettings:
    """What can be set of rewriting, whatever the backend."""

    rewrite: str = setting("none", "What rewrites instructions: none, a bundled prompt such as polish, or FILE.txt.")
    rewrite_model: str = setting("gpt-4.1-2025-04-14", "The language model that rewrites.")
    rewrite_image: bool = setting(True, "Show the source to it.")
    rewrite_base_url: str = setting("", "Its OpenAI-compatible endpoint; OpenAI's if empty.", decides_pixels=False)
    rewrite_key_variable: str = setting(
        "OPENAI_API_KEY", "Environment variable that holds its key.", decides_pixels=False
    )
    rewrite_concurrency: Annotated[int, Field(ge=1, le=256)] = setting(
        8, "Instructions rewritten at once.", decides_pixels=False
    )
    rewrite_timeout: Annotated[float, Field(gt=0)] = setting(120, "Seconds for one call.", decides_pixels=False)
    rewrite_retry_for: Annotated[float, Field(gt=0)] = setting(
        600, "Seconds over all calls for one instruction.", decides_pixels=False
    )


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What became of one instruction: the words to send, or why there are none, and what that cost."""

    words: str = ""
    status: EditStatus = EditStatus.OK
    message: str = ""
    cost_usd: float | None = None
    model: str | None = None


class Rewriter:
    """A language model behind OpenAI-compatible chat completions, with a prompt. Its client is that of judges."""

    def __init__(self, settings: RewritingSettings) -> None:
        """Describe it; nothing is sent yet.

        Raises:
            UsageError: there is no such prompt, or the base URL is none.
        """
        self.settings = settings
        self.prompt = read_prompt(settings.rewrite)
        self.host = self._client(keyless=True).host

    def check(self) -> None:
        """Say that the key is missing.

        Raises:
            UnavailableError: it is, and the endpoint is OpenAI's.
        """
        variable = self.settings.rewrite_key_variable
        if self.host == urlsplit(DEFAULT_BASE_URL).hostname and not read_key(variable):
            raise UnavailableError(
                f"There is no key for the rewriter: {variable} is not set.",
                f"Set {variable}, or name another endpoint with -o rewrite_base_url=URL.",
            )

    def price(self, prices: Path | None) -> Price | None:
        """Return what the model costs; `prices` is the user's list."""
        return find_price(self.settings.rewrite_model, self.host, prices)

    def costs(self, prices: Path | None) -> tuple[float, float] | None:
        """Return about what one rewriting costs in US dollars, from and to; None if nobody knows."""
        if (price := self.price(prices)) is None:
            return None
        low, high = (price.cost(_TOKENS[0][end], _TOKENS[1][end]) for end in (0, 1))
        return low, high

    async def rewrite(self, requests: Sequence[EditRequest], prices: Path | None) -> dict[SampleId, Rewritten]:
        """Return what became of each instruction.

        Raises:
            QuotaError, UnavailableError: nothing more can be asked. What came until then is in the cache.
        """
        client, price = self._client(), self.price(prices)
        room = asyncio.Semaphore(self.settings.rewrite_concurrency)

        async def one(request: EditRequest) -> Rewritten:
            async with room:
                return await self._rewrite(client, price, request)

        try:
            # All are waited for, so that what is paid for is kept before an error ends the run.
            found = await asyncio.gather(*map(one, requests), return_exceptions=True)
        finally:
            await client.close()
        done: dict[SampleId, Rewritten] = {}
        for request, result in zip(requests, found, strict=True):
            if isinstance(result, BaseException):
                raise result
            done[request.sample] = result
        return done

    def _client(self, keyless: bool = False) -> OpenAICompatibleJudge:
        variable = self.settings.rewrite_key_variable
        client = OpenAICompatibleJudge(
            self.settings.rewrite_model,
            base_url=self.settings.rewrite_base_url or None,
            key_variable=None if keyless else variable,
            timeout=self.settings.rewrite_timeout,
            retry_for=self.settings.rewrite_retry_for,
            concurrency=self.settings.rewrite_concurrency,
        )
        client.hints = Hints(
            key=f"Set {variable} to a key that may use the rewriter's model.",
            model="Check -o rewrite_model and -o rewrite_base_url; a base URL usually ends in /v1.",
            place="chat completions",
        )
        return client

    async def _rewrite(self, client: OpenAICompatibleJudge, price: Price | None, request: EditRequest) -> Rewritten:
        body = self._body(request)
        digest = hashlib.sha256(self.host.encode() + b"\0" + body).hexdigest()
        kept = cache_folder() / "rewriting" / f"{digest}.json"
        if (known := _read(kept)) is not None:
            return known
        told = _read_answer(await client.complete(body), price)
        if told.status is EditStatus.OK:
            write_json(kept, {"instruction": told.words, "model": told.model})
        return told

    def _body(self, request: EditRequest) -> bytes:
        parts: list[Json] = [{"type": "text", "text": request.instruction}]
        if self.settings.rewrite_image:
            buffer = io.BytesIO()
            request.source.save(buffer, format="PNG", compress_level=6)
            address = "data:image/png;base64," + b64encode(buffer.getvalue()).decode("ascii")
            parts.insert(0, {"type": "image_url", "image_url": {"url": address}})
        messages: list[Json] = [{"role": "system", "content": self.prompt}, {"role": "user", "content": parts}]
        return json.dumps({"model": self.settings.rewrite_model, "messages": messages}).encode()


def read_prompt(name: str) -> str:
    """Return a rewriter's system prompt: a bundled one by its name, or that of a file.

    Raises:
        UsageError: there is none.
    """
    bundled = {path.stem: path for path in (data_folder() / "rewriting").glob("*.txt")}
    path = bundled.get(name, Path(name))
    if name not in bundled and path.suffix != ".txt":
        raise UsageError(f"There is no rewriter {name!r}.", did_you_mean(name, sorted(bundled)))
    try:
        prompt = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The rewriter's prompt {name!r} can't be read: {error}.", "Name a text file.") from error
    if not prompt:
        raise UsageError(f"The rewriter's prompt {name!r} is empty.", "Write what the rewriter is to do.")
    return prompt


def _read(path: Path) -> Rewritten | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    words, model = value.get("instruction"), value.get("model")
    return Rewritten(words, cost_usd=0.0, model=model) if isinstance(words, str) and words else None


def _read_answer(answer: Answer, price: Price | None) -> Rewritten:
    cost = _cost(answer, price)
    words = (answer.content or "").strip()
    if answer.delivery is not Delivery.ANSWERED:
        known = {Delivery.FILTERED: EditStatus.FILTERED, Delivery.REJECTED: EditStatus.EDIT_FAILED}
        status = known.get(answer.delivery) or EditStatus(answer.delivery.value)
        return Rewritten(status=status, message=answer.message, cost_usd=cost)
    refused = without_score(_QUOTED.sub("", words), answer.refusal, ()).status is ReplyStatus.REFUSED
    if refused or words.strip(".") == DECLINED:
        return Rewritten(status=EditStatus.REFUSED, message=(answer.refusal or words)[:1000], cost_usd=cost)
    if not words or answer.finish_reason == "length":
        said = "the answer was cut off" if words else "the answer is empty"
        return Rewritten(status=EditStatus.EDIT_FAILED, message=said, cost_usd=cost)
    return Rewritten(words, cost_usd=cost, model=answer.model)


def _cost(answer: Answer, price: Price | None) -> float | None:
    if answer.prompt_tokens is None or answer.completion_tokens is None:
        return 0.0 if answer.delivery in (Delivery.FILTERED, Delivery.REJECTED) and not answer.lost_tries else None
    if price is None or answer.lost_tries:
        return None
    return price.cost(answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens or 0)
