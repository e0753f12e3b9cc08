"""What a judge's HTTP exchanges say about how much its server can take; read by whoever sets the pace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answered", "throttled", "failed"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange with a judge's server, told after it is over.

    `seconds` is its length. `throttled` is a refusal because of too much at once (HTTP 429), `failed`
    a server error, a dropped connection or silence; everything else is `answered`, whatever the
    answer is worth. `wait` is the seconds that the server asks to be left alone, `remaining` the
    requests that it still allows, `reset` the seconds until it allows all of them again; None where
    it doesn't say.
    """

    seconds: float
    outcome: Outcome
    wait: float | None = None
    remaining: int | None = None
    reset: float | None = None


Listener = Callable[[Exchange], None]
