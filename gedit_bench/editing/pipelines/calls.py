"""From requests to the arguments of a pipeline's call, whatever it calls them."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from gedit_bench.editing.base import EditRequest
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.traits import Traits, traits_of
from gedit_bench.errors import UsageError
from gedit_bench.nearest import did_you_mean

_PICTURES = ("image", "images", "input_images")
_NAMES = {
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
    "true_guidance": ("true_cfg_scale",),
    "image_guidance": ("image_guidance_scale", "img_guidance_scale"),
    "negative": ("negative_prompt",),
    "max_area": ("max_area",),
}
"""What a setting is called in the calls of diffusers."""

_OURS = {*_PICTURES, "prompt", "generator", "output_type", "return_dict", "num_images_per_prompt", "latents"}
"""Arguments that a request decides, or that would change what comes back."""

_PLACE, _PLACE_JSON = "{instruction}", "{instruction:json}"
_EITHER = re.compile(f"{re.escape(_PLACE)}|{re.escape(_PLACE_JSON)}")
"""Where an instruction stands in a template; in one pass, since its own words may look like a place."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments that a pipeline's call takes, with their defaults."""

    pipeline: type
    defaults: Mapping[str, object]

    @property
    def pictures(self) -> str:
        """The argument that takes the source."""
        return next(name for name in _PICTURES if name in self.defaults)

    def takes(self, *names: str) -> bool:
        """True if the call has all these arguments."""
        return all(name in self.defaults for name in names)


def signature_of(pipeline: type) -> Signature:
    """Return the arguments of a pipeline's call.

    Raises:
        UsageError: it doesn't edit a picture by an instruction, or can't be seeded.
    """
    parameters = inspect.signature(pipeline.__call__).parameters
    named = {
        name: one
        for name, one in parameters.items()
        if name != "self" and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    }
    hint = "Name a pipeline for editing, such as diffusers:OWNER/NAME:FluxKontextPipeline."
    if not any(name in named for name in _PICTURES):
        raise UsageError(f"{pipeline.__name__} takes no picture: it makes them from text alone.", hint)
    words = traits_of(pipeline).words
    for name, what in ((words, "an instruction"), ("generator", "a seed")):
        if name not in named:
            raise UsageError(f"{pipeline.__name__} takes no {name}: it can't be given {what}.", hint)
    required = [name for name, one in named.items() if one.default is one.empty and name not in {*_OURS, words}]
    if required:
        raise UsageError(f"{pipeline.__name__} also needs {' and '.join(required)}, which no benchmark has.", hint)
    return Signature(pipeline, {name: one.default for name, one in named.items()})


def constant_arguments(signature: Signature, settings: DiffusersSettings) -> dict[str, object]:
    """Return the arguments that are the same for each request.

    Raises:
        UsageError: the pipeline doesn't take a setting or an extra argument.
    """
    name = signature.pipeline.__name__
    traits = traits_of(signature.pipeline)
    arguments: dict[str, object] = dict(traits.others)
    for setting, names in _NAMES.items():
        value = getattr(settings, setting)
        if value is None:
            continue
        called = [one for one in names if signature.takes(one)]
        if not called and setting == "max_area" and sizes_itself(signature, settings):
            continue
        if not called:
            taken = [one for one, others in _NAMES.items() if any(signature.takes(other) for other in others)]
            raise UsageError(f"{name} takes no {setting}.", f"Of these settings it takes {', '.join(taken)}.")
        arguments[called[0]] = value
    for argument, value in _extra(settings.extra).items():
        if argument in {*_OURS, traits.words} or argument in arguments:
            raise UsageError(f"The extra argument {argument!r} is set otherwise.", "Leave it out of -o extra.")
        if not signature.takes(argument):
            raise UsageError(
                f"The call of {name} has no argument {argument!r}.", did_you_mean(argument, list(signature.defaults))
            )
        arguments[argument] = value
    return arguments


def sizes_itself(signature: Signature, settings: DiffusersSettings) -> bool:
    """True if the call makes whatever width and height it is asked for, and is to be asked."""
    return settings.size == "source" and signature.takes("height", "width") and not signature.takes("max_area")


def template_for(signature: Signature, settings: DiffusersSettings) -> str:
    """Return how an instruction is put to the pipeline.

    Raises:
        UsageError: the template that was set has no place for it.
    """
    template = settings.template or traits_of(signature.pipeline).template
    if not any(place in template for place in (_PLACE, _PLACE_JSON)):
        raise UsageError("The template has no {instruction}.", 'For example -o template="Edit: {instruction}".')
    return template


def check_batch(signature: Signature, settings: DiffusersSettings) -> None:
    """Make sure that several sources are several edits.

    Raises:
        UsageError: they would be references of one edit, or it isn't known.
    """
    if settings.batch not in (1, "auto") and not traits_of(signature.pipeline).batches:
        raise UsageError(
            f"{signature.pipeline.__name__} isn't known to make several edits in one call.", "Use -o batch=1."
        )


def described_defaults(signature: Signature) -> str:
    """Return what the call does where nothing is set, which another version of diffusers may do otherwise."""
    plain = {
        name: value
        for name, value in signature.defaults.items()
        if name not in _OURS and isinstance(value, int | float | str | tuple)
    }
    template = traits_of(signature.pipeline).template
    return ", ".join([*(f"{name}={value}" for name, value in sorted(plain.items())), f"template={template}"])


def call_arguments(
    signature: Signature,
    requests: Sequence[EditRequest],
    pictures: Sequence[Image.Image],
    template: str,
    constants: Mapping[str, object],
) -> dict[str, object]:
    """Return all arguments of one call.

    A generator is each request's own and on the CPU: a seed means the same on each device and in each batch.

    Args:
        signature: of the pipeline's call.
        requests: one or more.
        pictures: their sources as the pipeline is to see them, of equal size.
        template: how an instruction is put.
        constants: the arguments that are the same for each request.
    """
    import torch

    prompts = [filled(template, request.instruction) for request in requests]
    generators = [torch.Generator("cpu").manual_seed(request.seed) for request in requests]
    traits = traits_of(signature.pipeline)
    sources = [_shown(traits, signature.pictures, picture) for picture in pictures]
    several = len(requests) > 1
    arguments = {
        **constants,
        traits.words: prompts if several else prompts[0],
        signature.pictures: sources if several else sources[0],
        "generator": generators if several else generators[0],
    }
    if several and "negative_prompt" in constants:
        arguments["negative_prompt"] = [constants["negative_prompt"]] * len(requests)
    for name, value in (("output_type", "pil"), ("return_dict", True)):
        if signature.takes(name):
            arguments[name] = value
    return arguments


def _shown(traits: Traits, argument: str, picture: Image.Image) -> object:
    if traits.rows:
        return [[picture, None]]
    return picture if argument == "image" else [picture]


def filled(template: str, instruction: str) -> str:
    """Return a template with the instruction in its place."""
    as_json = json.dumps(instruction, ensure_ascii=False)
    return _EITHER.sub(lambda place: as_json if place[0] == _PLACE_JSON else instruction, template)


def _extra(words: str) -> dict[str, object]:
    try:
        found = json.loads(words) if words.strip() else {}
    except json.JSONDecodeError as error:
        found = error
    if not isinstance(found, dict):
        raise UsageError(
            f"The setting extra is no JSON object: {words}.", """For example -o extra='{"max_sequence_length": 256}'."""
        )
    return found
