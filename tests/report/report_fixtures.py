"""Run folders on disk, written through the store, for the report's tests."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from gedit_bench.records import RELEASED, TASKS, Aspect, Delivery, Edit, EditStatus, Reply, Sample, SampleId
from gedit_bench.results import Scored, score
from gedit_bench.store import layout
from gedit_bench.store.atomic import write_bytes
from gedit_bench.store.codec import to_json
from gedit_bench.store.jsonl import JsonlWriter
from gedit_bench.store.manifest import JudgementManifest, RunManifest, publish
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import Judgement, Run, note_selection, note_writer

TIME = "2026-01-02T03:04:05.000+00:00"
SNAPSHOT = {"judge": "gpt-4.1-2025-04-14", "endpoint": "api.openai.com", "returned": "gpt-4.1-2025-04-14"}
"""A judge as its server names itself."""


def make_samples(languages: Sequence[str] = ("en",), each: int = 1, instruction: str = "Make it blue") -> list[Sample]:
    """`each` samples of every category and language; the first of each is in the intersection."""
    names = [(task, language, nth) for task in TASKS for language in languages for nth in range(each)]
    return [
        Sample(
            SampleId(task, language, hashlib.md5(f"{task}{nth}".encode()).hexdigest()),
            f"{instruction}, {task}",
            nth == 0,
            row,
        )
        for row, (task, language, nth) in enumerate(names)
    ]


def released_samples(language: str = "en") -> list[Sample]:
    """As many samples of each category as the released benchmark has; the first ten of each in the intersection."""
    names = [(task, nth) for task, count in RELEASED.items() for nth in range(count)]
    return [
        Sample(SampleId(task, language, f"{row:032x}"), f"Make it {nth}", nth < 10, row)
        for row, (task, nth) in enumerate(names)
    ]


def picture(colour: object = "teal", size: tuple[int, int] = (40, 30)) -> bytes:
    data = BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def source_id(sample: Sample) -> str:
    return hashlib.sha256(f"{sample.id.task_type}{sample.id.key}".encode()).hexdigest()


def reply_text(first: int, second: int, reasoning: str = "It is as asked.") -> str:
    return json.dumps({"reasoning": reasoning, "score": [first, second]})


Edits = Callable[[Sample], Edit | None]
Answers = Callable[[Sample, Aspect], Reply | str | None]


def good(sample: Sample, aspect: Aspect) -> str:
    return reply_text(8, 9) if aspect is Aspect.SC else reply_text(6, 7)


def make_run(
    root: Path,
    samples: Iterable[Sample],
    *,
    name: str = "painter",
    recipe: str = "default",
    edits: Callable[[Sample, Edit], Edit | None] = lambda sample, edit: edit,
    image: Callable[[Sample], bytes] = lambda sample: picture(),
    **manifest: Any,
) -> Run:
    """Write a run; `edits` may change each `ok` edit before it is noted, or drop it."""
    fields: dict[str, Any] = {
        "model": name,
        "name": name,
        "recipe": recipe,
        "spec": f"{name}@{recipe}",
        "settings": {"steps": 28, "guidance": 6.0},
        "origins": {"steps": "recipe", "guidance": "command line"},
        "artifacts": {"transformer": "ab" * 32},
        "dataset": "sample",
        "dataset_revision": "r1",
        "seed": 42,
        "created": TIME,
    }
    made = RunManifest(**(fields | manifest))
    folder = layout.run_folder(root, name, recipe, made.fingerprint)
    publish(folder, made)
    samples = list(samples)
    note_selection(folder, samples)
    note_writer(folder, this_writer())
    lines = JsonlWriter(layout.edits_file(folder, None))
    for sample in samples:
        data = image(sample)
        path = layout.image_file(folder, sample.id)
        edit = edits(sample, _edit(folder, path, sample, data))
        if edit is not None and edit.status is EditStatus.OK:
            write_bytes(path, data, layout.temporary_folder(folder))
        if edit is not None:
            lines.append(to_json(edit))
    lines.close()
    return Run.open(folder)


def _edit(folder: Path, path: Path, sample: Sample, data: bytes) -> Edit:
    with Image.open(BytesIO(data)) as opened:
        width, height = opened.size
    return Edit(
        sample=sample.id,
        status=EditStatus.OK,
        seed=42,
        file=path.relative_to(folder).as_posix(),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        seconds=2.5,
        source_id=source_id(sample),
        time=TIME,
    )


def failed(edit: Edit, status: EditStatus, message: str = "") -> Edit:
    return replace(edit, status=status, message=message, file=None, sha256=None, width=None, height=None, seconds=None)


def make_judgement(
    run: Run,
    samples: Iterable[Sample],
    *,
    answers: Answers = good,
    returned: str | None = "judge-1-2026",
    **manifest: Any,
) -> Judgement:
    """Judge a run; `answers` gives a reply's words, a whole reply, or None where nobody was asked."""
    fields: dict[str, Any] = {
        "judge": "judge-1",
        "endpoint": "api.example",
        "protocol": "official",
        "request_id": "official-0a1b2c3d",
        "request": {"protocol": "official", "parameters": {"max_tokens": 1400}},
        "created": TIME,
    }
    made = JudgementManifest(**(fields | manifest))
    folder = layout.judgement_folder(run.path, made.judge_id, made.request_id)
    publish(folder, made)
    samples = list(samples)
    note_selection(folder, samples)
    note_writer(folder, this_writer())
    edits = run.edits()
    lines = JsonlWriter(folder / layout.REPLIES)
    for sample in samples:
        edit = edits.get(sample.id)
        if edit is None or edit.status is not EditStatus.OK:
            continue
        for aspect in Aspect:
            for reply in _replies(edit, aspect, answers(sample, aspect), returned):
                lines.append(to_json(reply))
    lines.close()
    return Judgement.open(folder)


def _replies(edit: Edit, aspect: Aspect, answer: Reply | str | None, returned: str | None) -> list[Reply]:
    """The reply; twice where it is words that can't be scored, as they would be asked again."""
    if answer is None:
        return []
    if isinstance(answer, Reply):
        return [answer]
    reply = Reply(
        sample=edit.sample,
        aspect=aspect,
        repeat=0,
        attempt=0,
        delivery=Delivery.ANSWERED,
        edit_sha256=edit.sha256 or "",
        content=answer,
        finish_reason="stop",
        model=returned,
        time=TIME,
    )
    return [reply, replace(reply, attempt=1)] if "score" not in answer else [reply]


def judged(
    root: Path, samples: Sequence[Sample], *, name: str = "painter", run: dict[str, Any] | None = None, **judgement: Any
) -> Scored:
    """A run, judged and scored."""
    made = make_run(root, samples, name=name, **(run or {}))
    return score(made, make_judgement(made, samples, **judgement))


def sources(run: Run, sample: Sample) -> Image.Image:
    return Image.new("RGB", (64, 48), "orange")
