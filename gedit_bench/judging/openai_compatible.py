"""Judges behind an OpenAI-compatible endpoint: OpenAI itself, a gateway, or a server of one's own.

The transport is the official SDK with its aiohttp client. Retries are ours, not the SDK's: it knows
no deadline and would retry what can't succeed. The request is handed over as finished bytes and the
response taken as it came (`client.post`), which costs a little over half the processor time of
`chat.completions.create` and survives what gateways add and leave out.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from random import uniform
from time import monotonic
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_before_delay

from gedit_bench.errors import GeditBenchError, UnavailableError, UnreachableError, UsageError
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.chat_format import Hints, TransientError, encode_request, read_response, shorten
from gedit_bench.judging.pressure import Exchange, Outcome, allowance
from gedit_bench.records import Delivery
from gedit_bench.secrets import redact

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response
    from openai import AsyncOpenAI

DEFAULT_BASE_URL = "https://api.openai.com/v1"
_NO_KEY = "none"
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_CHECK_SECONDS = 15.0


class OpenAICompatibleJudge(Judge):
    """A model behind an endpoint that speaks OpenAI's chat completions.

    The key comes from `OPENAI_API_KEY` and from nowhere else; endpoints other than OpenAI's may do
    without. `close` before the event loop ends; afterwards the judge can be asked again.

    `server` is the host, and the port if the URL names one; `timeout` and `retry_for` are as given.
    """

    hints = Hints()

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        endpoint_label: str | None = None,
        timeout: float = 120.0,
        retry_for: float = 600.0,
        concurrency: int = 256,
    ) -> None:
        """Describe the judge; nothing is sent yet.

        Args:
            name: the model, as the endpoint calls it.
            base_url: address up to `/v1`; `OPENAI_BASE_URL` if None, else OpenAI's own.
            endpoint_label: the endpoint's name in the judge id; the base URL's host if None.
            timeout: seconds that one HTTP call may take.
            retry_for: seconds that one question may take over all its calls and waits.
            concurrency: how many connections are kept; ask no more questions than that at once.

        Raises:
            UsageError: the base URL is none.
            UnavailableError: there is no key and the endpoint is OpenAI's, or the key can't be one.
        """
        url = base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        host, self._base_url, login = _split(url)
        super().__init__(name, endpoint_label or host)
        self.server = urlsplit(self._base_url).netloc
        self.timeout = timeout
        self.retry_for = retry_for
        self._model = name
        self._key = self._read_key(host)
        self._login = login
        self._concurrency = concurrency
        self._client: AsyncOpenAI | None = None

    async def ask(self, question: Question) -> Answer:
        """Return the answer to one question; see `Judge.ask`.

        Too many requests, server errors, dropped connections and silence are tried again, with
        growing random waits or those that the server asks for, until `retry_for` is used up.
        """
        body = self.encode(question)
        deadline = monotonic() + self.retry_for
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            wait=_wait,
            stop=stop_before_delay(self.retry_for),
            retry_error_callback=_give_up,
        )
        failures: list[TransientError] = []
        answer = cast(Answer, await retrying(self._try, body, deadline, failures))
        return replace(answer, tries=retrying.statistics["attempt_number"])

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

    async def _try(self, body: bytes, deadline: float, failures: list[TransientError]) -> Answer:
        seconds = min(self.timeout, deadline - monotonic())
        try:
            return await self.attempt(body, seconds)
        except TransientError as error:
            # A last call that the deadline cut short says less than the one before it.
            if failures and error.delivery is Delivery.TIMEOUT and seconds < self.timeout:
                raise failures[-1] from error
            failures.append(error)
            raise

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

    def _read_key(self, host: str) -> str:
        """The key to send, `none` if there is none and the host may do without."""
        key = read_key("OPENAI_API_KEY")
        if not key and host == urlsplit(DEFAULT_BASE_URL).hostname:
            raise UnavailableError(
                "There is no key for OpenAI: OPENAI_API_KEY is not set.",
                "Set OPENAI_API_KEY, name another endpoint with --base-url, or use --judge offline.",
            )
        return key or _NO_KEY

    async def _exchange(self, body: bytes | None, seconds: float) -> "Response":
        """Send a chat request, or ask for the models if there is no body; TransientError if nothing comes back."""
        from aiohttp import ClientError
        from httpx2 import Response
        from openai import APIConnectionError, APIStatusError

        client = self._open()
        try:
            async with asyncio.timeout(seconds):
                if body is None:
                    return await client.get("/models", cast_to=Response)
                return await client.post("/chat/completions", content=body, cast_to=Response)
        except APIStatusError as error:
            return error.response
        except TimeoutError as error:
            raise TransientError(Delivery.TIMEOUT, f"no answer within {seconds:.3g} s") from error
        except (APIConnectionError, ClientError) as error:
            # The SDK's own words are «Connection error.»; what happened is in the cause.
            raise TransientError(Delivery.TRANSPORT, shorten(str(error.__cause__ or error), self._hide)) from error

    def _open(self) -> "AsyncOpenAI":
        if self._client is None:
            from httpx2 import Limits
            from openai import DefaultAioHttpClient

            limits = Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
            # One clock, ours: the aiohttp transport reports dropped connections as timeouts, so
            # with clocks of its own the two could not be told apart.
            self._client = self._make_client(DefaultAioHttpClient(limits=limits, timeout=None))
        return self._client

    def _make_client(self, transport: "AsyncClient") -> "AsyncOpenAI":
        from openai import AsyncOpenAI

        return AsyncOpenAI(
            api_key=self._key,
            base_url=self._base_url,
            max_retries=0,
            timeout=None,
            http_client=transport,
            default_headers={"Authorization": _basic(self._login)} if self._login else None,
        )

    def _hide(self, text: str) -> str:
        own = [self._key] if self._key != _NO_KEY else []
        if self._login:
            own += [_basic(self._login), self._login.partition(":")[2]]
        for secret in filter(None, own):
            text = text.replace(secret, "[secret]")
        return redact(text)


def _split(url: str) -> tuple[str, str, str]:
    """Return host, URL without user and password, and `user:password` (empty if there is none)."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        raise UsageError(f"{redact(url)!r} is no base URL.", "Give one such as http://localhost:8000/v1.")
    login, _, place = parts.netloc.rpartition("@")
    return host, parts._replace(netloc=place).geturl(), unquote(login)


def read_key(variable: str) -> str:
    """Return the key that an environment variable holds, empty if it isn't set.

    Raises:
        UnavailableError: what it holds can't be a key.
    """
    key = os.environ.get(variable, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UnavailableError(f"{variable} holds characters that no key has.", "Set it again, without quotes.")
    return key


def back_off(failures: int, wanted: float | None) -> float:
    """Return the seconds before the next try: a random share of a doubling span, or what the server wants if longer."""
    span = min(_FIRST_WAIT * 2.0 ** min(failures - 1, 16), _LONGEST_WAIT)
    return max(uniform(0, span), wanted or 0.0)  # noqa: S311 - jitter, no secret


def _basic(login: str) -> str:
    return "Basic " + b64encode(login.encode()).decode("ascii")


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return back_off(state.attempt_number, error.wait if isinstance(error, TransientError) else None)


def _give_up(state: RetryCallState) -> Answer:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, TransientError):
        raise RuntimeError("gave up without a reason") from error
    return Answer(delivery=error.delivery, message=error.message)


def _model_names(response: "Response") -> set[str] | None:
    try:
        value = response.json()
    except (ValueError, RecursionError):
        return None
    models = value.get("data") if isinstance(value, dict) else None
    if not isinstance(models, list):
        return None
    return {model["id"] for model in models if isinstance(model, dict) and isinstance(model.get("id"), str)}
