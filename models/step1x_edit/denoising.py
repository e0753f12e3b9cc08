"""From noise to latents: the prepared network through the sampling loop, for samples of one latent size."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from step1x_edit.functional import rotary_table
from step1x_edit.packing import image_ids, pack, text_ids, unpack
from step1x_edit.prepared import Prepared
from step1x_edit.sampling import Velocity, sample
from step1x_edit.teacache import TeaCache
from step1x_edit.transformer import Transformer

HOPPER = (9, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """The way through time: times from 1 to 0, strength of guidance (None: without), where it is damped."""

    times: Sequence[float]
    strength: float | None
    damped_above: float


def denoise(
    network: Transformer,
    prepared: Prepared,
    noise: Tensor,
    reference: Tensor | None,
    trajectory: Trajectory,
    *,
    teacache: float | None = None,
) -> Tensor:
    """Return the samples' latents, (B, C, h, w), in float32.

    Args:
        network: of which only the blocks and the embedder of latents are used.
        prepared: text and modulation of each step; rows are the B conditional ones, then, under
            guidance, the B unconditional ones.
        noise: (B, C, h, w); its dtype is that of the latent until guidance is damped.
        reference: latents of the sources, (B, C, h, w), or None for text to image.
        trajectory: the way through time.
        teacache: TeaCache's threshold; None asks the blocks in every step.
    """
    height, width = noise.shape[-2:]
    table = positions(network, prepared, height, width, noise.device, reference=reference is not None)
    cache = None if teacache is None else TeaCache(len(trajectory.times) - 1, teacache, samples=len(noise))
    velocity = prepared_velocity(network, prepared, table, targets=height * width // 4, cache=cache)
    packed = None if reference is None else pack(reference)
    with fastest_attention(noise.device):
        final = sample(
            velocity,
            pack(noise),
            packed,
            trajectory.times,
            strength=trajectory.strength,
            damped_above=trajectory.damped_above,
        )
    return unpack(final, height, width).float()


def positions(
    network: Transformer, prepared: Prepared, height: int, width: int, device: torch.device, *, reference: bool
) -> tuple[Tensor, Tensor]:
    """Return the rotary table over kept text slots and image tokens of a latent size; one row for all samples."""
    image = image_ids(1, height // 2, width // 2, network.version, reference=reference)
    ids = torch.cat((text_ids(1, prepared.text.shape[2]), image), dim=1)
    return rotary_table(ids.to(device), network.size.axes)


def prepared_velocity(
    network: Transformer,
    prepared: Prepared,
    table: tuple[Tensor, Tensor],
    *,
    targets: int | None,
    cache: TeaCache | None = None,
) -> Velocity:
    """Return the velocity as a function of packed tokens and step, (B, N, C).

    Args:
        network: of which only the blocks and the embedder of latents are used.
        prepared: text and modulation of each step.
        table: rotary table over text slots, then image tokens.
        targets: N, how many image tokens are wanted; all if None.
        cache: skips the blocks where little changed, if given.
    """

    def velocity(tokens: Tensor, step: int) -> Tensor:
        embedded = network.img_in(tokens.to(network.dtype))
        if cache is not None:
            cache.begin(embedded)  # its verdict travels to the host while the rest is got ready
        text, modulation = prepared.at(step, tokens.device)

        def trunk(some: Tensor, rows: Tensor | None) -> Tensor:
            of = slice(None) if rows is None else rows
            return network.trunk(some, text[of], modulation[of], table, copies=prepared.copies, targets=targets)

        after = trunk(embedded, None) if cache is None else cache.finish(trunk)
        return network.finish(after, modulation)

    return velocity


@contextmanager
def fastest_attention(device: torch.device) -> Iterator[None]:
    """Let attention choose cuDNN's kernel first on Hopper and later, FlashAttention's before; any other after them."""
    if device.type != "cuda":
        yield
        return
    first, second = SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION
    if torch.cuda.get_device_capability(device) < HOPPER:
        first, second = second, first
    with sdpa_kernel([first, second, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH], set_priority=True):
        yield
