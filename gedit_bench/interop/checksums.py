"""`SHA256SUMS`: what a folder must hold, in the format that `sha256sum --check` reads; nothing more, nothing less."""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

from gedit_bench.errors import DataError
from gedit_bench.store import layout
from gedit_bench.store.atomic import make_folder

_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<path>.+)")
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,199}")
_CHUNK = 1 << 20
_AGAIN = "Get the bundle again from where it came."


def sums_text(folder: Path) -> str:
    """Return the list of all files in a folder, in the order of their paths.

    Raises:
        DataError: a name can't stand in the list.
    """
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for path in paths:
        _check_path(path, folder)
    return "".join(f"{_sha256(folder / path)}  {path}\n" for path in paths)


def read_sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 that a folder's list states, by path.

    Raises:
        DataError: there is no list, a line is none, or a path leads out of the folder or stands there twice.
    """
    file = folder / layout.BUNDLED_FILES
    if file.is_symlink() or not file.is_file():
        raise DataError(f"{folder} has no {layout.BUNDLED_FILES}: it is no whole bundle.", _AGAIN)
    sums: dict[str, str] = {}
    for number, line in enumerate(file.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise DataError(f"{file}:{number} is no line of a list of SHA-256.", _AGAIN)
        path = found["path"]
        _check_path(path, file)
        if path in sums:
            raise DataError(f"{file} names {path} twice.", _AGAIN)
        sums[path] = found["sha256"]
    return sums


def check_names(folder: Path, sums: Mapping[str, str]) -> None:
    """Make sure that a folder holds the listed files and no others, and no links.

    Raises:
        DataError: it doesn't; the first file that is wrong is named.
    """
    there = set(_files(folder))
    for path in sorted(there - set(sums)):
        raise DataError(f"{folder / path} is not in {layout.BUNDLED_FILES}.", f"Remove it. {_AGAIN}")
    for path in sorted(set(sums) - there):
        raise DataError(f"{folder / path} is missing, though {layout.BUNDLED_FILES} names it.", _AGAIN)


def copy_checked(source: Path, target: Path | None, sha256: str) -> None:
    """Copy a file if it is the listed one; what is hashed are the bytes that are written.

    Args:
        source: the file.
        target: where it goes; nowhere if None, it is then only read.
        sha256: what the list says.

    Raises:
        DataError: it has another SHA-256.
    """
    found = _sha256(source) if target is None else _copy(source, target)
    if found != sha256:
        raise DataError(f"{source} is not the file that {layout.BUNDLED_FILES} names: its SHA-256 differs.", _AGAIN)


def _check_path(path: str, where: Path) -> None:
    if not all(_SAFE.fullmatch(part) for part in path.split("/")) or path == layout.BUNDLED_FILES:
        raise DataError(f"{where}: {path[:200]!r} can't be the path of a file in a bundle.", _AGAIN)


def _files(folder: Path) -> Iterator[str]:
    """Paths of all files but the list; links are refused, and so is everything that is no file."""
    pending = [folder]
    while pending:
        for entry in sorted(os.scandir(pending.pop()), key=lambda entry: entry.name):
            mode = entry.stat(follow_symlinks=False).st_mode
            path = Path(entry.path)
            if S_ISDIR(mode):
                pending.append(path)
            elif S_ISREG(mode):
                name = path.relative_to(folder).as_posix()
                if name != layout.BUNDLED_FILES:
                    yield name
            else:
                what = "a link" if S_ISLNK(mode) else "no ordinary file"
                raise DataError(f"{path} is {what}: a bundle holds files alone.", _AGAIN)


def _copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    make_folder(target.parent)
    with source.open("rb") as original, target.open("xb") as copy:
        while chunk := original.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
    return digest.hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
