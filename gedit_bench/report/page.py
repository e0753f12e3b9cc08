"""The page: one HTML file that works offline, its styles and scripts inlined under a strict policy."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gedit_bench.records import LANGUAGES, SUBSETS, TASKS, Json
from gedit_bench.report import words
from gedit_bench.report.board import Board
from gedit_bench.report.embedding import Embedded
from gedit_bench.report.method import methods, other_scorings
from gedit_bench.report.notices import Notice
from gedit_bench.report.packing import script_data

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("base", "board", "categories", "gallery", "viewer", "method", "print")
_SCRIPTS = ("common", "theme", "views", "filters", "cards", "gallery", "viewer", "judges", "start")
"""Run in this order in one scope; `theme_early` runs before anything is drawn."""


def render(
    board: Board,
    data: Mapping[str, Json],
    notices: Sequence[Notice],
    *,
    title: str,
    created: str,
    embedded: Embedded | None = None,
) -> str:
    """Return the page's HTML.

    Args:
        board: the tables and what they hold.
        data: the gallery's JSON.
        notices: the warnings at the page's head.
        title: the page's title.
        created: when it was made, ISO 8601.
        embedded: the thumbnails that stand in the page; None if they lie beside it.
    """
    css = "".join(_asset(f"css/{name}.css") for name in _STYLES)
    early_js = _asset("js/theme_early.js")
    page_js = script(_SCRIPTS)
    data_type, data_text = script_data(data)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            created=created,
            board=board,
            notices=notices,
            methods=methods(board.entries),
            other_scorings=other_scorings(board.entries),
            tasks=TASKS,
            switches=_switches(board),
            version=_version(),
            csp=_policy([css], [early_js, page_js]),
            css=css,
            early_js=early_js,
            page_js=page_js,
            embedded=embedded,
            data_type=data_type,
            data=data_text,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "two": words.two,
        "three": words.three,
        "percent": words.percent,
        "seconds": words.seconds,
        "money": words.money,
        "dollars": words.dollars,
        "task_words": words.task_words,
        "heat": _heat,
    }
    return environment


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script(names: Sequence[str]) -> str:
    """Return scripts as one, in one scope of their own."""
    return f'"use strict";\n(async () => {{\n{"".join(_asset(f"js/{name}.js") for name in names)}}})();\n'


def _switches(board: Board) -> list[tuple[str, list[tuple[str, str]]]]:
    """The languages and subsets that there are tables of, each with its words."""
    languages = {table.key.language for table in board.tables}
    subsets = {table.key.subset for table in board.tables}
    return [
        ("language", [(name, words.LANGUAGE_WORDS[name]) for name in LANGUAGES if name in languages]),
        ("subset", [(name, words.SUBSET_WORDS[name]) for name in SUBSETS if name in subsets]),
    ]


def _policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Nothing is loaded but images beside the page, nothing runs or styles but what stands in it."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' file: data:",
            f"style-src {' '.join(map(_hash, styles))}",
            f"script-src {' '.join(map(_hash, scripts))}",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _heat(overall: float) -> str:
    """The class of a cell's tint."""
    return "" if isnan(overall) else f"h{round(max(0.0, min(overall, 10.0)))}"


def _version() -> str:
    try:
        return version("gedit-bench")
    except PackageNotFoundError:
        return "(version unknown)"
