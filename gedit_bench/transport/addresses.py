"""Where a server is and what opens it: base URLs, keys from the environment, and what must be hidden of both."""

import os
from base64 import b64encode
from urllib.parse import unquote, urlsplit

from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.secrets import redact


def split_url(url: str) -> tuple[str, str, str]:
    """Return host, URL without user and password, and `user:password` (empty if there is none).

    Raises:
        UsageError: it is no URL of a server.
    """
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


def basic(login: str) -> str:
    """Return the header value that sends `user:password`."""
    return "Basic " + b64encode(login.encode()).decode("ascii")


def hide(text: str, key: str, login: str = "") -> str:
    """Return `text` without this key and login, and without what looks like any other secret."""
    own = [key, basic(login), login.partition(":")[2]] if login else [key]
    for secret in filter(None, own):
        text = text.replace(secret, "[secret]")
    return redact(text)
