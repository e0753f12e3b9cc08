"""Numbers that others published: what `data/published_results.json` holds, read without trusting it.

They are shown for orientation and never ranked: nobody here saw the images or the judge's replies. docs/published.md
describes the file and says why two sources of one model differ.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args

from gedit_bench.data_files import data_folder
from gedit_bench.errors import DataError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import TASKS, Json

VERSION = 1
FILE = "published_results.json"

Family = Literal["gpt", "qwen", "other", "unstated"]
"""Who judged: GPT-4.1 or GPT-4o, Qwen2.5-VL-72B, any other model, or nobody says."""

REMARKS = {
    "micro": "by its caption a mean over samples",
    "language_assumed": "language assumed",
    "second_hand": "read in somebody’s notes",
    "doubtful": "looks like a slip in the source",
}
"""Flags of numbers that are shown with a remark."""

LEFT_OUT = {
    "other_formula": "made by another formula",
    "other_set": "over another set of that name",
}
"""Flags of numbers that answer another question than the table and are never shown beside it."""

_ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./~%#?=&+@:,;!*-]*)?", re.ASCII)
_SOURCE_FIELDS = ("reported_by", "date", "kind", "title", "address")
_RESULT_FIELDS = (
    *("model", "printed", "language", "subset", "family", "judge", "sc", "pq", "overall"),
    *("source", "own", "flags", "note", "categories"),
)
_HINT = "docs/published.md describes the file."


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSource:
    """Where numbers were published: by whom, when as far as that is known, in what kind of text.

    `address` is empty or begins with http:// or https://.
    """

    reported_by: str
    date: str
    kind: str
    title: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedResult:
    """One model's numbers as one source gives them; SC, PQ and O in 0..10, None where it doesn't.

    `model` is the same for all sources, `printed` is the source's own name for it. `language` is `en`, `cn` or
    `unstated`; `subset` is `full`, `intersection` or what else was judged, in words. `judge` is what the source says
    of it. `own` is True where a model's authors report on their own model. `categories` holds O by category.
    """

    model: str
    printed: str
    language: str
    subset: str
    family: Family
    judge: str
    overall: float
    source: PublishedSource
    sc: float | None = None
    pq: float | None = None
    own: bool = False
    flags: tuple[str, ...] = ()
    note: str = ""
    categories: Mapping[str, float] = field(default_factory=dict)

    @property
    def remarks(self) -> list[str]:
        """What is to be said of the number wherever it stands."""
        return [words for flag, words in REMARKS.items() if flag in self.flags]

    @property
    def left_out(self) -> str:
        """Why the number stands beside no table whatever its judge and set; empty if it may."""
        return next((words for flag, words in LEFT_OUT.items() if flag in self.flags), "")

    def to_json(self) -> dict[str, Json]:
        """Return all that is known of it, its source's fields among its own."""
        told = {"model": self.model, "printed": self.printed, "language": self.language, "subset": self.subset}
        scores = {"sc": self.sc, "pq": self.pq, "overall": self.overall, "categories": dict(self.categories) or None}
        source = {name: getattr(self.source, name) or None for name in _SOURCE_FIELDS}
        return {
            **told,
            **{"family": self.family, "judge": self.judge, **scores, "own": self.own},
            **{"flags": list(self.flags), "note": self.note or None, **source},
        }


def read_published(path: Path | None = None) -> tuple[PublishedResult, ...]:
    """Return the published numbers in their file's order.

    Args:
        path: a file in the form of the bundled one, which is read if None.

    Raises:
        DataError: the file is missing, or holds anything that docs/published.md doesn't describe.
    """
    path = path or data_folder() / FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"The published results {path} can't be read: {error.strerror}.", _HINT) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"The published results {path} are no JSON: {error}.", _HINT) from error
    whole = _table(value, str(path), ("version", "collected", "scale", "categories", "sources", "results"))
    if whole.get("version") != VERSION:
        raise DataError(f"{path} is of version {whole.get('version')!r}, not {VERSION}.", "Update gedit-bench.")
    if whole.get("scale") != [0, 10] or whole.get("categories") != list(TASKS):
        raise DataError(f"{path} is not about scores from 0 to 10 in the benchmark's 11 categories.", _HINT)
    named, listed = whole.get("sources"), whole.get("results")
    if not isinstance(named, dict) or not isinstance(listed, list):
        raise DataError(f"{path} holds no sources by name, or no list of results.", _HINT)
    sources = {name: _source(one, f"{path}, source {name!r}") for name, one in named.items()}
    return tuple(_result(one, sources, f"{path}, result {number}") for number, one in enumerate(listed, start=1))


def _source(value: Json, where: str) -> PublishedSource:
    fields = _table(value, where, _SOURCE_FIELDS)
    source = PublishedSource(
        reported_by=_text(fields, "reported_by", where),
        date=_text(fields, "date", where),
        kind=_text(fields, "kind", where),
        title=_text(fields, "title", where, ""),
        address=_text(fields, "address", where, ""),
    )
    if source.address and not _ADDRESS.fullmatch(source.address):
        raise DataError(f"{where}: {source.address!r} is no plain http or https address.", _HINT)
    return source


def _result(value: Json, sources: Mapping[str, PublishedSource], where: str) -> PublishedResult:
    fields = _table(value, where, _RESULT_FIELDS)
    model, named = _text(fields, "model", where), _text(fields, "source", where)
    if named not in sources:
        raise DataError(f"{where} is from the unknown source {named!r}.", did_you_mean(named, sources))
    overall = _score(fields.get("overall"), "overall", where)
    if overall is None:
        raise DataError(f"{where} has no overall.", _HINT)
    return PublishedResult(
        model=model,
        printed=_text(fields, "printed", where, model),
        language=_known(_text(fields, "language", where), ("en", "cn", "unstated"), "language", where),
        subset=_text(fields, "subset", where),
        family=cast(Family, _known(_text(fields, "family", where), get_args(Family), "family", where)),
        judge=_text(fields, "judge", where),
        overall=overall,
        source=sources[named],
        sc=_score(fields.get("sc"), "sc", where),
        pq=_score(fields.get("pq"), "pq", where),
        own=_own(fields.get("own", False), where),
        flags=_flags(fields.get("flags", []), where),
        note=_text(fields, "note", where, ""),
        categories=_categories(fields.get("categories"), where),
    )


def _table(value: Json, where: str, known: Sequence[str]) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise DataError(f"{where} is no JSON object.", _HINT)
    for name in value:
        if name not in known:
            raise DataError(f"{where} has an unknown field {name!r}.", did_you_mean(name, known))
    return value


def _text(fields: Mapping[str, Json], name: str, where: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise DataError(f"{where}: {name} can't be {value!r}.", "Give a text.")
    return value


def _known(value: str, known: Sequence[str], name: str, where: str) -> str:
    if value not in known:
        raise DataError(f"{where} has the unknown {name} {value!r}.", did_you_mean(value, known))
    return value


def _score(value: Json, name: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        raise DataError(f"{where}: {name} can't be {value!r}.", "Give a number from 0 to 10.")
    return float(value)


def _own(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise DataError(f"{where}: own can't be {value!r}.", "Give true or false.")
    return value


def _flags(value: Json, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(flag, str) for flag in value):
        raise DataError(f"{where}: flags are no list of names.", _HINT)
    return tuple(_known(cast(str, flag), (*REMARKS, *LEFT_OUT), "flag", where) for flag in value)


def _categories(value: Json, where: str) -> Mapping[str, float]:
    if value is None:
        return {}
    if not isinstance(value, list) or len(value) != len(TASKS):
        raise DataError(f"{where}: categories are no list of {len(TASKS)} numbers.", _HINT)
    scores = [_score(one, task, where) for one, task in zip(value, TASKS, strict=True)]
    return {task: score for task, score in zip(TASKS, scores, strict=True) if score is not None}
