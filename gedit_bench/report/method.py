"""How each row came about: what decided the pixels, who judged, and the command that does it again."""

import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gedit_bench.prices import Price
from gedit_bench.records import LANGUAGES, Json, Language
from gedit_bench.report.board import Entry
from gedit_bench.report.words import LANGUAGE_WORDS, noise_words, protocol_words, scoring_words
from gedit_bench.scoring.scorings import OFFICIAL
from gedit_bench.store.manifest import JudgementManifest
from gedit_bench.store.provenance import WHERE, Writer

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


def other_scorings(entries: Iterable[Entry]) -> Facts:
    """Return id and words of each scoring that makes some of the rows and isn't the official one."""
    ids = dict.fromkeys(entry.scored.scoring_id for entry in entries)
    return tuple((one, scoring_words(one)) for one in ids if one != OFFICIAL.id)


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
    if entry.scored.repeats > 1:
        words += ["--repeats", str(entry.scored.repeats)]
    if entry.scored.fallback:
        words += ["--fallback-judge", entry.scored.fallback.judgement.manifest.judge]
    return shlex.join(words)


def _run(entries: Sequence[Entry]) -> RunMethod:
    manifest, run = entries[0].manifest, entries[0].scored.run
    facts = (
        ("model", manifest.name if manifest.name == manifest.model else f"{manifest.name} ({manifest.model})"),
        *((("backend", manifest.backend),) if manifest.backend else ()),
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
        ("scoring id", f"{entry.scored.scoring_id}: {scoring_words(entry.scored.scoring_id)}"),
        ("repeats", str(entry.scored.repeats)),
        *((f"judge noise, {LANGUAGE_WORDS[language]}", _noise(entry, language)) for language in LANGUAGES),
        ("temperature", _sent(judge, "temperature")),
        ("seed", _sent(judge, "seed")),
        ("fallback judge", _fallback(entry)),
        ("reused replies", str(entry.scored.reused or "")),
        ("created", judge.created),
    )
    request = tuple((name, _text(value)) for name, value in judge.request.items())
    return JudgementMethod(
        entry.id, judge.vlm, _filled(facts), request, command(entry), _writers(entry.scored.judgement.writers())
    )


def _noise(entry: Entry, language: Language) -> str:
    """How far the judge moves a language's headline; empty where no sample is of it, or no VLM looked."""
    spoken = any(verdict.sample.id.language == language for verdict in entry.scored.verdicts)
    return noise_words(entry.scored.noise(language, "full")) if spoken and entry.judge.vlm else ""


def _sent(judge: JudgementManifest, name: str) -> str:
    """What was sent of a parameter that the judge's answers depend on; empty where no VLM was asked."""
    parameters = judge.request.get("parameters")
    if not judge.vlm or not isinstance(parameters, dict):
        return ""
    return _text(parameters[name]) if name in parameters else "not sent: the endpoint's own"


def _fallback(entry: Entry) -> str:
    if entry.scored.fallback is None:
        return ""
    manifest = entry.scored.fallback.judgement.manifest
    returned = " + ".join(entry.scored.fallback.models) or "no model named"
    return f"{manifest.judge_id}, asked as {manifest.request_id}, answered as {returned}"


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
                ("price", Price.from_json(writer.price).words() if writer.price else ""),
                *((name, value) for name, value in writer.details.items() if name != WHERE),
            )
        )
        for writer in writers
    )
    return tuple(dict.fromkeys(described))


def _filled(facts: Facts) -> Facts:
    return tuple((name, value) for name, value in facts if value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
