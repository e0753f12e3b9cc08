"""What a suite is, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gedit_bench.editing.base import EditModel
from gedit_bench.errors import BudgetError, GeditBenchError, Interrupted, QuotaError, UsageError
from gedit_bench.results import Scored
from gedit_bench.settling import Editing, Judging, Selection
from gedit_bench.store.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteModel:
    """One model of a suite, as on the command line or a backend, and how it edits."""

    model: str | EditModel
    editing: Editing = field(default_factory=Editing)

    @property
    def label(self) -> str:
        """What it is called in sentences: the name that the user gave, else what names the model."""
        return self.editing.name or (self.model if isinstance(self.model, str) else self.model.label())


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """The page at the end: see `build_report`. `out` None stands for `leaderboard` in the suite's folder."""

    out: Path | None = None
    allow_partial: bool = False
    scorings: Sequence[str] = ("official",)
    with_published: bool | Path = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Models that edit the same samples, and judges of which each judges all of them.

    Without judges the suite ends with the edits. `out` is the folder of all runs, `max_cost` what one go at it
    may spend in US dollars, edits and judges together.
    """

    models: Sequence[SuiteModel]
    judgings: Sequence[Judging] = ()
    selection: Selection = field(default_factory=Selection)
    report: SuiteReport = field(default_factory=SuiteReport)
    out: Path = Path("results")
    max_cost: float | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """Something of a suite that could not be done: whose work it was, and why not."""

    who: str
    error: GeditBenchError

    @property
    def words(self) -> str:
        """The reason, and what to do about it."""
        return f"{self.who}: {self.error} {self.error.hint}".rstrip()


@dataclass(frozen=True, slots=True)
class ModelResult:
    """The run of one model and its judgements, each with all that the run holds by now."""

    run: Run
    scored: tuple[Scored, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """What became of a suite.

    `models` are those whose edits were brought to an end, in the suite's order. `lacking` says what could not be
    done; `stopped` why the rest was not begun. `page` is the report, None where nothing was judged or somebody
    asked to stop.
    """

    models: tuple[ModelResult, ...]
    lacking: tuple[Lack, ...] = ()
    stopped: BudgetError | Interrupted | None = None
    page: Path | None = None

    @property
    def unpaid(self) -> bool:
        """True if somebody has to pay before the suite can be brought to an end."""
        return any(isinstance(lack.error, QuotaError) for lack in self.lacking)


def check_distinct(runs: Sequence[tuple[str, Path]]) -> None:
    """Make sure that each of some models has a run of its own.

    Args:
        runs: what each is called, and the folder of its run.

    Raises:
        UsageError: two of them are the same.
    """
    first: dict[Path, str] = {}
    for label, folder in runs:
        if folder in first:
            both = label if first[folder] == label else f"{first[folder]} as {label}"
            raise UsageError(f"The same model is named twice with the same settings: {both}.", "Name it once.")
        first[folder] = label
