"""From a judge's name to one that can be asked: with protocol, rubric and price. A missing key is said here."""

from dataclasses import dataclass

from gedit_bench.errors import UsageError
from gedit_bench.judging.base import Judge
from gedit_bench.judging.protocol import Protocol, Rubric
from gedit_bench.judging.registry import make_judge, protocol_for
from gedit_bench.judging.replay import NAME as REPLAY
from gedit_bench.judging.replay import ReplayJudge
from gedit_bench.judging.rubric import load_rubric
from gedit_bench.prices import FREE, Price, find_price
from gedit_bench.settling.inputs import Judging
from gedit_bench.store.manifest import JudgementManifest
from gedit_bench.store.provenance import now


@dataclass(frozen=True, slots=True)
class Asking:
    """A judge ready to be asked: resolved before any work starts. `price` is None where nobody knows it."""

    judge: Judge
    protocol: Protocol
    rubric: Rubric
    price: Price | None = None

    def manifest(self) -> JudgementManifest:
        """Return the manifest of judgements made this way."""
        return JudgementManifest(
            judge=self.judge.name,
            endpoint=self.judge.endpoint,
            protocol=self.protocol.name,
            request_id=self.protocol.request_id(self.rubric),
            request=self.protocol.request(self.rubric),
            vlm=self.judge.vlm,
            created=now(),
        )


def prepare_asking(judging: Judging, *, fetch: bool = True) -> Asking:
    """Return judge, protocol and rubric; a missing key or rubric is an error here, before any work.

    Args:
        judging: who judges and how.
        fetch: whether the official rubric may be downloaded.
    """
    judge = make_judge(judging.judge)
    protocol = protocol_for(judge, judging.protocol)
    rubric = load_rubric(protocol.rubric, judging.rubric, fetch=fetch)
    return Asking(judge, protocol, rubric, _price(judge, judging))


def prepare_fallback(judging: Judging, asking: Asking) -> Asking | None:
    """Return the judge that is asked where another fails, in the same way as that one; None if there is none.

    Raises:
        UsageError: the judge can't be asked in this way, or it is the one that fails.
        UnavailableError: there is no key for it.
    """
    if judging.fallback is None:
        return None
    judge = make_judge(judging.fallback)
    found = Asking(judge, protocol_for(judge, asking.protocol.name), asking.rubric, _price(judge, judging))
    if found.manifest().identity == asking.manifest().identity:
        raise UsageError(
            f"{judge.name} can't be its own fallback.", "Name another --fallback-judge, or use --only failed."
        )
    return found


def replaying(judging: Judging) -> ReplayJudge | None:
    """Return the stored replies that are to be taken over, None if a judge is to be asked.

    Raises:
        UsageError, DataError: there are none, or something else is wanted that a replay can't do.
    """
    if judging.judge.name.partition(":")[0] != REPLAY:
        return None
    stored = ReplayJudge(judging.judge)
    manifest = stored.source.manifest
    if judging.protocol not in (None, manifest.protocol):
        raise UsageError(
            f"The stored replies are answers under the protocol {manifest.protocol!r}.", "Leave --protocol out."
        )
    if judging.rubric is not None or judging.only == "failed":
        raise UsageError("A replay asks nobody: --rubric and --only failed mean nothing to it.", "Leave them out.")
    return stored


async def reached(judge: Judge) -> str:
    """Make sure that a judge can be asked; return a sentence about it.

    Raises:
        QuotaError, UnavailableError: it can't.
    """
    try:
        return await judge.reachable()
    finally:
        await judge.close()


def _price(judge: Judge, judging: Judging) -> Price | None:
    return FREE if judge.free else find_price(judge.name, judge.host, judging.prices)
