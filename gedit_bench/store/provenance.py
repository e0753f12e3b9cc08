"""Who wrote what: versions, commit, machine and command of each process that adds to a run."""

import os
import platform
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_hex

from gedit_bench.records import Json
from gedit_bench.secrets import redact

_PACKAGES = (
    *("gedit-bench", "torch", "torchvision", "transformers", "diffusers"),
    *("datasets", "openai", "numpy", "pillow", "safetensors"),
)

WHERE = "where"
"""The detail that names machine and device where several work; people are shown what differs in more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One process that added to a run.

    `command` is quoted for a shell and redacted; `device` is a GPU's name or `cpu`. `price` is what a
    judge's tokens cost when it was asked (`Price.to_json`); None where nobody knew.
    """

    writer: str
    time: str
    command: str
    python: str
    platform: str
    device: str
    commit: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    price: dict[str, Json] | None = None


def now() -> str:
    """Return the time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def this_writer(**details: str) -> Writer:
    """Describe this process; `details` are further facts worth keeping, such as a selection."""
    return Writer(
        writer=token_hex(4),
        time=now(),
        command=redact(shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])),
        python=platform.python_version(),
        platform=platform.platform(),
        device=_device(),
        commit=_commit(),
        versions=_versions(),
        details={name: redact(value) for name, value in details.items()},
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _device() -> str:
    torch = sys.modules.get("torch")  # asked only where a model has loaded it
    if torch is not None and torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return "cpu"


@cache
def _commit() -> str | None:
    """The commit of the checkout that runs, with `+` where it has been changed; None outside one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.strip()
