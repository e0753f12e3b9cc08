"""Packages that a recipe needs, compared with what is installed. Nothing is imported for it."""

import shlex
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

from gedit_bench.errors import UnavailableError


def lacking(needs: Iterable[str]) -> list[str]:
    """Return those requirements (`torchvision`, `diffusers>=0.42`) that what is installed doesn't meet."""
    return [need for need in needs if not _met(Requirement(need))]


def install_command(lacks: Iterable[str]) -> str:
    """Return the command that installs requirements."""
    return shlex.join(["pip", "install", *lacks])


def check_packages(model: str, needs: Iterable[str]) -> None:
    """Make sure that a model's packages are there.

    Raises:
        UnavailableError: one is not, or in another version; the hint installs it.
    """
    if lacks := lacking(needs):
        here = [f"{name} {found} is here" for name, found in _other_versions(lacks).items()]
        found = f" ({', '.join(here)})" if here else ""
        raise UnavailableError(f"{model} needs {' and '.join(lacks)}{found}.", f"Try: {install_command(lacks)}")


def _met(requirement: Requirement) -> bool:
    found = _installed(requirement.name)
    return found is not None and requirement.specifier.contains(found, prereleases=True)


def _other_versions(lacks: Iterable[str]) -> dict[str, str]:
    names = (Requirement(need).name for need in lacks)
    return {name: found for name in names if (found := _installed(name)) is not None}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
