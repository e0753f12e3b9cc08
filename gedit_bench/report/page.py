"""The page: one HTML file that works offline, its styles and scripts inlined under a strict policy."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gedit_bench.records import TASKS, Json
from gedit_bench.report import words
from gedit_bench.report.beside import Beside
from gedit_bench.report.board import Board
from gedit_bench.report.gallery import script_data
from gedit_bench.report.method import methods, other_scorings
from gedit_bench.report.notices import Notice
from gedit_bench.report.spread import spread_svg

_TEMPLATES = Path(__file__).parent / "templates"


def render(
    board: Board,
    data: Json,
    notices: Sequence[Notice],
    *,
    title: str,
    created: str,
    published: Mapping[str, Beside] = MappingProxyType({}),
) -> str:
    """Return the page's HTML.

    Args:
        board: the tables and what they hold.
        data: the gallery's JSON.
        notices: the warnings at the page's head.
        title: the page's title.
        created: when it was made, ISO 8601.
        published: what stands beside each table, by the table's id.
    """
    css = _asset("page.css") + _asset("css/published.css")
    theme_js, page_js = (_asset(name) for name in ("theme.js", "page.js"))
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
            published=published,
            version=_version(),
            csp=_policy([css], [theme_js, page_js]),
            css=css,
            theme_js=theme_js,
            page_js=page_js,
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
        "spread": spread_svg,
    }
    return environment


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


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
