"""Who answered: the models and fingerprints that a judge's server named, and when they changed. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from gedit_bench.judging.snapshots import naming
from gedit_bench.records import Reply, SampleId

_TOLD = 4
"""How many are told of; a pool may have many."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """A model and fingerprint as the server named them, None where it named none.

    `replies` of `samples` samples, the `first` for `sample` and the `last` at these times (ISO 8601, UTC).
    """

    model: str | None
    fingerprint: str | None
    replies: int
    samples: int
    first: str
    last: str
    sample: SampleId

    def words(self) -> str:
        """Return it in words."""
        name = self.model or "no model named"
        fingerprint = f" ({self.fingerprint})" if self.fingerprint else ""
        plural = "y" if self.replies == 1 else "ies"
        return f"{name}{fingerprint}: {self.replies} repl{plural} from {self.first[:19]} on, first for {self.sample}"


@dataclass(frozen=True, slots=True)
class Answering:
    """All that answered, in the order of their first replies; `changes` counts how often the next was another."""

    answerers: tuple[Answerer, ...] = ()
    changes: int = 0

    @property
    def changed(self) -> bool:
        """True if the server named several models, or several fingerprints of one."""
        return len(self.answerers) > 1

    def words(self) -> str:
        """Return what changed in words; empty if nothing did."""
        if not self.changed:
            return ""
        more = len(self.answerers) - _TOLD
        told = [one.words() for one in self.answerers[:_TOLD]] + ([f"and {more} more"] if more > 0 else [])
        times = "once" if self.changes == 1 else f"{self.changes} times"
        return f"it changed {times}: {'; '.join(told)}"


NOBODY = Answering()
"""Nobody answered, or nobody that was named."""


def answering(replies: Iterable[Reply]) -> Answering:
    """Return who gave some replies; those of which nobody is named are left out."""
    named = sorted((reply for reply in replies if reply.model or reply.fingerprint), key=lambda reply: reply.time)
    found: dict[tuple[str | None, str | None], list[Reply]] = {}
    for reply in named:
        found.setdefault((reply.model, reply.fingerprint), []).append(reply)
    answerers = tuple(
        Answerer(
            model, fingerprint, len(own), len({one.sample for one in own}), own[0].time, own[-1].time, own[0].sample
        )
        for (model, fingerprint), own in found.items()
    )
    return Answering(answerers, len([*groupby(named, key=lambda reply: (reply.model, reply.fingerprint))][1:]))


def alias_words(judge: str, returned: Iterable[str]) -> str:
    """Return what to know about a judge that was asked by an alias; empty if it wasn't."""
    if naming(judge) != "alias":
        return ""
    names = sorted(set(returned) - {judge})
    answered = f"its server answered as {' and as '.join(names)}" if names else "its server named no snapshot"
    return f"{judge} is an alias, which may be another model tomorrow; {answered}"
