"""Makes a results folder of many models: edits, replies and thumbnails as a finished benchmark leaves them.

    python perf/make_results.py --out results_folder --models 20 --samples 1212

Lines are written as the store writes them. Image files are hard links to a few pictures, so that 24,240 of them cost
little; their recorded SHA-256 are made up, each another one, and `leaderboard/thumbs` holds a thumbnail for each: so
a report takes as many names and bytes as a real one, and has no thumbnails left to make. Reasonings are 100 to 260
characters, words of this project's documents drawn by frequency, which compresses less than a judge's prose.
"""

import argparse
import hashlib
import json
import os
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from make_data import COUNTS, INSTRUCTIONS, picture
from measuring import ROOT

from gedit_bench.records import Aspect, Delivery, Edit, EditStatus, Reply, Sample, SampleId
from gedit_bench.store import layout
from gedit_bench.store.codec import to_json
from gedit_bench.store.manifest import JudgementManifest, RunManifest, publish
from gedit_bench.store.provenance import Writer, this_writer
from gedit_bench.store.run import note_selection, note_writer

JUDGE = "gpt-4.1-2025-04-14"
PICTURES = 48


@dataclass(frozen=True)
class Sources:
    """What all runs share: samples, each one's source id, and vocabulary with weights."""

    samples: list[Sample]
    ids: Mapping[SampleId, str]
    words: Sequence[str]
    weights: Sequence[float]


def made_up(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sources(count: int) -> Sources:
    """Return about `count` samples, half of them Chinese twins of the others."""
    scale = count / (2 * sum(COUNTS.values()))
    subjects = [(task, nth) for task, rows in COUNTS.items() for nth in range(max(1, round(rows * scale)))]
    samples, ids = [], {}
    for task, nth in subjects:
        key = made_up(f"{task} {nth}")
        for language, text in INSTRUCTIONS.items():
            identity = SampleId(task, language, key[:32])
            samples.append(Sample(identity, text.format(nth, task), int(key[0], 16) < 11, len(samples)))
            ids[identity] = made_up(f"source {key}")
    text = " ".join(path.read_text(encoding="utf-8") for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    counted = Counter(re.findall(r"[a-z]{1,14}", text.lower()))
    return Sources(samples, ids, list(counted), list(counted.values()))


def reasoning(shared: Sources, chance: random.Random) -> str:
    length = chance.randint(100, 260)
    text = " ".join(chance.choices(shared.words, shared.weights, k=60)).capitalize()
    return text[: length - 1].rsplit(" ", 1)[0] + "."


def write_run(root: Path, shared: Sources, number: int, pictures: Sequence[bytes], thumbs: Path) -> None:
    """Write one model's run and judgement, with links to pictures in place of images."""
    chance = random.Random(number)
    name = f"model-{number:02}"
    manifest = RunManifest(
        model=name,
        name=name,
        recipe="default",
        settings={"steps": 28, "guidance": 6.0},
        dataset="benchmark",
        dataset_revision="r1",
        seed=42,
    )
    run = layout.run_folder(root, name, "default", manifest.fingerprint)
    publish(run, manifest)
    judgement = JudgementManifest(
        judge=JUDGE, endpoint="api.openai.com", protocol="official", request_id="official-0a1b2c3d", request={}
    )
    judged = layout.judgement_folder(run, judgement.judge_id, judgement.request_id)
    publish(judged, judgement)
    writer = this_writer()
    for folder in (run, judged):
        note_selection(folder, shared.samples)
        note_writer(folder, writer)
    with layout.edits_file(run, None).open("w") as edits, (judged / layout.REPLIES).open("w") as replies:
        for sample in shared.samples:
            edit = _edit(run, sample, shared, writer, chance, name)
            edits.write(_line(edit))
            nth = chance.randrange(PICTURES)
            _link(pictures[nth], root / ".pictures" / f"{nth}.webp", run / (edit.file or ""))
            _link(pictures[nth], root / ".pictures" / f"{nth}.webp", thumbnail(thumbs, edit.sha256 or ""))
            for aspect in Aspect:
                replies.write(_line(_reply(edit, aspect, shared, writer, chance, number)))


def _edit(run: Path, sample: Sample, shared: Sources, writer: Writer, chance: random.Random, name: str) -> Edit:
    return Edit(
        sample=sample.id,
        status=EditStatus.OK,
        seed=42,
        file=layout.image_file(run, sample.id).relative_to(run).as_posix(),
        sha256=made_up(f"{name} {sample.id}"),
        width=1024,
        height=1024,
        seconds=round(chance.uniform(3, 9), 4),
        source_id=shared.ids[sample.id],
        flags=("aspect_changed",) if chance.random() < 0.03 else (),
        writer=writer.writer,
        time=writer.time,
    )


def _reply(edit: Edit, aspect: Aspect, shared: Sources, writer: Writer, chance: random.Random, number: int) -> Reply:
    scores = [max(0, min(10, round(chance.gauss(5 + number / 8, 2)))) for _ in range(2)]
    said = json.dumps({"reasoning": reasoning(shared, chance), "score": scores})
    failed = chance.random() < 0.005
    return Reply(
        sample=edit.sample,
        aspect=aspect,
        repeat=0,
        attempt=0,
        delivery=Delivery.FILTERED if failed else Delivery.ANSWERED,
        edit_sha256=edit.sha256 or "",
        request_sha256=made_up(f"{edit.sha256} {aspect}"),
        content=None if failed else said,
        finish_reason="content_filter" if failed else "stop",
        model=JUDGE,
        fingerprint="fp_0a1b2c3d4e",
        prompt_tokens=1900,
        completion_tokens=70,
        seconds=round(chance.uniform(1, 4), 3),
        writer=writer.writer,
        time=writer.time,
    )


def _line(record: object) -> str:
    return json.dumps(to_json(record), separators=(",", ":")) + "\n"


def thumbnail(thumbs: Path, sha256: str) -> Path:
    return thumbs / sha256[:2] / f"{sha256}.webp"


def _link(data: bytes, original: Path, place: Path) -> None:
    if not original.exists():
        original.parent.mkdir(parents=True, exist_ok=True)
        original.write_bytes(data)
    place.parent.mkdir(parents=True, exist_ok=True)
    os.link(original, place)


def _webp(seed: int) -> bytes:
    data = BytesIO()
    picture(seed, (256, 256)).save(data, "WEBP", quality=66, method=4)
    return data.getvalue()


def make_results(root: Path, models: int, samples: int) -> None:
    """Write the runs below `root`, and their thumbnails where a report in `root/leaderboard` looks for them."""
    shared, thumbs = sources(samples), root / "leaderboard" / "thumbs"
    pictures = [_webp(seed) for seed in range(PICTURES)]
    for nth, source_id in enumerate(sorted(set(shared.ids.values()))):
        _link(pictures[nth % PICTURES], root / ".pictures" / f"{nth % PICTURES}.webp", thumbnail(thumbs, source_id))
    for number in range(models):
        write_run(root, shared, number, pictures, thumbs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--samples", type=int, default=1212)
    given = parser.parse_args()
    make_results(given.out, given.models, given.samples)


if __name__ == "__main__":
    main()
