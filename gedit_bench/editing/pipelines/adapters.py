"""LoRA adapters: found in a file or on the hub, from safetensors only, and put into a pipeline with their weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from gedit_bench.editing.pipelines.hub import Listing, StoredFile, check_download, fetch, hub_id, list_files
from gedit_bench.errors import UnavailableError

_EXAMPLE = "For example -o lora=style.safetensors:0.8, or -o lora=OWNER/NAME/FILE.safetensors."


class TakesAdapters(Protocol):
    """What is needed of a pipeline."""

    def load_lora_weights(self, folder: str, **options: object) -> None:
        """Read an adapter."""

    def set_adapters(self, names: list[str], weights: list[float]) -> None:
        """Choose adapters."""

    def get_list_adapters(self) -> dict[str, list[str]]:
        """Return the adapters of each component."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One adapter: where its file is listed, under which path, and how strongly it counts."""

    listing: Listing
    path: str
    weight: float

    @property
    def name(self) -> str:
        """The name of its file."""
        return Path(self.path).name

    def sha256(self) -> str:
        """Return the SHA-256 of its file, as the hub states it or read."""
        return self.listing.sha256(self.path)


def find_adapters(words: str) -> list[Adapter]:
    """Return the adapters that a setting names, separated by commas.

    Raises:
        UnavailableError: one isn't there, isn't in safetensors, or can't be told from others beside it.
    """
    return [_find(word.strip()) for word in words.split(",") if word.strip()]


def check_adapters(adapters: list[Adapter]) -> None:
    """Make sure that adapters can be downloaded and put into a pipeline.

    Raises:
        UnavailableError: the package peft is missing, the hub can't be reached, or the disk is too small.
    """
    if adapters and find_spec("peft") is None:
        raise UnavailableError("Adapters need the package peft.", "Install it: pip install 'gedit-bench[lora]'.")
    for adapter in adapters:
        check_download(adapter.listing, [adapter.path])


def missing_bytes(adapters: list[Adapter]) -> int:
    """Return how many bytes of adapters are still to be downloaded."""
    return sum(size for adapter in adapters for _, size in adapter.listing.missing([adapter.path]))


def put_in(pipeline: TakesAdapters, adapters: list[Adapter]) -> None:
    """Download adapters if need be, and put them into a pipeline.

    Raises:
        UnavailableError: the pipeline takes none, or one fits no part of it.
    """
    if not adapters:
        return
    if not hasattr(pipeline, "load_lora_weights"):
        raise UnavailableError(f"{type(pipeline).__name__} takes no adapters.", "Leave -o lora out.")
    for number, adapter in enumerate(adapters):
        fetch(adapter.listing, [adapter.path])
        file = adapter.listing.folder / adapter.path
        try:
            pipeline.load_lora_weights(
                str(file.parent), weight_name=file.name, adapter_name=_name(number), local_files_only=True
            )
        except (ValueError, RuntimeError, KeyError, OSError) as error:
            raise UnavailableError(f"The adapter {adapter.name} can't be loaded: {error}", _EXAMPLE) from error
    present = {name for names in pipeline.get_list_adapters().values() for name in names}
    for number, adapter in enumerate(adapters):
        if _name(number) not in present:
            raise UnavailableError(
                f"The adapter {adapter.name} fits no part of {type(pipeline).__name__}.", "It was made for another one."
            )
    pipeline.set_adapters([_name(number) for number in range(len(adapters))], [one.weight for one in adapters])


def _name(number: int) -> str:
    return f"adapter_{number}"


def _find(word: str) -> Adapter:
    source, weight = _with_weight(word)
    path = Path(source).expanduser()
    if path.is_file():
        _check_ending(source)
        alone = {path.name: StoredFile(path.stat().st_size)}
        return Adapter(Listing(name=source, folder=path.parent, files=alone), path.name, weight)
    repository, inner = _taken_apart(source)
    if hub_id(repository) is None:
        raise UnavailableError(f"There is no adapter {source}.", _EXAMPLE)
    if inner:
        _check_ending(inner)
    listing = list_files(repository)
    candidates = [inner] if inner else list(_at_the_top(listing))
    found = [path for path in candidates if path in listing.files]
    if len(found) != 1:
        said = f"no file {inner}" if inner else f"{len(found)} files that may be the adapter"
        raise UnavailableError(f"{repository} has {said}.", _EXAMPLE)
    return Adapter(listing, found[0], weight)


def _taken_apart(source: str) -> tuple[str, str]:
    owner, _, rest = source.partition("/")
    name, _, inner = rest.partition("/")
    return f"{owner}/{name}", inner


def _at_the_top(listing: Listing) -> Iterator[str]:
    return (path for path in listing.files if path.endswith(".safetensors") and "/" not in path)


def _check_ending(path: str) -> None:
    if not path.endswith(".safetensors"):
        raise UnavailableError(
            f"The adapter {path} is not in safetensors, and pickles are not opened here.", "Convert it first."
        )


def _with_weight(word: str) -> tuple[str, float]:
    source, colon, weight = word.rpartition(":")
    try:
        return (source, float(weight)) if colon else (word, 1.0)
    except ValueError:
        return word, 1.0  # the colon was the path's own
