"""Explains the gap between two judgements of the same images: what its parts are, and what was done differently."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from gedit_bench.comparison import compare
from gedit_bench.records import LANGUAGES, EditStatus, Json, Language, Sample, SampleId, Verdict
from gedit_bench.results import Scored
from gedit_bench.scoring.coverage import coverage
from gedit_bench.scoring.decomposition import Averaging, Decomposition, Kind, Scores, Side, decompose
from gedit_bench.scoring.official import chosen
from gedit_bench.store.run import Run

MEASURES = ("SC", "PQ", "O")

HABITS = {
    "official": "the official scripts write a failed call as a random whole number, or as 10 with their local judge",
    "lmms-eval": "lmms-eval shows input_image rather than the raw source, sends PNG, images before text, and writes a "
    "failed sample as 0; its headline is the mean over samples of both languages",
    "evalscope": "EvalScope adds a contract to the prompt, shows input_image and the edit at full size, images before "
    "text, and leaves failed samples out; its headline is the mean over samples",
}
"""What is known of how other tools ask and count."""

_LONGEST = 48  # characters of a field's value

_SUSPECTS: dict[tuple[float | None, float | None], str] = {
    (0.0, 0.0): "0 for SC and PQ in an imported row",
    (10.0, 1.0): "10 for SC and 1 for PQ in an imported row",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A row of the table: one step, its difference by measure (0 where the step didn't occur)."""

    kind: Kind
    what: str
    side: Side
    samples: int
    differences: dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """One field of how the judge was asked that differs, such as `parameters.temperature`, on each side in words."""

    field: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A sample that both have an O for; `share` is what it moves the headline's O by."""

    sample: Sample
    first: Verdict
    second: Verdict
    share: float


@dataclass(frozen=True, slots=True)
class Gap:
    """One language: the headlines by measure, the parts, which add up to their difference, and samples by size.

    `notes` say where a headline here is over fewer categories than the official one, which is then none.
    """

    language: Language
    first: dict[str, float]
    second: dict[str, float]
    parts: tuple[Part, ...]
    moved: tuple[Moved, ...]
    notes: tuple[str, ...] = ()

    @property
    def rescored(self) -> dict[str, float]:
        """What the other scores of the same samples come to, by measure: all that a way of asking can have done."""
        parts = [part.differences for part in self.parts if part.kind in ("suspect", "category")]
        return {measure: sum(part[measure] for part in parts) for measure in self.first}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Two judgements, the gap in each language that both have, and what differs between them.

    `asked` holds the fields of judge and protocol that differ: on the same samples they, and the judge's own
    variation, are what `Gap.rescored` comes from. `differences` says in words what else does. `names` is what the two
    are called.
    """

    first: Scored
    second: Scored
    gaps: tuple[Gap, ...]
    differences: tuple[str, ...]
    asked: tuple[Asked, ...]
    names: tuple[str, str]


def explain(first: Run | str | Path, second: Run | str | Path) -> Explanation:
    """Explain the difference of two judgements' headlines, the second's minus the first's.

    The headline is that of each side's own averaging: the official one, or that of the tool that the scores came
    from. The walk from one to the other and its order are those of `scoring.decomposition`.

    Args:
        first: a run or its folder; or one of its judgements' folders, which says which one is meant.
        second: the same of what it is compared with.

    Raises:
        DataError: one of the folders is neither.
        UsageError: a run was never judged, or it is unclear which judgements are meant.
    """
    pair = compare(first, second)
    gaps = [_gap(language, pair.first, pair.second) for language in LANGUAGES]
    found = tuple(gap for gap in gaps if gap is not None)
    words = (*pair.differences, *_differences(pair.first, pair.second))
    return Explanation(pair.first, pair.second, found, words, tuple(_asked(pair.first, pair.second)), pair.names)


def _gap(language: Language, first: Scored, second: Scored) -> Gap | None:
    ours = {verdict.sample.id: verdict for verdict in chosen(first.verdicts, language, "full")}
    theirs = {verdict.sample.id: verdict for verdict in chosen(second.verdicts, language, "full")}
    if not ours or not theirs:
        return None
    ways = _averaging(first), _averaging(second)
    split = {measure: decompose(_rows(measure, ours, theirs), *ways) for measure in MEASURES}
    shares = split["O"].shares
    largest = sorted(shares, key=lambda sample: (-abs(shares[sample]), sample))
    return Gap(
        language,
        {measure: parts.first for measure, parts in split.items()},
        {measure: parts.second for measure, parts in split.items()},
        _parts(split),
        tuple(Moved(ours[one].sample, ours[one], theirs[one], shares[one]) for one in largest if shares[one]),
        tuple(_notes(language, (first, second), split["O"])),
    )


def _averaging(scored: Scored) -> Averaging:
    way = scored.judgement.manifest.imported.get("aggregation") or scored.scoring_id
    return "micro" if str(way).startswith("micro") else "macro"


def _rows(measure: str, ours: Mapping[SampleId, Verdict], theirs: Mapping[SampleId, Verdict]) -> list[Scores]:
    narrow = [_only_intersection(side.values()) for side in (ours, theirs)]
    rows = []
    for identity in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(identity), theirs.get(identity)
        rows.append(
            Scores(
                sample=identity,
                first=_value(measure, mine),
                second=_value(measure, other),
                why_first=_why(mine, other, narrow=narrow[0]),
                why_second=_why(other, mine, narrow=narrow[1]),
                suspect=_suspect(mine) or _suspect(other),
            )
        )
    return rows


def _only_intersection(verdicts: Iterable[Verdict]) -> bool:
    return all(verdict.sample.intersection for verdict in verdicts)


def _value(measure: str, verdict: Verdict | None) -> float | None:
    if verdict is None:
        return None
    if measure == "O":
        return verdict.overall
    reading = verdict.sc if measure == "SC" else verdict.pq
    return reading.score if reading else None


def _why(own: Verdict | None, other: Verdict | None, *, narrow: bool) -> tuple[Kind, str]:
    """Why a side lacks something of a sample: in the same words for each measure, so that they share a row."""
    if own is None:
        outside = narrow and other is not None and not other.sample.intersection
        return ("subset", "outside the intersection") if outside else ("selection", "not selected, or no row")
    if own.partial:
        return "unfinished", "never brought to an end"
    if own.edit is not None and own.edit.status is not EditStatus.OK:
        return "status", f"edit {own.edit.status}"
    return "status", " and ".join(sorted(coverage([own]).statuses, key=lambda word: not word.startswith("SC ")))


def _suspect(verdict: Verdict | None) -> str:
    """Why an imported score may be a failure in disguise: a zero for both, or the pair that a fixed seed guesses."""
    if verdict is None or not verdict.imported:
        return ""
    return _SUSPECTS.get((_value("SC", verdict), _value("PQ", verdict)), "")


def _parts(split: Mapping[str, Decomposition]) -> tuple[Part, ...]:
    """The measures' steps side by side, in the order of the walk."""
    steps = {(step.place, step.kind, step.what, step.side) for parts in split.values() for step in parts.steps}
    found = []
    for _, kind, what, side in sorted(steps):
        same = {
            measure: step
            for measure, parts in split.items()
            for step in parts.steps
            if (step.kind, step.what, step.side) == (kind, what, side)
        }
        differences = {measure: same[measure].difference if measure in same else 0.0 for measure in split}
        found.append(Part(kind, what, side, max(step.samples for step in same.values()), differences))
    return tuple(found)


def _notes(language: Language, sides: tuple[Scored, Scored], split: Decomposition) -> Iterable[str]:
    if not split.steps:
        yield "No sample has a score on both sides."
    for scored in sides:
        for summary in scored.summaries(allow_partial=True):
            if (summary.language, summary.subset) == (language, "full") and isnan(summary.table.macro.overall):
                empty = ", ".join(summary.table.empty)
                name = scored.run.manifest.name
                yield f"{name} has no official headline: nothing is scored in {empty}. The other categories count here."


def _differences(first: Scored, second: Scored) -> Iterable[str]:
    if _averaging(first) != _averaging(second):
        yield f"averaging: {_averaging(first)} against {_averaging(second)}"
    for scored in (first, second):
        tool = scored.judgement.manifest.imported.get("tool")
        if tool is not None:
            yield f"origin: {scored.run.manifest.name} is imported; {HABITS.get(str(tool), str(tool))}"


def _asked(first: Scored, second: Scored) -> Iterable[Asked]:
    sides = [{**_judge_fields(scored), **_flat(scored.judgement.manifest.request)} for scored in (first, second)]
    unknown = [not scored.judgement.manifest.request for scored in (first, second)]
    for name in dict.fromkeys((*sides[0], *sides[1])):
        one, other = (
            side.get(name, "not recorded" if nothing else "nothing")
            for side, nothing in zip(sides, unknown, strict=True)
        )
        if one != other:
            yield Asked(name, one, other)


def _judge_fields(scored: Scored) -> dict[str, str]:
    return {"judge": scored.judgement.manifest.judge_id, "returned model": " + ".join(scored.models) or "none named"}


def _flat(request: Mapping[str, Json]) -> dict[str, str]:
    """A request's fields as one level of short texts: `parameters.max_tokens`, `rubric_sha256.sc`."""
    found: dict[str, str] = {}
    for name, value in request.items():
        inner = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, Mapping) else {name: value}
        found |= {key: _short(str(one)) for key, one in inner.items()}
    return found


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
