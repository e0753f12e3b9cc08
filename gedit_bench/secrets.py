"""Keeps secrets out of everything that is written down or shown."""

import os
import re

_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)S?$", re.IGNORECASE)
_SECRET_SHAPE = re.compile(
    r"\b(?:sk|hf|pk|rk|ghp|gsk|xai)[-_][A-Za-z0-9_\-*.]{8,}"
    r"|\bAIza[A-Za-z0-9_\-]{20,}"
    r"|(?<=[Bb]earer )[A-Za-z0-9._~+/\-]{8,}=*"
)
_URL_USER = re.compile(r"(?<=://)[^/@\s]+@")
_ASSIGNED = re.compile(r"\b([\w-]*(?:key|token|secret|password))(=)[^\s&,;]+", re.IGNORECASE)
_HIDDEN = "[secret]"


def redact(text: str) -> str:
    """Return `text` without secrets.

    Hidden are the values of environment variables named like a secret (8 characters or more),
    strings shaped like a provider's key, user names and passwords in URLs, and whatever is assigned
    to something named like a secret (`api_key=…`).
    """
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET_NAME.search(name):
            text = text.replace(value, _HIDDEN)
    text = _URL_USER.sub("", text)
    text = _SECRET_SHAPE.sub(_HIDDEN, text)
    return _ASSIGNED.sub(rf"\1\2{_HIDDEN}", text)
