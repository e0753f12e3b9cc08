"""The official scripts' score tables: one CSV per category, in the new naming and the old, read and written.

New: `<model>/<backbone>/<model>_<category>_<all|en|cn>_vie_score.csv`, a sample named by its key. Old:
`<model>_<category>_gpt_score.csv` and a combined file, a sample named by its image's path.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.errors import DataError, UsageError
from gedit_bench.interop.foreign import Foreign, ForeignRow
from gedit_bench.records import LANGUAGES, TASKS

SC, PQ, _FLAG = "sementics_score", "quality_score", "intersection_exist"
COLUMNS = ("key", "edited_image", "instruction", SC, PQ, _FLAG, "instruction_language")
"""The columns of the new naming, spelled as they are."""

_TASKS = "|".join(map(re.escape, TASKS))
_NAMES = (
    re.compile(rf"(?P<model>.+)_(?P<task>{_TASKS})_(?P<language>all|en|cn)_vie_score"),
    re.compile(rf"(?P<model>.+)_(?P<task>{_TASKS}|combined)_gpt_score(?P<language>)"),
)
_OTHER = re.compile(r"(?P<rest>.+?)(?:_(?P<language>all|en|cn)_vie|_gpt)_score")
_PLACE = re.compile(r"(?:^|[/\\])(?P<task>[^/\\]+)[/\\](?P<language>en|cn)[/\\](?P<key>[^/\\]+?)(?:_SRCIMG)?\.\w+$")
_WITHOUT_MEANING = "eval_results_new"
_LIMIT = 10_000_000  # characters in one field


@dataclass(frozen=True, slots=True)
class Table:
    """One file, and what its name says: model, category (`combined` for all) and `all`, `en`, `cn` or nothing."""

    path: Path
    model: str
    task: str
    language: str


def is_table(path: Path) -> bool:
    """True if a file has the two columns of scores."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {SC, PQ} <= set(next(csv.reader(file), []))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False


def read_official(paths: Sequence[Path]) -> Foreign:
    """Return the rows of one model's tables.

    Raises:
        UsageError: the tables are of several models or judges.
        DataError: a file is no table.
    """
    tables, notes = _without_doubles(_tables(paths))
    homes = {(table.path.parent, table.model) for table in tables}
    if len(homes) > 1:
        found = ", ".join(sorted(f"{model} in {folder}" for folder, model in homes)[:5])
        raise UsageError(f"There are tables of {len(homes)} models or judges: {found}.", "Name the folder of one.")
    rows = [row for table in _ordered(tables) for row in _rows(table)]
    if blank := sum(row.original.get(_FLAG) == "" for row in rows):
        notes.append(f"{blank} row(s) have a blank intersection flag; as in the official statistics it counts as true.")
    return Foreign(
        tool="official",
        model=tables[0].model,
        judge=_backbone(tables[0]),
        files=tuple(table.path for table in _ordered(tables)),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _ordered(tables: Iterable[Table]) -> list[Table]:
    return sorted(tables, key=lambda table: (TASKS.index(table.task) if table.task in TASKS else 99, table.path.name))


def _tables(paths: Sequence[Path]) -> list[Table]:
    named, others = [], []
    for path in paths:
        found = next(filter(None, (name.fullmatch(path.stem) for name in _NAMES)), None)
        if found is None:
            others.append(path)
        else:
            named.append(Table(path, found["model"], found["task"], found["language"]))
    return named + [_unnamed(path, {table.model for table in named}) for path in others]


def _unnamed(path: Path, models: set[str]) -> Table:
    """A table whose name holds no known category; that of a known model in front names the model."""
    found = _OTHER.fullmatch(path.stem)
    rest = found["rest"] if found else path.stem
    model = next((name for name in sorted(models, key=len, reverse=True) if rest.startswith(f"{name}_")), rest)
    task = rest.removeprefix(f"{model}_") if model != rest else "combined"
    return Table(path, model, task, (found["language"] if found else "") or "")


def _without_doubles(tables: list[Table]) -> tuple[list[Table], list[str]]:
    """Take the categories' tables rather than the combined one, and `all` rather than `en` and `cn`."""
    notes = []
    by_task = [table for table in tables if table.task != "combined"]
    if by_task and len(by_task) < len(tables):
        notes.append("The combined table repeats the categories' tables and was left out.")
        tables = by_task
    whole = {(table.path.parent, table.model, table.task) for table in tables if table.language == "all"}
    kept = [t for t in tables if t.language == "all" or (t.path.parent, t.model, t.task) not in whole]
    if len(kept) < len(tables):
        left = len(tables) - len(kept)
        notes.append(f"{left} table(s) of one language were left out: the same categories have one of `all`.")
    return kept, notes


def _backbone(table: Table) -> str:
    """The judge as the official folders name it, empty where the folders are others."""
    folder = table.path.resolve().parent
    if folder.name == _WITHOUT_MEANING:
        folder = folder.parent
    return folder.name if folder.parent.name == table.model or folder.name in {"gpt4o", "qwen25vl"} else ""


def _rows(table: Table) -> Iterable[ForeignRow]:
    before = csv.field_size_limit(_LIMIT)
    try:
        with table.path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if not {SC, PQ} <= set(lines.fieldnames or ()):
                raise DataError(f"{table.path} has no columns {SC} and {PQ}.", "Name official score tables.")
            return [_row(table, lines.line_num, line) for line in lines]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table.path} can't be read as a table: {error}.", "Copy it again.") from error
    finally:
        csv.field_size_limit(before)


def _row(table: Table, number: int, line: Mapping[str, str | None]) -> ForeignRow:
    fields = {name: text or "" for name, text in line.items() if name is not None}
    places = (_PLACE.search(fields.get(name, "")) for name in ("edited_image", "source_image"))
    place = next(filter(None, places), None)
    named = "" if table.task == "combined" else table.task
    spoken = table.language if table.language in LANGUAGES else ""
    return ForeignRow(
        place=f"{table.path.name}:{number}",
        task=fields.get("task_type") or named or (place["task"] if place else None),
        language=fields.get("instruction_language") or spoken or (place["language"] if place else None),
        key=fields.get("key") or (place["key"] if place else None),
        instruction=fields.get("instruction"),
        intersection=fields.get(_FLAG) if fields.get(_FLAG) != "" else True,  # as pandas has it: a blank is true
        sc=fields[SC],
        pq=fields[PQ],
        original=fields,
    )


def table_name(model: str, task: str, language: str) -> str:
    """Return a table's name in the new naming; `language` is `all`, `en` or `cn`."""
    return f"{model}_{task}_{language}_vie_score.csv"


def table_text(rows: Iterable[Sequence[object]]) -> str:
    """Return a table of rows in the order of `COLUMNS`, as the official script writes it."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    lines.writerows(rows)
    return text.getvalue()


def score_text(score: float) -> str:
    """Return a score as the official script writes it: a whole number without a point."""
    return str(int(score)) if score.is_integer() else repr(score)
