"""Finds the two judgements that `compare` sets side by side, and says what differs between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.errors import UsageError
from gedit_bench.fallback import with_fallback
from gedit_bench.records import LANGUAGES, Reading, Verdict
from gedit_bench.results import Scored, find_scoring, score
from gedit_bench.scoring.agreement import Agreement, agreement_by_category
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.paired import Pair, PairedMeans, overall, paired_intervals, paired_means, pairs
from gedit_bench.scoring.scorings import OFFICIAL, Average, Scoring
from gedit_bench.scoring.summary import Summary
from gedit_bench.store import layout
from gedit_bench.store.manifest import RunManifest
from gedit_bench.store.run import Judgement, Run

VALUES: dict[str, Callable[[Verdict], float | None]] = {
    "O": overall,
    "SC": lambda verdict: _score(verdict.sc),
    "PQ": lambda verdict: _score(verdict.pq),
}
"""What can be compared of a verdict."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two judgements, paired by sample. `differences` says in words why they may not be comparable."""

    first: Scored
    second: Scored
    differences: tuple[str, ...]

    @property
    def same_images(self) -> bool:
        """True if both sides judged one run, so that only the judging can differ."""
        return self.first.run.path.resolve() == self.second.run.path.resolve()

    @property
    def same_replies(self) -> bool:
        """True if both sides read the same replies, so that only the scoring can differ."""
        return self.first.judgement.path.resolve() == self.second.judgement.path.resolve()

    @property
    def rescored(self) -> bool:
        """True if the two sides make numbers of replies in different ways."""
        return self.first.scoring != self.second.scoring

    @property
    def names(self) -> tuple[str, str]:
        """What each side is called in tables: by its run, or by what differs where the run is the same."""
        return _name(self.first, self.second), _name(self.second, self.first)

    def agreement(self, language: str) -> dict[str, dict[str, Agreement]]:
        """Return how far the two agree on the images that are the same, by category and over `all`; by SC, PQ and O."""
        return agreement_by_category(_of(self.first, language), _of(self.second, language))

    def pairs(self, language: str, value: str = "O") -> list[Pair]:
        """Return the pairs of one language by `O`, `SC` or `PQ`, largest loss first."""
        return pairs(_of(self.first, language), _of(self.second, language), VALUES[value])

    def means(self, language: str, value: str = "O") -> dict[str, PairedMeans]:
        """Return the paired means by category, then, under its name, the average over all of them."""
        return paired_means(self.pairs(language, value), self.average)

    def intervals(self, language: str) -> dict[str, dict[str, Interval]]:
        """Return 95 % intervals of the paired differences, by `O`, `SC` and `PQ`, then by group as in `means`."""
        return paired_intervals(_of(self.first, language), _of(self.second, language), self.average)

    @property
    def average(self) -> Average:
        """What the two headlines are: `micro` where both sides average over samples, else `macro`."""
        return "micro" if self.first.scoring.average == self.second.scoring.average == "micro" else "macro"

    def lost(self, language: str) -> list[Pair]:
        """Return the pairs whose O fell, most lost first."""
        return [pair for pair in self.pairs(language) if pair.difference < 0]

    def gained(self, language: str) -> list[Pair]:
        """Return the pairs whose O rose, most gained first."""
        risen = [pair for pair in self.pairs(language) if pair.difference > 0]
        return sorted(risen, key=lambda pair: (-pair.difference, pair.sample.row))

    @property
    def remarks(self) -> list[str]:
        """What to know before any number, in sentences: what the two share, what differs, what is left out."""
        return [
            *_shared(self),
            *(f"Not the same {difference}." for difference in self.differences),
            *(sentence for language in LANGUAGES if (sentence := self.left_out(language))),
        ]

    def left_out(self, language: str) -> str:
        """Return in words how many scored samples of one language have no partner; empty where each has one."""
        scored = [{v.sample.id for v in _of(side, language) if v.overall is not None} for side in self.sides]
        alone = [len(scored[0] - scored[1]), len(scored[1] - scored[0])]
        if not any(alone):
            return ""
        only = " and ".join(f"{count} only for {name}" for count, name in zip(alone, self.names, strict=True) if count)
        both = len(scored[0] & scored[1])
        return f"{language}: {both} sample{'s have' if both != 1 else ' has'} an O on both sides, {only}: left out."

    @property
    def sides(self) -> tuple[Scored, Scored]:
        """First and second."""
        return self.first, self.second

    def summaries(self, language: str) -> tuple[Summary, Summary] | None:
        """Return what each side says by itself, over all its samples; None where one has none."""
        found = [
            next((one for one in side.summaries(allow_partial=True) if one.language == language), None)
            for side in self.sides
        ]
        return None if found[0] is None or found[1] is None else (found[0], found[1])


def compare(
    first: Run | str | Path,
    second: Run | str | Path | None = None,
    *,
    protocols: Sequence[str] = (),
    scorings: Sequence[str] = (),
) -> Comparison:
    """Pair two runs' judgements: the one asked in the same way, else the only one that each has.

    Args:
        first: a run or its folder; or one of its judgements' folders, which says which one is meant.
        second: the same of what it is compared with; None for the first again, under another protocol or
            scoring.
        protocols: under which protocol both, or each of the two, must have been judged.
        scorings: how both sides' replies, or each side's, become numbers; officially if none is named.

    Raises:
        DataError: one of the folders is neither.
        UsageError: a run was never judged, or it is unclear which judgements are meant.
    """
    for option, names in (("--protocol", protocols), ("--scoring", scorings)):
        if len(names) > 2:
            raise UsageError(f"Two sides are compared, and {option} was given {len(names)} times.", "Name two at most.")
    if second is None and 2 not in (len(protocols), len(scorings)):
        raise UsageError(
            "There is nothing to compare with.", "Name another run, or two protocols or two scorings of this one."
        )
    asked: list[str | None] = [*protocols, *protocols] or [None, None]
    counted = [find_scoring(name) for name in [*scorings, *scorings]] or [OFFICIAL, OFFICIAL]
    left = _judgements(first, asked[0], counted[0])
    right = _judgements(first if second is None else second, asked[1], counted[1])
    same = [(one, other) for one in left for other in right if _alike(one, other, across=len(set(protocols)) > 1)]
    if len(same) != 1 and not (len(left) == len(right) == 1):
        folders = ", ".join(dict.fromkeys(str(one.judgement.path) for one in (*left, *right)))
        raise UsageError("Which judgements are meant is unclear.", f"Name two of these folders: {folders}.")
    one, other = same[0] if same else (left[0], right[0])
    return Comparison(one, other, _differences(one, other))


def judgement_of(place: Run | str | Path) -> Scored:
    """Return the judgement that a folder is, or the only one of a run.

    Raises:
        DataError: the folder is neither.
        UsageError: the run was never judged, or several times.
    """
    found = _judgements(place, None, OFFICIAL)
    if len(found) > 1:
        folders = ", ".join(str(one.judgement.path) for one in found)
        raise UsageError("Which judgement is meant is unclear.", f"Name one of these folders: {folders}.")
    return found[0]


def _judgements(place: Run | str | Path, protocol: str | None, scoring: Scoring) -> Sequence[Scored]:
    folder = Path(place) if not isinstance(place, Run) else place.path
    if (first := layout.judgement_of_fallback(folder)) is not None and (run := layout.run_of_judgement(first)):
        return [with_fallback(score(Run.open(run), Judgement.open(first)), Judgement.open(folder))]
    if (run := layout.run_of_judgement(folder)) is not None:
        opened, judgements = Run.open(run), [Judgement.open(folder)]
    else:
        opened = place if isinstance(place, Run) else Run.open(place)
        found = opened.judgements()
        best: dict[tuple[str, str], int] = {}
        for one in found:
            best[_way(one)] = min(best.get(_way(one), _MOST), _copies(one))
        judgements = [one for one in found if _copies(one) == best[_way(one)]]
    chosen = [one for one in judgements if protocol in (None, one.manifest.protocol)]
    if not chosen:
        under, option = (f" under the protocol {protocol!r}", f" --protocol {protocol}") if protocol else ("", "")
        raise UsageError(f"{folder} has not been judged{under}.", f"Run `gedit-bench judge {opened.path}{option}`.")
    return [score(opened, one, scoring) for one in chosen]


_MOST = 2


def _copies(judgement: Judgement) -> int:
    """How far a judgement is from one that was made here: replays come last."""
    return _MOST if judgement.manifest.replayed_from else int(bool(judgement.manifest.bundle))


def _way(judgement: Judgement) -> tuple[str, str]:
    return judgement.manifest.judge_id, judgement.manifest.request_id


def _alike(one: Scored, other: Scored, *, across: bool) -> bool:
    """True if both were judged by the same judge and, unless two protocols are compared, asked in the same way."""
    mine, yours = one.judgement.manifest, other.judgement.manifest
    return mine.judge_id == yours.judge_id and (across or mine.request_id == yours.request_id)


def _differences(one: Scored, other: Scored) -> tuple[str, ...]:
    facts = (
        ("judge", one.judgement.manifest.judge_id, other.judgement.manifest.judge_id),
        ("model string returned by the judge", *(" + ".join(side.models) or "none" for side in (one, other))),
        ("way of asking", one.judgement.manifest.request_id, other.judgement.manifest.request_id),
        ("scoring", one.scoring_id, other.scoring_id),
        ("replies replayed from", *(one.judgement.manifest.replayed_from or "nowhere" for one in (one, other))),
        ("dataset revision", one.run.manifest.dataset_revision, other.run.manifest.dataset_revision),
    )
    return tuple(f"{name}: {mine} against {yours}" for name, mine, yours in facts if mine != yours)


def _shared(found: Comparison) -> Iterator[str]:
    name = found.first.run.manifest.name
    if found.same_replies and found.rescored:
        yield f"Both sides are one judgement of {name}: only the scoring differs."
    elif found.same_replies:
        yield f"Both sides are the same judgement of {name}."
    elif found.same_images:
        yield f"Both sides judged the same edits of {name}: only the judging differs."


def _name(mine: Scored, yours: Scored) -> str:
    if mine.run.path.resolve() != yours.run.path.resolve():
        forms = zip(_forms(mine.run.manifest), _forms(yours.run.manifest), strict=True)
        return next((one for one, another in forms if one != another), str(mine.run.path))
    manifest, other = mine.judgement.manifest, yours.judgement.manifest
    told = (
        (manifest.protocol, manifest.protocol != other.protocol),
        (manifest.request_id, manifest.protocol == other.protocol and manifest.request_id != other.request_id),
        (manifest.judge_id, manifest.judge_id != other.judge_id),
        (f"scored as {mine.scoring.name}", mine.scoring != yours.scoring),
    )
    return ", ".join(word for word, differs in told if differs) or mine.run.manifest.name


def _forms(manifest: RunManifest) -> tuple[str, ...]:
    """A run's name, with more and more of what tells it from others of that name."""
    recipe = f"{manifest.name}@{manifest.recipe}"
    return manifest.name, recipe, f"{recipe} {manifest.fingerprint}"


def _of(scored: Scored, language: str) -> list[Verdict]:
    return [verdict for verdict in scored.counted if verdict.sample.id.language == language]


def _score(reading: Reading | None) -> float | None:
    return None if reading is None else reading.score
