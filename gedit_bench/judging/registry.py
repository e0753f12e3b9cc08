"""Finds a judge by what the user calls it, and the protocol that it is asked under."""

from collections.abc import Sequence
from dataclasses import dataclass

from gedit_bench.errors import UsageError
from gedit_bench.judging.base import Judge
from gedit_bench.judging.offline import NAME as OFFLINE
from gedit_bench.judging.offline import OfflineJudge
from gedit_bench.judging.protocol import Protocol, find_protocol

DEFAULT_JUDGE = "gpt-4.1-2025-04-14"
DEFAULT_PROTOCOL = "official"

MOST_IN_FLIGHT = 256
"""Requests in flight at most, unless somebody fixes another number: prepared images wait in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Which judge, where, and how patiently it is asked.

    Several base URLs are a pool of servers for one judge. `timeout` is seconds for one HTTP call,
    `retry_for` seconds over all tries of one question, `concurrency` the number of requests in flight; None
    for as many as the judge can take.
    """

    name: str = DEFAULT_JUDGE
    base_url: str | Sequence[str] | None = None
    endpoint_label: str | None = None
    timeout: float = 120.0
    retry_for: float = 600.0
    concurrency: int | None = None

    @property
    def connections(self) -> int:
        """How many requests may be in flight at most."""
        return self.concurrency or MOST_IN_FLIGHT


def make_judge(settings: JudgeSettings) -> Judge:
    """Return the judge: `offline`, or a model behind OpenAI-compatible endpoints or Azure's.

    Raises:
        UnavailableError: there is no key for the endpoint.
    """
    if settings.name == OFFLINE:
        return OfflineJudge()
    from gedit_bench.judging.endpoints import judge_over_http

    return judge_over_http(settings)


def protocol_for(judge: Judge, name: str | None) -> Protocol:
    """Return the protocol called `name`, or the judge's own, or the official one.

    Raises:
        UsageError: there is no such protocol, or the judge can't answer it.
    """
    protocol = find_protocol(name or judge.protocol or DEFAULT_PROTOCOL)
    if judge.protocol not in (None, protocol.name):
        raise UsageError(
            f"The judge {judge.name!r} answers only the protocol {judge.protocol!r}.", "Leave --protocol out."
        )
    if judge.vlm and protocol.rubric == "pixels":
        raise UsageError("The protocol 'pixels' measures; no model can answer it.", "Use it with --judge offline.")
    return protocol
