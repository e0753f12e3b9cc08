"""Choosing samples: filters that keep the dataset's order, and sentences for what can't be chosen."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.errors import UsageError
from gedit_bench.records import LANGUAGES, TASKS, Sample, SampleId
from gedit_bench.selection import read_ids, select

SHARED = "ae3bf75e9abe53ab8e24052ef129d1ef"  # stands in two categories, as in the real benchmark


def benchmark() -> list[Sample]:
    identities = [
        SampleId(task, language, f"{index:02x}{number}")
        for language in LANGUAGES
        for index, task in enumerate(TASKS)
        for number in range(3)
    ]
    identities += [SampleId(task, language, SHARED) for language in LANGUAGES for task in TASKS[7:9]]
    return [Sample(identity, f"do {row} ", row % 3 != 0, row) for row, identity in enumerate(identities)]


SAMPLES = benchmark()


def test_without_filters_everything_is_chosen_in_order() -> None:
    assert select(SAMPLES) == SAMPLES


@given(
    tasks=st.sets(st.sampled_from(TASKS)),
    languages=st.sets(st.sampled_from(["en", "cn", "zh", "all"])),
    subset=st.sampled_from(["full", "intersection"]),
    limit=st.none() | st.integers(1, 4),
)
def test_filters_keep_what_they_name_in_order(
    tasks: set[str], languages: set[str], subset: str, limit: int | None
) -> None:
    wanted = set(LANGUAGES) if not languages or "all" in languages else {"cn" if w == "zh" else w for w in languages}
    found = select(SAMPLES, tasks=tuple(tasks), languages=tuple(languages), subset=subset, limit=limit)
    assert [sample.row for sample in found] == sorted(sample.row for sample in found)
    assert {sample.id.language for sample in found} == wanted
    assert {sample.id.task_type for sample in found} == (tasks or set(TASKS))
    assert subset == "full" or all(sample.intersection for sample in found)
    if limit is not None:
        assert max(Counter(sample.id[:2] for sample in found).values()) <= limit


def test_the_limit_is_per_category_and_language() -> None:
    counts = Counter(sample.id[:2] for sample in select(SAMPLES, limit=2))
    assert set(counts.values()) == {2}
    assert len(counts) == 22


def test_a_key_in_two_categories_is_two_samples() -> None:
    assert len(select(SAMPLES, ids=[SHARED])) == 4
    [one] = select(SAMPLES, ids=[f"subject-remove/en/{SHARED}"])
    assert one.id == SampleId("subject-remove", "en", SHARED)


def test_ids_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ids.txt"
    path.write_text(f"# a comment\n\n  {SHARED}\nps_human/en/x\n", encoding="utf-8")
    assert list(read_ids(path)) == [SHARED, "ps_human/en/x"]
    with pytest.raises(UsageError):
        read_ids(tmp_path / "nothing.txt")


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"tasks": ["ps_humans"]}, "ps_human"),
        ({"tasks": ["subject_add"]}, "subject-add"),
        ({"languages": ["eng"]}, "en"),
        ({"subset": "intersect"}, "intersection"),
        ({"ids": ["no-such-key"]}, ""),
        ({"ids": []}, ""),
        ({"tasks": ["ps_human"], "ids": ["000"]}, ""),
    ],
)
def test_what_cannot_be_chosen_is_said_with_the_nearest(filters: dict, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(SAMPLES, **filters)
    assert words in f"{caught.value} {caught.value.hint}"
