"""`gedit-bench compare`: two runs, or two ways of judging one, against each other, sample by sample."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, Scorings, option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gedit_bench.comparison import Comparison
    from gedit_bench.records import Json
    from gedit_bench.scoring.agreement import Agreement


FORMATS = ("table", "md", "json")


def compare(
    first: Annotated[Path, typer.Argument(help="A run, or the folder of one of its judgements.")],
    second: Annotated[
        Path | None, typer.Argument(help="Another. Default: the same, under another --protocol or --scoring.")
    ] = None,
    protocol: Annotated[
        list[str] | None, option("--protocol", help="Judged under this protocol; given twice, one for each side.")
    ] = None,
    scoring: Scorings = None,
    top: Annotated[int, option("--top", min=0, help="How many gained and lost samples to list.")] = 20,
    form: Annotated[str, option("--format", metavar="|".join(FORMATS), help="How it is written.")] = "table",
    as_json: AsJson = False,
) -> None:
    """Set two runs, or two ways of judging one, side by side over the samples that both have. Never a ranking.

    Two protocols or scorings of one run show how far the judging alone moves SC, PQ and O, by category.

    Examples:
      gedit-bench compare results/a/default-11111111 results/b/default-22222222
      gedit-bench compare results/a/v1-11111111 --protocol official --protocol lmms-eval
      gedit-bench compare results/a/v1-11111111 --scoring official --scoring zeros
      gedit-bench compare results/a/v1-11111111 results/a/v2-22222222 --json
    """
    from gedit_bench.cli.console import say, tell, tell_json
    from gedit_bench.comparison import compare as pair_up
    from gedit_bench.errors import UsageError
    from gedit_bench.nearest import did_you_mean

    if form not in FORMATS:
        raise UsageError(f"--format can't be {form!r}.", did_you_mean(form, FORMATS))
    found = pair_up(first, second, protocols=protocol or (), scorings=scoring or ())
    for difference in found.differences:
        say(f"Not the same {difference}.")
    if as_json or form == "json":
        tell_json(_json(found, top))
    else:
        tell(_text(found, top, markdown=form == "md"))


def _text(found: "Comparison", top: int, *, markdown: bool) -> str:
    from gedit_bench.cli.console import markdown_table, table
    from gedit_bench.cli.movement import headline_tables, paired_table
    from gedit_bench.records import LANGUAGES

    form = markdown_table if markdown else table
    names = found.names
    blocks = []
    for language in LANGUAGES:
        if found.rescored:
            blocks += [form(*one) for one in headline_tables(found, language)]
        if not found.means(language)["macro"].n:
            continue
        values = ("O", "SC", "PQ") if found.same_images else ("O",)
        if not found.same_replies:
            blocks += [form(*paired_table(found, language, value)) for value in values]
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

    from gedit_bench.cli.movement import headlines_json
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
                "aspects": {
                    value: {task: asdict(means) for task, means in found.means(language, value).items() if means.n}
                    for value in ("SC", "PQ")
                },
                "headlines": headlines_json(found, language),
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
