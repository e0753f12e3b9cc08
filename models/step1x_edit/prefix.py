"""The prefix that the text conditioning was trained with: not ours to copy, so fetched once and verified."""

import ast
import hashlib
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

NAME = "Qwen25VL_7b_PREFIX"
SHA256 = "40882ddca94ca6971c8d5713d42464afa31dad09236dfacafe3ee26b4b44aa82"
FILE = "modules/conditioner.py"
ADDRESS = "https://raw.githubusercontent.com/stepfun-ai/Step1X-Edit/95feaea4c43b6dc69e9a2766dabd16976bbafcdc"
"""The official repository's files at a pinned commit."""
_PATIENCE = 20.0  # seconds


class PrefixError(ValueError):
    """The prefix is nowhere to be had, or what was found is another text."""


def load_prefix(path: Path | None = None, *, cache: Path | None = None, address: str = ADDRESS) -> str:
    """Return the prefix, 1,058 characters, whose SHA-256 is the published one.

    Args:
        path: a checkout of the official repository, its `modules/conditioner.py`, or a text file with
            the prefix alone. Without it the cache and then the official repository are tried.
        cache: the cache folder; the user's if None.
        address: root of the official repository's files.

    Raises:
        PrefixError: `path` holds another text, or neither cache nor network has it.
    """
    if path is not None:
        return _from_path(path)
    kept = (cache or _user_cache()) / "prefix.txt"
    if kept.is_file() and _is_it(text := kept.read_text(encoding="utf-8")):
        return text
    text = _fetched(f"{address}/{FILE}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_name(f".{os.getpid()}.partial")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(kept)
    return text


def _from_path(path: Path) -> str:
    file = path / FILE if path.is_dir() else path
    try:
        return _found_in(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise PrefixError(f"{file} can't be read: {error}") from error


def _fetched(address: str) -> str:
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as response:  # noqa: S310 - an https address of ours
            source = response.read().decode("utf-8")
    except (URLError, OSError, UnicodeDecodeError) as error:
        raise PrefixError(
            f"the prompt prefix that the weights were trained with can't be fetched ({error}); "
            "name a checkout of stepfun-ai/Step1X-Edit that holds it"
        ) from error
    return _found_in(source, address)


def _found_in(source: str, where: str) -> str:
    for text in (source, source.removesuffix("\n"), *_constants(source)):
        if _is_it(text):
            return text
    raise PrefixError(f"{where} doesn't hold the prefix {NAME} with SHA-256 {SHA256[:12]}…")


def _constants(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _is_it(text: str) -> bool:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() == SHA256


def _user_cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "step1x-edit"
