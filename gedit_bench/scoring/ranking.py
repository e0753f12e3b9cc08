"""Which models the samples tell apart: simultaneous intervals of all differences, and what follows from them.

All paired differences of the headline's O come from one joint bootstrap. With d the difference, s the standard
deviation of its draws d*, and c the 95 % quantile over the draws of the largest |d* - d|/s of any pair, d ± c·s
holds for all pairs at once in 95 of 100 benchmarks like this one (max-T; Westfall and Young, 1993). Rank intervals
and tie groups are read off the pairs and hold as jointly as these.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import nan
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

from gedit_bench.scoring.bootstrap import LEVEL, Resampled, quantile_interval

_NOTHING = 1e-9
"""A difference of scores that is rounding and nothing else."""


@dataclass(frozen=True, slots=True)
class PairDifference:
    """O of row `first` minus O of row `second`, both by their index: above 0 where the first is better.

    `low` and `high` hold for all pairs together, the `pointwise` ones for this pair if nobody had looked at others.
    """

    first: int
    second: int
    difference: float
    low: float
    high: float
    pointwise_low: float
    pointwise_high: float

    @property
    def told_apart(self) -> bool:
        """True if the simultaneous interval leaves 0 out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The ranks that a row may have, and its tie groups: rows that share a letter are not told apart."""

    rank_low: int
    rank_high: int
    groups: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """What the samples say about the order of a table's rows.

    `pairs` holds each two rows that take part, once, by index; `standings` one for each row, None for the others.
    `smallest_difference` is half the width of the pairs' simultaneous intervals, at the median: what two models
    must differ by to be told apart; NaN without pairs. `tie_groups` are rows by index, best first, in the order of
    the letters.
    """

    pairs: tuple[PairDifference, ...]
    standings: tuple[Standing | None, ...]
    smallest_difference: float
    tie_groups: tuple[tuple[int, ...], ...]


def rank(resampled: Resampled, eligible: Sequence[bool]) -> Ranking:
    """Return how far the samples order the rows.

    Args:
        resampled: all rows' means over draws that they share.
        eligible: which rows have a rank. Of these, rows whose headline has no interval don't take part.
    """
    draws = resampled.headlines
    rows = [row for row, ranked in enumerate(eligible) if ranked and not np.isnan(draws[row]).all()]
    own = draws[rows]
    pairs = _pairs(rows, resampled.estimates[rows, -1, -1], own[:, ~np.isnan(own).any(axis=0)])
    scores = {row: float(resampled.estimates[row, -1, -1]) for row in rows}
    order = sorted(rows, key=lambda row: (-scores[row], row))
    groups = grouped(order, [(pair.first, pair.second) for pair in pairs if pair.told_apart])
    standings: list[Standing | None] = [None] * len(eligible)
    for row in rows:
        better = sum(pair.told_apart and _loser(pair) == row for pair in pairs)
        worse = sum(pair.told_apart and _winner(pair) == row for pair in pairs)
        letters = "".join(_letter(number) for number, group in enumerate(groups) if row in group)
        standings[row] = Standing(1 + better, len(rows) - worse, letters)
    widths = [(pair.high - pair.low) / 2 for pair in pairs]
    return Ranking(pairs, tuple(standings), float(np.median(widths)) if widths else nan, groups)


def grouped(order: Sequence[int], apart: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """Return groups of rows such that two rows share one exactly if they are not told apart.

    «Not told apart» needn't be transitive, so a row may stand in several groups. Each is as large as can be, and
    none can be left out.

    Args:
        order: the rows, best first; groups and the rows in them follow it.
        apart: the pairs that are told apart.
    """
    different = {frozenset(pair) for pair in apart}
    tied = [[frozenset((one, other)) not in different for other in order] for one in order]
    open_pairs = {(one, other) for one, other in combinations(range(len(order)), 2) if tied[one][other]}
    groups: list[tuple[int, ...]] = []
    while open_pairs:
        best = min(one for one, _ in open_pairs)
        group = [best, max(other for one, other in open_pairs if one == best)]
        for place in range(len(order)):
            if place not in group and all(tied[place][member] for member in group):
                group.append(place)
        groups.append(tuple(sorted(group)))
        open_pairs -= set(combinations(sorted(group), 2))
    groups += [(place,) for place in range(len(order)) if not any(place in group for group in groups)]
    return tuple(tuple(order[place] for place in group) for group in sorted(_needed(groups)))


def _needed(groups: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Drop groups whose pairs all stand together in others."""
    kept = list(groups)
    for group in groups:
        others = {pair for other in kept if other != group for pair in combinations(other, 2)}
        if len(group) > 1 and others.issuperset(combinations(group, 2)):
            kept.remove(group)
    return kept


def _pairs(
    rows: Sequence[int], estimates: NDArray[np.float64], draws: NDArray[np.float64]
) -> tuple[PairDifference, ...]:
    first, second = np.triu_indices(len(rows), 1)
    if not first.size or draws.shape[1] < 2:
        return ()
    differences = estimates[first] - estimates[second]
    moved = draws[first]
    moved -= draws[second]
    errors = moved.std(axis=1, ddof=1)
    steady = errors < _NOTHING
    errors[steady] = 0.0
    differences[steady & (np.abs(differences) < _NOTHING)] = 0.0
    reach = critical_value((moved - differences[:, None])[~steady], errors[~steady]) * errors
    low, high = quantile_interval(moved)
    low[steady] = high[steady] = differences[steady]
    return tuple(
        PairDifference(rows[one], rows[other], *(float(value) for value in values))
        for one, other, *values in zip(
            first, second, differences, differences - reach, differences + reach, low, high, strict=True
        )
    )


def critical_value(deviations: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """Return the 95 % quantile of the largest deviation of any pair, in standard errors; 0 without pairs.

    Args:
        deviations: array (pairs, draws) of what a difference's draws lie off it.
        errors: array (pairs,) of their standard errors, above 0.
    """
    if not deviations.size:
        return 0.0
    largest = np.max(np.abs(deviations) / errors[:, None], axis=0)
    return float(np.quantile(largest, LEVEL))


def _winner(pair: PairDifference) -> int:
    return pair.first if pair.difference > 0 else pair.second


def _loser(pair: PairDifference) -> int:
    return pair.second if pair.difference > 0 else pair.first


def _letter(number: int) -> str:
    """One character for each, however many there are: a to z, A to Z, then letters with marks."""
    return ascii_letters[number] if number < len(ascii_letters) else chr(0x100 + number - len(ascii_letters))
