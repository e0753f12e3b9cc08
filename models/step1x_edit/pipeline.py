"""From pictures and instructions to edited pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from PIL import Image
from torch import Tensor

from step1x_edit.autoencoder import Autoencoder
from step1x_edit.conditioning import TextConditioner
from step1x_edit.packing import image_ids, pack, text_ids, unpack
from step1x_edit.profiles import Posterior, Profile, profile_of
from step1x_edit.sampling import sample
from step1x_edit.schedule import times
from step1x_edit.sizing import working_size
from step1x_edit.teacache import TeaCache
from step1x_edit.transformer import Transformer, Version

if TYPE_CHECKING:
    from step1x_edit.loading import Files

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


class Step1XEditPipeline:
    """Step1X-Edit with all its parts in memory, on one device."""

    def __init__(
        self,
        transformer: Transformer,
        autoencoder: Autoencoder,
        conditioner: TextConditioner,
        profile: Profile | None = None,
    ) -> None:
        self.transformer = transformer
        self.autoencoder = autoencoder
        self.conditioner = conditioner
        self.profile = profile or profile_of(transformer.version)

    @classmethod
    def from_pretrained(
        cls,
        source: "Path | str | Files",
        *,
        version: Version = "v1.1",
        revision: str | None = None,
        **options: object,
    ) -> Self:
        """Load the published files; see `loading.load_pipeline` for further options and errors.

        Args:
            source: a local folder in a published layout, an id on the Hugging Face hub, whose files are
                downloaded, or files that are found already.
            version: of the weights.
            revision: of the repository on the hub; its main branch if None.
            options: of `loading.load_pipeline`.
        """
        from step1x_edit.download import located
        from step1x_edit.loading import load_pipeline

        return load_pipeline(cls, located(source, version, revision), version=version, **options)  # type: ignore[arg-type]

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.transformer.img_in.weight.device

    @torch.inference_mode()
    def __call__(
        self, images: Sequence[Image.Image], instructions: Sequence[str], *, seed: int, sampling: Sampling | None = None
    ) -> list[Image.Image]:
        """Return the edited pictures, each in its source's size.

        Args:
            images: the sources, in any mode; alpha is dropped.
            instructions: one for each source.
            seed: fixes noise and posterior of each picture, whatever else is in the batch.
            sampling: how they are edited.

        Raises:
            SizeError: a source is too long and thin.
        """
        sampling = sampling or Sampling()
        return [
            self._edit(image, instruction, seed, sampling)
            for image, instruction in zip(images, instructions, strict=True)
        ]

    def _edit(self, image: Image.Image, instruction: str, seed: int, sampling: Sampling) -> Image.Image:
        picture = self._resized(image, sampling.level)
        generator = torch.Generator(self.device).manual_seed(seed)
        noise = self._noise(picture, generator)
        reference = pack(self._encode(picture, generator, sampling.posterior).to(noise.dtype))
        rows = [instruction] if sampling.guidance is None else [instruction, sampling.negative]
        states, mask = self.conditioner.encode([picture] * len(rows), rows)
        states, mask = states.to(self.device), mask.to(self.device)
        height, width = noise.shape[-2:]
        positions = image_ids(len(rows), height // 2, width // 2, self.transformer.version, reference=True)
        text_positions = text_ids(len(rows), states.shape[1]).to(self.device)
        positions = positions.to(self.device)
        cache = TeaCache(sampling.steps, sampling.teacache) if sampling.teacache is not None else None

        def velocity(tokens: Tensor, t: Tensor) -> Tensor:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                return self.transformer(tokens, positions, states, text_positions, mask, t, cache=cache)

        packed = pack(noise)
        moments = times(sampling.steps, packed.shape[1])
        above = self.profile.damped_above
        final = sample(velocity, packed, reference, moments, strength=sampling.guidance, damped_above=above)
        latent = unpack(final, height, width).float()
        return to_picture(self.autoencoder.decode(latent)).resize(image.size, Image.Resampling.BICUBIC)

    def _resized(self, image: Image.Image, level: int) -> Image.Image:
        filters = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}
        rgb = image.convert("RGB")
        return rgb.resize(working_size(*rgb.size, level), filters[self.profile.resample])

    def _noise(self, picture: Image.Image, generator: torch.Generator) -> Tensor:
        channels = self.autoencoder.size.latent
        shape = (1, channels, picture.height // LATENT, picture.width // LATENT)
        dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        return torch.randn(shape, generator=generator, device=self.device, dtype=dtype)

    def _encode(self, picture: Image.Image, generator: torch.Generator, posterior: Posterior) -> Tensor:
        pixels = to_tensor(picture).to(self.device)
        halved = self.profile.bf16_encode and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=halved):
            if posterior == "mode":
                return self.autoencoder.encode(pixels)
            mean, _ = self.autoencoder.moments(pixels)
            noise = torch.randn(mean.shape, generator=generator, device=self.device, dtype=mean.dtype)
            return self.autoencoder.encode(pixels, noise)


def to_tensor(picture: Image.Image) -> Tensor:
    """Return an RGB picture as (1, 3, H, W) in [-1, 1], float32."""
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return pixels.reshape(1, picture.height, picture.width, 3).permute(0, 3, 1, 2).float() / 255 * 2 - 1


def to_picture(image: Tensor) -> Image.Image:
    """Return the picture of (1, 3, H, W) in about [-1, 1]; values are clamped, then truncated to 8 bits."""
    pixels = (image[0].float().clamp(-1, 1) * 0.5 + 0.5).mul(255).to(torch.uint8).permute(1, 2, 0).contiguous().cpu()
    return Image.frombytes("RGB", (pixels.shape[1], pixels.shape[0]), bytes(pixels.flatten().tolist()))
