"""What looks wrong with imported scores, in words and counts. Nothing is changed and nothing is taken out.

Other tools write a failed judge call as a score: a random whole number (official script), 10 or the pair 10
and 1 (a guess after a fixed seed), or 0 (lmms-eval). No row says so; a table as a whole can look like it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gedit_bench.interop.foreign import Foreign, Tool
from gedit_bench.interop.settling_rows import Settled, counts
from gedit_bench.records import LANGUAGES, RELEASED, TASKS, Sample
from gedit_bench.store.imported import ImportedScore

PEOPLE = ("motion_change", "ps_human")
"""Categories full of people, where content filters are seen most."""

MANY_ZEROS = 5
ZERO_RATIO = 2.0
"""Zeros are many from so many rows on, and at so many times the share in the other categories."""

ENOUGH_FOR_SHAPE = 110
CHI_SQUARE_10 = 18.307
"""Rows for ten a cell, and the 95 % quantile of χ² with 10 degrees of freedom: below it 0…10 look equally likely."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: its kind, how many rows it is about, and a sentence."""

    kind: str
    count: int
    text: str


def find(foreign: Foreign, settled: Settled, benchmark: Sequence[Sample] | None) -> list[Finding]:
    """Return everything there is to say, what is missing first."""
    return [
        *_missing(settled.samples, benchmark),
        *_rows(settled),
        *(Finding("files", 1, note) for note in foreign.notes),
        *_zeros(settled.scores, foreign.tool),
        *_zeros_of_people(settled.scores),
        *_seeded(settled.scores),
        *_equally_likely(settled.scores),
    ]


def _missing(samples: Sequence[Sample], benchmark: Sequence[Sample] | None) -> list[Finding]:
    there = counts(samples)
    found = []
    for language in LANGUAGES:
        if not any(language == spoken for _, spoken in there):
            continue
        expected = _expected(language, benchmark)
        missing = {task: n - there[task, language] for task, n in expected.items() if n > there[task, language]}
        if missing:
            which = ", ".join(f"{task} {n}" for task, n in missing.items())
            total, of = sum(missing.values()), sum(expected.values())
            where = "the released benchmark" if benchmark is None else "the benchmark"
            text = f"{total} of the {of} samples of {where} have no row in {language}: {which}."
            found.append(Finding("missing", total, text))
    return found


def _expected(language: str, benchmark: Sequence[Sample] | None) -> Mapping[str, int]:
    if benchmark is None:
        return RELEASED
    wanted = counts(benchmark)
    return {task: wanted[task, language] for task in TASKS}


def _rows(settled: Settled) -> list[Finding]:
    found = [Finding("left out", n, f"{n} row(s) {why} were left out.") for why, n in settled.left_out.items()]
    if settled.repeated:
        told = f"{settled.contradicting} of them with other scores" if settled.contradicting else "all with its scores"
        text = f"{settled.repeated} row(s) repeat a sample, {told}; the first row counts here, all of them there."
        found.append(Finding("repeated", settled.repeated, text))
    for what, n in sorted(settled.values.items()):
        found.append(Finding("no score", n, f"{n} row(s): {what}. It is no score here."))
    if settled.flagless:
        text = f"{settled.flagless} row(s) don't say whether they are of the intersection, and count as not."
        found.append(Finding("no flag", settled.flagless, text))
    if settled.other_words:
        text = f"{settled.other_words} row(s) have another instruction than the benchmark; its own is shown."
        found.append(Finding("instruction", settled.other_words, text))
    return found


def _zeros(scores: Iterable[ImportedScore], tool: Tool) -> list[Finding]:
    count = sum(score.sc == 0 and score.pq == 0 for score in scores)
    if not count:
        return []
    why = "lmms-eval writes every failure so" if tool == "lmms-eval" else "some tools write failures so"
    return [Finding("0/0", count, f"{count} row(s) have SC 0 and PQ 0; {why}.")]


def _zeros_of_people(scores: Sequence[ImportedScore]) -> list[Finding]:
    given = [score for score in scores if score.sc is not None]
    others = [score.sc == 0 for score in given if score.sample.task_type not in PEOPLE]
    elsewhere = sum(others) / len(others) if others else 0.0
    found = []
    for task in PEOPLE:
        own = [score.sc == 0 for score in given if score.sample.task_type == task]
        if sum(own) >= MANY_ZEROS and sum(own) / len(own) >= ZERO_RATIO * elsewhere:
            text = (
                f"SC is 0 in {sum(own)} of {len(own)} rows of {task} ({sum(own) / len(own):.0%}; in the others "
                f"{elsewhere:.0%}): refusals and content filters about people may have become scores."
            )
            found.append(Finding("SC 0", sum(own), text))
    return found


def _seeded(scores: Iterable[ImportedScore]) -> list[Finding]:
    count = sum(score.sc == 10 and score.pq == 1 for score in scores)
    text = f"{count} row(s) have SC 10 and PQ 1: exactly what a guess after the seed 42 gives when both calls fail."
    return [Finding("10/1", count, text)] if count else []


def _equally_likely(scores: Sequence[ImportedScore]) -> list[Finding]:
    found = []
    for aspect, values in (("SC", [score.sc for score in scores]), ("PQ", [score.pq for score in scores])):
        given = [value for value in values if value is not None]
        if len(given) >= ENOUGH_FOR_SHAPE and _uniform(given):
            text = f"{aspect} of {len(given)} rows is spread evenly over 0 to 10, as guesses are and judges are not."
            found.append(Finding("even", len(given), text))
    return found


def _uniform(values: Sequence[float]) -> bool:
    """True if Pearson's χ² can't tell whole numbers from a uniform draw of 0…10."""
    if not all(value.is_integer() for value in values):
        return False
    cells, expected = Counter(values), len(values) / 11
    return sum((cells[float(score)] - expected) ** 2 / expected for score in range(11)) < CHI_SQUARE_10
