"""Where the official rubric comes from. Its words aren't ours to ship, so they are fetched once and checked.

They stand in a Python file that is read as data and never run. What it holds counts only if both
composed templates have the published SHA-256; where it was found makes no difference then.
"""

import ast
import zipfile
import zlib
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

from gedit_bench.errors import UsageError
from gedit_bench.judging.protocol import Rubric
from gedit_bench.judging.text_sources import (
    LARGEST,
    NETWORK_SECONDS,
    NotOfficialError,
    first_of,
    from_cache,
    from_installed,
    member_of_wheel,
    sources_at,
)

COMMIT = "95feaea4c43b6dc69e9a2766dabd16976bbafcdc"
OFFICIAL_ADDRESS = f"https://raw.githubusercontent.com/stepfun-ai/Step1X-Edit/{COMMIT}"
HASHES = {
    "sc": "8f529562c2f89f8db51a3f7cc4d487686f676909c21010b67b0e65ec78150de5",
    "pq": "2473ff2c7406e06545c5c039ceb039ff2604ebacf150868a48f0bf07c9e733b0",
}

_NAME = "vie_prompts.py"
_IN_REPOSITORY = f"GEdit-Bench/viescore/{_NAME}"
_IN_WHEEL = f"lmms_eval/tasks/gedit_bench/viescore/{_NAME}"
_IN_FOLDER = (_NAME, f"viescore/{_NAME}", _IN_REPOSITORY, _IN_WHEEL)
_WHEEL = "lmms-eval==0.7.3"
_WHEEL_SHA256 = "5709f9f9f56a8f5f22bf379571bd1c5e7702af5ae2bbb9637001c5dd91168895"
_PARTS = {
    "sc": ("_context_no_delimit", "_prompts_0shot_two_image_edit_rule", "_prompts_0shot_tie_rule_SC"),
    "pq": ("_context_no_delimit", "_prompts_0shot_rule_PQ"),
}
_LOOKALIKES = {
    "23d0fe3d845b17cd6b7591a240038fd44316390defdcd3dff978fe26967f2b6a": "EvalScope's, without trailing blanks",
    "866fdb3949576353b5b6b234f9aa8da4d3a1b93bdf563f1c936f04e5b115ad17": "EvalScope's, without trailing blanks",
}
_HELP = (
    "Give --rubric PATH: a checkout of stepfun-ai/Step1X-Edit, its GEdit-Bench/viescore/vie_prompts.py, "
    f"or the wheel that `pip download --no-deps {_WHEEL}` fetches; or judge with --protocol native."
)


def read_source(source: bytes, hashes: Mapping[str, str] | None = None) -> Rubric:
    """Return the rubric that a `vie_prompts.py` holds, accepted by `hashes`, the official ones if None.

    Raises:
        NotOfficialError: it isn't the official one, to the last blank.
    """
    hashes = hashes or HASHES
    constants = _constants(source)
    texts = {}
    for aspect, names in _PARTS.items():
        missing = [name for name in names if name not in constants]
        if missing:
            raise NotOfficialError(f"it has no text called {missing[0]}")
        texts[aspect] = "\n".join(constants[name] for name in names)
    rubric = Rubric(**texts)
    for aspect, found in rubric.hashes().items():
        if found != hashes[aspect]:
            whose = _LOOKALIKES.get(found, "not the official one")
            raise NotOfficialError(
                f"its {aspect.upper()} text is {whose} (SHA-256 {found[:12]}…, official {hashes[aspect][:12]}…)"
            )
    return rubric


def rubric_from_path(path: Path) -> tuple[Rubric, str]:
    """Return the official rubric from a checkout, a `vie_prompts.py`, or a wheel or zip, and where it stood.

    Raises:
        UsageError: there is nothing at `path`, or something else than the official rubric.
    """
    try:
        problem = f"there is no {_NAME} in it" if path.exists() else "it doesn't exist"
        for place, source in sources_at(path, _IN_FOLDER):
            try:
                return read_source(source), place
            except NotOfficialError as error:
                problem = str(error)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        # A RuntimeError is an archive with a password or an unknown compression.
        problem = f"it can't be read ({error})"
    raise UsageError(f"{path} doesn't hold the official rubric: {problem}.", _HELP)


def official_rubric(*, fetch: bool = True, address: str = OFFICIAL_ADDRESS) -> tuple[Rubric, str]:
    """Return the official rubric and where it came from; keep it in the user's cache if it was fetched.

    Args:
        fetch: False leaves out whatever needs the network.
        address: root of the official repository's files.

    Raises:
        UnavailableError: no source has it; the hint says how to get it.
    """
    local: dict[str, Callable[[], bytes]] = {
        "the cache": lambda: from_cache(_NAME),
        "the installed lmms-eval": lambda: from_installed("lmms-eval", _IN_WHEEL),
    }
    remote: dict[str, Callable[[], bytes]] = {
        "the official repository": lambda: _from_repository(address),
        "the lmms-eval wheel": _from_wheel,
    }
    return first_of(local, remote if fetch else {}, read_source, kept=_NAME, missing="The official rubric", help=_HELP)


def _constants(source: bytes) -> dict[str, str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotOfficialError("it is no Python file") from error
    found = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
    return found


def _from_repository(address: str) -> bytes:
    if not address.startswith(("https://", "http://")):
        raise NotOfficialError("its address is no web address")
    request = Request(f"{address.rstrip('/')}/{_IN_REPOSITORY}", headers={"User-Agent": "gedit-bench"})  # noqa: S310
    try:
        with urlopen(request, timeout=NETWORK_SECONDS) as response:  # noqa: S310 - http(s) only, see above
            return bytes(response.read(LARGEST))
    except (OSError, HTTPException) as error:
        raise NotOfficialError(f"not reached ({error})") from error


def _from_wheel() -> bytes:
    return member_of_wheel(_WHEEL, _WHEEL_SHA256, _IN_WHEEL)
