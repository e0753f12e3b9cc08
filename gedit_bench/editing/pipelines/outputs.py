"""The edits in what a pipeline returns, whatever it calls them."""

from collections.abc import Sequence

from PIL import Image


def pictures(output: object) -> Sequence[Image.Image]:
    """Return the edits of one call, one for each request, as PIL pictures.

    A pipeline that makes a short film from the source to its edit ends with the edit.

    Raises:
        TypeError: the output holds neither pictures nor films.
    """
    for name in ("images", "image"):
        if (found := getattr(output, name, None)) is not None:
            return list(found)
    if (films := getattr(output, "frames", None)) is not None:
        return [film[-1] for film in films]
    raise TypeError(f"The pipeline returned {type(output).__name__}, which holds no pictures.")
