"""How each row came about: what decided the pixels, who judged, and the command that does it again."""

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gedit_bench.records import Json
from gedit_bench.report.board import Entry
from gedit_bench.report.words import protocol_words
from gedit_bench.store.provenance import Writer

Facts = tuple[tuple[str, str], ...]
_PRESET = {"recipe", "default"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One resolved setting and where it came from."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class JudgementMethod:
    """How one judgement was made; `id` is its entry's."""

    id: str
    vlm: bool
    facts: Facts
    request: Facts
    command: str
    writers: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class RunMethod:
    """How one run was made, and its judgements."""

    label: str
    notes: str
    facts: Facts
    settings: tuple[Setting, ...]
    artifacts: Facts
    writers: tuple[Facts, ...]
    judgements: tuple[JudgementMethod, ...]


def methods(entries: Sequence[Entry]) -> list[RunMethod]:
    """Return the method of each run, in the order in which the runs were given."""
    runs: dict[object, list[Entry]] = {}
    for entry in entries:
        runs.setdefault(entry.scored.run.path, []).append(entry)
    return [_run(group) for group in runs.values()]


def command(entry: Entry) -> str:
    """Return the command that makes the run and this judgement again; empty if it was made from Python."""
    if not entry.manifest.spec:
        return ""
    manifest, judge = entry.manifest, entry.judge
    words = ["gedit-bench", "run", "--model", manifest.spec, "--data", manifest.dataset]
    words += ["--seed", str(manifest.seed)]
    for name, value in {**manifest.settings, **manifest.handling}.items():
        if manifest.origins.get(name, "default") not in _PRESET:
            words += ["-o", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    words += [
        "--judge",
        f"replay:results/{judge.replayed_from.rpartition(' ')[0]}" if judge.replayed_from else judge.judge,
    ]
    if judge.vlm and not judge.replayed_from:
        words += ["--protocol", judge.protocol]
    return shlex.join(words)


def _run(entries: Sequence[Entry]) -> RunMethod:
    manifest, run = entries[0].manifest, entries[0].scored.run
    facts = (
        ("model", manifest.name if manifest.name == manifest.model else f"{manifest.name} ({manifest.model})"),
        ("recipe", manifest.recipe),
        ("edit fingerprint", manifest.fingerprint),
        ("seed", str(manifest.seed)),
        ("dataset", manifest.dataset),
        ("dataset revision", manifest.dataset_revision),
        ("source", f"input_image{'_raw' if manifest.source == 'raw' else ''}"),
        ("created", manifest.created),
        ("folder", "/".join(run.path.resolve().parts[-2:])),
    )
    settings = tuple(
        Setting(name, _text(value), manifest.origins.get(name, ""))
        for name, value in {**manifest.settings, **manifest.handling}.items()
    )
    return RunMethod(
        entries[0].label,
        manifest.notes,
        _filled(facts),
        settings,
        tuple(manifest.artifacts.items()),
        _writers(run.writers()),
        tuple(_judgement(entry) for entry in entries),
    )


def _judgement(entry: Entry) -> JudgementMethod:
    judge = entry.judge
    facts = (
        ("judge", judge.judge_id),
        ("replayed from", judge.replayed_from and f"{judge.replayed_from}: nobody was asked"),
        ("returned model", " + ".join(entry.scored.models) or "none named"),
        ("protocol", f"{judge.protocol}: {protocol_words(judge.protocol)}"),
        ("request id", judge.request_id),
        ("scoring id", entry.scored.scoring_id),
        ("created", judge.created),
    )
    request = tuple((name, _text(value)) for name, value in judge.request.items())
    return JudgementMethod(
        entry.id, judge.vlm, _filled(facts), request, command(entry), _writers(entry.scored.judgement.writers())
    )


def _writers(writers: Iterable[Writer]) -> tuple[Facts, ...]:
    """Each process that wrote; those that differ in nothing are named once."""
    described = (
        _filled(
            (
                ("command", writer.command),
                ("device", writer.device),
                ("platform", writer.platform),
                ("python", writer.python),
                ("commit", writer.commit or ""),
                ("versions", ", ".join(f"{name} {version}" for name, version in writer.versions.items())),
                *writer.details.items(),
            )
        )
        for writer in writers
    )
    return tuple(dict.fromkeys(described))


def _filled(facts: Facts) -> Facts:
    return tuple((name, value) for name, value in facts if value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
