"""Secrets never come through."""

import pytest

from gedit_bench.secrets import redact


def test_values_of_secret_variables_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SERVICE_API_KEY", "plain-looking-value")
    assert redact("Incorrect key provided: plain-looking-value.") == "Incorrect key provided: [secret]."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-abcdef1234567890", "key [secret]"),
        ("Incorrect API key: sk-abcd****wxyz", "Incorrect API key: [secret]"),
        ("hf_abcdefghijklmnop", "[secret]"),
        ("https://user:pass@host/v1", "https://host/v1"),
        ("-o api_key=abc --seed 1", "-o api_key=[secret] --seed 1"),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer [secret]"),
        ("max_tokens=1400 sk-short", "max_tokens=1400 sk-short"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown
