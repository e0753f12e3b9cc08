"""The nouns of the benchmark: samples, edits, replies, readings, verdicts, and their statuses.

Frozen data without input or output. Every edit and every reply ends in exactly one status; a score
exists only where a reply is `ok` (and, for imported rows, `unknown`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from typing import Literal, NamedTuple

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

Language = Literal["en", "cn"]
LANGUAGES: tuple[Language, ...] = ("en", "cn")

Subset = Literal["full", "intersection"]
SUBSETS: tuple[Subset, ...] = ("full", "intersection")

TASKS = (
    "background_change",
    "color_alter",
    "material_alter",
    "motion_change",
    "ps_human",
    "style_change",
    "subject-add",
    "subject-remove",
    "subject-replace",
    "text_change",
    "tone_transfer",
)
"""The 11 categories in the order of the official tables."""

RELEASED = dict(zip(TASKS, (40, 40, 40, 40, 70, 60, 60, 57, 60, 99, 40), strict=True))
"""Samples of each category in each language of the released benchmark."""


class SampleId(NamedTuple):
    """What identifies a sample. A key alone doesn't: two keys stand in two categories."""

    task_type: str
    language: str
    key: str

    def __str__(self) -> str:
        return f"{self.task_type}/{self.language}/{self.key}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One benchmark row without its pixels.

    `instruction` is the user's text to the last blank; `intersection` is the dataset's
    `Intersection_exist`; `row` is the index in the dataset's split.
    """

    id: SampleId
    instruction: str
    intersection: bool
    row: int


class EditStatus(StrEnum):
    """How the attempt to edit a sample ended."""

    OK = "ok"
    REFUSED = "refused"
    FILTERED = "filtered"
    NO_IMAGE = "no_image"
    EDIT_FAILED = "edit_failed"
    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    OVER_BUDGET = "over_budget"
    MISSING_IMAGE = "missing_image"


class ReplyStatus(StrEnum):
    """What a judge's reply is worth."""

    OK = "ok"
    REFUSED = "refused"
    FILTERED = "filtered"
    EMPTY = "empty"
    UNPARSABLE = "unparsable"
    OUT_OF_RANGE = "out_of_range"
    REJECTED = "rejected"
    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    OVER_BUDGET = "over_budget"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """What came back from the judge before anybody read it: an answer, or why there is none."""

    ANSWERED = "answered"
    FILTERED = "filtered"
    REJECTED = "rejected"
    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    OVER_BUDGET = "over_budget"


class Aspect(StrEnum):
    """What the judge is asked about: semantic consistency or perceptual quality."""

    SC = "SC"
    PQ = "PQ"


SourceKind = Literal["input", "raw"]
"""Which image of a sample: `input_image` (about 512² area) or `input_image_raw`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a backend made for a sample.

    `file` is relative to the run folder, `sha256` is that of its bytes, `width` and `height` are in
    pixels, `seconds` is wall time. `source_id` is the SHA-256 of `input_image`'s bytes, whichever
    source was edited. Flags: `no_op`, `aspect_changed`.
    """

    sample: SampleId
    status: EditStatus
    seed: int
    message: str = ""
    file: str | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    cost_usd: float | None = None
    source: SourceKind = "input"
    source_id: str | None = None
    flags: tuple[str, ...] = ()
    extra: Mapping[str, Json] = field(default_factory=dict)
    writer: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One raw answer for (sample, aspect, repeat, attempt), as it came.

    `edit_sha256` names the image that was judged: a reply about another image doesn't count.
    `request_sha256` is over prompt and images as sent, `seed` the one that was sent, if any. `tries`
    counts HTTP requests, `seconds` the wall time of them all. `server` is the host and port that
    answered, where a judge has several. Tokens are those of all tries whose usage the server told;
    `cached_tokens` are some of the prompt's. `lost_tries` counts tries that may have been paid for
    although nobody told their usage; None where that wasn't noted.

    A reply that was reused is a copy: `reused_from` names the judgement where it was asked for, below
    the folder of runs, and `asked_at` when. It cost nothing here, whatever tokens it holds.
    """

    sample: SampleId
    aspect: Aspect
    repeat: int
    attempt: int
    delivery: Delivery
    edit_sha256: str
    request_sha256: str = ""
    content: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    message: str = ""
    model: str | None = None
    fingerprint: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    tries: int = 1
    server: str | None = None
    lost_tries: int | None = None
    seconds: float | None = None
    writer: str = ""
    time: str = ""
    seed: int | None = None
    reused_from: str | None = None
    asked_at: str | None = None

    @property
    def reused(self) -> bool:
        """True if nobody was asked for it here."""
        return self.reused_from is not None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a scoring makes of a reply. `score` is in 0..10 and set only where `status` is `ok`.

    Of a row that another tool scored nothing but its numbers is known: `unknown`, with a score or without.

    `how` is `json`, `list`, `number` or `repaired`; flags (`count`, `float`, `list`, `repaired`,
    `apology`, `truncated`) describe and never remove a score. `reasoning` is the judge's, where it
    gave one in the asked form.
    """

    status: ReplyStatus
    score: float | None = None
    how: str = ""
    flags: tuple[str, ...] = ()
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that is known of one selected sample in one judgement.

    `edit` is None where no edit was brought to an end, `sc` and `pq` where no reply was.
    """

    sample: Sample
    edit: Edit | None
    sc: Reading | None = None
    pq: Reading | None = None
    sc_reply: Reply | None = None
    pq_reply: Reply | None = None

    @property
    def overall(self) -> float | None:
        """O = √(SC·PQ), only where both aspects are `ok`."""
        if self.sc is None or self.pq is None or self.sc.score is None or self.pq.score is None:
            return None
        return sqrt(self.sc.score * self.pq.score)

    @property
    def imported(self) -> bool:
        """True where another tool scored the sample: its numbers are here, and nothing of how they came about."""
        return any(r is not None and r.status is ReplyStatus.UNKNOWN for r in (self.sc, self.pq))

    @property
    def partial(self) -> bool:
        """True where the sample was never brought to an end (as opposed to having failed)."""
        if self.imported:
            return False
        if self.edit is None or self.edit.status is EditStatus.OVER_BUDGET:
            return True
        if self.edit.status is not EditStatus.OK:
            return False
        return any(r is None or r.status is ReplyStatus.OVER_BUDGET for r in (self.sc, self.pq))
