"""Sample logs of lmms-eval: what `--log_samples` writes, `<date>_samples_<task>.jsonl`, one line a document.

A line holds `doc_id`, the index in the dataset's split, and the sample's metrics beside it
(docs/getting-started/commands.md of lmms-eval). A metric is a number, or an object with `score` where the
task averages by itself; such an object, or `doc`, may say category, key and language.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from gedit_bench.errors import DataError, UsageError
from gedit_bench.interop.foreign import Foreign, ForeignRow
from gedit_bench.interop.json_lines import Fields, numbered_lines, objects, plain_name, text_of, value_of
from gedit_bench.records import Json

_NAME = re.compile(r"(?:(?P<date>.+)_)?samples_(?P<task>.+)")
_LOGGED = {"doc_id", "doc", "doc_hash", "input", "target", "arguments", "resps", "filtered_resps", "task_name"}
_SC = re.compile(r"semantic|(?:^|_)sc(?:_|$)")
_PQ = re.compile(r"quality|perceptual|(?:^|_)pq(?:_|$)")


def read_lmms_eval(paths: Sequence[Path]) -> Foreign:
    """Return the rows of one sample log.

    Raises:
        UsageError: there are several logs of one task.
        DataError: a file is no such log, or holds no metrics of this benchmark.
    """
    tasks = [match["task"] if (match := _NAME.fullmatch(path.stem)) else path.stem for path in paths]
    if len(set(tasks)) < len(tasks) or len({path.parent for path in paths}) > 1:
        raise UsageError(f"There are {len(paths)} sample logs.", f"Name one: {sorted(map(str, paths))[-1]}.")
    rows = [_row(path, number, line) for path in sorted(paths) for number, line in numbered_lines(path)]
    model = paths[0].resolve().parent.name
    return Foreign(tool="lmms-eval", model=model, judge="", files=tuple(sorted(paths)), rows=tuple(rows))


def _row(path: Path, number: int, line: Fields) -> ForeignRow:
    metrics = {name: value for name, value in line.items() if name not in _LOGGED}
    sc, pq = (_metric(path, number, metrics, pattern) for pattern in (_SC, _PQ))
    said = [line, *objects(line.get("doc")), *(one for value in metrics.values() for one in objects(value))]
    index = line.get("doc_id")
    return ForeignRow(
        place=f"{path.name}:{number}",
        task=text_of(said, "task_type"),
        language=text_of(said, "instruction_language"),
        key=text_of(said, "key"),
        instruction=text_of(said, "instruction"),
        intersection=value_of(said, "Intersection_exist", "intersection_exist"),
        sc=sc,
        pq=pq,
        row=index if isinstance(index, int) and not isinstance(index, bool) else None,
        original={name: value for name, value in line.items() if name in {"doc_id", "doc_hash"}} | metrics,
    )


def _metric(path: Path, number: int, metrics: Fields, pattern: re.Pattern[str]) -> Json:
    """The one value of the metrics whose names match; several, as of a language each, must agree."""
    named = {name: value for name, value in metrics.items() if pattern.search(plain_name(name))}
    if not named:
        there = ", ".join(sorted(metrics)) or "none"
        raise DataError(
            f"{path}:{number} has no metric of semantics and quality; it has: {there}.", "Is this a log of GEdit-Bench?"
        )
    values = [value.get("score") if isinstance(value, dict) else value for value in named.values()]
    found = [value for value in values if value is not None]
    if any(value != found[0] for value in found):
        raise DataError(f"{path}:{number} says several things: {', '.join(sorted(named))}.", "Name one task's log.")
    return found[0] if found else None
