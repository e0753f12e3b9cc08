"""Where texts are found that aren't ours to ship: files, archives, installed packages, wheels, the user's cache.

Everything is read as data; nothing found is imported or run.
"""

import hashlib
import logging
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from gedit_bench.cache import cache_folder
from gedit_bench.errors import GeditBenchError, UnavailableError
from gedit_bench.secrets import redact
from gedit_bench.store.atomic import write_bytes

LARGEST = 1_000_000
"""Bytes that are read of a file, at most."""
NETWORK_SECONDS = 10
_PIP_SECONDS = 120

T = TypeVar("T")

_log = logging.getLogger(__name__)


class NotOfficialError(Exception):
    """A source doesn't give the published text; the message says why."""


def first_of(
    local: Mapping[str, Callable[[], bytes]],
    remote: Mapping[str, Callable[[], bytes]],
    understand: Callable[[bytes], T],
    *,
    kept: str,
    missing: str,
    help: str,
) -> tuple[T, str]:
    """Return what the first source that holds it says, and where it was; keep in the cache what came from afar.

    Args:
        local: sources by what they are called, in the order in which they are tried.
        remote: those that need the network, tried after them.
        understand: reads a source's bytes; raises NotOfficialError where they are something else.
        kept: name in the cache.
        missing: what is to be said if no source has it, without its end.
        help: how to get it.

    Raises:
        UnavailableError: no source has it; the hint says how to get it.
    """
    problems = []
    for where, read in {**local, **remote}.items():
        try:
            source = read()
            found = understand(source)
        except NotOfficialError as error:
            problems.append(f"{where}: {error}")
            _log.info("Nothing from %s: %s", where, error)
            continue
        if where in remote:
            keep(kept, source)
        return found, where
    raise UnavailableError(f"{missing} is not to be had ({'; '.join(problems)}).", help)


def sources_at(path: Path, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Yield place and bytes of what stands under some names in a folder, in a wheel or zip, or of a single file.

    Args:
        path: the folder, archive or file.
        names: paths in a folder; in an archive only the last part of the first one counts.

    Raises:
        OSError, zipfile.BadZipFile, zlib.error, RuntimeError: it can't be read.
    """
    if path.is_dir():
        for name in names:
            if (path / name).is_file():
                yield str(path / name), _read(path / name)
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.rpartition("/")[2] == names[0] and member.file_size <= LARGEST:
                    yield f"{path}, {member.filename}", archive.read(member)
    elif path.is_file():
        yield str(path), _read(path)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST)


def _cached(name: str) -> Path:
    return cache_folder() / "rubrics" / name


def from_cache(name: str) -> bytes:
    """Return a file that was kept; NotOfficialError if there is none."""
    try:
        return _read(_cached(name))
    except FileNotFoundError as error:
        raise NotOfficialError("not there yet") from error
    except OSError as error:
        raise NotOfficialError(f"can't be read ({error})") from error


def keep(name: str, source: bytes) -> None:
    """Keep a fetched file in the user's cache, if that can be written."""
    try:
        write_bytes(_cached(name), source)
    except (OSError, GeditBenchError) as error:
        # It will be fetched again next time.
        _log.warning("%s could not be kept in the cache: %s", name, error)


def from_installed(package: str, name: str) -> bytes:
    """Return a file of an installed package, which is not imported; NotOfficialError if there is none."""
    try:
        listed = files(package) or []
        paths = [Path(str(file.locate())) for file in listed if file.as_posix() == name]
        if not paths:
            raise NotOfficialError(f"it has no {name.rpartition('/')[2]}")
        return _read(paths[0])
    except PackageNotFoundError as error:
        raise NotOfficialError("not installed") from error
    except OSError as error:
        raise NotOfficialError(f"can't be read ({error})") from error


def member_of_wheel(requirement: str, sha256: str, member: str) -> bytes:
    """Download a wheel from the package index, without installing it, and return one of its files.

    Raises:
        NotOfficialError: it isn't to be had, or has another SHA-256.
    """
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    options += ["--retries", "1", "--timeout", str(NETWORK_SECONDS)]
    with TemporaryDirectory(prefix="gedit-bench-") as folder:
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotOfficialError(f"pip didn't finish ({type(error).__name__})") from error
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            _log.info("pip said: %s", redact(done.stderr.strip()))
            raise NotOfficialError(f"pip couldn't download {requirement}")
        data = wheels[0].read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise NotOfficialError(f"the index has another file under the name {requirement}")
        with zipfile.ZipFile(wheels[0]) as archive:
            return archive.read(member)
