"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint with the nearest match; if nothing is near, `otherwise`, or all that is known."""
    names = sorted(known)
    if near := nearest(name, names):
        return f"Did you mean {near!r}?"
    return otherwise or (f"There are: {', '.join(names)}." if names else "")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the nearest match, whatever its case; None if nothing is near."""
    names = {one.lower(): one for one in known}
    near = get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    return names[near[0]] if near else None
