"""Which size a pipeline is asked for, and what becomes of the size that it makes. Nothing is cropped here."""

from dataclasses import dataclass

from PIL import Image

from gedit_bench.editing.base import Outcome
from gedit_bench.editing.pipelines.calls import Signature, sizes_itself
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.traits import Size, Traits, traits_of
from gedit_bench.errors import UsageError
from gedit_bench.records import Json

_SAME_ASPECT = 0.01
"""Relative change of width to height below which nobody sees it; rounding to multiples makes as much."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The source as the pipeline is to see it, and the arguments that ask for a size."""

    picture: Image.Image
    arguments: dict[str, int | bool]


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


def ask(
    signature: Signature, source: Image.Image, settings: DiffusersSettings, scale: int, pipeline: object = None
) -> Asked:
    """Return how a pipeline is asked for a source's edit.

    With `native` it gets the source as it is and no size. Otherwise a pipeline that would crop gets the source
    resized to what it takes whole.

    Args:
        signature: of the pipeline's call.
        source: the picture to edit.
        settings: the size policy, and the area that the user set.
        scale: pixels of a picture for each of its latent, in each direction.
        pipeline: the loaded one, which knows what it would crop to.
    """
    traits = traits_of(signature.pipeline)
    arguments = _size_arguments(signature, source.size, settings, scale * traits.patches)
    picture = source
    if settings.size != "native":
        asked = (arguments["width"], arguments["height"]) if "width" in arguments else None
        picture = _resized(source, _taken_whole(traits, source.size, scale, asked, pipeline))
    return Asked(picture, arguments)


def finish(
    signature: Signature,
    made: Image.Image,
    source: Image.Image,
    settings: DiffusersSettings,
    scale: int,
    pipeline: object = None,
) -> Outcome:
    """Return an edit in the size that the policy wants, with the sizes and what is lost on record."""
    extra: dict[str, Json] = {"source_size": list(source.size), "made_size": list(made.size)}
    message = ""
    if settings.size == "native":
        seen = _seen(traits_of(signature.pipeline), source.size, scale, pipeline)
        if seen is not None:
            extra["cropped_to"] = list(seen)
            message = f"The pipeline cropped the source to {_words(seen)}."
    if settings.size == "resize-to-source" and made.size != source.size:
        change = made.width / made.height / (source.width / source.height) - 1
        if abs(change) > _SAME_ASPECT:
            message = f"Resized from {_words(made.size)} to {_words(source.size)}: another aspect."
        made = _resized(made, source.size)
    return Outcome(image=made, message=message, extra=extra)


def _size_arguments(
    signature: Signature, source: Size, settings: DiffusersSettings, multiple: int
) -> dict[str, int | bool]:
    if settings.size != "source":
        return {}
    if signature.takes("use_input_image_size_as_output"):
        return {"use_input_image_size_as_output": True}
    factor = 1.0
    if settings.max_area is not None and sizes_itself(signature, settings):
        factor = (settings.max_area / (source[0] * source[1])) ** 0.5
    width, height = (_rounded(side * factor, multiple) for side in source)
    arguments: dict[str, int | bool] = {"width": width, "height": height}
    if signature.takes("max_area") and settings.max_area is None:
        arguments["max_area"] = width * height
        if signature.takes("_auto_resize"):
            arguments["_auto_resize"] = False
    return arguments


def _taken_whole(traits: Traits, source: Size, scale: int, asked: Size | None, pipeline: object) -> Size:
    """The size of which nothing is shrunk or cropped."""
    if traits.covers is not None:
        return traits.covers(pipeline, source, asked)
    if not traits.crops:
        return source
    multiple = scale * traits.patches
    width, height = traits.shrunk(source)
    return max(multiple, width // multiple * multiple), max(multiple, height // multiple * multiple)


def _seen(traits: Traits, source: Size, scale: int, pipeline: object) -> Size | None:
    """How much of a source a pipeline sees, in the pixels that it crops; None if all of it."""
    if traits.covers is not None:
        target = traits.covers(pipeline, source, None)
        factor = max(target[0] / source[0], target[1] / source[1])
        left = min(source[0], round(target[0] / factor)), min(source[1], round(target[1] / factor))
        return None if left == source else left
    if not traits.crops:
        return None
    multiple = scale * traits.patches
    shrunk = traits.shrunk(source)
    left = shrunk[0] // multiple * multiple, shrunk[1] // multiple * multiple
    return None if left == shrunk else left


def _rounded(side: float, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)


def _resized(picture: Image.Image, size: Size) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
