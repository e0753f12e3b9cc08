"""What somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint with the nearest match; if nothing is near, `otherwise`, or all that is known."""
    names = sorted(known)
    if near := get_close_matches(name.lower(), names, n=1, cutoff=0.5):
        return f"Did you mean {near[0]!r}?"
    return otherwise or (f"There are: {', '.join(names)}." if names else "")
