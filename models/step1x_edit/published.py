"""What the hub publishes of a version, and how much of that is in its cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from step1x_edit.files import Files, find_files
from step1x_edit.transformer import Version

PARTS = ("transformer", "vae", "text_encoder", "processor")
"""The folders of a repository in the layout of diffusers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a repository: its path there, its size in bytes, and its SHA-256 if the hub states it."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The needed files of one repository at one commit.

    `storage` is the repository's folder in the hub's cache, which holds `blobs/`, `refs/` and `snapshots/`;
    `from_cache` says that the hub could not be asked.
    """

    repository: str
    revision: str
    commit: str
    files: tuple[HubFile, ...]
    storage: Path
    from_cache: bool = False

    @property
    def folder(self) -> Path:
        """Where the files stand under their own names once they are here."""
        return self.storage / "snapshots" / self.commit

    def blob(self, file: HubFile) -> Path:
        """Return where the cache keeps a file's content, which is named by its SHA-256."""
        return self.storage / "blobs" / f"{file.sha256}"

    def partial(self, file: HubFile) -> Path:
        """Return where an unfinished download of a file is kept."""
        return self.blob(file).with_suffix(".partial")

    def missing(self) -> Iterator[tuple[HubFile, int]]:
        """Yield the files that aren't here, each with the bytes still to download."""
        for file in self.files:
            if (self.folder / file.path).is_file() or (file.sha256 and self.blob(file).is_file()):
                continue
            partial = self.partial(file)
            there = partial.stat().st_size if file.sha256 and partial.is_file() else 0
            yield file, max(0, file.size - there)


@dataclass(frozen=True, slots=True)
class Published:
    """All that a version needs, from the hub. The last snapshot is that of the language model if it has its own."""

    version: Version
    snapshots: tuple[Snapshot, ...]
    cache: Path

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for snapshot in self.snapshots for file in snapshot.files)

    @property
    def missing(self) -> int:
        """Bytes that are still to be downloaded."""
        return sum(size for snapshot in self.snapshots for _, size in snapshot.missing())

    @property
    def complete(self) -> bool:
        """Whether every file is here."""
        return not any(True for snapshot in self.snapshots for _ in snapshot.missing())

    def weights(self) -> Iterator[tuple[str, Path, str | None]]:
        """Yield each weight file's name as in `Files.weights`, where it is or will be, and its SHA-256.

        The last is None only where a cache without links can't tell; the file is there then.
        """
        for snapshot in self.snapshots:
            for file in snapshot.files:
                path = snapshot.folder / file.path
                if path.suffix == ".safetensors":
                    yield file.path if path.parent.name in PARTS else path.name, path, file.sha256

    def files(self) -> Files:
        """Return where the parts are.

        Raises:
            WeightsError: one isn't here.
        """
        language_model = self.snapshots[1].folder if len(self.snapshots) > 1 else None
        return find_files(self.snapshots[0].folder, self.version, language_model)
