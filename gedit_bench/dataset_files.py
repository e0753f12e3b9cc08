"""Finds the benchmark's files, on the hub, in a folder or bundled, and opens them with `datasets`.

The hub's files are fetched as one snapshot of one commit, so that what is read is exactly what is
recorded, and a cached commit opens without asking the hub again.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gedit_bench.data_files import data_folder
from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.nearest import did_you_mean

HUB_ID = "stepfun-ai/GEdit-Bench"
SAMPLE = "sample"
SPLIT = "train"

_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_SHARD = re.compile(r"(?P<stem>.*)-\d{5}-of-(?P<count>\d{5})(?P<ending>\..*)")
_FORMATS = ("parquet", "arrow")
_ASK_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a benchmark's files are. `commit` is the hub's hash, None for what never was on the hub."""

    name: str
    folder: Path
    commit: str | None = None


def locate(data: str, revision: str | None, *, fetch: bool = True) -> Place:
    """Return where `data` is (a hub id, a folder or `sample`), fetched from the hub if need be.

    `fetch` False leaves the hub alone and takes what is in the cache.

    Raises:
        UsageError: nothing is called so, here or on the hub.
        UnavailableError: it is on the hub, and neither the network nor the cache has it.
    """
    if data == SAMPLE:
        return Place(SAMPLE, data_folder() / SAMPLE)
    folder = Path(data).expanduser()
    if folder.is_dir():
        return Place(folder.resolve().name, folder)
    if _REPOSITORY.fullmatch(data) and not data.startswith("."):
        snapshot = _snapshot(data, revision or "main", fetch=fetch)
        return Place(data, snapshot, commit=snapshot.name)
    if folder.is_file():
        raise UsageError(f"The data must be a folder, but {data!r} is a file.", "Name the folder that holds it.")
    raise UsageError(f"There is no data folder {data!r}.", did_you_mean(data, (SAMPLE, HUB_ID)))


def open_rows(folder: Path) -> tuple[Any, list[Path]]:
    """Return the rows of a folder as a `datasets.Dataset`, and the data files that they came from.

    Parquet is copied once into the Hugging Face cache; a `save_to_disk` folder is read where it is.

    Raises:
        DataError: the folder holds no readable rows.
        UnavailableError: the cache can't be written.
    """
    quieten_progress()
    with _reading_errors(folder):
        if any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")):
            return _open_saved(folder)
        return _open_files(folder)


def quieten_progress() -> None:
    """Turn the progress bars of the Hugging Face packages off where nobody would see them move."""
    if not sys.stderr.isatty():
        import datasets
        from huggingface_hub.utils.tqdm import disable_progress_bars

        datasets.disable_progress_bars()
        disable_progress_bars()


def _open_saved(folder: Path) -> tuple[Any, list[Path]]:
    from datasets import DatasetDict, load_from_disk

    rows = load_from_disk(str(folder))
    if isinstance(rows, DatasetDict):
        if SPLIT not in rows:
            raise DataError(f"The data in {folder} has no split {SPLIT!r}.", did_you_mean(SPLIT, rows))
        rows = rows[SPLIT]
    return rows, [Path(file["filename"]) for file in rows.cache_files]


def _open_files(folder: Path) -> tuple[Any, list[Path]]:
    from datasets import load_dataset

    for file_format in _FORMATS:
        files = _files_of_split(folder, file_format)
        if files:
            _check_shards(files)
            return load_dataset(file_format, data_files={SPLIT: [_literal(f) for f in files]}, split=SPLIT), files
    raise DataError(
        f"There are no benchmark data in {folder}.",
        "A data folder holds *.parquet files, or what datasets' save_to_disk wrote.",
    )


def _files_of_split(folder: Path, ending: str) -> list[Path]:
    """Return the data files in a folder and one level below; those of `train` if any are called so."""
    files = sorted([*folder.glob(f"*.{ending}"), *folder.glob(f"[!.]*/*.{ending}")])
    of_split = [f for f in files if SPLIT in re.split(r"\W|_", f.relative_to(folder).as_posix())]
    return of_split or files


def _literal(file: Path) -> str:
    """Return a path in which no character is taken for a pattern."""
    return re.sub(r"([*?[])", r"[\1]", str(file.absolute()))


def _check_shards(files: Iterable[Path]) -> None:
    """Refuse a half-copied data set: `…-00000-of-00003.parquet` announces how many files there are."""
    present: dict[tuple[Path, str, int], int] = {}
    for file in files:
        if match := _SHARD.fullmatch(file.name):
            series = (file.parent, match["stem"] + match["ending"], int(match["count"]))
            present[series] = present.get(series, 0) + 1
    for (folder, _, count), found in present.items():
        if found != count:
            raise DataError(
                f"Only {found} of {count} data files are in {folder}.", "Copy or download the missing ones."
            )


@contextmanager
def _reading_errors(folder: Path) -> Iterator[None]:
    """Turn what `datasets` raises on damaged files or a full disk into one sentence."""
    from datasets.exceptions import DatasetsError

    try:
        yield
    except (DatasetsError, OSError, ValueError, LookupError) as error:
        cause = error.__cause__ or error
        reason = _first_line(cause)
        # How `datasets` says that a split is empty: of files, and of a saved folder.
        if "corresponds to no data" in reason or isinstance(error, IndexError):
            raise DataError(f"The data in {folder} have no rows.", "Copy or download them again.") from error
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            raise UnavailableError(
                f"The data in {folder} can't be opened: {reason}",
                "They are copied once into the Hugging Face cache, which HF_HOME moves to another disk.",
            ) from error
        raise DataError(
            f"The data files in {folder} are damaged or no benchmark: {reason}", "Copy or download them again."
        ) from error


def _snapshot(repository: str, revision: str, *, fetch: bool) -> Path:
    """Return the folder with the data files of one commit; its name is the commit's hash."""
    from huggingface_hub import snapshot_download

    quieten_progress()
    try:
        folder = snapshot_download(
            repository,
            repo_type="dataset",
            revision=revision,
            allow_patterns=["*.parquet", "*.arrow", "*state.json", "*dataset_info.json", "*dataset_dict.json"],
            local_files_only=not (fetch and _hub_answers(repository, revision)),
        )
    except (_http_error(), OSError) as error:
        if not fetch:
            raise UnavailableError(
                f"The dataset {repository} at {revision} is not in the cache, and nothing is to be downloaded.",
                f"Fetch it with `gedit-bench doctor --data {repository}`, or name a local copy, or 'sample'.",
            ) from error
        raise UnavailableError(
            f"The dataset {repository} at {revision} is not in the cache and can't be downloaded.",
            f"{_first_line(error)} Connect to the network (is HF_HUB_OFFLINE set?), or name a local copy, or 'sample'.",
        ) from error
    if not any(_files_of_split(Path(folder), file_format) for file_format in _FORMATS):
        raise UnavailableError(
            f"No data file of {repository} at {Path(folder).name} was found.",
            "The cached copy may be unfinished: try again with the network.",
        )
    return Path(folder)


def _hub_answers(repository: str, revision: str) -> bool:
    """Say whether the hub can be asked and knows the revision; False where only the cache is left.

    Raises:
        UsageError: the hub knows no such dataset or revision.
        UnavailableError: the dataset is gated.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        # Asked apart because it takes a time limit: the download alone would wait minutes for a silent network.
        HfApi().dataset_info(repository, revision=revision, timeout=_ASK_SECONDS)
    except GatedRepoError as error:
        raise UnavailableError(
            f"The dataset {repository} is gated.",
            "Accept its terms on its page, then log in: hf auth login, or HF_TOKEN.",
        ) from error
    except RevisionNotFoundError as error:
        raise UsageError(f"The dataset {repository} has no revision {revision!r}.", "Leave it out for main.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise UsageError(
            f"The hub has no dataset {repository!r}, or it is private.", did_you_mean(repository, (SAMPLE, HUB_ID))
        ) from error
    except (_http_error(), OSError):
        return False
    return True


def _http_error() -> type[BaseException]:
    """Return the root of the HTTP client's errors, whichever client the installed `huggingface_hub` is built on."""
    from huggingface_hub.errors import HfHubHTTPError

    return HfHubHTTPError.__bases__[0]


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if line.endswith(".") else f"{line}."
