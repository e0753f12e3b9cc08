"""What somebody asks for: which samples, how they are edited, how the edits are judged."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gedit_bench.dataset import Benchmark
from gedit_bench.engine.editing import Only, Shard
from gedit_bench.engine.placement import Placement, place
from gedit_bench.judging.registry import JudgeSettings
from gedit_bench.records import LANGUAGES, Sample
from gedit_bench.selection import select
from gedit_bench.store.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which samples.

    `data` None stands for a run's own, or the benchmark on the hub where there is no run yet; `languages`
    None for those that the recipe names. `limit` is per category and language.
    """

    data: str | None = None
    tasks: Sequence[str] = ()
    languages: Sequence[str] | None = None
    subset: str = "full"
    limit: int | None = None
    ids: Sequence[str] | None = None

    def of(self, samples: Iterable[Sample], languages: Sequence[str] = LANGUAGES) -> list[Sample]:
        """Return those of some samples that are selected; `languages` are those of the recipe."""
        wanted = languages if self.languages is None else self.languages
        return select(samples, tasks=self.tasks, languages=wanted, subset=self.subset, ids=self.ids, limit=self.limit)

    def within(self, made: Run, benchmark: Benchmark) -> list[Sample]:
        """Return those of a run's samples that are selected; the limit counts the run's alone."""
        wanted = {sample.id for sample in replace(self, limit=None).of(benchmark.samples)}
        return select((sample for sample in made.samples() if sample.id in wanted), limit=self.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Editing:
    """How and where edits are made: settings as `key=value`, the seed, the name shown in tables.

    `device`, `ray_address` and `edit_timeout` are those of `engine.placement.place`. `prices` is a file of prices
    that come before the bundled ones.
    """

    options: Sequence[str] = ()
    options_origin: str = "command line"
    seed: int = 42
    name: str | None = None
    out: Path = Path("results")
    only: Only = "missing"
    shard: Shard | None = None
    device: str = ""
    ray_address: str | None = None
    edit_timeout: float | None = None
    prices: Path | None = None

    @property
    def placement(self) -> Placement:
        """Where edits are made."""
        return place(self.device, self.ray_address, self.edit_timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges and how it is asked. `protocol` None stands for the judge's own, else the official.

    `repeats` is how often each aspect is asked independently. `reuse` takes the answer to the very same
    request from another run of the same folder, if there is one.
    `fallback` is another judge, asked in the same way about the aspects that the first one failed on.
    `prices` is a file of prices that come before the bundled ones.
    """

    judge: JudgeSettings = field(default_factory=JudgeSettings)
    protocol: str | None = None
    rubric: Path | None = None
    only: Only = "missing"
    repeats: int = 1
    fallback: JudgeSettings | None = None
    prices: Path | None = None
    reuse: bool = True
