"""What servers say about failures, read without trusting any of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.errors import QuotaError, UnavailableError
from gedit_bench.transport.addresses import hide
from gedit_bench.transport.failures import Hints, TransientError, judge_failure, read_complaint, read_json
from gedit_bench.transport.patience import back_off

HINTS = Hints(key="key", model="model", place="images")
NAMES = (
    "error",
    "message",
    "code",
    "type",
    "innererror",
    "detail",
    "metadata",
    "flagged_input",
    "content_filter_result",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("secret-key-1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=10,
)


def hidden(text: str) -> str:
    return hide(text, "secret-key-1")


@given(JSON, st.integers(200, 599))
def test_every_complaint_is_judged_and_none_tells_the_key(value: Any, status: int) -> None:
    body = json.dumps(value).encode()
    complaint = read_complaint(read_json(body), body, hidden)
    assert "secret-key-1" not in complaint.message
    assert len(complaint.message) <= 300
    stopped, again, filtered = False, False, None
    try:
        filtered = judge_failure(status, complaint, None, "somewhere", HINTS).filtered
    except TransientError:
        again = True
    except (QuotaError, UnavailableError):
        stopped = True
    assert again <= (status in (408, 429) or not 400 <= status < 500)
    assert stopped <= (status in (401, 402, 403, 404))
    assert filtered in (None, complaint.filtered)


@given(st.binary(max_size=60))
def test_a_body_that_is_no_json_is_a_complaint_too(body: bytes) -> None:
    assert read_complaint(read_json(body), body, hidden).message


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1000))
def test_waits_are_bounded_and_never_shorter_than_asked_for(failures: int, wanted: float | None) -> None:
    assert (wanted or 0.0) <= back_off(failures, wanted) <= max(30.0, wanted or 0.0)


@pytest.mark.parametrize(
    ("text", "login"), [("Basic dXNlcjpwYXNzLXBocmFzZQ==", "user:pass-phrase"), ("pass-phrase", "user:pass-phrase")]
)
def test_a_login_is_hidden_in_any_form(text: str, login: str) -> None:
    assert hide(f"You sent {text}.", "", login) == "You sent [secret]."
