"""How a verb ends: the numbers, what they leave out, the exit code, and the command that goes on."""

import os
import sys
from collections import Counter
from collections.abc import Sequence

import typer

from gedit_bench.cli.console import say, table, tell
from gedit_bench.cli.verb import continue_with
from gedit_bench.engine.editing import Only, Shard, in_shard, to_edit
from gedit_bench.records import EditStatus
from gedit_bench.results import Scored
from gedit_bench.scoring.coverage import ENOUGH
from gedit_bench.scoring.summary import Summary
from gedit_bench.store.run import Run

INCOMPLETE = 3


def end_edit(run: Run, shard: Shard | None) -> None:
    """Print what was edited; exit 3 if samples are missing or too many failed."""
    samples = [sample for sample in run.samples() if in_shard(sample, shard)]
    edits = run.edits()
    ok = {sample.id for sample in samples if sample.id in edits and edits[sample.id].status is EditStatus.OK}
    tell(f"{len(ok)} of {len(samples)} samples are edited: {run.path}")
    if to_edit(run, samples):
        say("Some samples were never brought to an end.")
        continue_with(_this_command("missing"))
        raise typer.Exit(INCOMPLETE)
    groups = Counter((sample.id.task_type, sample.id.language) for sample in samples)
    done = Counter((sample.task_type, sample.language) for sample in ok)
    if failing := [
        f"{task} ({language})" for (task, language), n in groups.items() if done[task, language] < ENOUGH * n
    ]:
        say(f"More than {1 - ENOUGH:.0%} of the edits failed in {', '.join(failing)}.")
        continue_with(_this_command("failed"))
        raise typer.Exit(INCOMPLETE)


def end_judge(scored: Sequence[Scored]) -> None:
    """Print the numbers; exit 3 if anything is partial or below 95 % coverage."""
    for one in scored:
        print_scored(one)
    if any(summary.why_unranked or summary.coverage.partial for one in scored for summary in one.summaries()):
        partial = any(summary.coverage.partial for one in scored for summary in one.summaries())
        continue_with(_this_command("missing" if partial else "failed"))
        raise typer.Exit(INCOMPLETE)


def print_scored(scored: Scored) -> None:
    """Print a judgement's numbers, and what they leave out."""
    manifest = scored.judgement.manifest
    kind = "" if manifest.vlm else " (no VLM: pixels were measured)"
    tell(f"\n{scored.run.manifest.name} · {scored.run.path.name} · judged by {manifest.judge_id}{kind}")
    tell(f"asked as {manifest.request_id}, scored as {scored.scoring_id}")
    summaries = scored.summaries()
    header = ("language", "subset", "SC", "PQ", "O", "scored", "selected")
    tell(table(header, [_row(summary) for summary in summaries]))
    for summary in summaries:
        if summary.subset == "full":
            for reason in filter(None, (summary.why_none, summary.why_unranked)):
                say(f"{summary.language}: {reason}.")
            if summary.coverage.statuses:
                words = ", ".join(f"{count} {status}" for status, count in summary.coverage.statuses.items())
                say(f"{summary.language}: left out: {words}.")
    if len(scored.models) > 1:
        say(f"The judge changed in mid-run: it called itself {', '.join(scored.models)}.")


def _row(summary: Summary) -> tuple[object, ...]:
    means = summary.headline
    numbers = (f"{means.sc:.3f}", f"{means.pq:.3f}", f"{means.overall:.3f}") if means else ("–", "–", "–")
    return (summary.language, summary.subset, *numbers, summary.coverage.scored, summary.coverage.selected)


def _this_command(only: Only) -> list[str]:
    """Return the words of this command with another `--only`, which is left out where it is the default."""
    words: list[str] = []
    for word in sys.argv[1:]:
        if words and words[-1] == "--only":
            words.pop()
        elif not word.startswith("--only="):
            words.append(word)
    default = "GEDIT_BENCH_ONLY" not in os.environ
    return words if only == "missing" and default else [*words, "--only", only]
