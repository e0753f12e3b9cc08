"""Files as other tools write them, for the tests of import and export."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gedit_bench.interop.official_csv import COLUMNS
from gedit_bench.records import TASKS, Sample, SampleId


def official_tables(golden: Path, folder: Path) -> Path:
    """The recorded official tables, byte for byte: the combined recording is their rows with the category in front."""
    heads, *lines = (golden / "official_scores.csv").read_bytes().split(b"\r\n")
    rows: dict[str, list[bytes]] = {task: [] for task in TASKS}
    for line in filter(None, lines):
        task, _, row = line.partition(b",")
        rows[task.decode()].append(row)
    home = folder / "public" / "gpt4o"
    home.mkdir(parents=True)
    for task, own in rows.items():
        table = b"\r\n".join([heads.partition(b",")[2], *own, b""])
        (home / f"public_{task}_all_vie_score.csv").write_bytes(table)
    return home


def sample(task: str = "ps_human", number: int = 1, language: str = "en", *, flag: bool = True) -> Sample:
    return Sample(SampleId(task, language, f"{number:032x}"), f"Edit {number}", flag, number)


def official_row(one: Sample, sc: object, pq: object) -> list[object]:
    place = f"edits/m/fullset/{one.id.task_type}/{one.id.language}/{one.id.key}.png"
    return [one.id.key, place, one.instruction, sc, pq, one.intersection, one.id.language]


def write_table(path: Path, rows: Iterable[Sequence[object]], columns: Sequence[str] = COLUMNS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(rows)
    return path


def write_lines(path: Path, lines: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def review(one: Sample, values: dict[str, Any], index: int = 0) -> dict[str, Any]:
    """A line of an EvalScope review, with the fields of its documentation."""
    return {
        "index": index,
        "input": one.instruction,
        "target": "",
        "sample_score": {
            "score": {"value": values, "prediction": "data:image/png;base64,AAAA", "main_score_name": None},
            "sample_id": index,
            "group_id": index,
            "sample_metadata": {
                "task_type": one.id.task_type,
                "key": one.id.key,
                "instruction": one.instruction,
                "instruction_language": one.id.language,
                "input_image": "AAAA",
                "Intersection_exist": one.intersection,
                "id": one.id.key,
            },
        },
    }
