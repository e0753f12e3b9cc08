"""Chooses samples: by category, language, subset, id and number. Pure, but for reading a list of ids."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from gedit_bench.errors import UsageError
from gedit_bench.nearest import did_you_mean
from gedit_bench.records import LANGUAGES, SUBSETS, TASKS, Sample


def select(
    samples: Iterable[Sample],
    *,
    tasks: Collection[str] = (),
    languages: Collection[str] = (),
    subset: str = "full",
    ids: Collection[str] | None = None,
    limit: int | None = None,
) -> list[Sample]:
    """Return the samples that pass every filter, in their order.

    Args:
        samples: what to choose from.
        tasks: categories; none or `all` means every one.
        languages: `en`, `cn` (or `zh`); none or `all` means both.
        subset: `full`, or `intersection` for the rows that every closed model answered.
        ids: full ids `task/language/key`, or keys alone, which stand for every sample that has them.
        limit: the first so many of each category and language.

    Raises:
        UsageError: a name or id is unknown, or nothing is left.
    """
    samples = list(samples)
    wanted_tasks = _wanted(tasks, TASKS, "category")
    wanted_languages = _wanted(["cn" if name == "zh" else name for name in languages], LANGUAGES, "language")
    if subset not in SUBSETS:
        raise UsageError(f"There is no subset {subset!r}.", did_you_mean(subset, SUBSETS))
    if limit is not None and limit < 1:
        raise UsageError(f"A limit must be at least 1, not {limit}.", "Leave it out for all samples.")
    if ids is not None:
        samples = _with_ids(samples, ids)
    chosen = [
        sample
        for sample in samples
        if sample.id.task_type in wanted_tasks
        and sample.id.language in wanted_languages
        and (subset == "full" or sample.intersection)
    ]
    if not chosen:
        raise UsageError("No sample passes all of these filters.", "Drop one of category, language, subset or ids.")
    return chosen if limit is None else _first_of_each(chosen, limit)


def read_ids(path: Path | str) -> list[str]:
    """Return the ids in a text file: one per line, without blank lines and `#` comments.

    Raises:
        UsageError: the file can't be read as text.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The list of ids {str(path)!r} can't be read: {error}.", "Give a text file.") from error
    return [identity for line in lines if (identity := line.partition("#")[0].strip())]


def _wanted(names: Iterable[str], known: Sequence[str], noun: str) -> set[str]:
    wanted = set(names)
    for name in sorted(wanted - {"all", *known}):
        raise UsageError(f"There is no {noun} {name!r}.", did_you_mean(name, known))
    return set(known) if not wanted or "all" in wanted else wanted


def _with_ids(samples: Iterable[Sample], ids: Collection[str]) -> list[Sample]:
    names = {sample: {str(sample.id), sample.id.key} for sample in samples}
    unknown = sorted(set(ids).difference(*names.values()))
    if unknown:
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise UsageError(f"There is no sample {unknown[0]!r}{more}.", "An id is task/language/key, or a key alone.")
    wanted = set(ids)
    return [sample for sample, own in names.items() if own & wanted]


def _first_of_each(samples: Iterable[Sample], limit: int) -> list[Sample]:
    seen: Counter[tuple[str, str]] = Counter()
    chosen = []
    for sample in samples:
        group = (sample.id.task_type, sample.id.language)
        seen[group] += 1
        if seen[group] <= limit:
            chosen.append(sample)
    return chosen
