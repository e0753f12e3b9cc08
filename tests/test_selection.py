from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.errors import UsageError
from gedit_bench.records import LANGUAGES, TASKS, Sample, SampleId
from gedit_bench.selection import read_ids, select

SOME_TASKS = TASKS[:4]
KEYS = [f"{i:032x}" for i in range(5)]


@st.composite
def sample_lists(draw):
    """Samples of a few categories, both languages and few keys, so that keys collide, in any order."""
    identities = st.builds(SampleId, st.sampled_from(SOME_TASKS), st.sampled_from(LANGUAGES), st.sampled_from(KEYS))
    ids = draw(st.lists(identities, min_size=1, unique=True))
    return [Sample(identity, "Do it", draw(st.booleans()), row) for row, identity in enumerate(ids)]


def benchmark():
    return [
        Sample(SampleId(task, language, key), "Do it", key != KEYS[0], row)
        for row, (task, language, key) in enumerate(
            (task, language, key) for language in LANGUAGES for task in TASKS for key in KEYS
        )
    ]


@given(sample_lists())
def test_without_filters_everything_is_chosen_in_order(samples):
    assert select(samples) == samples
    assert select(samples, tasks=["all"], languages=["all"], subset="full") == samples


@given(
    samples=sample_lists(),
    tasks=st.sets(st.sampled_from(SOME_TASKS)),
    languages=st.sets(st.sampled_from(["en", "cn", "zh"])),
    subset=st.sampled_from(["full", "intersection"]),
    limit=st.none() | st.integers(1, 6),
)
def test_filters_agree_with_their_definition(samples, tasks, languages, subset, limit):
    wanted = {"cn" if name == "zh" else name for name in languages}
    passing = [
        s
        for s in samples
        if (not tasks or s.id.task_type in tasks)
        and (not wanted or s.id.language in wanted)
        and (s.intersection or subset == "full")
    ]
    expected = [s for i, s in enumerate(passing) if sum(p.id[:2] == s.id[:2] for p in passing[:i]) < (limit or 99)]
    try:
        chosen = select(samples, tasks=tasks, languages=languages, subset=subset, limit=limit)
    except UsageError:
        chosen = []
    assert chosen == expected


@given(samples=sample_lists(), data=st.data())
def test_ids_choose_exactly_the_samples_that_have_them(samples, data):
    full = data.draw(st.sets(st.sampled_from([str(s.id) for s in samples])))
    keys = data.draw(st.sets(st.sampled_from([s.id.key for s in samples]), min_size=1))
    chosen = select(samples, ids=full | keys)
    assert chosen == [s for s in samples if str(s.id) in full or s.id.key in keys]


def test_a_limit_is_balanced_over_categories_and_languages():
    counts = Counter(sample.id[:2] for sample in select(benchmark(), limit=3))
    assert counts == {(task, language): 3 for task in TASKS for language in LANGUAGES}


def test_a_limit_counts_after_the_other_filters():
    chosen = select(benchmark(), subset="intersection", limit=1)
    assert {sample.id.key for sample in chosen} == {KEYS[1]}


def test_a_bare_key_stands_for_every_sample_that_has_it():
    assert len(select(benchmark(), ids=[KEYS[2]])) == len(TASKS) * len(LANGUAGES)
    assert len(select(benchmark(), ids=[f"ps_human/cn/{KEYS[2]}"])) == 1


@pytest.mark.parametrize(
    ("filters", "sentence", "hint"),
    [
        ({"tasks": ["color_altr"]}, "There is no category 'color_altr'.", "Did you mean 'color_alter'?"),
        ({"tasks": ["subject_add"]}, "There is no category 'subject_add'.", "Did you mean 'subject-add'?"),
        ({"languages": ["de"]}, "There is no language 'de'.", ""),
        ({"subset": "intersect"}, "There is no subset 'intersect'.", "Did you mean 'intersection'?"),
        ({"limit": 0}, "A limit must be at least 1, not 0.", "Leave it out for all samples."),
        ({"ids": ["nobody"]}, "There is no sample 'nobody'.", "An id is task/language/key, or a key alone."),
        ({"ids": ["a", "b", KEYS[0]]}, "There is no sample 'a' (and 1 more).", "An id is"),
        ({"ids": []}, "No sample passes all of these filters.", "Drop one"),
        ({"ids": [KEYS[0]], "subset": "intersection"}, "No sample passes all of these filters.", "Drop one"),
    ],
)
def test_a_wrong_filter_gets_one_sentence_and_a_hint(filters, sentence, hint):
    with pytest.raises(UsageError) as caught:
        select(benchmark(), **filters)
    assert str(caught.value) == sentence
    assert caught.value.hint.startswith(hint)


def test_a_list_of_ids_may_have_blank_lines_and_comments(tmp_path):
    file = tmp_path / "ids.txt"
    file.write_bytes(f"\ufeff# mine\r\n\r\n  ps_human/en/{KEYS[1]}  # hair\r\n{KEYS[2]}\n   \n".encode())
    assert read_ids(file) == [f"ps_human/en/{KEYS[1]}", KEYS[2]]
    assert len(select(benchmark(), ids=read_ids(file))) == 1 + len(TASKS) * len(LANGUAGES)


def test_a_list_of_ids_that_cannot_be_read_gets_a_sentence(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("missing", "binary", "."):
        with pytest.raises(UsageError, match="can't be read"):
            read_ids(tmp_path / name)
