"""What a run would do: samples, edits and questions that are still open, disk, and what is missing for it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gedit_bench import settling
from gedit_bench.dataset import HUB_ID, Benchmark, load_benchmark
from gedit_bench.editing.base import EditModel
from gedit_bench.editing.registry import ModelChoice
from gedit_bench.engine.editing import in_shard, to_edit
from gedit_bench.engine.questions import JudgeJob, Open, to_judge
from gedit_bench.engine.reuse import count_reusable
from gedit_bench.errors import UnavailableError
from gedit_bench.judging.replay import MissingReplyError
from gedit_bench.judging.tokens import Tokens, estimate
from gedit_bench.prices import Price, usd
from gedit_bench.records import Aspect, Json, Sample
from gedit_bench.store import layout
from gedit_bench.store.run import Judgement, Run

MEAN_EDIT_BYTES = 700_000
"""Mean size of a 1024² PNG, measured on photographs; smaller edits take less."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. `settings` maps each model setting to its value and where that came from.

    `languages` are those of the recipe where nobody chose any. `download_bytes` is what the model would
    download before the first edit, as far as that is known. `questions` will be asked; `reusable` more
    were answered in another run about the same images and will be taken over. `missing` says what
    stands in the way, such as weights, a key or the official rubric. `edit_usd` is about what the edits cost, from and
    to, None where nobody knows. `tokens` is what judging takes, None
    where that can't be told; `price` is the judge's, None where nobody knows it.
    """

    run: str
    dataset: str
    samples: dict[str, int]
    languages: tuple[str, ...]
    to_edit: int
    download_bytes: int
    questions: int
    reusable: int
    judge: str
    request_id: str
    missing: tuple[str, ...]
    settings: dict[str, tuple[Json, str]]
    fallback: str = ""
    tokens: Tokens | None = None
    price: Price | None = None
    edit_usd: tuple[float, float] | None = (0.0, 0.0)

    @property
    def disk_bytes(self) -> int:
        """About how much the edits will take, at most."""
        return self.to_edit * MEAN_EDIT_BYTES

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield names and words."""
        yield "run", self.run
        yield "dataset", self.dataset
        yield (
            "samples",
            f"{sum(self.samples.values())} ({', '.join(f'{n} {name}' for name, n in self.samples.items())})",
        )
        yield "to edit", f"{self.to_edit} (at most about {self.disk_bytes / 1e6:.0f} MB of images)"
        if self.edit_usd is None:
            yield "cost of edits", "unknown: nobody says what an edit costs; --prices FILE does"
        elif self.edit_usd[1]:
            yield "cost of edits", f"about {usd(self.edit_usd[0])} to {usd(self.edit_usd[1])}"
        if self.download_bytes:
            yield "to download", f"{self.download_bytes / 1e9:.1f} GB of weights"
        yield "judge", f"{self.judge}, asked as {self.request_id or '–'}"
        if self.fallback:
            yield "fallback judge", f"{self.fallback}, asked about what the judge fails on"
        yield "questions", f"{self.questions} to ask; each that can't be read is asked once more"
        if self.reusable:
            yield "reused", f"{self.reusable} answers of other runs about the same images"
        if self.tokens is not None:
            yield "tokens", f"about {self.tokens.words()}"
            yield "cost", self._cost_words()
        for reason in self.missing:
            yield "missing", reason

    @property
    def usd(self) -> tuple[float, float] | None:
        """About what judging costs in US dollars, from and to; None where that can't be told."""
        return None if self.tokens is None or self.price is None else self.tokens.cost(self.price)

    def _cost_words(self) -> str:
        if self.usd is None or self.price is None:
            return "unknown: nobody says what the judge costs; --prices FILE does"
        low, high = self.usd
        return f"about {usd(low)} to {usd(high)}, at {self.price.words()}"

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "run": self.run,
            "dataset": self.dataset,
            "samples": dict(self.samples),
            "to_edit": self.to_edit,
            "disk_bytes": self.disk_bytes,
            "edit_usd": None if self.edit_usd is None else list(self.edit_usd),
            "download_bytes": self.download_bytes,
            "judge": self.judge,
            "request_id": self.request_id,
            "fallback": self.fallback or None,
            "questions": self.questions,
            "reusable": self.reusable,
            "tokens": None
            if self.tokens is None
            else {"prompt": list(self.tokens.prompt), "completion": list(self.tokens.completion)},
            "usd": None if self.usd is None else list(self.usd),
            "price": None if self.price is None else self.price.to_json(),
            "missing": list(self.missing),
            "settings": {name: {"value": value, "from": origin} for name, (value, origin) in self.settings.items()},
        }


def make_plan(
    model: str | EditModel,
    selection: settling.Selection,
    editing: settling.Editing,
    judging: settling.Judging,
    benchmark: Benchmark | None = None,
) -> Plan:
    """Return what `run` would do with the same arguments. Writes nothing, and downloads no weights.

    `benchmark` is the selection's, if it is open already.

    Raises:
        GeditBenchError: an argument is wrong or the dataset isn't there.
    """
    choice = settling.settle_model(model, editing)
    benchmark = benchmark or load_benchmark(selection.data or HUB_ID, fetch=False)
    samples = selection.of(benchmark.samples, choice.recipe.languages)
    manifest = settling.run_manifest(choice, benchmark, editing)
    folder = layout.run_folder(editing.out, manifest.name, manifest.recipe, manifest.fingerprint)
    run = Run(folder, manifest)
    mine = [sample for sample in samples if in_shard(sample, editing.shard)]
    open_edits = to_edit(run, mine, editing.only)
    missing = _missing_for(choice, editing) if open_edits else []
    try:
        asked = _asked(judging, run, benchmark, samples, open_edits)
    except (UnavailableError, MissingReplyError) as error:
        missing.append(f"{error} {error.hint}")
        fallback = judging.fallback.name if judging.fallback else ""
        asked = _Asked(judging.judge.name, "", 2 * judging.repeats * len(samples), fallback=fallback)
    return Plan(
        run=str(folder),
        dataset=f"{benchmark.name} at {benchmark.revision}",
        samples=dict(Counter(sample.id.language for sample in samples)),
        languages=tuple(selection.languages or choice.recipe.languages),
        to_edit=len(open_edits),
        download_bytes=choice.model.to_download() if open_edits else 0,
        questions=asked.questions,
        reusable=asked.reusable,
        judge=asked.judge,
        request_id=asked.request_id,
        missing=tuple(missing),
        settings={
            name: (value, choice.origins[name]) for name, value in {**choice.settings, **choice.handling}.items()
        },
        fallback=asked.fallback,
        tokens=asked.tokens,
        price=asked.price,
        edit_usd=_cost_of_edits(choice.model.costs(), len(open_edits)),
    )


def _cost_of_edits(each: tuple[float, float] | None, edits: int) -> tuple[float, float] | None:
    return (0.0, 0.0) if not edits else None if each is None else (each[0] * edits, each[1] * edits)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who will be asked, how, how often, and what that takes."""

    judge: str
    request_id: str
    questions: int
    reusable: int = 0
    fallback: str = ""
    tokens: Tokens | None = None
    price: Price | None = None


def _asked(
    judging: settling.Judging, run: Run, benchmark: Benchmark, samples: list[Sample], open_edits: list[Sample]
) -> _Asked:
    there = {sample.id for sample in samples} - {sample.id for sample in open_edits}
    if (stored := settling.replaying(judging)) is not None:
        wanted = {sample.id for sample in samples}
        stored.replies(edit for sample, edit in run.edits().items() if sample in wanted)
        return _Asked(stored.manifest().label, stored.manifest().request_id, 0)
    asking = settling.prepare_asking(judging, fetch=False)
    other = settling.prepare_fallback(judging, asking)
    described = asking.manifest()
    path = layout.judgement_folder(run.path, described.judge_id, described.request_id)
    job = JudgeJob(
        *(run, Judgement(path, described), asking.judge, asking.protocol, asking.rubric, benchmark, samples),
        repeats=judging.repeats,
        reuse=judging.reuse,
    )
    pending = [one for one in to_judge(job) if one.sample.id in there]
    reusable = count_reusable(job, pending)
    free = asking.price is not None and asking.price.free
    return _Asked(
        described.judge_id,
        described.request_id,
        2 * judging.repeats * len(open_edits) + sum(len(one.attempts) for one in pending) - reusable,
        reusable,
        fallback=other.manifest().judge_id if other else "",
        tokens=None if free else _estimate(asking, open_edits, pending, judging.repeats),
        price=asking.price,
    )


def _estimate(asking: settling.Asking, open_edits: list[Sample], pending: list[Open], repeats: int) -> Tokens:
    """What judging takes, of edits that are still to be made and of those that are there."""
    counted = asking.price.image_tokens if asking.price else None
    expected = Tokens()
    for sample, aspects, edit in (
        *((sample, tuple(Aspect) * repeats, None) for sample in open_edits),
        *((one.sample, tuple(part.aspect for part in one.attempts), one.edit) for one in pending),
    ):
        made = (edit.width, edit.height) if edit and edit.width and edit.height else None
        source = None if edit and "aspect_changed" in edit.flags else made
        for aspect in aspects:
            images = (source, made) if aspect is Aspect.SC else (made,)
            expected += estimate(asking.rubric.prompt(aspect, sample.instruction), images, counted)
    return expected


def _missing_for(choice: ModelChoice, editing: settling.Editing) -> list[str]:
    try:
        settling.check_model(choice, editing)
    except UnavailableError as error:
        return [f"{error} {error.hint}"]
    return []
