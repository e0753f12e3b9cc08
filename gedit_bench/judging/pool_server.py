"""One server of a pool and how it fares: whether it may be asked, and for how long it is left alone."""

import logging
from dataclasses import dataclass
from time import monotonic

from gedit_bench.errors import QuotaError, UnavailableError
from gedit_bench.judging.openai_compatible import OpenAICompatibleJudge
from gedit_bench.transport.failures import TransientError

log = logging.getLogger(__name__)

_FEW, _MANY, _SPELL = 3, 10, 1.0
"""A server counts as gone after so many failures without an answer between them: a few over a spell of
seconds, or many at once. Where one request in five fails, ten running are no accident."""

_FIRST_REST, _LONGEST_REST = 1.0, 10.0


@dataclass(slots=True, eq=False)
class Server:
    """A server. Moments are those of the monotonic clock, in seconds.

    `turn` orders servers by when they were last asked; `strikes` counts failures since it last answered and
    `rests` the pauses; `on_trial` says that after a pause a single question tries it. `failure` is the last
    one, `refusal` why it is left out for good.
    """

    judge: OpenAICompatibleJudge
    in_flight: int = 0
    turn: int = 0
    strikes: int = 0
    struck_at: float = 0.0
    rests: int = 0
    rested_at: float = 0.0
    rest_until: float = 0.0
    throttled_until: float = 0.0
    on_trial: bool = False
    failure: TransientError | None = None
    refusal: QuotaError | UnavailableError | None = None

    @property
    def name(self) -> str:
        """Its host and port."""
        return self.judge.server

    def free(self, now: float) -> bool:
        """Whether it may be asked; after a pause, one question goes ahead of the others."""
        return now >= self.rest_until and not self.on_trial

    def answered(self) -> None:
        """Note that it answered, whatever the answer is worth."""
        if self.rests:
            log.warning("%s answers again", self.name)
        self.strikes = self.rests = 0
        self.rest_until = 0.0
        self.on_trial = False

    def failed(self, error: TransientError, asked_at: float) -> None:
        """Note a failure of what was asked at `asked_at`, and leave it alone for a while if it is one too many."""
        self.failure = error
        if asked_at < self.rested_at:  # asked before the pause that it would lengthen
            return
        now = monotonic()
        if not self.strikes:
            self.struck_at = now
        self.strikes += 1
        gone = self.strikes >= _MANY or (self.strikes >= _FEW and now - self.struck_at >= _SPELL)
        if not gone and not self.rests:
            return
        if not self.rests:
            log.warning("%s is left alone for a while: %s", self.name, error.message)
        self.rested_at = now
        pause = min(_FIRST_REST * 2.0 ** min(self.rests, 16), _LONGEST_REST)
        self.rest_until = now + max(pause, error.wait or 0.0)
        self.rests += 1
