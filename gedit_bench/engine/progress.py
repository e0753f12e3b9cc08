"""What a loop tells about itself while it runs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Progress:
    """How far a loop is: `counts` holds how often each status occurred, `reused` what needed no asking."""

    stage: str
    total: int
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=monotonic)
    reused: int = 0


Watcher = Callable[[Progress], None]
"""Called at the start, after each item, and at the end."""


def unwatched(_progress: Progress) -> None:
    """Watch nothing."""
