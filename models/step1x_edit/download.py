"""Downloads what `hub.py` found: resumed, checked by SHA-256, into the cache that all Hugging Face programs share."""

import glob
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from step1x_edit.files import Files, find_files
from step1x_edit.hub import hub_id, look_up
from step1x_edit.hub_errors import HubError, failures, first_line, refusal
from step1x_edit.published import HubFile, Published, Snapshot
from step1x_edit.transformer import Version
from step1x_edit.weights import sha256

log = logging.getLogger(__name__)


def located(source: Path | str | Files, version: Version, revision: str | None = None) -> Files:
    """Return where a version's files are, downloaded first if a hub id was given.

    Args:
        source: a folder, a hub id (`owner/name` or `owner/name@revision`) for which there is no folder, or
            the files themselves.
        version: of the weights.
        revision: of the repository on the hub; its main branch if None.

    Raises:
        WeightsError: a part is missing, or can't be downloaded.
    """
    if isinstance(source, Files):
        return source
    found = hub_id(source) if isinstance(source, str) else None
    if found is None:
        return find_files(Path(source).expanduser(), version)
    repository, named = found
    return download(look_up(repository, version, revision or named))


def download(
    published: Published, *, endpoint: str | None = None, announce: Callable[[str], None] = log.warning
) -> Files:
    """Fetch what is missing and return where everything is.

    Every file that the hub states a SHA-256 of is checked before the cache takes it. What is interrupted,
    even by a crash, goes on where it stopped.

    Args:
        published: what is needed.
        endpoint: the hub's address, if not the usual one.
        announce: told the sizes before anything is downloaded; by default a warning, which everybody sees.

    Raises:
        HubError: no network, not enough disk, or a file that isn't what the hub states.
    """
    if not published.complete:
        check_space(published)
        announce(
            f"{' and '.join(one.repository for one in published.snapshots)}: {in_words(published.size)}, "
            f"of which {in_words(published.missing)} are still to download to {published.cache}"
        )
        _hide_progress_where_nobody_watches()
        for snapshot in published.snapshots:
            _fetch(snapshot, endpoint)
    return published.files()


def check_space(published: Published) -> None:
    """Compare what is still to be downloaded with the disk of the cache.

    Raises:
        HubError: there isn't enough room.
    """
    cache = published.cache
    free = shutil.disk_usage(next(path for path in (cache, *cache.parents) if path.exists())).free
    if published.missing > free:
        raise HubError(
            f"the weights need {in_words(published.missing)} more, and {cache} has {in_words(free)} free: "
            "make room, or choose another disk with HF_HOME"
        )


def in_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _fetch(snapshot: Snapshot, endpoint: str | None) -> None:
    from huggingface_hub import snapshot_download

    try:
        for file, _ in snapshot.missing():
            if file.sha256:
                _fetch_large(snapshot, file, file.sha256, endpoint)
        snapshot_download(
            snapshot.repository,
            revision=snapshot.commit,
            cache_dir=snapshot.storage.parent,
            allow_patterns=[glob.escape(file.path) for file in snapshot.files],
            endpoint=endpoint,
        )
        _remember(snapshot)
    except failures() as error:
        raise refusal(error, snapshot.repository, snapshot.revision) or HubError(
            f"{snapshot.repository} can't be downloaded ({first_line(error)}): "
            "try again, and it goes on where it stopped"
        ) from error


def _fetch_large(snapshot: Snapshot, file: HubFile, stated: str, endpoint: str | None) -> None:
    """Put a file's content in the cache under the name that `snapshot_download` looks for.

    That function alone would drop what it has of a file when its process ends, and the network is one file
    of 25 GB.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import WeakFileLock, build_hf_headers  # type: ignore[attr-defined]

    blob, partial = snapshot.blob(file), snapshot.partial(file)
    blob.parent.mkdir(parents=True, exist_ok=True)
    lock = snapshot.storage.parent / ".locks" / snapshot.storage.name / f"{blob.name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(lock):
        if blob.is_file():  # another process was faster
            return
        if partial.is_file() and partial.stat().st_size > file.size:  # two wrote to it where locks don't hold
            partial.unlink()
        with partial.open("ab") as target:
            http_get(
                hf_hub_url(snapshot.repository, file.path, revision=snapshot.commit, endpoint=endpoint),
                target,
                resume_size=target.tell(),
                headers=build_hf_headers(),
                expected_size=file.size,
                displayed_filename=file.path,
            )
        if (found := sha256(partial)) != stated:
            partial.unlink()
            raise HubError(
                f"{file.path} of {snapshot.repository} came damaged (its SHA-256 is {found[:12]}…, the hub states "
                f"{stated[:12]}…): it was deleted, try again"
            )
        partial.replace(blob)


def _remember(snapshot: Snapshot) -> None:
    """Let the revision stand for this commit where the hub can't be asked."""
    reference = snapshot.storage / "refs" / snapshot.revision
    if snapshot.revision != snapshot.commit:
        reference.parent.mkdir(parents=True, exist_ok=True)
        unfinished = reference.with_name(f"{reference.name}.partial")
        unfinished.write_text(snapshot.commit)
        unfinished.replace(reference)


def _hide_progress_where_nobody_watches() -> None:
    if not sys.stderr.isatty():
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
