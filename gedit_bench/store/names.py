"""Names from data and users, made into names of files and folders that can't leave their folder."""

import re

from gedit_bench.errors import DataError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def folder_name(name: str) -> str:
    """Return one folder name for a model, recipe or judge, such as `Qwen/x` or `command:./w.py`.

    Two names may share a folder name; fingerprints keep their contents apart.
    """
    slug = re.sub(r"[^A-Za-z0-9._@-]+", "-", name).strip("-._@")
    return slug[:100] or "unnamed"


def checked_name(name: str) -> str:
    """Return `name` if it may become a file name, such as a sample's key.

    Raises:
        DataError: it is empty, too long, or holds anything but letters, digits, `.`, `_`, `-`.
    """
    if not _SAFE.fullmatch(name):
        raise DataError(f"The name {name[:80]!r} can't become a file name.", "Only letters, digits, '.', '_' and '-'.")
    return name
