"""Strict loading from safetensors: built without memory, filled tensor by tensor, one clear error for what is wrong."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from step1x_edit.diffusers_format import Source, assembled

Module = TypeVar("Module", bound=nn.Module)
Naming = Callable[[str], Source]

VERSION_MARK = "connector.scale_factor"
"""The one tensor that v1.0 has and v1.1 has not."""


class WeightsError(ValueError):
    """Weights that can't be loaded; the message names the file or the tensor."""


def original_names(name: str) -> Source:
    """Return where a tensor stands in an original checkpoint: under its own name."""
    return Source((name,))


def load_weights(
    build: Callable[[], Module],
    files: Iterable[Path],
    *,
    naming: Naming = original_names,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
) -> Module:
    """Build a module and fill it from safetensors files.

    The module is built on the meta device, so that its weights are never in memory twice; tensors go
    to `device` one by one.

    Args:
        build: makes the module.
        files: one file, or the shards of one checkpoint.
        naming: which of the files' tensors make up one of the module's; the original names if left out.
        device: where the weights go.
        dtype: what they are cast to; as stored if None.

    Raises:
        WeightsError: a file is damaged, or a tensor is missing, unexpected or of the wrong shape.
    """
    with torch.device("meta"):
        module = build()
    wanted = {name: (naming(name), tensor.shape) for name, tensor in module.state_dict().items()}
    with opened(files, device) as tensors:
        check_names([name for source, _ in wanted.values() for name in source.names], tensors)
        for name, (source, shape) in wanted.items():
            tensor = assembled(source, tensors)
            if tensor.shape != shape:
                there, needed = tuple(tensor.shape), tuple(shape)
                raise WeightsError(f"{source.names[0]} has the shape {there}, but the network needs {needed}")
            _assign(module, name, tensor if dtype is None else tensor.to(dtype))
    return module.eval()


def check_names(wanted: Iterable[str], there: Mapping[str, Tensor]) -> None:
    """Compare the names that are needed with those that are there.

    Raises:
        WeightsError: they differ; the first difference is named.
    """
    needed, found = set(wanted), set(there)
    if VERSION_MARK in needed ^ found:
        has, lacks = ("v1.1", "v1.0") if VERSION_MARK in needed else ("v1.0", "v1.1")
        raise WeightsError(f"these are weights of {has}, not of {lacks}: {VERSION_MARK} tells them apart")
    if missing := sorted(needed - found):
        raise WeightsError(f"{missing[0]} is missing{_more(missing)}")
    if unexpected := sorted(found - needed):
        raise WeightsError(f"{unexpected[0]} is unexpected{_more(unexpected)}")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Tensors(Mapping[str, Tensor]):
    """The tensors of several files by name, read when they are asked for."""

    def __init__(self, readers: Mapping[str, safe_open]) -> None:
        self._readers = readers

    def __getitem__(self, name: str) -> Tensor:
        tensor: Tensor = self._readers[name].get_tensor(name)  # type: ignore[no-untyped-call]
        return tensor

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


@contextmanager
def opened(files: Iterable[Path], device: torch.device | str = "cpu") -> Iterator[Mapping[str, Tensor]]:
    """Open safetensors files as one mapping from name to tensor.

    Raises:
        WeightsError: a file is missing, cut short or no safetensors, or a tensor stands in two of them.
    """
    readers: dict[str, safe_open] = {}
    with ExitStack() as stack:
        for path in files:
            try:
                reader = stack.enter_context(safe_open(path, framework="pt", device=str(device)))
            except (SafetensorError, OSError) as error:
                raise WeightsError(f"{path} can't be read as safetensors: {error}") from error
            for name in reader.keys():  # noqa: SIM118 - no mapping
                if name in readers:
                    raise WeightsError(f"{name} stands in two files, one of them {path}")
                readers[name] = reader
        yield _Tensors(readers)


def _assign(module: nn.Module, name: str, tensor: Tensor) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, nn.Parameter(tensor, requires_grad=False))


def _more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
