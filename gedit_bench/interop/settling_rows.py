"""From another tool's rows to samples and scores: identities are checked, values read, and nothing is made up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gedit_bench.errors import DataError
from gedit_bench.interop.foreign import Foreign, ForeignRow, number
from gedit_bench.records import LANGUAGES, TASKS, Json, Sample, SampleId
from gedit_bench.store.imported import ImportedScore
from gedit_bench.store.names import checked_name

_YES, _NO = {"true", "1", "1.0"}, {"false", "0", "0.0"}


@dataclass(slots=True)
class Settled:
    """The rows that became samples, and what was wrong with the others.

    `left_out` counts rows by reason, `values` scores that are no score by aspect and reason. `repeated`
    counts further rows of a sample, `contradicting` those of them with other scores. `flagless` counts rows
    whose membership in the intersection isn't said.
    """

    samples: list[Sample] = field(default_factory=list)
    scores: list[ImportedScore] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    contradicting: int = 0
    flagless: int = 0
    other_words: int = 0


def settle_rows(foreign: Foreign, benchmark: Sequence[Sample] | None = None) -> Settled:
    """Return what the rows say; of several rows for a sample the first counts.

    Args:
        foreign: the rows.
        benchmark: the benchmark's samples, if they are at hand: a row that isn't one of them is left out.

    Raises:
        DataError: the rows name their samples only by their place in the benchmark, which isn't given.
    """
    known = None if benchmark is None else {sample.id: sample for sample in benchmark}
    by_row = {} if benchmark is None else {sample.row: sample.id for sample in benchmark}
    settled = Settled()
    first: dict[SampleId, ImportedScore] = {}
    for row in foreign.rows:
        identity = _identity(row, by_row, benchmark is not None)
        reason = _refusal(identity, known)
        if reason:
            settled.left_out[reason] += 1
            continue
        score = _score(row, identity, settled.values)
        if identity in first:
            settled.repeated += 1
            settled.contradicting += (score.sc, score.pq) != (first[identity].sc, first[identity].pq)
            continue
        first[identity] = score
        settled.scores.append(score)
        settled.samples.append(_sample(row, identity, len(settled.samples), known, settled))
    return settled


def _identity(row: ForeignRow, by_row: Mapping[int, SampleId], given: bool) -> SampleId:
    if row.task is None and row.key is None and row.row is not None:
        if not given:
            raise DataError(
                f"{row.place} names its sample only by its place in the benchmark.", "Say which one with --data."
            )
        return by_row.get(row.row, SampleId("", "", ""))
    language = "cn" if row.language == "zh" else row.language
    return SampleId(row.task or "", language or "", row.key or "")


def _refusal(identity: SampleId, known: Mapping[SampleId, Sample] | None) -> str:
    if not any(identity):
        return "of no sample of the benchmark"
    if identity.task_type not in TASKS:
        return f"of the unknown category {identity.task_type[:40]!r}"
    if identity.language not in LANGUAGES:
        return f"of the unknown language {identity.language[:40]!r}"
    try:
        checked_name(identity.key)
    except DataError:
        return "with a key that can't be one"
    return "of no sample of the benchmark" if known is not None and identity not in known else ""


def _score(row: ForeignRow, identity: SampleId, values: Counter[str]) -> ImportedScore:
    (sc, sc_wrong), (pq, pq_wrong) = number(row.sc), number(row.pq)
    values.update(f"{aspect} {wrong}" for aspect, wrong in (("SC", sc_wrong), ("PQ", pq_wrong)) if wrong)
    return ImportedScore(sample=identity, sc=sc, pq=pq, original=dict(row.original))


def _sample(
    row: ForeignRow, identity: SampleId, place: int, known: Mapping[SampleId, Sample] | None, settled: Settled
) -> Sample:
    if known is not None:
        sample = known[identity]
        settled.other_words += row.instruction is not None and row.instruction != sample.instruction
        return sample
    flag = _flag(row.intersection)
    settled.flagless += flag is None
    return Sample(identity, row.instruction or "", bool(flag), place)


def _flag(value: Json) -> bool | None:
    text = str(value).strip().lower()
    return True if text in _YES else False if text in _NO else None


def counts(samples: Iterable[Sample]) -> Counter[tuple[str, str]]:
    """Return how many samples there are of each category and language."""
    return Counter((sample.id.task_type, sample.id.language) for sample in samples)
