"""Makes a verb of a function: expands option groups, and turns expected errors into a sentence and an exit code."""

import inspect
import logging
import shlex
import sys
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from gedit_bench.cli.console import complain, say
from gedit_bench.errors import GeditBenchError
from gedit_bench.secrets import redact

log = logging.getLogger(__name__)

RESUMABLE = {3, 4, 130}
"""Exit codes that end with the exact command that continues."""


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """Return what Typer needs of `function`, whose parameters may be dataclasses of options.

    Each field of such a group becomes an option of its own (annotated with `typer.Option`), and the
    function gets the group back whole.
    """
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        hint = hints[name]
        if is_dataclass(hint) and isinstance(hint, type):
            groups[name] = hint
        else:
            parameters.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
    for group in groups.values():  # behind what is a verb's own, such as --model
        parameters += _options(group)

    def run(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        _guarded(lambda: function(**given))

    run.__name__ = function.__name__
    run.__doc__ = (function.__doc__ or "").replace("    Examples:", "    \b\n    Examples:")  # \b keeps its lines apart
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: _bare(one.annotation) for one in parameters}
    return run


def continue_with(command: list[str] | None = None) -> None:
    """Print the command that goes on where this one stopped: this one again unless another is given."""
    words = ["gedit-bench", *(command or sys.argv[1:])]
    say(f"Continue with: {redact(shlex.join(words))}")


def _guarded(work: Callable[[], None]) -> None:
    try:
        work()
    except GeditBenchError as error:
        log.debug("Where it happened:", exc_info=error)
        complain(redact(str(error)), redact(error.hint))
        if error.exit_code in RESUMABLE:
            continue_with()
        raise typer.Exit(error.exit_code) from error
    except KeyboardInterrupt as error:
        complain("Stopped at once; what was in flight is lost, everything else is saved.", "")
        continue_with()
        raise typer.Exit(130) from error


def _options(group: type) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint
