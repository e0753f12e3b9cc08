"""What a loop tells about itself while it runs."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Progress:
    """How far a loop is: `counts` holds how often each status occurred, `reused` what needed no asking.

    Where several devices work, `devices` holds how much each has done, `given_up` how many no longer do.
    """

    stage: str
    total: int
    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    started: float = field(default_factory=monotonic)
    reused: int = 0
    devices: dict[str, int] = field(default_factory=dict)
    given_up: int = 0


Watcher = Callable[[Progress], None]
"""Called at the start, after each item, and at the end."""


def unwatched(_progress: Progress) -> None:
    """Watch nothing."""
