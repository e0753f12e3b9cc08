"""Finds another tool's score files in a file or folder, tells which tool wrote them, and tells a bundle from these."""

from collections.abc import Callable, Sequence
from pathlib import Path

from gedit_bench.errors import DataError, UnavailableError, UsageError
from gedit_bench.interop.evalscope import read_evalscope
from gedit_bench.interop.foreign import TOOLS, Foreign, Tool
from gedit_bench.interop.json_lines import first_line
from gedit_bench.interop.lmms_eval import read_lmms_eval
from gedit_bench.interop.official_csv import is_table, read_official
from gedit_bench.nearest import did_you_mean
from gedit_bench.store import layout

_READERS: dict[Tool, Callable[[Sequence[Path]], Foreign]] = {
    "official": read_official,
    "lmms-eval": read_lmms_eval,
    "evalscope": read_evalscope,
}


def is_bundle(path: Path) -> bool:
    """True for a folder that is a bundle, or the rest of one."""
    return (path / layout.BUNDLED_FILES).is_file() or (path / layout.BUNDLED_RUN).is_file()


def read_foreign(path: Path, tool: str | None = None) -> Foreign:
    """Read the scores that another tool wrote.

    Args:
        path: one of its files, or a folder that holds them, at any depth.
        tool: `official`, `lmms-eval` or `evalscope`; told by the files if None.

    Raises:
        UsageError: there is no such tool, or the files are of several tools, models or runs.
        UnavailableError: there is no such path.
        DataError: no file is a tool's, or one is damaged.
    """
    if tool is not None and tool not in TOOLS:
        raise UsageError(f"--from can't be {tool!r}.", did_you_mean(tool, (*TOOLS, "bundle")))
    if not path.exists():
        raise UnavailableError(f"There is no {path}.", "Name a file or folder that another tool wrote.")
    by_tool: dict[Tool, list[Path]] = {}
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and (found := _tool_of(file)) is not None and tool in (None, found):
            by_tool.setdefault(found, []).append(file)
    if not by_tool:
        raise DataError(
            f"{path} holds no scores of {tool or 'a tool that is known here'}.",
            "Known: official score tables (CSV), sample logs of lmms-eval, reviews of EvalScope (JSON lines).",
        )
    if len(by_tool) > 1:
        raise UsageError(f"{path} holds files of {' and '.join(by_tool)}.", "Say which with --from.")
    [(found, files)] = by_tool.items()
    return _READERS[found](files)


def _tool_of(file: Path) -> Tool | None:
    if file.suffix == ".csv":
        return "official" if is_table(file) else None
    if file.suffix != ".jsonl":
        return None
    line = first_line(file)
    if "sample_score" in line:
        return "evalscope"
    return "lmms-eval" if "doc_id" in line else None
