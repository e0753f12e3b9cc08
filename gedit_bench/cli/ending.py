"""How a verb ends: the numbers, what they leave out, the exit code, and the command that goes on."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import typer

from gedit_bench.cli.console import say, table, tell
from gedit_bench.cli.verb import continue_with
from gedit_bench.engine.editing import Only, Shard, in_shard, to_edit
from gedit_bench.judging.answering import alias_words
from gedit_bench.prices import usd
from gedit_bench.records import LANGUAGES, EditStatus, Verdict
from gedit_bench.report.words import fallback_words, noise_words
from gedit_bench.results import Fallback, Scored
from gedit_bench.scoring.coverage import ENOUGH
from gedit_bench.scoring.summary import Summary
from gedit_bench.store.manifest import JudgementManifest
from gedit_bench.store.run import Run

INCOMPLETE = 3


def end_edit(run: Run, shard: Shard | None, only: Only) -> None:
    """Print what was edited; exit 3 if samples are missing or too many failed."""
    if open_ := tell_edited(run, shard, only):
        continue_with(with_only(open_, sys.argv[1:]))
        raise typer.Exit(INCOMPLETE)


def tell_edited(run: Run, shard: Shard | None, only: Only) -> Only | None:
    """Print what was edited; return what is still to be done: what is `missing`, what `failed`, or nothing."""
    samples = [sample for sample in run.samples() if in_shard(sample, shard)]
    edits = run.edits()
    ok = {sample.id for sample in samples if sample.id in edits and edits[sample.id].status is EditStatus.OK}
    tell(f"{len(ok)} of {len(samples)} samples are edited: {run.path}")
    if paid := run.paid_for_edits():
        tell(f"editing cost {usd(sum(paid.values()))}")
    missing = to_edit(run, samples)
    if missing and (only == "failed" or any(sample.id in edits for sample in missing)):
        say("Some samples were never brought to an end.")
        return "missing"
    if missing:
        say(f"Still to be edited, though not selected this time: {len(missing)}.")
    groups = Counter((sample.id.task_type, sample.id.language) for sample in samples if sample not in missing)
    done = Counter((sample.task_type, sample.language) for sample in ok)
    if failing := [
        f"{task} ({language})" for (task, language), n in groups.items() if done[task, language] < ENOUGH * n
    ]:
        say(f"More than {1 - ENOUGH:.0%} of the edits failed in {', '.join(failing)}.")
        return "failed"
    return None


def end_judge(scored: Sequence[Scored]) -> None:
    """Print the numbers; exit 3 if anything is partial or below 95 % coverage."""
    for one in scored:
        print_scored(one)
    summaries = [summary for one in scored for summary in one.summaries() if summary.subset == "full"]
    unedited = [one.run for one in scored if any(verdict.edit is None for verdict in one.verdicts)]
    if unedited:
        say("Some samples are still to be edited.")
        continue_with(with_only("missing", _without(_editing_command(unedited[0]), "--shard")))
    elif any(summary.coverage.partial for summary in summaries):
        continue_with(with_only("missing", sys.argv[1:]))
    elif any(summary.why_unranked for summary in summaries):
        failed = [one.run for one in scored if any(_edit_failed(verdict) for verdict in one.verdicts)]
        continue_with(with_only("failed", _editing_command(failed[0]) if failed else sys.argv[1:]))
    else:
        return
    raise typer.Exit(INCOMPLETE)


def _edit_failed(verdict: Verdict) -> bool:
    return verdict.edit is not None and verdict.edit.status is not EditStatus.OK


def print_scored(scored: Scored) -> None:
    """Print a judgement's numbers, and what they leave out; with a fallback judge, first those without it."""
    if scored.fallback:
        print_scored(scored.fallback.without)
    manifest = scored.judgement.manifest
    kind = "" if manifest.vlm else " (no VLM: pixels were measured)"
    tell(f"\n{scored.run.manifest.name} · {scored.run.path.name} · judged by {manifest.label}{kind}")
    if not manifest.made_here:
        tell(f"nobody was asked: {_origin(manifest)}")
    tell(f"asked as {manifest.request_id}, scored as {scored.scoring_id}")
    if scored.fallback:
        count = sum(scored.decided_by_fallback(language, "full") for language in LANGUAGES)
        tell(fallback_words(scored.fallback.judgement.manifest.judge_id, count))
    summaries = scored.summaries()
    header = ("language", "subset", "SC", "PQ", "O", "scored", "selected")
    tell(table(header, [_row(summary) for summary in summaries]))
    for summary in summaries:
        if summary.subset == "full":
            for reason in shortcomings(summary):
                say(f"{summary.language}: {reason}.")
    if scored.reused:
        say(f"{scored.reused} replies answer the same requests of another run and were not asked for again.")
    _say_how_far_to_trust(scored, summaries)
    if scored.spent.worth_telling:
        tell(f"judging cost {scored.spent.words()}")
    if scored.editing_usd:
        tell(f"editing cost {usd(sum(scored.editing_usd.values()))}")
    if scored.spent.prompt_tokens and scored.spent.known_usd is None:
        say("No price is known for this judge; --prices FILE can name one.")


def _origin(manifest: JudgementManifest) -> str:
    """Where replies or scores that weren't asked for here are from."""
    if manifest.replayed_from:
        return f"replies replayed from {manifest.replayed_from}"
    return f"the replies came in the bundle {manifest.bundle[:8]}" if manifest.bundle else "the scores were imported"


def shortcomings(summary: Summary) -> Iterator[str]:
    """Yield why there is no headline or no rank, and what the numbers leave out."""
    yield from filter(None, (summary.why_none, summary.why_unranked))
    if summary.coverage.statuses:
        words = ", ".join(f"{count} {status}" for status, count in summary.coverage.statuses.items())
        yield f"left out: {words}"


def _say_how_far_to_trust(scored: Scored, summaries: Iterable[Summary]) -> None:
    """Print how much the judge, or its fallback, varies, and whether it was the same one throughout."""
    who: Scored | Fallback = scored.fallback or scored
    manifest = who.judgement.manifest
    if scored.repeats > 1:
        for summary in summaries:
            if summary.subset == "full":
                found = scored.noise(summary.language, "full")
                say(f"{summary.language}: noise of the judge: {noise_words(found)}; α of O {found.alpha['O']:.3f}.")
    if len(who.models) > 1:
        say(f"The judge changed mid-run: it called itself {', '.join(who.models)}.")
    if told := who.answering.words():
        say(f"Who answered as {manifest.judge_id} did not stay the same: {told}.")
    if told := alias_words(manifest.judge, who.models):
        say(f"{told}.")


def _row(summary: Summary) -> tuple[object, ...]:
    means = summary.headline
    numbers = (f"{means.sc:.3f}", f"{means.pq:.3f}", f"{means.overall:.3f}") if means else ("–", "–", "–")
    return (summary.language, summary.subset, *numbers, summary.coverage.scored, summary.coverage.selected)


def _editing_command(run: Run) -> list[str]:
    """Return the words of the command that edited last, of this one if that wasn't `gedit-bench`."""
    program, *words = shlex.split(run.writers()[-1].command) if run.writers() else ("", "")
    return words if program in {"gedit-bench", "__main__.py"} and {"run", "edit"} & set(words) else sys.argv[1:]


def with_only(only: Only, words: Iterable[str]) -> list[str]:
    """Return a command with another `--only`, which is left out where it is the default."""
    others = _without(words, "--only")
    default = only == "missing" and "GEDIT_BENCH_ONLY" not in os.environ
    return others if default else [*others, "--only", only]


def _without(words: Iterable[str], option: str) -> list[str]:
    kept: list[str] = []
    for word in words:
        if kept and kept[-1] == option:
            kept.pop()
        elif not word.startswith(f"{option}="):
            kept.append(word)
    return kept
