"""What servers say about their limits, in headers that nobody standardised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.transport.pressure import allowance, read_span

UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("8.64s", 8.64),
        ("1h2m3.5s", 3723.5),
        ("120µs", 120e-6),
        ("0s", 0.0),
        ("12", 12.0),
        (" 0.5 ", 0.5),
    ],
)
def test_spans_that_servers_send(text: str, seconds: float) -> None:
    assert read_span(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "-1s",
        "soon",
        "s",
        "1x",
        "1 s",
        "1e3",
        "nan",
        "inf",
        "1731456000",
        "2026-01-01T00:00:00Z",
        "9" * 5000,
    ],
)
def test_what_is_no_span(text: str) -> None:
    assert read_span(text) is None


@given(st.dictionaries(st.sampled_from(list(UNITS)), st.integers(0, 59), min_size=1))
def test_a_span_is_the_sum_of_its_parts(parts: dict[str, int]) -> None:
    milliseconds = sum(number * UNITS[unit] for unit, number in parts.items())
    text = "".join(f"{parts[unit]}{unit}" for unit in UNITS if unit in parts)
    within = milliseconds <= 7 * 86_400_000
    assert read_span(text) == (pytest.approx(milliseconds / 1000) if within else None)


@given(st.text(max_size=30))
def test_any_text_gives_a_span_of_sense_or_none(text: str) -> None:
    seconds = read_span(text)
    assert seconds is None or 0 <= seconds <= 7 * 86_400


@given(
    st.dictionaries(st.sampled_from(["remaining-requests", "remaining-tokens", "reset-requests"]), st.text(max_size=9))
)
def test_any_headers_give_an_allowance_of_sense_or_none(headers: dict[str, str]) -> None:
    count, reset = allowance({f"x-ratelimit-{name}": value for name, value in headers.items()}, 100)
    assert count is None or count >= 0
    assert reset is None or reset >= 0


def limits(**values: str) -> dict[str, str]:
    return {"x-ratelimit-" + name.replace("_", "-"): value for name, value in values.items()}


BOTH = limits(remaining_requests="59", reset_requests="1s", remaining_tokens="4500", reset_tokens="6m0s")


@pytest.mark.parametrize(
    ("headers", "tokens", "expected"),
    [
        ({}, 1000, (None, None)),
        (BOTH, None, (59, 1.0)),
        (BOTH, 1000, (4, 360.0)),  # tokens run out first
        (BOTH, 10, (59, 1.0)),
        (limits(remaining_tokens="0", reset_tokens="20ms"), None, (0, 0.02)),
        (limits(remaining_tokens="500"), None, (None, None)),  # worth how many requests?
        (limits(remaining_requests="-1", reset_requests="1s"), 10, (None, None)),
        (limits(remaining_requests="7"), None, (7, None)),
        (limits(remaining_requests="9" * 5000), None, (None, None)),
    ],
)
def test_what_runs_out_first_counts(
    headers: dict[str, str], tokens: int | None, expected: tuple[int | None, float | None]
) -> None:
    assert allowance(headers, tokens) == expected
