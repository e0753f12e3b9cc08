"""What the Hugging Face hub publishes of a version: the files that are needed, their sizes and hashes, the commit.

Nothing is downloaded here (`download.py` does that). A hub that can't be reached is replaced by what its
cache holds of the revision.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from step1x_edit.files import AUTOENCODER_FILE, LANGUAGE_MODEL, pick_transformer
from step1x_edit.hub_errors import ORIGINAL, HubError, failures, first_line, refusal
from step1x_edit.published import PARTS, HubFile, Published, Snapshot
from step1x_edit.transformer import Version

DIFFUSERS = "stepfun-ai/Step1X-Edit-v1p1-diffusers"
LANGUAGE_MODEL_ID = "Qwen/Qwen2.5-VL-7B-Instruct"

_REPOSITORY = re.compile(r"(?P<id>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>\S+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENDINGS = (".safetensors", ".json", ".txt", ".jinja", ".model")
"""Weights, configurations and tokenizers; never a pickle."""
_ASK_SECONDS = 10.0


def hub_id(source: str) -> tuple[str, str | None] | None:
    """Return the repository and the revision that `owner/name` or `owner/name@revision` names; None for a folder."""
    if not (match := _REPOSITORY.fullmatch(source)) or Path(source).is_dir():
        return None
    return match["id"], match["revision"]


def look_up(
    repository: str,
    version: Version,
    revision: str | None = None,
    *,
    endpoint: str | None = None,
    cache: Path | None = None,
) -> Published:
    """Return what a version needs from a repository, without downloading any of it.

    The hub is asked once for each repository, for at most ten seconds; where it can't be reached, its cache
    answers for the commit that was downloaded last.

    Args:
        repository: in the original layout or that of diffusers.
        version: of the weights.
        revision: branch, tag or commit of the repository; its main branch if None.
        endpoint: the hub's address, if not the usual one.
        cache: the hub's cache folder, if not the user's.

    Raises:
        HubError: neither hub nor cache knows it, or it doesn't hold what the version needs.
    """
    from huggingface_hub import constants

    if repository == DIFFUSERS and version != "v1.1":
        raise HubError(f"{DIFFUSERS} holds v1.1, not {version}: those weights are in {ORIGINAL}")
    cache = Path(cache or constants.HF_HUB_CACHE).expanduser().resolve()
    listing = _listing(repository, revision or "main", endpoint, cache)
    names = [file.path for file in listing.files]
    folders = {name.partition("/")[0] for name in names if "/" in name}
    diffusers = "transformer" in folders
    needed = PARTS if diffusers else (pick_transformer(names, version, repository), AUTOENCODER_FILE)
    if missing := [part for part in needed if part not in (folders if diffusers else names)]:
        raise HubError(f"{repository} at {listing.revision} has no {missing[0]} for Step1X-Edit {version}")
    if diffusers:
        return Published(version, (_reduced(listing, [f"{part}/" for part in PARTS]),), cache)
    own = f"{LANGUAGE_MODEL}/"
    network = _reduced(listing, (*needed, own))
    if LANGUAGE_MODEL in folders:
        return Published(version, (network,), cache)
    language_model = _listing(LANGUAGE_MODEL_ID, "main", endpoint, cache)
    return Published(version, (network, _reduced(language_model, ("",))), cache)


def _listing(repository: str, revision: str, endpoint: str | None, cache: Path) -> Snapshot:
    """All files of a repository, from the hub, or from the cache where the hub can't be asked."""
    from huggingface_hub import HfApi

    storage = cache / f"models--{repository.replace('/', '--')}"
    try:
        found = HfApi(endpoint=endpoint).model_info(
            repository, revision=revision, files_metadata=True, timeout=_ASK_SECONDS
        )
    except failures() as error:
        if refused := refusal(error, repository, revision):
            raise refused from error
        if known := _cached(repository, revision, storage):
            return known
        raise HubError(
            f"{repository} is not in the cache ({cache}) and the hub can't be reached ({first_line(error)}): "
            "connect to the network (is HF_HUB_OFFLINE set?), or name a folder that holds the files"
        ) from error
    files = tuple(
        HubFile(path=one.rfilename, size=one.size or 0, sha256=_sound(one.lfs.sha256) if one.lfs else None)
        for one in found.siblings or ()
    )
    return Snapshot(repository=repository, revision=revision, commit=f"{found.sha}", files=files, storage=storage)


def _cached(repository: str, revision: str, storage: Path) -> Snapshot | None:
    """What the cache knows of a revision, None where it was never downloaded."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    reference = storage / "refs" / revision
    commit = reference.read_text().strip() if reference.is_file() else revision
    folder = storage / "snapshots" / commit
    if not _COMMIT.fullmatch(commit) or not folder.is_dir():
        return None
    try:
        tree = get_cached_repo_tree(repository, revision=commit, cache_dir=storage.parent)
        sizes = {file.path: file.size for file in tree}
    except CachedRepoTreeNotFoundError:  # an older program filled the cache: what is there is all that is known
        paths = (path for path in folder.rglob("*") if path.is_file())
        sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    files = tuple(HubFile(path=path, size=size, sha256=_sha256_of(folder / path)) for path, size in sizes.items())
    return Snapshot(
        repository=repository, revision=revision, commit=commit, files=files, storage=storage, from_cache=True
    )


def _sha256_of(pointer: Path) -> str | None:
    """The SHA-256 that a cached file's blob is named by, None for small files and where the cache has no links."""
    return _sound(pointer.readlink().name) if pointer.is_symlink() else None


def _sound(sha256: str) -> str | None:
    """The word if it is a SHA-256: it names a file in the cache, so nothing else will do."""
    return sha256 if _SHA256.fullmatch(sha256) else None


def _reduced(listing: Snapshot, wanted: Iterable[str]) -> Snapshot:
    """The files that are wanted, each by its path or by its folder (ending in a slash, or empty for the topmost)."""
    paths = set(wanted)
    files = tuple(
        file
        for file in listing.files
        if file.path.endswith(_ENDINGS) and (file.path in paths or file.path[: file.path.rfind("/") + 1] in paths)
    )
    reduced = replace(listing, files=files)
    for file, _ in reduced.missing():
        if listing.from_cache:
            raise HubError(
                f"{listing.repository} is only in part in the cache ({file.path} is missing) and the hub can't be "
                "reached: connect to the network (is HF_HUB_OFFLINE set?)"
            )
        if file.path.endswith(".safetensors") and file.sha256 is None:
            raise HubError(f"{listing.repository} at {listing.commit} states no SHA-256 of {file.path}")
    return reduced
