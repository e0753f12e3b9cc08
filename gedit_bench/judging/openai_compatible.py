"""Judges behind an OpenAI-compatible endpoint: OpenAI itself, a gateway, or a server of one's own.

The transport is the official SDK with its aiohttp client. The request is handed over as finished bytes and the
response taken as it came (`client.post`), which costs a little over half the processor time of
`chat.completions.create` and survives what gateways add and leave out.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gedit_bench.errors import GeditBenchError, UnavailableError, UnreachableError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.chat_format import HINTS, encode_request, read_response
from gedit_bench.transport.addresses import basic, hide, read_key, split_url
from gedit_bench.transport.clients import http_client, openai_client
from gedit_bench.transport.failures import TransientError, Usage
from gedit_bench.transport.patience import Again, exchange, persist
from gedit_bench.transport.pressure import Exchange, Outcome, allowance

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response
    from openai import AsyncOpenAI

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_NO_KEY = "none"
_CHECK_SECONDS = 15.0


class OpenAICompatibleJudge(Judge):
    """A model behind an endpoint that speaks OpenAI's chat completions.

    The key comes from `OPENAI_API_KEY` unless another variable is named; endpoints other than OpenAI's may do
    without. `close` before the event loop ends; afterwards the judge can be asked again.

    `server` is the host, and the port if the URL names one; `timeout` and `retry_for` are as given.
    """

    hints = HINTS

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        endpoint_label: str | None = None,
        timeout: float = 120.0,
        retry_for: float = 600.0,
        concurrency: int = 256,
        key_variable: str | None = "OPENAI_API_KEY",
    ) -> None:
        """Describe the judge; nothing is sent yet.

        Args:
            name: the model, as the endpoint calls it.
            base_url: address up to `/v1`; `OPENAI_BASE_URL` if None, else OpenAI's own.
            endpoint_label: the endpoint's name in the judge id; the base URL's host if None.
            timeout: seconds that one HTTP call may take.
            retry_for: seconds that one question may take over all its calls and waits.
            concurrency: how many connections are kept; ask no more questions than that at once.
            key_variable: the environment variable that holds the key; None where nothing is asked.

        Raises:
            UsageError: the base URL is none.
            UnavailableError: there is no key and the endpoint is OpenAI's, or the key can't be one.
        """
        url = base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        host, self._base_url, login = split_url(url)
        super().__init__(name, endpoint_label or host)
        self.host = host
        self.server = urlsplit(self._base_url).netloc
        self.timeout = timeout
        self.retry_for = retry_for
        self._model = name
        self._key = _NO_KEY if key_variable is None else self._read_key(host, key_variable)
        self._login = login
        self._concurrency = concurrency
        self._client: AsyncOpenAI | None = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question; see `Judge.ask`.

        Too many requests, server errors, dropped connections and silence are tried again, with
        growing random waits or those that the server asks for, until `retry_for` is used up.
        """
        return await self.complete(self.encode(question), question.again)

    async def complete(self, body: bytes, again: Again | None = None) -> Answer:
        """Return the answer to a request of any kind that chat completions take, asked as patiently as a question."""
        once = partial(self.attempt, body)
        answer, failures, tries = await persist(once, self.timeout, self.retry_for, again)
        if answer is None:
            answer = Answer(delivery=failures[-1].delivery, message=failures[-1].message)
        return with_failures(replace(answer, tries=tries), failures)

    def encode(self, question: Question) -> bytes:
        """Return the body of the request that asks a question."""
        return encode_request(self._model, question)

    async def attempt(self, body: bytes, seconds: float) -> Answer:
        """Return what a single HTTP exchange brings within `seconds`, and tell the listener of it.

        Raises:
            TransientError: asking again may help.
            QuotaError, UnavailableError: as for `ask`.
        """
        started = monotonic()
        headers: Mapping[str, str] = {}
        try:
            response = await self._exchange(body, seconds)
            headers = response.headers
            answer = self._read(response)
        except TransientError as error:
            self._tell(started, "throttled" if error.throttled else "failed", headers, wait=error.wait)
            raise
        except GeditBenchError:
            self._tell(started, "answered", headers)
            raise
        tokens = (answer.prompt_tokens or 0) + (answer.completion_tokens or 0)
        self._tell(started, "answered", headers, tokens=tokens or None)
        return answer

    async def reachable(self) -> str:
        """Ask the endpoint for its models, which costs nothing; return one sentence about the answer.

        Raises:
            QuotaError: the account is exhausted.
            UnavailableError: the endpoint can't be reached, refuses the key, or is no such endpoint.
        """
        hint = "Check --base-url (it usually ends in /v1), the network, and that the server runs."
        try:
            response = await self._exchange(None, min(self.timeout, _CHECK_SECONDS))
            if response.status_code == 404:
                return f"{self.endpoint} answers, but doesn't say which models it has."
            if response.status_code == 429 or response.status_code >= 500:
                return f"{self.endpoint} answers, but with HTTP {response.status_code} just now."
            if response.status_code != 200:
                self._read(response)
            models = _model_names(response)
        except TransientError as error:
            raise UnreachableError(f"{self.endpoint} can't be reached: {error.message}", hint) from error
        if models is None:
            raise UnreachableError(f"{self.endpoint} answers, but not as an OpenAI-compatible endpoint.", hint)
        return self._about(models)

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _read(self, response: "Response") -> Answer:
        return read_response(
            response.status_code, response.headers, response.content, self.endpoint, self._hide, self.hints
        )

    def _tell(
        self,
        started: float,
        outcome: Outcome,
        headers: Mapping[str, str],
        *,
        wait: float | None = None,
        tokens: int | None = None,
    ) -> None:
        if self.listener is not None:
            self.listener(Exchange(monotonic() - started, outcome, wait, *allowance(headers, tokens)))

    def _about(self, models: set[str]) -> str:
        """A sentence about an endpoint that answers with these models."""
        if self._model in models:
            return f"{self.endpoint} answers and has {self._model}."
        return f"{self.endpoint} answers, but doesn't list {self._model} among its {len(models)} models."

    def _read_key(self, host: str, variable: str) -> str:
        """The key to send, `none` if there is none and the host may do without."""
        key = read_key(variable)
        if not key and host == urlsplit(DEFAULT_BASE_URL).hostname:
            raise UnavailableError(
                f"There is no key for OpenAI: {variable} is not set.",
                f"Set {variable}, name another endpoint with --base-url, or use --judge offline.",
            )
        return key or _NO_KEY

    async def _exchange(self, body: bytes | None, seconds: float) -> "Response":
        """Send a chat request, or ask for the models if there is no body; TransientError if nothing comes back."""
        from httpx2 import Response

        client = self._open()
        if body is None:
            return await exchange(lambda: client.get("/models", cast_to=Response), seconds, self._hide)
        send = partial(client.post, "/chat/completions", content=body, cast_to=Response)
        return await exchange(send, seconds, self._hide)

    def _open(self) -> "AsyncOpenAI":
        if self._client is None:
            self._client = self._make_client(http_client(self._concurrency))
        return self._client

    def _make_client(self, transport: "AsyncClient") -> "AsyncOpenAI":
        return openai_client(transport, self._base_url, self._key, basic(self._login) if self._login else "")

    def _hide(self, text: str) -> str:
        return hide(text, "" if self._key == _NO_KEY else self._key, self._login)


def with_failures(answer: Answer, failures: Sequence[TransientError]) -> Answer:
    """Return an answer that counts the tokens and the lost tries of the failures before it, too."""
    if not failures:
        return answer
    return replace(answer, lost_tries=sum(one.lost for one in failures), **_usage(answer, failures))


def _usage(answer: Answer, failures: Iterable[TransientError]) -> Usage:
    """The tokens of all tries together; None where no try told any."""
    told = [Usage(prompt_tokens=answer.prompt_tokens, completion_tokens=answer.completion_tokens)]
    told[0]["cached_tokens"] = answer.cached_tokens
    told += [failure.usage for failure in failures]
    return Usage(
        prompt_tokens=_sum(one.get("prompt_tokens") for one in told),
        completion_tokens=_sum(one.get("completion_tokens") for one in told),
        cached_tokens=_sum(one.get("cached_tokens") for one in told),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _model_names(response: "Response") -> set[str] | None:
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    models = value.get("data") if isinstance(value, dict) else None
    if not isinstance(models, list):
        return None
    return {model["id"] for model in models if isinstance(model, dict) and isinstance(model.get("id"), str)}
