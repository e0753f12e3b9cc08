"""Files that are there whole or not at all."""

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from gedit_bench.errors import UnavailableError
from gedit_bench.records import Json

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}


def disk_error(path: Path, error: OSError) -> OSError | UnavailableError:
    """Return what to raise for a failed write: a sentence for a full or read-only disk, else `error`."""
    if error.errno in _FULL:
        return UnavailableError(
            f"The disk is full: {path} could not be written.",
            "Free some space and run the same command again; what is done stays done.",
        )
    if error.errno in _CLOSED:
        return UnavailableError(
            f"{path} can't be written.", "Choose another folder with --out, or change its permissions."
        )
    return error


def make_folder(path: Path) -> Path:
    """Create a folder and its parents; return it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(path, error) from error
    return path


def write_bytes(path: Path, data: bytes, temporary: Path | None = None) -> None:
    """Write `data` to `path`, whole or not at all, replacing what is there.

    Args:
        path: the file; its folder is created.
        data: its whole content.
        temporary: folder of the unfinished file, on the same file system; that of `path` if None.

    Raises:
        UnavailableError: the disk is full or the folder can't be written.
    """
    put_in_place(set_aside(data, temporary or path.parent), path)


def set_aside(data: bytes, folder: Path) -> Path:
    """Write `data` to a new file in a folder under a name that nobody reads; return its path.

    Raises:
        UnavailableError: the disk is full or the folder can't be written.
    """
    unfinished = _unfinished(folder)
    try:
        unfinished.write_bytes(data)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise disk_error(unfinished, error) from error
    return unfinished


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give a file that was set aside on the same file system its name, replacing what is there.

    Raises:
        UnavailableError: the disk is full or the folder can't be written.
    """
    try:
        make_folder(path.parent)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise disk_error(path, error) from error


def write_json(path: Path, value: Mapping[str, Json]) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    write_bytes(path, _json(value))


def write_json_once(path: Path, value: Mapping[str, Json]) -> bool:
    """Write `value` unless `path` exists; of several writers exactly one gets True."""
    unfinished = _unfinished(path.parent)
    try:
        unfinished.write_bytes(_json(value))
        os.link(unfinished, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return True


def _unfinished(folder: Path) -> Path:
    return make_folder(folder) / f".{uuid4().hex}.partial"


def _json(value: Mapping[str, Json]) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode()
