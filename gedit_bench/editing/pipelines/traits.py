"""What a pipeline's signature doesn't tell: facts read in the code of diffusers 0.42."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a pipeline takes pictures and words.

    Attributes:
        batches: several sources and instructions make several edits; elsewhere several pictures are
            references of one edit, or it isn't known.
        patches: its sizes are multiples of its autoencoder's scale times this.
        crops: it cuts what is over such a multiple off a source.
        most_area: it first shrinks a source of more pixels than this.
        most_side: it first shrinks a source whose longer side has more pixels than this.
        covers: it scales a source until it covers the size that this returns, and cuts off what stands out. Given are
            the loaded pipeline, the source's size, and the size that it is asked for, if any.
        rows: it takes rows of pictures, in the last of which the edit is a blank.
        words: the argument that takes the instruction.
        template: how an instruction is put; `{instruction}` stands for it, `{instruction:json}` for it as JSON.
        others: arguments that are the same for each edit.
    """

    batches: bool = False
    patches: int = 2
    crops: bool = False
    most_area: int | None = None
    most_side: int | None = None
    covers: Callable[[Any, Size, Size | None], Size] | None = None
    rows: bool = False
    words: str = "prompt"
    template: str = "{instruction}"
    others: Mapping[str, object] = field(default_factory=dict)

    def shrunk(self, size: Size) -> Size:
        """Return the size that a source has after it was shrunk, if it was."""
        width, height = size
        if self.most_area is not None and width * height > self.most_area:
            factor = (self.most_area / (width * height)) ** 0.5
            return int(width * factor), int(height * factor)
        if self.most_side is not None and max(size) > self.most_side:
            factor = self.most_side / max(size)
            return round(width * factor), round(height * factor)
        return size


def _joy(pipeline: Any, source: Size, asked: Size | None) -> Size:
    return _bucket(pipeline.vae_image_processor, asked or source)


def _joy_plus(pipeline: Any, source: Size, asked: Size | None) -> Size:
    return _bucket(pipeline.image_processor, source)


def _bucket(processor: Any, size: Size) -> Size:
    height, width = processor.get_default_height_width(Image.new("L", size))
    return width, height


def _fibo_2(pipeline: Any, source: Size, asked: Size | None) -> Size:
    area = (pipeline.default_sample_size * pipeline.vae_scale_factor) ** 2
    return asked or tuple(pipeline.image_processor.get_image_size(source[0] / source[1], area=area))


def _visual_cloze(pipeline: Any, source: Size, asked: Size | None) -> Size:
    multiple = 2 * pipeline.generation_pipe.vae_scale_factor
    aspect = source[0] / source[1]
    height = int((pipeline.config.resolution**2 / aspect) ** 0.5)
    return max(int(height * aspect) // multiple, 1) * multiple, max(height // multiple, 1) * multiple


_VISUAL_CLOZE = (
    "Each row is one edit: [IMAGE2] is [IMAGE1] changed as the instruction says, and nothing else in it changes. "
    "The last row's instruction: <editing instruction> {instruction} <\\editing instruction>"
)
"""Our own words around the marks that it was trained with: its layout of a row, and where the instruction stands."""

_FLUX2 = Traits(crops=True, most_area=1024**2)
_KNOWN = {
    "BriaFibo2Pipeline": Traits(covers=_fibo_2),
    "BriaFiboEditPipeline": Traits(template='{"edit_instruction": {instruction:json}}'),
    "Flux2KleinKVPipeline": _FLUX2,
    "Flux2KleinPipeline": _FLUX2,
    "Flux2Pipeline": _FLUX2,
    "FluxKontextPipeline": Traits(batches=True),
    "GlmImagePipeline": Traits(patches=4),
    "JoyImageEditPipeline": Traits(covers=_joy),
    "JoyImageEditPlusPipeline": Traits(covers=_joy_plus),
    "OmniGenPipeline": Traits(crops=True, most_side=1024, template="<img><|image_1|></img> {instruction}"),
    "StableDiffusionInstructPix2PixPipeline": Traits(batches=True, patches=1),
    "StableDiffusionXLInstructPix2PixPipeline": Traits(patches=1),
    "VisualClozePipeline": Traits(
        covers=_visual_cloze, rows=True, words="task_prompt", template=_VISUAL_CLOZE, others={"content_prompt": ""}
    ),
    "ZImageOmniPipeline": _FLUX2,
}


def traits_of(pipeline: type) -> Traits:
    """Return what is known of a pipeline's class, or what holds for most."""
    return _KNOWN.get(pipeline.__name__, Traits())
