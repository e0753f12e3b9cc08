"""The program `gedit-bench`: its verbs and what they have in common."""

import logging
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from gedit_bench.cli.check import check
from gedit_bench.cli.compare import compare
from gedit_bench.cli.console import say, tell
from gedit_bench.cli.demo import demo
from gedit_bench.cli.doctor import doctor
from gedit_bench.cli.edit import edit
from gedit_bench.cli.explain import explain
from gedit_bench.cli.export import export
from gedit_bench.cli.import_ import import_
from gedit_bench.cli.judge import judge
from gedit_bench.cli.ls import ls
from gedit_bench.cli.plan import plan
from gedit_bench.cli.report import report
from gedit_bench.cli.run import run
from gedit_bench.cli.score import score
from gedit_bench.cli.show import show
from gedit_bench.cli.status import status
from gedit_bench.cli.verb import verb
from gedit_bench.secrets import redact

app = typer.Typer(
    name="gedit-bench",
    help="GEdit-Bench for image-editing models: run any of them, judge the edits, and explain every number.",
    epilog="Start with: gedit-bench demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
VERBS = (
    *(demo, run, edit, judge, check, score, report, compare, explain),
    *(plan, status, show, ls, doctor, export, import_),
)
ENVIRONMENT = "Every option can also be set as GEDIT_BENCH_<NAME>, such as GEDIT_BENCH_OUT for --out."
for one in VERBS:
    app.command(one.__name__.rstrip("_"), epilog=ENVIRONMENT)(verb(one))  # `import` is a keyword of Python


class _Said(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(redact(self.format(record)))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        tell(version("gedit-bench"))
        raise typer.Exit


@app.callback()
def _common(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", envvar="GEDIT_BENCH_VERBOSE", help="Show details and tracebacks.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", envvar="GEDIT_BENCH_VERSION", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[_Said()], force=True)
    for own in ("gedit_bench", "step1x_edit"):
        logging.getLogger(own).setLevel(logging.DEBUG if verbose else logging.INFO)


def main() -> None:
    """Run the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without the letters gets their numbers
    app(prog_name="gedit-bench")
