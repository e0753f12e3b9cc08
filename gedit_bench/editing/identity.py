"""The control: returns the source as it is, so every judge must score it low on success."""

from collections.abc import Iterator, Sequence

from PIL import Image

from gedit_bench.editing.base import EditModel, EditRequest


class Identity(EditModel):
    """Returns the source unchanged: the control that every judge must score low on success."""

    name = "identity"

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image]:
        """Yield each source."""
        for request in requests:
            yield request.source
