"""`gedit-bench explain`: where the difference between two judgements of the same images comes from."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson, checked, option

if TYPE_CHECKING:
    from gedit_bench.explaining import Explanation, Gap, Part
    from gedit_bench.records import Json

FORMATS = ("table", "md", "json")


def explain(
    ours: Annotated[Path, typer.Argument(metavar="OURS", help="A run, or the folder of one of its judgements.")],
    theirs: Annotated[
        Path, typer.Argument(metavar="THEIRS", help="Another judgement of the same images, imported or not.")
    ],
    lang: Annotated[
        str | None,
        option(
            "--lang", metavar="en|cn|all", help="Language of the instructions (zh is cn). Default: each that both have."
        ),
    ] = None,
    top: Annotated[
        int, option("--top", metavar="N", min=0, help="How many of the samples that move it most to list.")
    ] = 20,
    form: Annotated[str, option("--format", metavar="|".join(FORMATS), help="How it is written.")] = "table",
    as_json: AsJson = False,
) -> None:
    """Take the difference of two headlines apart.

    Prints rows that add up to it.

    From OURS to THEIRS: samples that only OURS has leave, by reason; on the samples that both have, scores are
    replaced category by category; samples that only THEIRS has join; the way of averaging changes. What was asked
    otherwise stands below, with what the other scores of the same samples come to.

    Examples:
      gedit-bench explain results/x/default-1a2b3c4d results/x/official-5e6f7a8b
      gedit-bench explain results/x/default-1a2b3c4d results/x/lmms-eval-5e6f7a8b --lang en --top 5
      gedit-bench explain results/x/default-1a2b3c4d results/x/evalscope-5e6f7a8b --format md
    """
    from gedit_bench.cli.console import say, tell, tell_json
    from gedit_bench.errors import UsageError
    from gedit_bench.explaining import explain as take_apart
    from gedit_bench.nearest import did_you_mean
    from gedit_bench.records import LANGUAGES

    known = (*LANGUAGES, "zh", "all")
    checked("--format", form, FORMATS)
    if lang is not None and lang not in known:
        raise UsageError(f"There is no language {lang!r}.", did_you_mean(lang, known))
    found = take_apart(ours, theirs)
    wanted = LANGUAGES if lang in (None, "all") else ("cn" if lang == "zh" else lang,)
    gaps = [gap for gap in found.gaps if gap.language in wanted]
    if as_json or form == "json":
        tell_json(_json(found, gaps, top))
        return
    tell("\n\n".join(_text(found, gap, top, markdown=form == "md") for gap in gaps) or "They share no language.")
    say("What else differs, and what to know:")
    for note in (*found.differences, *(note for gap in gaps for note in gap.notes)):
        say(note if note.endswith(".") else f"{note}.")


def _text(found: "Explanation", gap: "Gap", top: int, *, markdown: bool) -> str:
    from gedit_bench.cli.console import table
    from gedit_bench.report.markup import markdown_table

    form = markdown_table if markdown else table
    names = found.names
    total = {measure: gap.second[measure] - gap.first[measure] for measure in gap.first}
    rows = [(names[0], "", *(f"{value:.3f}" for value in gap.first.values()))]
    rows += [(_words(part, names), str(part.samples), *map(_signed, part.differences.values())) for part in gap.parts]
    rows.append(("all of it", "", *map(_signed, total.values())))
    rows.append((names[1], "", *(f"{value:.3f}" for value in gap.second.values())))
    blocks = [form((f"headline, {gap.language}", "samples", *gap.first), rows)]
    if found.asked:
        asked = [(one.field, one.first, one.second) for one in found.asked]
        together = ", ".join(f"{measure} {_signed(value)}" for measure, value in gap.rescored.items())
        asked.append(("all of these and chance, on the same samples", "", together))
        blocks.append(form(("asked otherwise", *names), asked))
    if gap.moved[:top]:
        moved = [
            (
                str(one.sample.id),
                f"{one.first.overall or 0:.2f}",
                f"{one.second.overall or 0:.2f}",
                _signed(one.share, 4),
                one.sample.instruction,
            )
            for one in gap.moved[:top]
        ]
        blocks.append(form(("moves the headline most", *names, "by", "instruction"), moved))
    return "\n\n".join(blocks)


def _words(part: "Part", names: tuple[str, str]) -> str:
    if part.kind == "averaging":
        return f"averaging: {part.what}"
    if part.kind == "category":
        return part.what
    if part.side == "both":
        return part.what
    here, there = names if part.side == "first" else reversed(names)
    return f"only {here} has a score; {there}: {part.what}"


def _signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}"


def _json(found: "Explanation", gaps: "list[Gap]", top: int) -> "Json":
    from dataclasses import asdict

    return {
        "first": str(found.first.judgement.path),
        "second": str(found.second.judgement.path),
        "differences": list(found.differences),
        "asked": [asdict(one) for one in found.asked],
        "languages": {
            gap.language: {
                "first": _numbers(gap.first),
                "second": _numbers(gap.second),
                "parts": [asdict(part) for part in gap.parts],
                "rescored": _numbers(gap.rescored),
                "moved_most": [
                    {
                        "sample": str(one.sample.id),
                        "first": one.first.overall,
                        "second": one.second.overall,
                        "share": one.share,
                    }
                    for one in gap.moved[:top]
                ],
                "notes": list(gap.notes),
            }
            for gap in gaps
        },
    }


def _numbers(values: dict[str, float]) -> "Json":
    from math import isnan

    return {measure: None if isnan(value) else value for measure, value in values.items()}
