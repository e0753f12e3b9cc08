"""Which size a pipeline is asked for, and what becomes of the size that it makes. Nothing is cropped here."""

from dataclasses import dataclass

from PIL import Image

from gedit_bench.editing.base import Outcome
from gedit_bench.editing.pipelines.calls import Signature, sizes_itself
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.traits import traits_of
from gedit_bench.errors import UsageError
from gedit_bench.records import Json

_SAME_ASPECT = 0.01
"""Relative change of width to height below which nobody sees it; rounding to multiples makes as much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The source as the pipeline is to see it, and the arguments that ask for a size."""

    picture: Image.Image
    arguments: dict[str, object]


def check_size(signature: Signature, settings: DiffusersSettings) -> None:
    """Make sure that the pipeline can be asked for a size, where it is to be.

    Raises:
        UsageError: its call has no arguments for it.
    """
    sized = signature.takes("height", "width") or signature.takes("use_input_image_size_as_output")
    if settings.size == "source" and not sized:
        raise UsageError(
            f"{signature.pipeline.__name__} can't be asked for a size.", "Use -o size=native or size=resize-to-source."
        )


def ask(signature: Signature, source: Image.Image, settings: DiffusersSettings, scale: int) -> Asked:
    """Return how a pipeline is asked for a source's edit.

    With `native` it gets the source as it is and no size. Otherwise a pipeline that would crop gets the source
    resized to what it takes whole, a few pixels less.

    Args:
        signature: of the pipeline's call.
        source: the picture to edit.
        settings: the size policy, and the area that the user set.
        scale: pixels of a picture for each of its latent, in each direction.
    """
    traits = traits_of(signature.pipeline)
    multiple = scale * traits.patches
    picture = source
    if settings.size != "native" and traits.reference_area is not None:
        picture = _resized(source, _reference_size(source.size, traits.reference_area, multiple))
    if settings.size != "source":
        return Asked(picture, {})
    if signature.takes("use_input_image_size_as_output"):
        return Asked(picture, {"use_input_image_size_as_output": True})
    factor = 1.0
    if settings.max_area is not None and sizes_itself(signature, settings):
        factor = (settings.max_area / (source.width * source.height)) ** 0.5
    width, height = (_rounded(side * factor, multiple) for side in source.size)
    arguments: dict[str, object] = {"width": width, "height": height}
    if signature.takes("max_area") and settings.max_area is None:
        arguments["max_area"] = width * height
        if signature.takes("_auto_resize"):
            arguments["_auto_resize"] = False
    return Asked(picture, arguments)


def finish(
    signature: Signature, made: Image.Image, source: Image.Image, settings: DiffusersSettings, scale: int
) -> Outcome:
    """Return an edit in the size that the policy wants, with the sizes and what is lost on record."""
    extra: dict[str, Json] = {"source_size": list(source.size), "made_size": list(made.size)}
    traits = traits_of(signature.pipeline)
    message = ""
    if settings.size == "native" and traits.reference_area is not None:
        seen = _cropped_size(source.size, traits.reference_area, scale * traits.patches)
        if seen != _shrunk_size(source.size, traits.reference_area):
            extra["cropped_to"] = list(seen)
            message = f"The pipeline cropped the source to {_words(seen)}."
    if settings.size == "resize-to-source" and made.size != source.size:
        change = made.width / made.height / (source.width / source.height) - 1
        if abs(change) > _SAME_ASPECT:
            message = f"Resized from {_words(made.size)} to {_words(source.size)}: another aspect."
        made = _resized(made, source.size)
    return Outcome(image=made, message=message, extra=extra)


def _rounded(side: float, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)


def _reference_size(size: tuple[int, int], area: int, multiple: int) -> tuple[int, int]:
    """The size of which nothing is shrunk or cropped."""
    width, height = _cropped_size(size, area, multiple)
    return max(multiple, width), max(multiple, height)


def _cropped_size(size: tuple[int, int], area: int, multiple: int) -> tuple[int, int]:
    width, height = _shrunk_size(size, area)
    return width // multiple * multiple, height // multiple * multiple


def _shrunk_size(size: tuple[int, int], area: int) -> tuple[int, int]:
    width, height = size
    if width * height <= area:
        return size
    factor = (area / (width * height)) ** 0.5
    return int(width * factor), int(height * factor)


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
