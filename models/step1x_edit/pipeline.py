"""From pictures and instructions to edited pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

import torch
from PIL import Image
from torch import Tensor

from step1x_edit.autoencoder import Autoencoder
from step1x_edit.conditioning import TextConditioner
from step1x_edit.denoising import Trajectory, denoise
from step1x_edit.pictures import to_picture, to_tensor
from step1x_edit.prepared import Prepared, prepare
from step1x_edit.profiles import Posterior, Profile, profile_of
from step1x_edit.residence import Mode, Residence
from step1x_edit.sampling import seen_times
from step1x_edit.schedule import times
from step1x_edit.sizing import working_size
from step1x_edit.transformer import Transformer, Version

if TYPE_CHECKING:
    from step1x_edit.files import Files
    from step1x_edit.loading import LoadOptions

LATENT = 8
"""Pixels of a picture to a side of a latent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a picture is edited.

    `guidance` None asks without guidance; `level` is the side of a square of the working area in
    pixels; `posterior` says whether the source's latent is the posterior's mode or a seeded sample of
    it; `teacache` is TeaCache's threshold, None leaves it off.
    """

    steps: int = 28
    guidance: float | None = 6.0
    level: int = 1024
    negative: str = ""
    posterior: Posterior = "sample"
    teacache: float | None = None


@dataclass(frozen=True, slots=True)
class _Edit:
    """One edit: its place among those asked for, the source in working size, the size wanted back."""

    index: int
    instruction: str
    picture: Image.Image
    size: tuple[int, int]
    seed: int


@dataclass(frozen=True, slots=True)
class _Text:
    """What the language model made of a batch's prompts: states (R, L_t, W) and mask (R, L_t)."""

    states: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True)
class _Start:
    """Where a batch's sampling begins: noise and the sources' latents, each (B, C, h, w)."""

    noise: Tensor
    reference: Tensor


_Batch = list[_Edit]
"""Edits of one working size that go through the network together."""


class Step1XEditPipeline:
    """Step1X-Edit: source and instruction in, edited picture out."""

    def __init__(
        self,
        transformer: Transformer,
        autoencoder: Autoencoder,
        conditioner: TextConditioner,
        profile: Profile | None = None,
        *,
        device: torch.device | str = "cpu",
        mode: Mode = "resident",
    ) -> None:
        """Put a pipeline together from its parts.

        Args:
            transformer: the network.
            autoencoder: in float32.
            conditioner: the language model with its tokenizer and image processor.
            profile: of sampling; the version's own if None.
            device: where it computes.
            mode: which parts stay there between their phases.
        """
        self.transformer = transformer
        self.autoencoder = autoencoder
        self.conditioner = conditioner
        self.profile = profile or profile_of(transformer.version)
        self.device = torch.device(device)
        self.residence = Residence(
            mode, device, language=conditioner.model, network=transformer, autoencoder=autoencoder
        )

    @classmethod
    def from_pretrained(
        cls,
        source: "Path | str | Files",
        *,
        version: Version = "v1.1",
        revision: str | None = None,
        **options: "Unpack[LoadOptions]",
    ) -> Self:
        """Load the published files; see `loading.Loading` for the options and `load_pipeline` for errors.

        Args:
            source: a local folder in a published layout, an id on the Hugging Face hub, whose files are
                downloaded, or files that are found already.
            version: of the weights.
            revision: of the repository on the hub; its main branch if None.
            options: the other fields of `loading.Loading`.
        """
        from step1x_edit.download import located
        from step1x_edit.loading import Loading, load_pipeline

        how = Loading(version=version, **options)
        return load_pipeline(cls, located(source, version, revision), how)

    def __call__(
        self,
        images: Sequence[Image.Image],
        instructions: Sequence[str],
        *,
        seed: int | Sequence[int],
        sampling: Sampling | None = None,
        batch: int = 1,
    ) -> list[Image.Image]:
        """Return the edited pictures, each in its source's size. Takes and raises what `edits` does."""
        return list(self.edits(images, instructions, seed=seed, sampling=sampling, batch=batch))

    def edits(
        self,
        images: Sequence[Image.Image],
        instructions: Sequence[str],
        *,
        seed: int | Sequence[int],
        sampling: Sampling | None = None,
        batch: int = 1,
    ) -> Iterator[Image.Image]:
        """Yield the edited pictures in order, each in its source's size and as soon as it is finished.

        With all parts resident that is batch by batch; otherwise every phase is gone through for all
        edits before the next begins, so that weights move once.

        Args:
            images: the sources, in any mode; alpha is dropped.
            instructions: one for each source.
            seed: fixes noise and posterior of each picture, whatever else is in the batch; one for all
                or one for each.
            sampling: how they are edited.
            batch: how many edits of equal working size go through the network together.

        Raises:
            SizeError: a source is too long and thin.
            ValueError: there are not as many instructions or seeds as images.
        """
        sampling = sampling or Sampling()
        seeds = [seed] * len(images) if isinstance(seed, int) else list(seed)
        batches = _batched(
            [
                _Edit(index, instruction, self._resized(image, sampling.level), image.size, own)
                for index, (image, instruction, own) in enumerate(zip(images, instructions, seeds, strict=True))
            ],
            batch,
        )
        together = 1 if self.residence.mode == "resident" else max(1, len(batches))
        finished: dict[int, Image.Image] = {}
        following = 0
        try:
            for start in range(0, len(batches), together):
                finished |= self._run(batches[start : start + together], sampling)
                while following in finished:
                    yield finished.pop(following)
                    following += 1
        finally:
            self.residence.release()

    @torch.inference_mode()
    def _run(self, batches: Sequence[_Batch], sampling: Sampling) -> dict[int, Image.Image]:
        """Go through all phases with some batches; return the pictures by the edits' places."""
        need, park = self.residence.need, self.residence.mode != "resident"
        need("language")
        texts = [self._read(batch, sampling) for batch in batches]
        need("autoencoder")
        starts = [self._draw(batch, sampling) for batch in batches]
        need("conditioning")
        prepared = []
        for batch, text in zip(batches, texts, strict=True):
            ready = self._prepare(text, starts[0].noise.dtype, self._trajectory(batch, sampling))
            prepared.append(ready.to("cpu") if park else ready)
        need("blocks")
        latents = []
        for batch, start in zip(batches, starts, strict=True):
            given = prepared.pop(0), start.noise, start.reference, self._trajectory(batch, sampling)
            latents.append(denoise(self.transformer, *given, teacache=sampling.teacache))
        need("autoencoder")
        return {
            edit.index: self._decode(latent[None], edit.size)
            for batch, own in zip(batches, latents, strict=True)
            for edit, latent in zip(batch, own, strict=True)
        }

    def _read(self, batch: _Batch, sampling: Sampling) -> _Text:
        """Have the language model read the prompts; rows are all edits', then, under guidance, all negative ones."""
        prompts = [edit.instruction for edit in batch]
        pictures = [edit.picture for edit in batch]
        if sampling.guidance is not None:
            prompts, pictures = prompts + [sampling.negative] * len(batch), pictures * 2
        return _Text(*self.conditioner.encode(pictures, prompts))

    def _draw(self, batch: _Batch, sampling: Sampling) -> _Start:
        """Draw each edit's noise, then its source's latent, from a generator of its own."""
        dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        noises, references = [], []
        for edit in batch:
            generator = torch.Generator(self.device).manual_seed(edit.seed)
            shape = (1, self.autoencoder.size.latent, edit.picture.height // LATENT, edit.picture.width // LATENT)
            noises.append(torch.randn(shape, generator=generator, device=self.device, dtype=dtype))
            references.append(self._encode(edit.picture, generator, sampling.posterior).to(dtype))
        return _Start(torch.cat(noises), torch.cat(references))

    def _encode(self, picture: Image.Image, generator: torch.Generator, posterior: Posterior) -> Tensor:
        pixels = to_tensor(picture).to(self.device)
        halved = self.profile.bf16_encode and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=halved):
            mean, log_variance = self.autoencoder.moments(pixels)
            if posterior == "mode":
                return self.autoencoder.latent(mean, log_variance)
            noise = torch.randn(mean.shape, generator=generator, device=self.device, dtype=mean.dtype)
            return self.autoencoder.latent(mean, log_variance, noise)

    def _prepare(self, text: _Text, dtype: torch.dtype, trajectory: Trajectory) -> Prepared:
        """Compute what the blocks take from text and time, for noise of a dtype."""
        strength, above = trajectory.strength, trajectory.damped_above
        seen = seen_times(trajectory.times, dtype, strength=strength, damped_above=above)
        states, mask = text.states.to(self.device), text.mask.to(self.device)
        return prepare(self.transformer, states, mask, seen.to(self.device))

    def _decode(self, latent: Tensor, size: tuple[int, int]) -> Image.Image:
        return to_picture(self.autoencoder.decode(latent)).resize(size, Image.Resampling.BICUBIC)

    def _trajectory(self, batch: _Batch, sampling: Sampling) -> Trajectory:
        width, height = batch[0].picture.size
        tokens = height * width // (2 * LATENT) ** 2
        return Trajectory(
            times=times(sampling.steps, tokens), strength=sampling.guidance, damped_above=self.profile.damped_above
        )

    def _resized(self, image: Image.Image, level: int) -> Image.Image:
        filters = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
        rgb = image.convert("RGB")
        return rgb.resize(working_size(*rgb.size, level), filters[self.profile.resample])


def _batched(edits: Sequence[_Edit], most: int) -> list[_Batch]:
    """Cut edits into batches of equal working size, in the order of their first ones."""
    batches: list[_Batch] = []
    for edit in edits:
        fitting = (batch for batch in batches if batch[0].picture.size == edit.picture.size and len(batch) < most)
        batch = next(fitting, None)
        if batch is None:
            batches.append([edit])
        else:
            batch.append(edit)
    return batches
