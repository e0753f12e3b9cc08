"""Images that a gateway gives as an address: fetched with limits, and without any key."""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gedit_bench.records import Delivery
from gedit_bench.transport.clients import http_client
from gedit_bench.transport.failures import Hide, TransientError
from gedit_bench.transport.patience import exchange, persist

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

MOST_BYTES = 64 * 2**20
"""No image is larger."""


class DownloadError(Exception):
    """An image was made and could not be fetched."""


async def download(address: str, seconds: float, hide: Hide) -> bytes:
    """Return the bytes at an address, trying again for `seconds` where that may help.

    Raises:
        DownloadError: it is no web address, or there is no file of at most 64 MiB.
    """
    if urlsplit(address).scheme not in {"http", "https"}:
        raise DownloadError("The answer names an image at no web address.")
    place = f"The image at {urlsplit(address).hostname}"
    async with http_client(1) as client:
        send = partial(_get, client, address, place)

        async def attempt(left: float) -> bytes:
            response = await exchange(send, left, hide)
            if response.status_code == 200:
                return response.content
            said = f"HTTP {response.status_code}"
            if response.status_code == 429 or response.status_code >= 500:
                raise TransientError(Delivery.TRANSPORT, said)
            raise DownloadError(f"{place} can't be fetched: {said}.")

        found, failures, _ = await persist(attempt, seconds, seconds)
    if found is None:
        raise DownloadError(f"{place} can't be fetched: {failures[-1].message}.")
    return found


async def _get(client: "AsyncClient", address: str, place: str) -> "Response":
    from httpx2 import Response

    async with client.stream("GET", address) as response:
        found = bytearray()
        async for part in response.aiter_bytes():
            found += part
            if len(found) > MOST_BYTES:
                raise DownloadError(f"{place} is larger than {MOST_BYTES // 2**20} MiB.")
        return Response(response.status_code, content=bytes(found))
