"""What a pipeline's signature doesn't tell: facts read in the code of diffusers 0.42."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How a pipeline takes pictures and words.

    Attributes:
        batches: several sources and instructions make several edits; elsewhere several pictures are
            references of one edit, or it isn't known.
        patches: its sizes are multiples of its autoencoder's scale times this.
        reference_area: it crops a source to those multiples, and first shrinks one of more pixels than this;
            None where it resizes.
        template: how an instruction is put; `{instruction}` stands for it.
    """

    batches: bool = False
    patches: int = 2
    reference_area: int | None = None
    template: str = "{instruction}"


_ONE_MEGAPIXEL = 1024**2
_FLUX2 = Traits(reference_area=_ONE_MEGAPIXEL)
_KNOWN = {
    "Flux2KleinKVPipeline": _FLUX2,
    "Flux2KleinPipeline": _FLUX2,
    "Flux2Pipeline": _FLUX2,
    "FluxKontextPipeline": Traits(batches=True),
    "GlmImagePipeline": Traits(patches=4),
    "OmniGenPipeline": Traits(template="<img><|image_1|></img> {instruction}"),
    "StableDiffusionInstructPix2PixPipeline": Traits(batches=True, patches=1),
    "StableDiffusionXLInstructPix2PixPipeline": Traits(patches=1),
    "ZImageOmniPipeline": _FLUX2,
}


def traits_of(pipeline: type) -> Traits:
    """Return what is known of a pipeline's class, or what holds for most."""
    return _KNOWN.get(pipeline.__name__, Traits())
