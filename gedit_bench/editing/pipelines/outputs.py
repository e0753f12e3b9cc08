"""The edits in what a pipeline returns, whatever it calls them."""

from collections.abc import Sequence

from PIL import Image


def pictures(output: object) -> Sequence[Image.Image]:
    """Return the edits of one call, one for each request, as PIL pictures.

    A pipeline that makes a short film from the source to its edit ends with the edit. One that takes rows returns a
    list for each edit, which holds the one picture that was blank.

    Raises:
        TypeError: the output holds neither pictures nor films.
    """
    for name in ("images", "image"):
        if (found := getattr(output, name, None)) is not None:
            return [one[0] if isinstance(one, list) else one for one in found]
    if (films := getattr(output, "frames", None)) is not None:
        return [film[-1] for film in films]
    raise TypeError(f"The pipeline returned {type(output).__name__}, which holds no pictures.")
