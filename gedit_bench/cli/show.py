"""`gedit-bench show`: everything about one sample of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gedit_bench.cli.options import AsJson

if TYPE_CHECKING:
    from gedit_bench.records import Json, Sample
    from gedit_bench.store.run import Run


def show(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run.")],
    sample: Annotated[str, typer.Argument(metavar="SAMPLE", help="A key, or category/language/key.")],
    as_json: AsJson = False,
) -> None:
    """Show a sample's edit and every word about it.

    Examples:
      gedit-bench show results/identity/default-1a2b3c4d dcc59e9b2c337b45e97e41eaeec21db0
      gedit-bench show results/identity/default-1a2b3c4d color_alter/en/dcc59e9b2c337b45e97e41eaeec21db0
      gedit-bench show results/identity/default-1a2b3c4d dcc59e9b2c337b45e97e41eaeec21db0 --json
    """
    from gedit_bench.cli.console import tell, tell_json
    from gedit_bench.errors import UsageError
    from gedit_bench.store.run import Run

    opened = Run.open(run)
    found = [one for one in opened.samples() if sample in (str(one.id), one.id.key)]
    if not found:
        raise UsageError(f"{run} has no sample {sample!r}.", "Its samples are listed in samples.jsonl.")
    facts = [_facts(opened, one) for one in found]
    if as_json:
        tell_json(facts)
        return
    for one in facts:
        tell(_words(one))


def _facts(run: "Run", sample: "Sample") -> "Json":
    from gedit_bench.accounting import reply_costs
    from gedit_bench.judging.reading import read_answer
    from gedit_bench.store.codec import to_json
    from gedit_bench.store.imported import read_imported

    edit = run.edits().get(sample.id)
    replies: list[Json] = []
    for judgement in (one for first in run.judgements() for one in (first, *first.fallbacks())):
        cost = reply_costs(judgement)
        for reply in judgement.replies():
            if reply.sample == sample.id:
                known = cost(reply).known_usd
                reading = read_answer(reply)
                stale = edit is None or reply.edit_sha256 != edit.sha256
                read: dict[str, Json] = {"status": str(reading.status), "score": reading.score, "stale": stale}
                replies.append({"judgement": judgement.path.name, **to_json(reply), **read, "cost_usd": known})
    facts: dict[str, Json] = {"sample": to_json(sample), "edit": to_json(edit) if edit else None, "replies": replies}
    imported: list[Json] = [
        {"judgement": judgement.path.name, **to_json(one)}
        for judgement in run.judgements()
        for one in read_imported(judgement.path)
        if one.sample == sample.id
    ]
    return facts | ({"imported": imported} if imported else {})


def _words(facts: "Json") -> str:
    from gedit_bench.prices import usd

    assert isinstance(facts, dict)
    lines = []
    for name in ("sample", "edit"):
        part = facts[name]
        lines.append(f"{name}:" if part else f"{name}: none")
        lines += [f"  {key}: {value}" for key, value in part.items()] if isinstance(part, dict) else []
    replies = facts["replies"]
    for reply in replies if isinstance(replies, list) else []:
        assert isinstance(reply, dict)
        repeat = f" repeat {reply['repeat']}" if reply["repeat"] else ""
        head = f"{reply['aspect']}{repeat} attempt {reply['attempt']}: {reply['status']}"
        score = "" if reply["score"] is None else f", {reply['score']}"
        stale = " (about an earlier image)" if reply["stale"] else ""
        cost = "" if reply["cost_usd"] is None else f", {usd(reply['cost_usd'])}" if reply["cost_usd"] else ""
        reused = f" (reused from {reply['reused_from']}, {reply['asked_at']})" if "reused_from" in reply else ""
        lines.append(f"{head}{score}{cost}{stale}{reused}  [{reply['judgement']}]")
        lines.append(f"  {reply.get('content') or reply.get('message') or ''}")
    imported = facts.get("imported", [])
    for one in imported if isinstance(imported, list) else []:
        assert isinstance(one, dict)
        lines.append(f"imported: SC {one.get('sc', '–')}, PQ {one.get('pq', '–')}  [{one['judgement']}]")
        lines.append(f"  {one.get('original')}")
    return "\n".join(lines)
