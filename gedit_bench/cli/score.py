"""`gedit-bench score`: one triple of source, edit and instruction."""

from pathlib import Path
from typing import Annotated

import typer

from gedit_bench.cli.judge_options import AskOptions
from gedit_bench.cli.options import AsJson


def score(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The image that was to be edited.")],
    edit: Annotated[Path, typer.Argument(metavar="EDIT", help="What became of it.")],
    instruction: Annotated[str, typer.Argument(metavar="INSTRUCTION", help="What was asked for.")],
    judging: AskOptions,
    as_json: AsJson = False,
) -> None:
    """Judge one edit and print the judge's words. Nothing is stored.

    Examples:
      gedit-bench score cat.png dog.png "Replace the cat with a dog"
      gedit-bench score a.png b.png "Add a hat" --judge offline
      gedit-bench score a.png b.png "Add a hat" --json
    """
    import asyncio
    from math import sqrt

    from gedit_bench import api
    from gedit_bench.cli.console import say, tell, tell_json
    from gedit_bench.cli.ending import INCOMPLETE
    from gedit_bench.cli.verb import continue_with
    from gedit_bench.engine.triple import judge_triple
    from gedit_bench.records import Aspect, Json

    asking = api.prepare_asking(judging.resolve())
    found = asyncio.run(judge_triple(asking.judge, asking.protocol, asking.rubric, (source, edit), instruction))
    sc, pq = (found[aspect][0].score for aspect in Aspect)
    overall = None if sc is None or pq is None else sqrt(sc * pq)
    manifest = asking.manifest()
    if as_json:
        aspects: dict[str, Json] = {
            aspect: {"status": reading.status, "score": reading.score, "reply": answer.content or answer.message}
            for aspect, (reading, answer) in found.items()
        }
        tell_json({"overall": overall, "judge": manifest.judge_id, "request_id": manifest.request_id, **aspects})
    else:
        for aspect, (reading, answer) in found.items():
            tell(f"{aspect}  {'–' if reading.score is None else reading.score}  {reading.status}")
            tell(f"    {answer.content or answer.message}")
        tell(f"O   {'–' if overall is None else round(overall, 3)}  ({manifest.judge_id}, {manifest.request_id})")
    if overall is None:
        say("No score was found; nothing was invented in its place.")
        continue_with()
        raise typer.Exit(INCOMPLETE)
