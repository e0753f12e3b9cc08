"""Repositories of the Hugging Face hub, or folders that hold the same: which files there are, and their hashes.

Pickles are never downloaded. A hub that can't be reached is replaced by what its cache holds of the revision.
"""

import glob
import logging
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.editing.hashing import remembered_sha256
from gedit_bench.errors import UnavailableError
from gedit_bench.store.atomic import write_bytes

_REPOSITORY = re.compile(r"(?P<id>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>\S+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ASK_SECONDS = 10.0
_WORTH_SAYING = 100_000_000
"""Bytes of a download from which on it is announced."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file's size in bytes, and its SHA-256 where the hub states it."""

    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a folder, or of a repository at one commit, by their path in it.

    `folder` is where they stand, once they are here; `repository`, `commit` and `revision` are empty for a
    folder of the user's. `from_cache` says that the hub could not be asked.
    """

    name: str
    folder: Path
    files: Mapping[str, StoredFile]
    repository: str = ""
    revision: str = ""
    commit: str = ""
    from_cache: bool = False

    def missing(self, paths: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Yield those of some files that aren't here, each with its bytes."""
        for path in paths:
            if not (self.folder / path).is_file():
                yield path, self.files[path].size

    def sha256(self, path: str) -> str:
        """Return a file's SHA-256: what the hub states, or what is here is read."""
        return self.files[path].sha256 or remembered_sha256(self.folder / path)


def hub_id(source: str) -> tuple[str, str | None] | None:
    """Return the repository and the revision that `owner/name` or `owner/name@revision` names; None for a folder."""
    if Path(source).expanduser().is_dir() or not (match := _REPOSITORY.fullmatch(source)):
        return None
    return match["id"], match["revision"]


def list_files(source: str, revision: str | None = None) -> Listing:
    """Return what a folder or a repository holds, without downloading any of it.

    Args:
        source: a folder, or `owner/name` or `owner/name@revision` on the hub.
        revision: branch, tag or commit, unless the source names it; the main branch if None.

    Raises:
        UnavailableError: there is no such folder or repository, or neither hub nor cache can tell.
    """
    if found := hub_id(source):
        return _of_repository(found[0], found[1] or revision or "main")
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise UnavailableError(f"There is no folder {source}.", "Name a folder, or a hub id such as owner/name.")
    return Listing(name=source, folder=folder, files=_files_in(folder))


def fetch(listing: Listing, paths: Iterable[str]) -> None:
    """Download those of some files that aren't here.

    Raises:
        UnavailableError: the hub refuses or can't be reached, or the disk is too small.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    missing = dict(listing.missing(paths))
    if not missing:
        return
    check_download(listing, missing)
    if not sys.stderr.isatty():  # nobody watches
        disable_progress_bars()
    if (size := sum(missing.values())) > _WORTH_SAYING:
        log.info("%s: %.1f GB are to be downloaded to %s.", listing.name, size / 1e9, listing.folder)
    try:
        snapshot_download(
            listing.repository, revision=listing.commit, allow_patterns=[glob.escape(path) for path in missing]
        )
    except _failures() as error:
        raise _refusal(error, listing.repository, listing.revision) or UnavailableError(
            f"{listing.repository} can't be downloaded ({_first_line(error)}).", "Try again: what is here is kept."
        ) from error
    if listing.revision != listing.commit:
        # lets the revision stand for this commit where the hub can't be asked
        write_bytes(_storage(listing.repository) / "refs" / listing.revision, listing.commit.encode())


def check_download(listing: Listing, paths: Iterable[str]) -> None:
    """Make sure that what is still to be downloaded can be.

    Raises:
        UnavailableError: the hub can't be reached, or the disk is too small.
    """
    missing = dict(listing.missing(paths))
    if missing and listing.from_cache:
        raise UnavailableError(
            f"{listing.name} is only in part in the hub's cache ({min(missing)} is missing), and the hub can't be "
            "reached.",
            "Connect to the network (is HF_HUB_OFFLINE set?).",
        )
    size = sum(missing.values())
    free = shutil.disk_usage(next(path for path in (listing.folder, *listing.folder.parents) if path.exists())).free
    if size > free:
        raise UnavailableError(
            f"{listing.name} needs {size / 1e9:.1f} GB more, and the disk of {listing.folder.parents[2]} has "
            f"{free / 1e9:.1f} GB free.",
            "Make room, or choose another disk with HF_HOME.",
        )


def _of_repository(repository: str, revision: str) -> Listing:
    from huggingface_hub import HfApi

    try:
        found = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=_ASK_SECONDS)
    except _failures() as error:
        if refused := _refusal(error, repository, revision):
            raise refused from error
        if known := _cached(repository, revision):
            return known
        raise UnavailableError(
            f"{repository} is not in the hub's cache, and the hub can't be reached ({_first_line(error)}).",
            "Connect to the network (is HF_HUB_OFFLINE set?), or name a folder that holds the files.",
        ) from error
    files = {
        one.rfilename: StoredFile(one.size or 0, _sound(one.lfs.sha256) if one.lfs else None)
        for one in found.siblings or ()
    }
    return _listing(repository, revision, f"{found.sha}", files)


def _listing(
    repository: str, revision: str, commit: str, files: Mapping[str, StoredFile], *, from_cache: bool = False
) -> Listing:
    folder = _storage(repository) / "snapshots" / commit
    # what the hub lists becomes paths: nothing outside the snapshot may be named
    inside = {path: file for path, file in files.items() if ".." not in Path(path).parts and not path.startswith("/")}
    return Listing(
        name=repository,
        folder=folder,
        files=inside,
        repository=repository,
        revision=revision,
        commit=commit,
        from_cache=from_cache,
    )


def _cached(repository: str, revision: str) -> Listing | None:
    """What the cache knows of a revision, None where it was never downloaded."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    storage = _storage(repository)
    reference = storage / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = storage / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not folder.is_dir():
        return None
    files = _files_in(folder)
    try:
        tree = get_cached_repo_tree(repository, revision=commit, cache_dir=storage.parent)
        files = {one.path: StoredFile(one.size) for one in tree} | files
    except CachedRepoTreeNotFoundError:
        pass  # an older program filled the cache: what is there is all that is known
    return _listing(repository, revision, commit, files, from_cache=True)


def _files_in(folder: Path) -> dict[str, StoredFile]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): StoredFile(path.stat().st_size, _blob_name(path)) for path in found}


def _blob_name(path: Path) -> str | None:
    """The SHA-256 that the hub's cache names a large file's content by, None for other files."""
    return _sound(path.readlink().name) if path.is_symlink() and path.readlink().parent.name == "blobs" else None


def _sound(word: str) -> str | None:
    return word if _SHA256.fullmatch(word) else None


def _storage(repository: str) -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).expanduser() / f"models--{repository.replace('/', '--')}"


def _failures() -> tuple[type[BaseException], ...]:
    """What is raised where hub, network or disk fail, whichever HTTP client `huggingface_hub` is built on."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    return (HfHubHTTPError.__bases__[0], OSError, HFValidationError)


def _refusal(error: BaseException, repository: str, revision: str) -> UnavailableError | None:
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return UnavailableError(
            f"{repository} is gated: its terms have to be accepted at https://huggingface.co/{repository}.",
            "Then log in with `hf auth login`, or set HF_TOKEN.",
        )
    if isinstance(error, RevisionNotFoundError):
        return UnavailableError(f"{repository} has no revision {revision!r}.", "Leave it out for main.")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return UnavailableError(
            f"There is no folder {repository}, and the hub has no repository called so, or it is private.",
            "Check the name, or log in with `hf auth login` or HF_TOKEN.",
        )
    return None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
