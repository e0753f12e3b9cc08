"""What a suite would take: a plan for each model and judge, and their sum."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.dataset import HUB_ID, load_benchmark
from gedit_bench.errors import UnavailableError
from gedit_bench.judging.tokens import Tokens
from gedit_bench.planning import Plan, make_plan
from gedit_bench.prices import usd
from gedit_bench.records import Json
from gedit_bench.suites.suite import Suite, check_distinct


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """What is to be done: for each model its name and one plan a judge, and what can't be done here.

    The plans of one model share its edits, so its first stands for those. `missing` holds each reason once.
    """

    models: tuple[tuple[str, tuple[Plan, ...]], ...]
    missing: tuple[str, ...]

    @property
    def plans(self) -> list[Plan]:
        """All plans, model by model."""
        return [plan for _, plans in self.models for plan in plans]

    @property
    def firsts(self) -> list[Plan]:
        """One plan of each model: what stands in it about edits counts once."""
        return [plans[0] for _, plans in self.models]

    @property
    def tokens(self) -> Tokens:
        """What judging takes, as far as that can be told."""
        return sum((plan.tokens for plan in self.plans if plan.tokens is not None), Tokens())

    @property
    def usd(self) -> tuple[float, float]:
        """About what judging costs in US dollars, from and to, as far as that can be told."""
        known = [plan.usd for plan in self.plans if plan.usd is not None]
        return sum(low for low, _ in known), sum(high for _, high in known)

    @property
    def edit_usd(self) -> tuple[float, float]:
        """About what the edits cost in US dollars, from and to, as far as that can be told."""
        known = [plan.edit_usd for plan in self.firsts if plan.edit_usd is not None]
        return sum(low for low, _ in known), sum(high for _, high in known)

    @property
    def unknown_edits(self) -> int:
        """How many of the models make edits of which nobody knows what they cost."""
        return sum(plan.edit_usd is None for plan in self.firsts)

    @property
    def unknown(self) -> int:
        """How many of the plans ask questions of which nobody knows what they cost."""
        return sum(plan.questions > 0 and plan.usd is None and not _free(plan) for plan in self.plans)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield names and words of the sum."""
        totals = self._totals()
        yield "models", str(len(self.models))
        yield "to edit", f"{totals['to_edit']} (at most about {sum(p.disk_bytes for p in self.firsts) / 1e6:.0f} MB)"
        if money := _words(self.edit_usd, self.unknown_edits, f"{len(self.models)} models"):
            yield "cost of edits", money
        if download := sum(plan.download_bytes for plan in self.firsts):
            yield "to download", f"{download / 1e9:.1f} GB of weights"
        yield "questions", f"{totals['questions']} to ask; each that can't be read is asked once more"
        if totals["reusable"]:
            yield "reused", f"{totals['reusable']} answers of other runs about the same images"
        if any(plan.tokens is not None for plan in self.plans):
            yield "tokens", f"about {self.tokens.words()}"
        if money := _words(self.usd, self.unknown, f"{len(self.plans)} judgements"):
            yield "cost", money
        for reason in self.missing:
            yield "missing", reason

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "models": [{"model": name, "plans": [plan.to_json() for plan in plans]} for name, plans in self.models],
            "total": self._totals(),
            "missing": list(self.missing),
        }

    def _totals(self) -> dict[str, Json]:
        return {
            "to_edit": sum(plan.to_edit for plan in self.firsts),
            "disk_bytes": sum(plan.disk_bytes for plan in self.firsts),
            "download_bytes": sum(plan.download_bytes for plan in self.firsts),
            "questions": sum(plan.questions for plan in self.plans),
            "reusable": sum(plan.reusable for plan in self.plans),
            "tokens": {"prompt": list(self.tokens.prompt), "completion": list(self.tokens.completion)},
            "edit_usd": list(self.edit_usd),
            "models_of_unknown_cost": self.unknown_edits,
            "usd": list(self.usd),
            "plans_of_unknown_cost": self.unknown,
        }


def plan_suite(suite: Suite) -> SuitePlan:
    """Return what a suite that names a judge would do. Writes and downloads nothing.

    Raises:
        GeditBenchError: something in the suite is wrong wherever it runs, or the dataset isn't there.
    """
    benchmark = load_benchmark(suite.selection.data or HUB_ID, fetch=False)
    planned, missing, runs = [], [], []
    for one in suite.models:
        try:
            plans = tuple(
                make_plan(one.model, suite.selection, one.editing, judging, benchmark) for judging in suite.judgings
            )
        except UnavailableError as error:
            missing.append(f"{one.label}: {error} {error.hint}".rstrip())
            continue
        runs.append((one.label, Path(plans[0].run)))
        planned.append((one.label, plans))
        missing += [reason for plan in plans for reason in plan.missing]
    check_distinct(runs)
    return SuitePlan(tuple(planned), tuple(dict.fromkeys(missing)))


def _free(plan: Plan) -> bool:
    return plan.price is not None and plan.price.free


def _words(cost: tuple[float, float], unknown: int, of: str) -> str:
    low, high = cost
    known = f"about {usd(low)} to {usd(high)}" if high else ""
    return ", ".join(filter(None, (known, f"unknown for {unknown} of {of}" if unknown else "")))
