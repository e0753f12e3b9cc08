"""HTTP clients: many connections, and no clock of their own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from openai import AsyncOpenAI


def http_client(connections: int) -> "AsyncClient":
    """Return a client with room for so many connections at once."""
    from httpx2 import Limits
    from openai import DefaultAioHttpClient

    limits = Limits(max_connections=connections, max_keepalive_connections=connections)
    # One clock, the caller's: the aiohttp transport reports dropped connections as timeouts, so
    # with clocks of its own the two could not be told apart.
    return DefaultAioHttpClient(limits=limits, timeout=None)


def openai_client(transport: "AsyncClient", base_url: str, key: str, authorization: str = "") -> "AsyncOpenAI":
    """Return the official SDK on a client, without retries; `authorization` replaces the header made of the key."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        api_key=key,
        base_url=base_url,
        max_retries=0,
        timeout=None,
        http_client=transport,
        default_headers={"Authorization": authorization} if authorization else None,
    )
