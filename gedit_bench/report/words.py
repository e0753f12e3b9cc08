"""Numbers and identities in words, the same on the page and in the text tables."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import NamedTuple

from gedit_bench.accounting import Spent
from gedit_bench.judging.protocol import PROTOCOLS
from gedit_bench.prices import usd
from gedit_bench.scoring.bootstrap import Interval
from gedit_bench.scoring.noise import Noise
from gedit_bench.scoring.ranking import Ranking, Standing
from gedit_bench.scoring.scorings import OFFICIAL, SCORINGS
from gedit_bench.store.manifest import JudgementManifest

LANGUAGE_WORDS = {"en": "English", "cn": "Chinese"}
SUBSET_WORDS = {"full": "full set", "intersection": "intersection subset"}
SUBSET_NAMES = {"full": "Full set", "intersection": "Intersection"}
NONE = "–"


class TableKey(NamedTuple):
    """What the rows of one table have in common; `imported` sets imported scores of unknown status apart."""

    judge_id: str
    returned: str
    request_id: str
    scoring_id: str
    language: str
    subset: str
    selection: str
    imported: bool


def two(value: float | None) -> str:
    """Return a score with two decimals, or a dash for a mean of nothing."""
    return NONE if value is None or isnan(value) else f"{value:.2f}"


def ends(low: float, high: float) -> str:
    """Return `4.66 – 5.65`, one number where both are the same, or a dash where they are unknown."""
    return " – ".join(dict.fromkeys((two(low), two(high))))


def signed(value: float, digits: int = 2) -> str:
    """Return a difference with its sign, or a dash for that of nothing."""
    return NONE if isnan(value) else f"{value:+z.{digits}f}"


def interval(found: Interval | None) -> str:
    """Return `4.66 to 5.65`, or a dash where it is unknown."""
    return f"{found.low:.2f} to {found.high:.2f}" if found is not None and found.known else NONE


def bracketed(value: float | None, found: Interval | None) -> str:
    """Return `5.16 [4.66, 5.65]`, without brackets where the interval is unknown."""
    return f"{two(value)} [{found.low:.2f}, {found.high:.2f}]" if found is not None and found.known else two(value)


def places(standing: Standing | None) -> str:
    """Return the ranks that a row may have, `2–5`, or a dash where nobody knows."""
    if standing is None:
        return NONE
    low, high = standing.rank_low, standing.rank_high
    return str(low) if low == high else f"{low}–{high}"


def percent(share: float) -> str:
    """Return a share in per cent, rounded down so that 100 % always means all."""
    return f"{int(share * 1000 + 1e-9) / 10:g} %"


def seconds(value: float | None) -> str:
    """Return a duration with three digits or so."""
    if value is None or isnan(value):
        return NONE
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def money(spent: Spent) -> str:
    """Return what judging has cost; a dash where nobody could be paid, `?` where nobody knows."""
    if not spent.worth_telling:
        return NONE
    return "?" if spent.known_usd is None else usd(spent.usd) + (" + ?" if spent.unknown else "")


def dollars(amount: float | None) -> str:
    """Return an amount of US dollars, or a dash."""
    return NONE if amount is None else usd(amount)


def counts(values: Mapping[str, int]) -> str:
    """Return counts as `refused 3 · timeout 1`."""
    return " · ".join(f"{name} {count}" for name, count in values.items())


def samples(count: int) -> str:
    """Return `1 sample`, `1,212 samples`."""
    return f"{count:,} sample{'' if count == 1 else 's'}"


def task_words(task: str) -> str:
    """Return a category's name as words."""
    return task.replace("_", " ").replace("-", " ")


def subset_words(language: str, subset: str) -> str:
    """Return `English, full set`."""
    return f"{LANGUAGE_WORDS.get(language, language)}, {SUBSET_WORDS.get(subset, subset)}"


def fallback_words(judge_id: str, aspects: int) -> str:
    """Return `with fallback gpt-4o@api for 3 aspects`."""
    return f"with fallback {judge_id} for {aspects:,} aspect{'' if aspects == 1 else 's'}"


def noise_words(noise: Noise) -> str:
    """Return how far judge and sampling move the headline, as standard errors."""
    found = noise.headline
    if not noise.known:
        empty = [task for task, part in noise.categories.items() if not part.n]
        why = f"nothing is scored in {', '.join(empty)}" if noise.repeats > 1 and empty else "no score was given twice"
        return f"unknown: {why if noise.repeats > 1 else 'each aspect was asked once'}"
    judge = (
        f"± {found.judge_once:.3f} on the headline of one repeat, ± {found.judge:.3f} on the mean O "
        f"of {noise.repeats} repeats, {found.mean:.3f}"
    )
    if isnan(found.total):
        return f"{judge}; that of sampling is unknown, as a category has one sample"
    return f"{judge}; sampling ± {found.sampling:.3f}, both ± {found.total:.3f}"


def aligned(groups: str, letters: str) -> str:
    """Return a row's tie groups, each letter of the table in its own place where they are no more than eight."""
    return "".join(one if one in groups else "\u2007" for one in letters) if len(letters) <= 8 else groups


def resolution(ranking: Ranking) -> str:
    """Return one sentence on which difference of O the samples resolve, and which pairs of models they tell apart."""
    apart, pairs = sum(pair.told_apart for pair in ranking.pairs), len(ranking.pairs)
    found = f"{apart} of {pairs} pairs are" if pairs > 1 else "the two are" if apart else "the two are not"
    if two(ranking.smallest_difference) == two(0):
        return f"{found[0].upper()}{found[1:]} told apart."
    return (
        f"The smallest difference that these samples typically resolve is {ranking.smallest_difference:.2f} in O, "
        f"for all pairs of models at once at 95 %: {found} told apart."
    )


def three(value: float) -> str:
    """Return a standard error with three decimals, or a dash where it is unknown."""
    return NONE if isnan(value) else f"{value:.3f}"


def returned_words(returned: str) -> str:
    """Return what the judge's server said it was."""
    return f"its server answered as {returned}" if returned else "its server named no model"


def protocol_words(protocol: str) -> str:
    """Return what a protocol means; its bare name where this version doesn't know it."""
    if protocol == "imported":
        return "another tool asked in its own way, which its files don't record."
    known = PROTOCOLS.get(protocol)
    return known.words if known else f"Protocol {protocol}, unknown to this version."


def scoring_words(scoring_id: str) -> str:
    """Return what a scoring does; a bare remark where this version doesn't know it."""
    known = {scoring.id: scoring.words for scoring in SCORINGS.values()}
    return known.get(scoring_id.partition("+")[0], "a scoring unknown to this version.")


def way(judge: JudgementManifest) -> tuple[str, str]:
    """Return who judged, and how it was asked, in words."""
    return judge.judge_id if judge.vlm else f"No VLM: {judge.judge_id}", protocol_words(judge.protocol)


def caption(key: TableKey, selected: int, protocol: str, *, vlm: bool) -> str:
    """Return a table's caption: what was judged, by whom, how it was asked, how it was scored."""
    return (
        f"{subset_words(key.language, key.subset)}: {samples(selected)} selected (selection {key.selection}). "
        f"{_judged(key, vlm)} Asked as {key.request_id}: {protocol_words(protocol)} {_scored(key)}"
    )


def short_caption(key: TableKey, selected: int, *, vlm: bool) -> str:
    """Return the same for a place where language and subset stand beside it, and what the protocol means is told."""
    return (
        f"{samples(selected)} selected (selection {key.selection}). "
        f"{_judged(key, vlm)} Asked as {key.request_id}. {_scored(key)}"
    )


def _judged(key: TableKey, vlm: bool) -> str:
    return f"Judged by {key.judge_id}; {returned_words(key.returned)}." if vlm else f"No VLM: {key.judge_id}."


def _scored(key: TableKey) -> str:
    scoring = "." if key.scoring_id == OFFICIAL.id else f": {scoring_words(key.scoring_id)}"
    return f"Scored as {key.scoring_id}{scoring}{' Imported scores, of unknown status.' if key.imported else ''}"


def short_name(key: TableKey, others: Sequence[TableKey], judge: str) -> str:
    """Return the judge, and as much as tells a table from others, itself among them.

    Args:
        key: the table's.
        others: those of all tables of its language and subset.
        judge: the judge's name without its endpoint.
    """
    named = [other for other in others if other.judge_id.rpartition("@")[0] == judge]
    same = [other for other in named if other.judge_id == key.judge_id]
    parts = [key.judge_id if len({other.judge_id for other in named}) > 1 else judge]
    if len({other.returned for other in same}) > 1:
        parts.append(f"as {key.returned or 'nobody'}")
    if len({other.request_id for other in same}) > 1:
        parts.append(key.request_id)
    scoring, _, fallback = key.scoring_id.partition("+fallback:")
    if scoring != OFFICIAL.id and not key.imported:
        parts.append(f"scored as {scoring}")
    if fallback:
        parts.append(f"with fallback {fallback.partition(' (')[0].rpartition('_')[0]}")
    if len({other.selection for other in same}) > 1:
        parts.append(f"selection {key.selection}")
    if key.imported:
        parts.append("imported")
    return ", ".join(parts)


def differences(number: int, first: TableKey, other: TableKey) -> str:
    """Return one sentence on why `other` stands apart from `first`, table `number`, of its language and subset."""
    found = []
    if other.judge_id != first.judge_id:
        found.append(f"another judge ({other.judge_id} instead of {first.judge_id})")
    elif other.returned != first.returned:
        found.append(f"another returned model ({other.returned or 'none'} instead of {first.returned or 'none'})")
    if other.request_id != first.request_id:
        found.append(f"another way of asking ({other.request_id} instead of {first.request_id})")
    if other.scoring_id != first.scoring_id:
        found.append(f"another scoring ({other.scoring_id} instead of {first.scoring_id})")
    if other.selection != first.selection:
        found.append(f"other samples (selection {other.selection} instead of {first.selection})")
    if other.imported != first.imported:
        found.append("imported scores" if other.imported else "scores read here")
    return f"Stands apart from table {number}: {'; '.join(found)}. Rows of the two can't be ranked together."
