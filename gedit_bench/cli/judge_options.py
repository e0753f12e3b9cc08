"""Groups of options about judging: who judges and where, how patiently it is asked, how often."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from gedit_bench.cli.options import Prices, checked_only, option

if TYPE_CHECKING:
    from gedit_bench.api import Judging
    from gedit_bench.judging.registry import JudgeSettings


@dataclass(frozen=True)
class EndpointOptions:
    """Who judges, where, and how it is asked."""

    judge: Annotated[
        str,
        option(
            "--judge",
            "-j",
            metavar="NAME",
            help="Model behind an OpenAI-compatible endpoint, azure:DEPLOYMENT, or one of `ls judges`.",
        ),
    ] = "gpt-4.1-2025-04-14"
    protocol: Annotated[
        list[str] | None,
        option("--protocol", metavar="NAME", help="How the judge is asked; see `ls protocols`. `judge` takes several."),
    ] = None
    rubric: Annotated[
        Path | None, option("--rubric", metavar="PATH", help="Checkout or file that holds the official rubric.")
    ] = None
    base_url: Annotated[
        list[str] | None,
        option("--base-url", metavar="URL", help="Endpoint of the judge; may be repeated for a pool of servers."),
    ] = None
    endpoint_label: Annotated[
        str | None,
        option("--endpoint-label", metavar="NAME", help="Name of the endpoint in results. Default: its host or hosts."),
    ] = None
    timeout: Annotated[float, option("--timeout", metavar="SECONDS", min=0.1, help="Seconds for one request.")] = 120.0

    def resolve(self, only: str = "missing") -> "Judging":
        """Return how to judge; UsageError if several protocols are named."""
        from gedit_bench.api import Judging
        from gedit_bench.errors import UsageError

        names = self.protocol or []
        if len(names) > 1:
            raise UsageError("This command takes one --protocol only.", "`judge` takes several.")
        protocol = names[0] if names else None
        return Judging(judge=self.settings(), protocol=protocol, rubric=self.rubric, only=checked_only(only))

    def resolve_each(self, only: str = "missing") -> "list[Judging]":
        """Return how to judge under each protocol named; a path to a rubric goes to those that can take it."""
        from gedit_bench.judging.protocol import find_protocol
        from gedit_bench.judging.rubric import REPLACEABLE

        names = list(dict.fromkeys(self.protocol or ()))
        if len(names) < 2:
            return [replace(self, protocol=names).resolve(only)]
        fixed = {name for name in names if find_protocol(name).rubric not in REPLACEABLE}
        return [
            replace(self, protocol=[name], rubric=None if name in fixed else self.rubric).resolve(only)
            for name in names
        ]

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, and how patiently."""
        from gedit_bench.judging.registry import JudgeSettings

        return JudgeSettings(
            name=self.judge, base_url=self.base_url or None, endpoint_label=self.endpoint_label, timeout=self.timeout
        )


@dataclass(frozen=True)
class AskOptions(EndpointOptions):
    """How one edit is judged."""

    retry_for: Annotated[
        float, option("--retry-for", metavar="SECONDS", min=0.1, help="Seconds over all tries of one question.")
    ] = 600.0

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, and how patiently."""
        return replace(super().settings(), retry_for=self.retry_for)


@dataclass(frozen=True)
class JudgeOptions(AskOptions):
    """How many edits are judged."""

    concurrency: Annotated[
        int | None,
        option("--concurrency", metavar="N", min=1, help="Requests in flight. Default: as many as the judge can take."),
    ] = None
    repeats: Annotated[
        int,
        option(
            "--repeats",
            metavar="N",
            min=1,
            max=100,
            help="How often each question is asked, independently. The first answer scores.",
        ),
    ] = 1
    fallback_judge: Annotated[
        str | None,
        option(
            "--fallback-judge",
            metavar="NAME",
            help="Another judge for what the first one fails on. Its numbers get rows of their own.",
        ),
    ] = None
    fallback_base_url: Annotated[
        str | None,
        option("--fallback-base-url", metavar="URL", help="Endpoint of the fallback judge. Default: OpenAI's."),
    ] = None
    no_reuse: Annotated[
        bool, option("--no-reuse", help="Ask even where another run in the folder has the answer to the same request.")
    ] = False
    prices: Prices = None

    def resolve(self, only: str = "missing") -> "Judging":
        """Return how to judge, and what it costs.

        Raises:
            UsageError: there is an endpoint for a fallback judge and no such judge.
        """
        return replace(
            super().resolve(only),
            repeats=self.repeats,
            fallback=self._fallback(),
            prices=self.prices,
            reuse=not self.no_reuse,
        )

    def _fallback(self) -> "JudgeSettings | None":
        from gedit_bench.errors import UsageError

        if self.fallback_judge is None:
            if self.fallback_base_url is not None:
                raise UsageError("--fallback-base-url needs --fallback-judge.", "Name the judge that answers there.")
            return None
        other = replace(self.settings(), name=self.fallback_judge, endpoint_label=None)
        return replace(other, base_url=self.fallback_base_url)

    def settings(self) -> "JudgeSettings":
        """Return which judge is asked, how patiently, and how often at once."""
        return replace(super().settings(), concurrency=self.concurrency)
