"""Instructions polished by a language model before they are edited by: any backend, wrapped.

Some models' authors do so, and numbers with it are not comparable to numbers without: it is part of the recipe, and
decides the pixels. What was sent is kept with each edit; the judge sees the user's own words.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from PIL import Image

from gedit_bench.editing.base import EditModel, EditRequest, Outcome
from gedit_bench.editing.rewriter import Rewriter, RewritingSettings, Rewritten
from gedit_bench.records import EditStatus, Json, SampleId


class Rewriting(EditModel):
    """A backend that is told the polished instruction instead of the user's."""

    Settings = RewritingSettings
    settings: RewritingSettings

    def __init__(self, inner: EditModel, settings: RewritingSettings) -> None:
        """Wrap a backend.

        Raises:
            UsageError: there is no such rewriter.
        """
        super().__init__(settings)
        self.inner = inner
        self.name = inner.name  # type: ignore[misc]  # an instance has the name of what it wraps
        self._rewriter = Rewriter(settings)
        self._unpaid: dict[SampleId, float | None] = {}

    def artifacts(self) -> Mapping[str, str]:
        """Return those of the backend, the hash of the rewriter's prompt, and its endpoint."""
        prompt = hashlib.sha256(self._rewriter.prompt.encode()).hexdigest()
        return {**self.inner.artifacts(), "rewriting prompt": prompt, "rewriting endpoint": self._rewriter.host}

    def to_download(self) -> int:
        """Return how many bytes the backend would download."""
        return self.inner.to_download()

    def costs(self) -> tuple[float, float] | None:
        """Return about what rewriting and editing cost together; None if either is unknown."""
        self._pass_on()
        edit, rewriting = self.inner.costs(), self._rewriter.costs(self.prices)
        return None if edit is None or rewriting is None else (edit[0] + rewriting[0], edit[1] + rewriting[1])

    def label(self) -> str:
        """Return the backend's label."""
        return self.inner.label()

    def check(self) -> None:
        """Say what the rewriter or the backend lacks."""
        self._rewriter.check()
        self._pass_on()
        self.inner.check()

    def load(self) -> None:
        """Load the backend."""
        self._pass_on()
        self.inner.again = self.again
        self.inner.load()
        self.chunk = self.inner.chunk
        known = self.costs()
        self.most_usd = known[1] if known else self.inner.most_usd

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
        """Yield what the backend makes of the polished instructions; what can't be polished is not edited."""
        polished = asyncio.run(self._rewriter.rewrite(requests, self.prices))
        for sample, told in polished.items():
            self._unpaid.setdefault(sample, told.cost_usd)
            if told.status is not EditStatus.OK:
                message = f"Rewriting the instruction: {told.message}"
                yield Outcome(status=told.status, message=message, cost_usd=self._unpaid.pop(sample), sample=sample)
        good = [one for one in requests if polished[one.sample].status is EditStatus.OK]
        left: dict[SampleId | None, EditRequest] = {
            one.sample: replace(one, instruction=polished[one.sample].words) for one in good
        }
        for result in self.inner.edit([*left.values()]) if left else ():
            made = Outcome(image=result) if isinstance(result, Image.Image) else result
            request = left.pop((isinstance(made, Outcome) and made.sample) or next(iter(left), None), None)
            if request is None or not isinstance(made, Outcome):
                yield result  # no result of any request: the engine says so
            else:
                yield self._told(made, request.sample, polished[request.sample])

    def close(self) -> None:
        """Close the backend."""
        self.inner.close()

    def _pass_on(self) -> None:
        self.inner.device, self.inner.prices = self.device, self.prices

    def _told(self, made: Outcome, sample: SampleId, told: Rewritten) -> Outcome:
        """Add what was sent, and what rewriting has cost; a backend that nobody is paid for costs nothing."""
        rewriting = self._unpaid.pop(sample)
        free = made.cost_usd is None and self.inner.costs() == (0.0, 0.0)
        edit = 0.0 if free else made.cost_usd
        cost = None if rewriting is None or edit is None else rewriting + edit
        sent: dict[str, Json] = {"instruction_sent": told.words, "rewritten_by": told.model}
        return replace(made, sample=sample, extra={**made.extra, **sent}, cost_usd=cost)
