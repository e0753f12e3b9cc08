"""Images that somebody has made already, in the official layout: nothing is edited, everything is found."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from gedit_bench.decoding import decode
from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.records import LANGUAGES, EditStatus, SampleId
from gedit_bench.store.names import checked_name

_PREFERRED = (".png", ".webp", ".jpg", ".jpeg")
_WITHOUT_MEANING = ("fullset", "images")
_HINT = "The layout is <path>/fullset/<task>/<en|cn>/<key>.png, as the official scripts expect it."


@dataclass(frozen=True)
class FolderSettings:
    """What can be set."""

    path: str = setting(
        "", "The model's folder: it holds fullset/<task>/<en|cn>/<key>.<any image ending>.", decides_pixels=False
    )


class Folder(EditModel):
    """Takes ready-made images, byte for byte, from a folder in the official layout.

    `path` may be the model's folder, its `fullset`, a folder with one such model, or a run of this tool.
    Where a sample has several files, the first good one in the order png, webp, jpg, jpeg, others, then by
    name, is taken.
    """

    name = "folder"
    Settings = FolderSettings
    argument = "path"
    settings: FolderSettings

    def label(self) -> str:
        """Return the folder's name, or its parent's where its own says nothing, such as `fullset`."""
        path = self._path().resolve()
        while path.name in _WITHOUT_MEANING:
            path = path.parent
        return path.name or self.name

    def artifacts(self) -> Mapping[str, str]:
        """Return one SHA-256 over names and bytes of all images: other images are another run.

        Reads every image once. Empty where there is no such folder; `load` then says so.
        """
        try:
            root = find_layout(self._path())
        except (UsageError, UnavailableError):
            return {}
        digest = hashlib.sha256()
        for path in sorted(file for language in LANGUAGES for file in root.glob(f"*/{language}/*") if _is_image(file)):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode(errors="surrogateescape"))
            digest.update(_content(path))
        return {"images": digest.hexdigest()}

    def check(self) -> None:
        """Find the images.

        Raises:
            UsageError: no path was given, or the folder holds no images in the layout, or several models.
            UnavailableError: there is no such folder.
        """
        find_layout(self._path())

    def load(self) -> None:
        """Find the images; errors as in `check`."""
        self._root = find_layout(self._path())

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        """Yield each sample's image file as it is, or why there is none."""
        for request in requests:
            yield self._outcome(request.sample)

    def _outcome(self, sample: SampleId) -> Outcome:
        try:
            parts = [checked_name(part) for part in sample]
        except DataError as error:
            return Outcome(status=EditStatus.EDIT_FAILED, message=str(error))
        folder = self._root / parts[0] / parts[1]
        reasons = []
        for path in image_files(folder, sample.key):
            try:
                data = path.read_bytes()
                image = decode(data)
            except (DataError, OSError) as error:
                reasons.append(f"{path.name}: {error}")
            else:
                return Outcome(image, encoded=data, suffix=path.suffix.lower(), extra={"file": path.name})
        if reasons:
            return Outcome(status=EditStatus.EDIT_FAILED, message=" ".join(reasons))
        return Outcome(status=EditStatus.MISSING_IMAGE, message=f"There is no image for {sample}.")

    def _path(self) -> Path:
        if not self.settings.path:
            raise UsageError("The model folder needs the path of the images.", "Use --model folder:PATH.")
        return Path(self.settings.path).expanduser()


def find_layout(path: Path) -> Path:
    """Return the folder inside or at `path` that holds `<task>/<language>/<key>.*`.

    Raises:
        UsageError: there are no images in the layout, or several models.
        UnavailableError: there is no such folder.
    """
    if not path.is_dir():
        raise UnavailableError(f"There is no folder {path}.", _HINT)
    for root in (path / "fullset", path / "images" / "fullset", path):
        if _has_layout(root):
            return root
    models = [child for child in sorted(path.iterdir()) if _has_layout(child / "fullset")]
    if len(models) > 1:
        names = ", ".join(child.name for child in models[:5]) + (", …" if len(models) > 5 else "")
        raise UsageError(f"{path} holds {len(models)} models: {names}.", f"Name one: folder:{models[0]}.")
    if not models:
        raise UsageError(f"{path} holds no images in the official layout.", _HINT)
    return models[0] / "fullset"


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        # what can't be read is an edit that fails, with the reason, when its turn comes
        return b"unreadable"


def _has_layout(root: Path) -> bool:
    return any(folder.is_dir() for language in LANGUAGES for folder in root.glob(f"*/{language}"))


def image_files(folder: Path, key: str) -> list[Path]:
    """Return the files of a key that may be images, the preferred first."""
    found = [path for path in folder.glob(f"{key}.*") if path.stem == key and _is_image(path)]
    return sorted(found, key=_preference)


def _preference(path: Path) -> tuple[int, str]:
    suffix = path.suffix.lower()
    return _PREFERRED.index(suffix) if suffix in _PREFERRED else len(_PREFERRED), path.name


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in Image.registered_extensions() and path.is_file()
