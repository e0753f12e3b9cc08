"""A classical editor: colour, tone, style and background instructions done with image filters, no network."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
from gedit_bench.editing.filters.apply import apply
from gedit_bench.editing.filters.language import read_instruction


@dataclass(frozen=True)
class PilFiltersSettings:
    """What can be set."""

    strength: Annotated[float, Field(ge=0, le=1)] = setting(
        1.0, "How much of each effect: 0 leaves the source, 1 is the full effect."
    )


class PilFilters(EditModel):
    """Reads English and Chinese instructions by keywords; what it can't do comes back unchanged.

    Deterministic: the same source, instruction, strength and seed give the same pixels. The line of each
    edit names the `operations` that were applied.
    """

    name = "pil-filters"
    Settings = PilFiltersSettings
    settings: PilFiltersSettings

    def artifacts(self) -> Mapping[str, str]:
        """Return the SHA-256 of the filters' code: it decides the pixels."""
        digest = hashlib.sha256()
        sources = (item for item in files("gedit_bench.editing.filters").iterdir() if item.name.endswith(".py"))
        for source in sorted(sources, key=lambda item: item.name):
            digest.update(source.read_bytes())
        return {"filters": digest.hexdigest()}

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        """Yield each source with what its instruction asks for, as far as filters can do it."""
        for request in requests:
            operations = read_instruction(request.instruction)
            image = apply(request.source, operations, self.settings.strength, request.seed)
            yield Outcome(image, extra={"operations": [str(operation) for operation in operations]})
