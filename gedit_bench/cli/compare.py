"""`gedit-bench compare`: two runs against each other, sample by sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gedit_bench.comparison import Comparison
    from gedit_bench.records import Json
    from gedit_bench.scoring.agreement import Agreement


FORMATS = ("table", "md", "json")


def compare(
    first: Annotated[Path, typer.Argument(help="A run, or the folder of one of its judgements.")],
    second: Annotated[Path, typer.Argument(help="Another.")],
    top: Annotated[int, option("--top", min=0, help="How many gained and lost samples to list.")] = 20,
    form: Annotated[str, option("--format", metavar="|".join(FORMATS), help="How it is written.")] = "table",
    as_json: AsJson = False,
) -> None:
    """Set two runs side by side over the samples that both have an O for. Never a ranking.

    Examples:
      gedit-bench compare results/a/default-11111111 results/b/default-22222222
      gedit-bench compare results/a/v1-11111111 results/a/v2-22222222 --top 5
      gedit-bench compare results/a/v1-11111111 results/a/v2-22222222 --json
    """
    from gedit_bench.cli.console import say, tell, tell_json
    from gedit_bench.comparison import compare as pair_up
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    if form not in FORMATS:
        raise UsageError(f"--format can't be {form!r}.", did_you_mean(form, FORMATS))
    found = pair_up(first, second)
    for difference in found.differences:
        say(f"Not the same {difference}.")
    if as_json or form == "json":
        tell_json(_json(found, top))
    else:
        tell(_text(found, top, markdown=form == "md"))


def _text(found: "Comparison", top: int, *, markdown: bool) -> str:
    from gedit_bench.cli.console import markdown_table, table
    from gedit_bench.records import LANGUAGES

    form = markdown_table if markdown else table
    names = (found.first.run.manifest.name, found.second.run.manifest.name)
    blocks = []
    for language in LANGUAGES:
        means = found.means(language)
        if not means["macro"].n:
            continue
        header = (f"O, {language}", "n", *names, "difference", "gained", "lost")
        rows = [
            (task, one.n, f"{one.first:.3f}", f"{one.second:.3f}", f"{one.difference:+.3f}", one.gained, one.lost)
            for task, one in means.items()
        ]
        blocks.append(form(header, rows))
        if agreed := found.agreement(language):
            blocks.append(form(_AGREED, [row for task, one in agreed.items() for row in _agreed(task, one)]))
        pairs = [pair for pair in found.pairs(language) if pair.difference]
        moved = sorted(pairs, key=lambda pair: -abs(pair.difference))[:top]
        if moved:
            listed = [
                (
                    str(pair.sample.id),
                    f"{pair.first:.2f}",
                    f"{pair.second:.2f}",
                    f"{pair.difference:+.2f}",
                    pair.sample.instruction,
                )
                for pair in moved
            ]
            blocks.append(form(("sample", *names, "difference", "instruction"), listed))
    return "\n\n".join(blocks) or "The two runs have no sample in common that both were scored on."


_AGREED = ("the same images", "of", "n", "Spearman", "Krippendorff's α", "mean difference")


def _agreed(task: str, measures: "Mapping[str, Agreement]") -> "Iterator[tuple[object, ...]]":
    """Yield a category's rows: O alone, over all categories the two aspects, too."""
    from gedit_bench.report.words import three

    for measure, one in measures.items():
        if measure == "O" or task == "all":
            yield (
                *(task, measure, one.n, three(one.spearman), three(one.alpha)),
                "–" if one.difference != one.difference else f"{one.difference:+.3f}",
            )


def _known(values: "Mapping[str, float]") -> "Json":
    return {name: None if value != value else value for name, value in values.items()}  # NaN


def _json(found: "Comparison", top: int) -> "Json":
    from dataclasses import asdict

    from gedit_bench.records import LANGUAGES

    return {
        "first": str(found.first.judgement.path),
        "second": str(found.second.judgement.path),
        "differences": list(found.differences),
        "languages": {
            language: {
                "agreement": {
                    task: {measure: _known(asdict(one)) for measure, one in measures.items()}
                    for task, measures in found.agreement(language).items()
                },
                "means": {task: asdict(means) for task, means in found.means(language).items() if means.n},
                "moved_most": [
                    {
                        "sample": str(pair.sample.id),
                        "first": pair.first,
                        "second": pair.second,
                        "difference": pair.difference,
                    }
                    for pair in sorted(found.pairs(language), key=lambda pair: -abs(pair.difference))[:top]
                ],
            }
            for language in LANGUAGES
        },
    }
