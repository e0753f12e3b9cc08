"""EvalScope: its reviews read, and the lines of its offline mode written.

A review line holds `sample_score` with the metrics (`score.value`) and what is known of the sample
(`sample_metadata`: category, key, language, instruction). The offline mode takes lines of `id`, the
sample's key, and `image_path` (docs/en/user_guides/aigc/image_edit.md of EvalScope).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gedit_bench.errors import DataError, UsageError
from gedit_bench.interop.foreign import Foreign, ForeignRow
from gedit_bench.interop.json_lines import Fields, numbered_lines, objects, plain_name, text_of, value_of
from gedit_bench.records import TASKS, Json, SampleId

_SC = ("semantic_consistency",)
_PQ = ("perceptual_similarity", "perceptual_quality")


def read_evalscope(paths: Sequence[Path]) -> Foreign:
    """Return the rows of one model's reviews; there is a file for each category.

    Raises:
        UsageError: the reviews are of several models or runs.
        DataError: a line is no review.
    """
    folders = sorted({str(path.parent) for path in paths})
    if len(folders) > 1:
        raise UsageError(f"There are reviews in {len(folders)} folders.", f"Name one: {', '.join(folders[:5])}.")
    rows = [_row(path, number, line) for path in sorted(paths) for number, line in numbered_lines(path)]
    model = paths[0].resolve().parent.name
    return Foreign(tool="evalscope", model=model, judge="", files=tuple(sorted(paths)), rows=tuple(rows))


def _row(path: Path, number: int, line: Fields) -> ForeignRow:
    scored = objects(line.get("sample_score"))
    if not scored:
        raise DataError(f"{path}:{number} is no review: it has no sample_score.", "Name the files in reviews/.")
    said = [*objects(scored[0].get("sample_metadata")), line]
    values = {
        plain_name(name): value
        for score in objects(scored[0].get("score"))
        for metrics in objects(score.get("value"))
        for name, value in metrics.items()
    }
    return ForeignRow(
        place=f"{path.name}:{number}",
        task=text_of(said, "task_type"),
        language=text_of(said, "instruction_language"),
        key=text_of(said, "key", "id"),
        instruction=text_of(said, "instruction"),
        intersection=value_of(said, "Intersection_exist"),
        sc=value_of([values], *_SC),
        pq=value_of([values], *_PQ),
        original={"sample_score": _without_images(scored[0])},
    )


def _without_images(scored: Fields) -> dict[str, Json]:
    """What is worth keeping: predictions and sources may be pictures as text, and say nothing about the score."""
    kept = {name: value for name, value in scored.items() if name not in {"score", "sample_metadata"}}
    score = {
        name: value
        for fields in objects(scored.get("score"))
        for name, value in fields.items()
        if not name.endswith("prediction")
    }
    metadata = {
        name: value
        for fields in objects(scored.get("sample_metadata"))
        for name, value in fields.items()
        if not name.startswith("input_image")
    }
    return {**kept, "score": score, "sample_metadata": metadata}


def offline_files(images: Mapping[SampleId, Path]) -> dict[tuple[str, tuple[str, ...]], str]:
    """Return the offline mode's files by language and categories, each with its text.

    EvalScope finds an edit by the key alone. Where two categories of a language share one, the later category
    gets a file of its own, to be run with that `subset_list`.
    """
    files: dict[tuple[str, tuple[str, ...]], str] = {}
    for language in sorted({sample.language for sample in images}):
        for tasks in _apart([sample for sample in images if sample.language == language]):
            chosen = [sample for sample in images if sample.language == language and sample.task_type in tasks]
            lines = [json.dumps({"id": one.key, "image_path": str(images[one].resolve())}) for one in chosen]
            files[language, tasks] = "".join(f"{line}\n" for line in lines)
    return files


def _apart(samples: Iterable[SampleId]) -> list[tuple[str, ...]]:
    """Groups of categories, in the official order, in none of which a key stands twice."""
    keys: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        keys[sample.task_type].add(sample.key)
    groups: list[tuple[list[str], set[str]]] = []
    for task in [task for task in TASKS if task in keys]:
        free = next((group for group in groups if not group[1] & keys[task]), None)
        if free is None:
            groups.append(([task], set(keys[task])))
        else:
            free[0].append(task)
            free[1].update(keys[task])
    return [tuple(tasks) for tasks, _ in groups]
