"""The board: rows that may be ranked together stand in one table, all others apart."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from gedit_bench.accounting import Spent, total
from gedit_bench.records import LANGUAGES, SUBSETS, EditStatus, Verdict
from gedit_bench.report import words
from gedit_bench.report.words import TableKey
from gedit_bench.results import Scored
from gedit_bench.scoring.bootstrap import RowUncertainty, resample, sources_of, uncertainty
from gedit_bench.scoring.language_gap import LanguageGap
from gedit_bench.scoring.noise import HeadlineErrors, Noise, headline_errors
from gedit_bench.scoring.official import chosen
from gedit_bench.scoring.ranking import Ranking, Standing
from gedit_bench.scoring.ranking import rank as ranking_of
from gedit_bench.scoring.scorings import OFFICIAL
from gedit_bench.scoring.summary import Summary
from gedit_bench.store.manifest import JudgementManifest, RunManifest, short_hash
from gedit_bench.trust import Trust, trust

_WAYS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One judgement of one run. `id` names it in links, the same in each build; `label` names the run."""

    index: int
    id: str
    label: str
    scored: Scored

    @property
    def manifest(self) -> RunManifest:
        """What decides the pixels."""
        return self.scored.run.manifest

    @property
    def judge(self) -> JudgementManifest:
        """Who judged, and how it was asked."""
        return self.scored.judgement.manifest

    @property
    def trust(self) -> Trust:
        """How much of it was made here."""
        return trust(self.manifest, self.judge)

    @property
    def judge_changed(self) -> bool:
        """True if the judge's server, or that of its fallback, returned several model strings."""
        fallback = self.scored.fallback
        return len(self.scored.models) > 1 or (fallback is not None and len(fallback.models) > 1)


@dataclass(frozen=True, slots=True)
class Row:
    """An entry's numbers in one table. `rank` is None where `reason` says why.

    `judging` is what the replies about its `judged` samples have cost, `editing_usd` what its edits have, as
    far as their backend stated it. `gap` is how its means in Chinese and English differ, None where no source was
    scored in both.
    """

    entry: Entry
    summary: Summary
    noise: Noise
    reason: str
    flags: dict[str, int]
    seconds: float | None
    judging: Spent
    judged: int
    editing_usd: float | None
    gap: LanguageGap | None = None
    rank: int | None = None
    uncertainty: RowUncertainty | None = None
    standing: Standing | None = None

    @property
    def errors(self) -> HeadlineErrors:
        """How far the judge's noise, sampling, and both move the headline; NaN where unknown."""
        return headline_errors(self.noise, self.uncertainty.standard_error if self.uncertainty else nan)

    @property
    def judging_usd(self) -> float | None:
        """US dollars for a sample's judging, over the samples that were judged; None where nobody knows."""
        return None if self.judging.known_usd is None or not self.judged else self.judging.usd / self.judged

    @property
    def overall(self) -> float:
        """The headline, or -1 where there is none: for sorting."""
        return self.summary.headline.overall if self.summary.headline else -1.0

    @property
    def with_fallback(self) -> str:
        """Which other judge decided how much, in words; empty where none was asked."""
        scored = self.entry.scored
        if scored.fallback is None:
            return ""
        count = scored.decided_by_fallback(self.summary.language, self.summary.subset)
        return words.fallback_words(scored.fallback.judgement.manifest.judge_id, count)

    @property
    def partial(self) -> str:
        """How much of the selection was never brought to an end, in words; empty for a finished row."""
        part = self.summary.coverage
        return f"partial: {part.partial} of {part.selected} not brought to an end" if part.partial else ""


@dataclass(frozen=True, slots=True)
class BoardTable:
    """Rows that may be ranked together.

    `differs` says why they stand apart from the first table of the same language and subset. `ranking` speaks of the
    rows by their index; None where fewer than two take part.
    """

    number: int
    key: TableKey
    rows: tuple[Row, ...]
    differs: str
    ranking: Ranking | None = None

    @property
    def id(self) -> str:
        """Its name in links: `t` and a short hash, the same in each build."""
        return f"t{short_hash(list(self.key))}"

    @property
    def title(self) -> str:
        """Language and subset in words."""
        return words.subset_words(self.key.language, self.key.subset)

    @property
    def judge(self) -> JudgementManifest:
        """Who judged; the same for all rows."""
        return self.rows[0].entry.judge

    @property
    def vlm(self) -> bool:
        """False for the offline judge."""
        return self.judge.vlm

    @property
    def repeated(self) -> bool:
        """True if a row's judge was asked more than once, so that its noise can be shown."""
        return any(row.noise.repeats > 1 for row in self.rows)

    @property
    def selected(self) -> int:
        """How many samples were selected; the same ones for all rows."""
        return self.rows[0].summary.coverage.selected

    @property
    def ranked(self) -> tuple[Row, ...]:
        """The rows that have a rank, the best first."""
        return tuple(row for row in self.rows if row.rank is not None)

    @property
    def unranked(self) -> tuple[Row, ...]:
        """The rows that have none, each with its reason."""
        return tuple(row for row in self.rows if row.rank is None)

    @property
    def drawn(self) -> tuple[float, ...]:
        """The headlines and the ends of their intervals, as far as they are known."""
        means = [row.uncertainty.headline.overall for row in self.rows if row.uncertainty]
        return tuple(value for one in means for value in (one.estimate, one.low, one.high) if not isnan(value))

    @property
    def letters(self) -> str:
        """The letters of all tie groups, in their order."""
        return "".join(dict.fromkeys("".join(row.standing.groups for row in self.rows if row.standing)))

    @property
    def caption(self) -> str:
        """Judge, returned model, protocol, scoring, language, subset and selection in words."""
        return words.caption(self.key, self.selected, self.judge.protocol, vlm=self.vlm)

    @property
    def short_caption(self) -> str:
        """The same without language and subset, and without what the protocol means."""
        return words.short_caption(self.key, self.selected, vlm=self.vlm)

    @property
    def way(self) -> tuple[str, str]:
        """Who judged, and how it was asked, in words."""
        return words.way(self.judge)


@dataclass(frozen=True, slots=True)
class Board:
    """All that is shown: the judgements given, and their tables."""

    entries: tuple[Entry, ...]
    tables: tuple[BoardTable, ...]

    @property
    def samples(self) -> int:
        """How many different samples were selected."""
        return len({verdict.sample.id for entry in self.entries for verdict in entry.scored.verdicts})

    @property
    def samples_by_language(self) -> dict[str, int]:
        """How many different samples of each language were selected."""
        found = {verdict.sample.id for entry in self.entries for verdict in entry.scored.verdicts}
        counted = Counter(sample.language for sample in found)
        return {language: counted[language] for language in LANGUAGES if counted[language]}

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """Each judge and how it was asked, in words, in the order of the tables."""
        return tuple(dict.fromkeys(table.way for table in self.tables))

    @property
    def ways_told(self) -> tuple[tuple[str, str], ...]:
        """As many of them as a page's head has room for."""
        return self.ways[:_WAYS]

    @property
    def datasets(self) -> tuple[tuple[str, str], ...]:
        """Name and revision of each dataset that was edited."""
        found = ((entry.manifest.dataset, entry.manifest.dataset_revision) for entry in self.entries)
        return tuple(dict.fromkeys(found))

    def told_apart(self, table: BoardTable) -> str:
        """Return what tells a table from the others of its language and subset; empty where there are none."""
        keys = [one.key for one in self.tables]
        alike = [key for key in keys if (key.language, key.subset) == (table.key.language, table.key.subset)]
        return words.short_name(table.key, alike, table.judge.judge) if len(alike) > 1 else ""

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len({entry.scored.run.path for entry in self.entries})


def make_board(scored: Sequence[Scored], *, allow_partial: bool = False) -> Board:
    """Sort judgements into tables.

    Args:
        scored: the judgements, each once.
        allow_partial: give headlines to rows of which samples were never brought to an end.
    """
    entries = _entries(scored)
    groups: dict[TableKey, list[Row]] = defaultdict(list)
    for entry in entries:
        summaries = entry.scored.summaries(allow_partial=allow_partial)
        gaps = {subset: entry.scored.language_gap(subset) for subset in {summary.subset for summary in summaries}}
        for summary in summaries:
            rows = chosen(entry.scored.verdicts, summary.language, summary.subset)
            row = _row(entry, summary, rows, gaps[summary.subset])
            groups[_key(entry.scored, summary, rows)].append(row)
    keys = sorted(groups, key=lambda key: _order(key, groups[key]))
    tables = [_table(number, key, _ranked(groups[key]), _apart(keys, key)) for number, key in enumerate(keys, start=1)]
    return Board(entries, tuple(tables))


def _table(number: int, key: TableKey, rows: Sequence[Row], differs: str) -> BoardTable:
    """Draw once for all rows of a table, so that their differences share the draws."""
    verdicts = [chosen(row.entry.scored.counted, row.summary.language, row.summary.subset) for row in rows]
    drawn = resample(verdicts, sources_of(verdicts), average=rows[0].summary.scoring.average)
    ranking = ranking_of(drawn, [row.rank is not None for row in rows])
    placed = [
        replace(row, uncertainty=known if row.summary.headline else known.without_headline, standing=standing)
        for row, known, standing in zip(rows, uncertainty(drawn), ranking.standings, strict=True)
    ]
    return BoardTable(number, key, tuple(placed), differs, ranking if ranking.pairs else None)


def _entries(scored: Sequence[Scored]) -> tuple[Entry, ...]:
    names = _labels([one.run.manifest for one in scored])
    seen: Counter[str] = Counter()
    entries = []
    for index, (one, name) in enumerate(zip(scored, names, strict=True)):
        judge = one.judgement.manifest
        name = f"{name} (replayed)" if judge.replayed_from else f"{name} (from a bundle)" if judge.bundle else name
        way = [judge.judge_id, judge.request_id, *filter(None, [judge.replayed_from, judge.bundle])]
        official = one.scoring == OFFICIAL
        plain = official and not one.fallback
        identity = f"{one.run.manifest.fingerprint}-{short_hash(way if plain else [*way, one.scoring_id])}"
        seen[identity] += 1
        again = f"-{seen[identity]}" if seen[identity] > 1 else ""
        label = name if official else f"{name} (scored as {one.scoring.name})"
        entries.append(Entry(index, identity + again, label, one))
    return tuple(entries)


def _labels(manifests: Sequence[RunManifest]) -> list[str]:
    """Each run's name, with as much of recipe and fingerprint as tells it from the others."""

    def forms(manifest: RunManifest) -> tuple[str, ...]:
        return (
            manifest.name,
            f"{manifest.name}@{manifest.recipe}",
            f"{manifest.name}@{manifest.recipe} {manifest.fingerprint}",
        )

    identities: dict[str, set[str]] = defaultdict(set)
    for manifest in manifests:
        for form in forms(manifest):
            identities[form].add(manifest.name + manifest.fingerprint)
    return [
        next((form for form in forms(manifest) if len(identities[form]) == 1), forms(manifest)[-1])
        for manifest in manifests
    ]


def _key(scored: Scored, summary: Summary, rows: Iterable[Verdict]) -> TableKey:
    imported = any(row.imported for row in rows)
    judge_id, returned, request_id, scoring_id, *_, selection = scored.comparability(summary.language, summary.subset)
    return TableKey(judge_id, returned, request_id, scoring_id, summary.language, summary.subset, selection, imported)


def _row(entry: Entry, summary: Summary, rows: Sequence[Verdict], gap: LanguageGap | None) -> Row:
    several = max(len(entry.scored.models), len(entry.scored.fallback.models) if entry.scored.fallback else 0)
    changed = f"the judge answered as {several} models" if entry.judge_changed else ""
    imported = "imported: nobody knows which scores are guesses" if any(row.imported for row in rows) else ""
    reasons = [reason for reason in (summary.why_none, summary.why_unranked, changed, imported) if reason]
    edits = [row.edit for row in rows if row.edit]
    taken = [edit.seconds for edit in edits if edit.status is EditStatus.OK and edit.seconds is not None]
    flags = Counter(flag for edit in edits for flag in edit.flags)
    flags.update(flag for row in rows for reading in (row.sc, row.pq) if reading for flag in reading.flags)
    ordered = dict(sorted(flags.items(), key=lambda item: (-item[1], item[0])))
    noise = entry.scored.noise(summary.language, summary.subset)
    costs = [entry.scored.judging_costs[row.sample.id] for row in rows if row.sample.id in entry.scored.judging_costs]
    paid = [entry.scored.editing_usd[row.sample.id] for row in rows if row.sample.id in entry.scored.editing_usd]
    return Row(
        entry,
        summary,
        noise,
        "; ".join(reasons),
        ordered,
        float(np.mean(taken)) if taken else None,
        total(costs),
        len(costs),
        sum(paid) if paid else None,
        gap,
    )


def _apart(keys: Sequence[TableKey], key: TableKey) -> str:
    """Why a table stands apart from the first one of its language and subset; empty for that one."""
    number, first = next(
        (number, other)
        for number, other in enumerate(keys, start=1)
        if (other.language, other.subset) == (key.language, key.subset)
    )
    return "" if first == key else words.differences(number, first, key)


def _ranked(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Ranked rows first, by their headline; equal headlines share a rank."""
    scores = [row.overall for row in rows if not row.reason]
    placed = [
        row if row.reason else replace(row, rank=1 + sum(score > row.overall for score in scores)) for row in rows
    ]
    return tuple(sorted(placed, key=lambda row: (row.rank is None, -row.overall, row.entry.label, row.entry.id)))


def _order(key: TableKey, rows: Sequence[Row]) -> tuple[object, ...]:
    """VLM judges before the offline one, full before intersection, English before Chinese, official before other.

    Then the larger.
    """
    judge = rows[0].entry.judge
    return (
        not judge.vlm,
        SUBSETS.index(rows[0].summary.subset),
        LANGUAGES.index(rows[0].summary.language),
        not judge.protocol.startswith("official"),
        key.scoring_id != OFFICIAL.id,
        -rows[0].summary.coverage.selected,
        -len(rows),
        key,
    )
