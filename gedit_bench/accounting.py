"""What judging has cost: tokens and money, counted from the replies, failed ones included."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gedit_bench.judging.base import Answer
from gedit_bench.prices import FREE, Price, find_price, usd
from gedit_bench.records import Delivery, Json, Reply, SampleId
from gedit_bench.store.run import Judgement

_PAID_UNTIL_KNOWN = (Delivery.TRANSPORT, Delivery.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens and US dollars of some calls. `usd` is the sum over what is known; `unknown` counts the other calls."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    usd: float = 0.0
    unknown: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.usd + other.usd,
            self.unknown + other.unknown,
        )

    @property
    def worth_telling(self) -> bool:
        """False where nobody could be paid: no calls, or calls that cost nothing and took no tokens."""
        return bool(self.usd or self.unknown or self.prompt_tokens)

    @property
    def known_usd(self) -> float | None:
        """The sum, or None where no call that may have been paid has a known cost: what nobody knows is not 0."""
        return None if self.unknown and not self.usd else self.usd

    def money(self) -> str:
        """Return the money in words: `$1.20`, `$1.20 and 3 calls of unknown cost`, `unknown`."""
        if self.known_usd is None:
            return "unknown"
        calls = f"{self.unknown} call{'' if self.unknown == 1 else 's'}"
        return usd(self.usd) + (f" and {calls} of unknown cost" if self.unknown else "")

    def words(self) -> str:
        """Return money and tokens: `$1.20 for 44 calls (66,000 tokens in, 0 of them cached, 2,640 out)`."""
        cached = f", {self.cached_tokens:,} of them cached" if self.cached_tokens else ""
        tokens = f"{self.prompt_tokens:,} tokens in{cached}, {self.completion_tokens:,} out"
        return f"{self.money()} for {self.calls} calls ({tokens})"

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON; `usd` is null where nothing is known."""
        return {
            "calls": self.calls,
            "prompt_tokens": self.prompt_tokens,
            "cached_tokens": self.cached_tokens,
            "completion_tokens": self.completion_tokens,
            "usd": self.known_usd,
            "calls_of_unknown_cost": self.unknown,
        }


def cost_of(reply: Reply | Answer, price: Price | None) -> Spent:
    """Return what one reply, stored or fresh, has cost: all its tries together. A reused one is no call here."""
    if isinstance(reply, Reply) and reply.reused:
        return Spent()
    tokens = reply.prompt_tokens or 0, reply.cached_tokens or 0, reply.completion_tokens or 0
    free = price is not None and price.free
    told = reply.prompt_tokens is not None and reply.completion_tokens is not None
    if free or reply.tries == 0:
        return Spent(1, *tokens)
    if not told:
        return Spent(1, *tokens, unknown=int(_perhaps_paid(reply)))
    if price is None:
        return Spent(1, *tokens, unknown=1)
    return Spent(1, *tokens, usd=price.cost(tokens[0], tokens[2], tokens[1]), unknown=int(bool(reply.lost_tries)))


def reply_costs(judgement: Judgement) -> Callable[[Reply], Spent]:
    """Return a function that says what a reply has cost, at the price that its writer noted.

    Where none was noted, the bundled table's counts.
    """
    manifest = judgement.manifest
    otherwise = find_price(manifest.judge, manifest.endpoint) if manifest.vlm else FREE
    prices = {one.writer: Price.from_json(one.price) for one in judgement.writers() if one.price is not None}
    return lambda reply: cost_of(reply, prices.get(reply.writer, otherwise))


def spent_by_sample(judgement: Judgement, replies: Iterable[Reply]) -> dict[SampleId, Spent]:
    """Return what the replies about each sample have cost; see `reply_costs`."""
    cost = reply_costs(judgement)
    spent: dict[SampleId, Spent] = {}
    for reply in replies:
        spent[reply.sample] = spent.get(reply.sample, Spent()) + cost(reply)
    return spent


def total(parts: Iterable[Spent]) -> Spent:
    """Return the sum."""
    return sum(parts, Spent())


def _perhaps_paid(reply: Reply | Answer) -> bool:
    """True where a call without usage may have been paid: an answer, or a request that nobody knows the end of."""
    if reply.delivery in _PAID_UNTIL_KNOWN:
        return reply.lost_tries is None or reply.lost_tries > 0
    held_back = reply.delivery is Delivery.FILTERED and reply.finish_reason is not None
    return reply.delivery is Delivery.ANSWERED or held_back or bool(reply.lost_tries)
