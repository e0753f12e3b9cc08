"""The page: one HTML file that works offline, its styles and scripts inlined under a strict policy."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import isnan
from pathlib import Path
from types import MappingProxyType

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gedit_bench.records import LANGUAGES, SUBSETS, TASKS, Json
from gedit_bench.report import charts, figures, pairs, words
from gedit_bench.report.beside import Beside
from gedit_bench.report.board import Board, BoardTable
from gedit_bench.report.claim import claim_texts
from gedit_bench.report.columns import columns, used
from gedit_bench.report.embedding import Embedded
from gedit_bench.report.language_gaps import language_gaps
from gedit_bench.report.method import methods, other_scorings
from gedit_bench.report.notices import Notice, grouped
from gedit_bench.report.packing import script_data
from gedit_bench.report.spread import spread_svg
from gedit_bench.report.whisker import Scale, axis_svg, scale_of, whisker_svg

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = ("base", "board", "published", "categories", "charts", "pairs", "gallery", "viewer", "method", "print")
_SCRIPTS = ("common", "theme", "views", "board", "filters", "cards", "gallery", "viewer", "judges", "charts", "start")


def render(
    board: Board,
    data: Mapping[str, Json],
    notices: Sequence[Notice],
    *,
    title: str,
    created: str,
    published: Mapping[str, Beside] = MappingProxyType({}),
    embedded: Embedded | None = None,
) -> str:
    """Return the page's HTML.

    Args:
        board: the tables and what they hold.
        data: the gallery's JSON.
        notices: the warnings at the page's head.
        title: the page's title.
        created: when it was made, ISO 8601.
        published: what stands beside each table, by the table's id.
        embedded: the thumbnails that stand in the page; None if they lie beside it.
    """
    return document(
        "page.html.j2",
        {
            "title": title,
            "created": created,
            "board": board,
            "notices": notices,
            "methods": methods(board.entries),
            "claims": claim_texts(board),
            "other_scorings": other_scorings(board.entries),
            "tasks": TASKS,
            "published": published,
            "embedded": embedded,
            "switches": _switches(board),
            "columns_used": used(board.tables),
            "language_words": words.LANGUAGE_WORDS,
        },
        data,
        styles=_STYLES,
        scripts=_SCRIPTS,
    )


def document(
    template: str,
    context: Mapping[str, object],
    data: Mapping[str, Json],
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
) -> str:
    """Return a page's HTML with its styles, scripts and data in it.

    Args:
        template: the page's template.
        context: what the template shows.
        data: the gallery's JSON.
        styles: names of style sheets.
        scripts: names of scripts that run in this order in one scope; `theme_early` runs before anything is drawn.
    """
    css = "".join(_asset(f"css/{name}.css") for name in styles)
    early_js, page_js = _asset("js/theme_early.js"), script(scripts)
    data_type, data_text = script_data(data)
    return (
        _environment()
        .get_template(template)
        .render(
            **context,
            version=_version(),
            csp=_policy([css], [early_js, page_js]),
            css=css,
            early_js=early_js,
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
        "ends": words.ends,
        "interval": words.interval,
        "places": words.places,
        "resolution": words.resolution,
        "columns": columns,
        "aligned": words.aligned,
        "whisker": whisker_svg,
        "axis": axis_svg,
        "scale": _scale,
        "published_scale": _published_scale,
        "three": words.three,
        "percent": words.percent,
        "seconds": words.seconds,
        "money": words.money,
        "dollars": words.dollars,
        "task_words": words.task_words,
        "heat": _heat,
        "interval_of": figures.interval_of,
        "between": figures.between,
        "radar_figure": figures.radar_figure,
        "panel_figure": figures.panel_figure,
        "shorten": charts.shorten,
        "grouped": grouped,
        "matrix": pairs.matrix,
        "language_gaps": language_gaps,
        "signed": pairs.signed,
        "spread": spread_svg,
    }
    return environment


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def script(names: Sequence[str]) -> str:
    """Return scripts as one, in one scope of their own."""
    return f'"use strict";\n(async () => {{\n{"".join(_asset(f"js/{name}.js") for name in names)}}})();\n'


def _scale(table: BoardTable) -> Scale | None:
    """What a table's means are drawn on; None where no row has one."""
    return scale_of(table.drawn) if table.drawn else None


def _published_scale(beside: Beside) -> Scale:
    """What the numbers that others published are drawn on: their range is wider than any interval."""
    return scale_of([value for row in beside.rows for value in row.values])


def _switches(board: Board) -> list[tuple[str, list[tuple[str, str]]]]:
    """The languages and subsets that there are tables of, each with its words."""
    languages = {table.key.language for table in board.tables}
    subsets = {table.key.subset for table in board.tables}
    return [
        ("language", [(name, words.LANGUAGE_WORDS[name]) for name in LANGUAGES if name in languages]),
        ("subset", [(name, words.SUBSET_NAMES[name]) for name in SUBSETS if name in subsets]),
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
