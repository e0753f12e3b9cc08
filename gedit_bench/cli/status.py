"""`gedit-bench status`: what is done, missing and bad in a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from gedit_bench.cli.options import AsJson, Runs, option

if TYPE_CHECKING:
    from gedit_bench.state import JudgementState, RunState


def status(
    runs: Runs = None,
    scoring: Annotated[
        str, option("--scoring", metavar="NAME", help="How replies become numbers. See `ls scorings`.")
    ] = "official",
    as_json: AsJson = False,
) -> None:
    """Show how far runs and their judgements are.

    Examples:
      gedit-bench status
      gedit-bench status results/identity
      gedit-bench status --scoring evalscope --json
    """
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.results import find_scoring
    from gedit_bench.state import run_state
    from gedit_bench.store.run import find_runs

    way = find_scoring(scoring)
    states = [run_state(run, way) for run in find_runs(runs or [Path("results")])]
    if as_json:
        tell_json([state.to_json() for state in states])
    else:
        tell("\n\n".join(_words(state) for state in states))


def _words(state: "RunState") -> str:
    from gedit_bench.prices import usd
    from gedit_bench.report.words import noise_words

    lines = [f"{state.name}  {state.path}"]
    if state.edits or state.to_edit:
        lines.append(f"  edits: {_counts(state.edits) or 'none'} of {state.selected} selected; {state.to_edit} to do")
    else:
        lines.append(f"  edits: none here; the scores of {state.selected} samples are imported")
    if state.editing_usd is not None:
        lines.append(f"  edits cost: {usd(state.editing_usd)}")
    if state.flags:
        lines.append(f"  flags: {_counts(state.flags)}")
    for judgement in state.judgements:
        repeats = f" in {judgement.repeats} repeats" if judgement.repeats > 1 else ""
        reused = f", {judgement.reused} of them reused" if judgement.reused else ""
        replayed = f", replayed from {judgement.replayed_from}" if judgement.replayed_from else ""
        counted = f"{judgement.replies} replies{repeats}{reused}{replayed}{_scored_as(judgement)}"
        lines.append(f"  {judgement.judge_id} {judgement.request_id}: {counted}")
        if judgement.spent.worth_telling:
            lines.append(f"    cost: {judgement.spent.words()}")
        for summary in judgement.summaries:
            if summary.subset == "full":
                part = summary.coverage
                left = _counts(part.statuses) or "nothing"
                lines.append(f"    {summary.language}: {part.scored} of {part.selected} scored; left out: {left}")
                if summary.language in judgement.noise:
                    lines.append(f"      noise of the judge: {noise_words(judgement.noise[summary.language])}")
        lines += [f"    {told}" for told in (judgement.alias, judgement.changed, *judgement.fallbacks) if told]
    return "\n".join(lines)


def _scored_as(judgement: "JudgementState") -> str:
    from gedit_bench.scoring.scorings import OFFICIAL

    return "" if judgement.scoring_id == OFFICIAL.id else f", scored as {judgement.scoring_id}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
