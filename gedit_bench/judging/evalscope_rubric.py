"""EvalScope's form of the official rubric: no trailing blanks, and an output contract after each template.

Neither text is ours to ship. The templates are the official ones, stripped. The contract is what
EvalScope writes from the schema of its grade, a list `score` and a text `reasoning`; its sentence is
read out of EvalScope's source as data, which is never run. Only the published SHA-256 of both counts.
"""

import ast
import hashlib
import logging
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from gedit_bench.errors import UsageError
from gedit_bench.judging.official_rubric import OFFICIAL_ADDRESS, official_rubric, read_source
from gedit_bench.judging.protocol import Rubric
from gedit_bench.judging.text_sources import (
    NotOfficialError,
    first_of,
    from_cache,
    from_installed,
    member_of_wheel,
    sources_at,
)

STRIPPED_HASHES = {
    "sc": "23d0fe3d845b17cd6b7591a240038fd44316390defdcd3dff978fe26967f2b6a",
    "pq": "866fdb3949576353b5b6b234f9aa8da4d3a1b93bdf563f1c936f04e5b115ad17",
}
CONTRACT_SHA256 = "b92c17a7b6e927e663fab08f75d014a728023e0090e133c1a4acf36566bf7fe1"

_WHEEL = "evalscope==1.14.1"
_WHEEL_SHA256 = "ae4bb15908862d6ae22c9ffe2af3c11e8f446a0ea798912870178f4347ef90c4"
_IN_WHEEL = "evalscope/api/judge/contracts.py"
_PROMPTS_IN_WHEEL = "evalscope/benchmarks/image_edit/gedit/vie_prompts.py"
_KEPT = "evalscope_contract.py"
_GRADE = {"score": "a list", "reasoning": "a string"}
_HELP = (
    f"Give --rubric PATH: the wheel that `pip download --no-deps {_WHEEL}` fetches, its {_IN_WHEEL}, or a text "
    "file that holds the contract; or judge with another --protocol."
)
_log = logging.getLogger(__name__)


def evalscope_rubric(
    path: Path | None = None, *, fetch: bool = True, address: str = OFFICIAL_ADDRESS
) -> tuple[Rubric, str]:
    """Return the rubric as EvalScope 1.14.1 sends it, and where its parts came from.

    Args:
        path: a wheel or checkout of EvalScope, its `contracts.py`, or a text file with the contract; also
            any place of the official rubric. What isn't there is looked for as without it: the contract in
            the user's cache, an installed EvalScope and its wheel, the templates wherever the official
            rubric is found.
        fetch: False leaves out whatever needs the network.
        address: root of the official repository's files.

    Raises:
        UsageError: there is nothing of it at `path`.
        UnavailableError: the contract or the official rubric is nowhere to be had.
    """
    contract, templates = _at(path) if path is not None else (None, None)
    if path is not None and contract is None and templates is None:
        raise UsageError(f"{path} holds neither EvalScope's contract nor the official rubric.", _HELP)
    text, contract_from = (contract, str(path)) if contract is not None else _found_contract(fetch)
    if templates is None:
        rubric, where = official_rubric(fetch=fetch, address=address)
        templates = stripped(rubric)
    else:
        where = str(path)
    return Rubric(templates.sc + text, templates.pq + text), f"{where}; contract from {contract_from}"


def stripped(rubric: Rubric) -> Rubric:
    """Return a rubric without the blanks at the ends of its lines."""
    return Rubric(*("\n".join(line.rstrip() for line in text.split("\n")) for text in (rubric.sc, rubric.pq)))


def read_contract(source: bytes) -> str:
    """Return the contract that a text file or EvalScope's `contracts.py` holds.

    Raises:
        NotOfficialError: it isn't EvalScope's, to the last character.
    """
    try:
        text = source.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise NotOfficialError("it is no text") from error
    # An editor may have cut the blank lines at the head and added one at the end.
    for candidate in (f"\n\n{text.strip()}", _composed(text)):
        if hashlib.sha256(candidate.encode()).hexdigest() == CONTRACT_SHA256:
            return candidate
    raise NotOfficialError(f"it doesn't give EvalScope's contract (SHA-256 {CONTRACT_SHA256[:12]}…)")


def _composed(source: str) -> str:
    """The contract that a `contracts.py` makes of the grade's schema; empty if it makes none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    fields = "\n".join(f'- "{name}": {kind}' for name, kind in _GRADE.items())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "instruction":
            for line in node.body:
                match line:
                    case ast.Return(value=ast.JoinedStr(values=[ast.Constant(value=str(head)), ast.FormattedValue()])):
                        return head + fields
    return ""


def _at(path: Path) -> tuple[str | None, Rubric | None]:
    """What a path has of both parts; UsageError if it can't be read."""
    contract = templates = None
    try:
        for _, source in sources_at(path, ("contracts.py", _IN_WHEEL)):
            contract = contract or _contract_or_none(source)
        for _, source in sources_at(path, ("vie_prompts.py", _PROMPTS_IN_WHEEL)):
            templates = templates or _templates_or_none(source)
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise UsageError(f"{path} can't be read ({error}).", _HELP) from error
    return contract, templates


def _contract_or_none(source: bytes) -> str | None:
    try:
        return read_contract(source)
    except NotOfficialError as error:
        _log.info("No contract: %s", error)
        return None


def _templates_or_none(source: bytes) -> Rubric | None:
    for form in (STRIPPED_HASHES, None):
        try:
            return stripped(read_source(source, form))
        except NotOfficialError as error:
            _log.info("No templates: %s", error)
    return None


def _found_contract(fetch: bool) -> tuple[str, str]:
    local: dict[str, Callable[[], bytes]] = {
        "the cache": lambda: from_cache(_KEPT),
        "the installed EvalScope": lambda: from_installed("evalscope", _IN_WHEEL),
    }
    remote: dict[str, Callable[[], bytes]] = {
        "the EvalScope wheel": lambda: member_of_wheel(_WHEEL, _WHEEL_SHA256, _IN_WHEEL)
    }
    missing = "The protocol 'evalscope' is not available: the contract that EvalScope appends to the rubric"
    return first_of(local, remote if fetch else {}, read_contract, kept=_KEPT, missing=missing, help=_HELP)
