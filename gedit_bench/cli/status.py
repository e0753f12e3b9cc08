"""`gedit-bench status`: what is done, missing and bad in a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from gedit_bench.cli.options import AsJson, Runs

if TYPE_CHECKING:
    from gedit_bench.state import RunState


def status(
    runs: Runs = None,
    as_json: AsJson = False,
) -> None:
    """Show how far runs and their judgements are.

    Examples:
      gedit-bench status
      gedit-bench status results/identity
      gedit-bench status --json
    """
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.state import run_state
    from gedit_bench.store.run import find_runs

    states = [run_state(run) for run in find_runs(runs or [Path("results")])]
    if as_json:
        tell_json([state.to_json() for state in states])
    else:
        tell("\n\n".join(_words(state) for state in states))


def _words(state: "RunState") -> str:
    lines = [f"{state.name}  {state.path}"]
    if state.edits or state.to_edit:
        lines.append(f"  edits: {_counts(state.edits) or 'none'} of {state.selected} selected; {state.to_edit} to do")
    else:
        lines.append(f"  edits: none here; the scores of {state.selected} samples are imported")
    if state.flags:
        lines.append(f"  flags: {_counts(state.flags)}")
    for judgement in state.judgements:
        lines.append(f"  {judgement.judge_id} {judgement.request_id}: {judgement.replies} replies")
        for summary in judgement.summaries:
            if summary.subset == "full":
                part = summary.coverage
                left = _counts(part.statuses) or "nothing"
                lines.append(f"    {summary.language}: {part.scored} of {part.selected} scored; left out: {left}")
    return "\n".join(lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
