"""Which published numbers may stand beside a table of measured rows, one row a model, and why none where none may."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gedit_bench.records import RELEASED, Language
from gedit_bench.report import words
from gedit_bench.report.board import BoardTable
from gedit_bench.report.published import REMARKS, Family, PublishedResult
from gedit_bench.scoring.official import chosen
from gedit_bench.scoring.scorings import OFFICIAL

PROTOCOLS = ("official", "official-qwen")
INTERSECTION: Mapping[Language, int] = {"en": 434, "cn": 422}
"""How many samples the benchmark's paper has in its intersection."""

FAMILY_WORDS: Mapping[Family, str] = {"gpt": "GPT-4.1 or GPT-4o", "qwen": "Qwen2.5-VL-72B"}
_DATE = r"-20\d\d-\d\d-\d\d"
_FAMILIES: Mapping[Family, re.Pattern[str]] = {
    "gpt": re.compile(rf"(azure:)?(.*/)?gpt-4(\.1|o)({_DATE})?"),
    "qwen": re.compile(r"(qwen2\.5-vl:)?(.*/)?qwen2\.?5-vl-72b(-instruct)?(-awq|-fp8|-gptq-int[48])?(@\w+)?"),
}
_NONE = "No published numbers stand beside this table:"
_UNSTATED = "with no judge named"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """What is published of one model, by its sources from the lowest O to the highest; at least one."""

    model: str
    results: tuple[PublishedResult, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The O of each source, the lowest first."""
        return tuple(result.overall for result in self.results)

    @property
    def remarks(self) -> list[str]:
        """What is to be said of its numbers, and of how many where it isn't all of them."""
        told = Counter(remark for result in self.results for remark in result.remarks)
        total = len(self.results)
        return [
            remark if told[remark] == total else f"{told[remark]} of {total}: {remark}"
            for remark in REMARKS.values()
            if remark in told
        ]

    @property
    def spread(self) -> bool:
        """True if its sources differ in O by what can be seen."""
        return words.two(self.values[0]) != words.two(self.values[-1])

    def range_of(self, aspect: str) -> str:
        """Return `sc`, `pq` or `overall` as `6.44`, or as `6.44 – 6.70` where its sources differ."""
        given = [value for result in self.results if (value := getattr(result, aspect)) is not None]
        ends = (words.two(min(given)), words.two(max(given))) if given else (words.NONE,)
        return " – ".join(dict.fromkeys(ends))


@dataclass(frozen=True, slots=True)
class Beside:
    """The published rows of a table, by name. Without any, `why` says why in one sentence.

    `judges` names who judged them. `left_out` counts numbers of the same language and subset that are not shown, by
    reason.
    """

    rows: tuple[PublishedRow, ...]
    why: str = ""
    judges: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def sources(self) -> int:
        """How many published numbers the rows rest on."""
        return sum(len(row.results) for row in self.rows)

    @property
    def left_out_words(self) -> str:
        """Return `4 made by another formula, 62 with no judge named`; empty where nothing is left out."""
        return ", ".join(f"{count} {reason}" for reason, count in sorted(self.left_out.items()))


def beside(table: BoardTable, published: Sequence[PublishedResult]) -> Beside:
    """Return what is published under the conditions of a table."""
    family = family_of(table)
    why = _why_none(table, family)
    if why or family is None:
        return Beside((), f"{_NONE} {why}.")
    alike = [one for one in published if (one.language, one.subset) == (table.key.language, table.key.subset)]
    shown: dict[str, list[PublishedResult]] = {}
    left_out: Counter[str] = Counter()
    for one in alike:
        if one.family == "unstated":
            left_out[_UNSTATED] += 1
        elif one.family == family and one.left_out:
            left_out[one.left_out] += 1
        elif one.family == family:
            shown.setdefault(one.model, []).append(one)
    if not shown:
        return Beside((), f"{_NONE} none are known for its judge, language and set.", left_out=left_out)
    rows = (
        PublishedRow(model, tuple(sorted(results, key=lambda one: (one.overall, one.source.date))))
        for model, results in sorted(shown.items(), key=lambda item: (item[0].casefold(), item[0]))
    )
    return Beside(tuple(rows), judges=FAMILY_WORDS[family], left_out=left_out)


def family_of(table: BoardTable) -> Family | None:
    """Return which family a table's judge is of, by what its server called itself, else by its name; None if neither.

    Smaller siblings such as `gpt-4o-mini` are other judges.
    """
    names = table.rows[0].entry.scored.models or (table.judge.judge,)
    found = {next((family for family, name in _FAMILIES.items() if name.fullmatch(one.lower())), None) for one in names}
    return found.pop() if len(found) == 1 else None


def _why_none(table: BoardTable, family: Family | None) -> str:
    """Why a table's rows can't be set beside anything published; empty if they can."""
    if not table.vlm:
        return "no VLM judged it"
    if table.key.imported or table.key.scoring_id != OFFICIAL.id:
        return f"its scoring is {table.key.scoring_id}, and theirs the official one"
    if table.judge.protocol not in PROTOCOLS:
        return f"it was asked in another way than the official ones ({table.judge.protocol})"
    if family is None:
        judge = table.key.returned or table.judge.judge
        return f"theirs are judged by {' or '.join(FAMILY_WORDS.values())}, and it by {judge}"
    if not _whole(table):
        whole = "the intersection" if table.key.subset == "intersection" else f"all {sum(RELEASED.values())}"
        return f"theirs are over {whole} of a language’s samples, and it over a selection of {table.selected}"
    return ""


def _whole(table: BoardTable) -> bool:
    """True if the selection is all of the released benchmark's subset.

    The intersection is what the dataset marks, so it is whole where all samples were selected; where nothing else
    was, only its size can tell.
    """
    language, subset = table.rows[0].summary.language, table.key.subset
    judged = (chosen(row.entry.scored.verdicts, language, "full") for row in table.rows)
    everything = any(Counter(one.sample.id.task_type for one in verdicts) == Counter(RELEASED) for verdicts in judged)
    return everything or (subset == "intersection" and table.selected == INTERSECTION[language])
