"""Names of judges, and who really answered."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.judging.answering import alias_words, answering
from gedit_bench.judging.registry import DEFAULT_JUDGE
from gedit_bench.judging.snapshots import naming
from gedit_bench.records import Aspect, Delivery, Reply, SampleId

SNAPSHOTS = (
    *("gpt-4.1-2025-04-14", "gpt-4o-2024-08-06", "gpt-4-0613", "gpt-4-1106-preview", "openai/gpt-4.1-2025-04-14"),
    *("o3-2025-04-16", "claude-3-5-sonnet-20241022", "claude-sonnet-4@20250514", "gemini-2.0-flash-001"),
    *("gemini-2.5-pro-preview-05-06", "qwen-vl-max-2025-04-08", "doubao-1-5-vision-pro-32k-250115"),
)
ALIASES = (
    *(
        "gpt-4.1",
        "gpt-4o",
        "gpt-4o-mini",
        "openai/gpt-4.1",
        "GPT-4.1",
        "chatgpt-4o-latest",
        "gpt-4-turbo-preview",
        "o3",
    ),
    *("claude-3-5-sonnet-latest", "gemini-2.5-pro", "qwen-vl-max", "qwen-vl-max-latest", "pixtral-large-latest"),
)
UNKNOWN = (
    *("Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "gpt-oss-120b", "openai/gpt-oss-20b", "my-deployment", "offline"),
    *("fake-judge", "llava:13b", "", "official-gpt-4.1"),
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, "snapshot") for name in SNAPSHOTS), *((name, "alias") for name in ALIASES)]
    + [(name, "unknown") for name in UNKNOWN],
)
def test_names_that_stand_still_are_told_from_aliases(name: str, kind: str) -> None:
    assert naming(name) == kind


def test_the_default_judge_is_a_snapshot() -> None:
    assert naming(DEFAULT_JUDGE) == "snapshot"


@given(st.text())
def test_any_name_is_of_some_kind(name: str) -> None:
    assert naming(name) in {"snapshot", "alias", "unknown"}


def test_an_alias_is_allowed_and_said() -> None:
    assert alias_words("gpt-4.1", ["gpt-4.1-2025-04-14"]).endswith("its server answered as gpt-4.1-2025-04-14")
    assert alias_words("gpt-4.1", ["gpt-4.1"]).endswith("its server named no snapshot")
    assert alias_words("gpt-4.1-2025-04-14", ["gpt-4.1-2025-04-14"]) == ""


def reply(second: int, model: str | None, fingerprint: str | None = None, key: str = "a") -> Reply:
    return Reply(
        sample=SampleId("ps_human", "en", key),
        aspect=Aspect.SC,
        repeat=0,
        attempt=0,
        delivery=Delivery.ANSWERED,
        edit_sha256="",
        model=model,
        fingerprint=fingerprint,
        time=f"2026-01-02T03:04:{second:02d}.000+00:00",
    )


def test_a_change_of_model_is_told_with_counts_time_and_sample() -> None:
    given = [reply(3, "new", key="c"), reply(1, "old"), reply(2, "old", key="b"), reply(4, "new", key="c")]
    found = answering([*given, reply(5, None)])
    assert [(one.model, one.replies, one.samples) for one in found.answerers] == [("old", 2, 2), ("new", 2, 1)]
    assert found.changes == 1
    assert found.words() == (
        "it changed once: old: 2 replies from 2026-01-02T03:04:01 on, first for ps_human/en/a; "
        "new: 2 replies from 2026-01-02T03:04:03 on, first for ps_human/en/c"
    )


def test_a_change_of_fingerprint_alone_is_told_too() -> None:
    found = answering([reply(1, "m", "fp_1"), reply(2, "m", "fp_2"), reply(3, "m", "fp_1")])
    assert (found.changed, len({one.model for one in found.answerers}), found.changes) == (True, 1, 2)
    assert "m (fp_2): 1 reply from" in found.words()
    assert answering([replace(reply(1, "m", "fp_1"), time="")] * 3).words() == ""
    many = answering([reply(second, "m", f"fp_{second}") for second in range(9)])
    assert many.words().endswith("and 5 more")
