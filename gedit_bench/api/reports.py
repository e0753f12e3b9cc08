"""Collects what runs were judged to be, and renders it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from gedit_bench.dataset import Benchmark
from gedit_bench.errors import DataError, UsageError
from gedit_bench.fallback import score_all
from gedit_bench.records import Sample
from gedit_bench.results import Scored, find_scoring
from gedit_bench.settling import benchmark_of
from gedit_bench.store.run import Run, find_runs

if TYPE_CHECKING:
    from gedit_bench.report.cards import SourceImages


def scored_runs(paths: Iterable[Path], scorings: Sequence[str] = ("official",)) -> list[Scored]:
    """Return all judgements of the runs in some folders by each scoring, newest code applied to the stored replies."""
    ways = [find_scoring(name) for name in dict.fromkeys(scorings)]
    judged = [(run, judgement) for run in find_runs(paths) for judgement in run.judgements()]
    return [one for way in ways for run, judgement in judged for one in score_all(run, judgement, way)]


def sources_of_runs() -> "SourceImages":
    """Return a function that opens a run's source images; each benchmark is opened once."""
    opened: dict[tuple[str, str], Benchmark] = {}

    def image(made: Run, sample: Sample) -> Image:
        place = made.data_location(), made.manifest.dataset_revision
        if place not in opened:
            opened[place] = benchmark_of(made)
        return opened[place].source(sample, "input")

    return image


def build_report(
    paths: Iterable[Path],
    out: Path | None = None,
    *,
    allow_partial: bool = False,
    scorings: Sequence[str] = ("official",),
    with_published: bool | Path = False,
    single_file: bool = False,
    embed_budget: float | None = None,
    title: str = "",
) -> Path:
    """Render the leaderboard of the runs in some folders; return its page.

    Args:
        paths: runs, or folders that hold runs.
        out: where the page lands; `leaderboard` in the first of `paths` if None.
        allow_partial: give partial runs a headline.
        scorings: how replies become numbers; rows of different scorings never share a table.
        with_published: show numbers of others below the tables that they fit: the bundled ones, or those of a file in
            the form of `data/published_results.json`.
        single_file: put thumbnails into the page, of a selection of samples that fits.
        embed_budget: megabytes that they may take there; 20 if None.
        title: the page's title; one of its own if empty.

    Raises:
        UsageError: there is a budget for a single file, and none is asked for.
        DataError: nothing has been judged yet, or the published numbers can't be read.
    """
    from gedit_bench.report.build import TITLE
    from gedit_bench.report.build import build_report as render_report
    from gedit_bench.report.embedding import BUDGET
    from gedit_bench.report.published import read_published

    if embed_budget is not None and not single_file:
        raise UsageError("--embed-budget needs --single-file.", "Without it thumbnails lie beside the page.")
    folders = list(paths)
    scored = scored_runs(folders, scorings)
    if not scored:
        places = ", ".join(str(folder) for folder in folders)
        raise DataError(f"No run in {places} has been judged yet.", "Judge one with `gedit-bench judge RUN`.")
    published = None
    if with_published:
        published = read_published(with_published if isinstance(with_published, Path) else None)
    out = out or folders[0] / "leaderboard"
    return render_report(
        scored,
        out,
        allow_partial=allow_partial,
        sources=sources_of_runs(),
        title=title.strip() or TITLE,
        published=published,
        single_file=single_file,
        embed_budget=BUDGET if embed_budget is None else embed_budget,
    )
