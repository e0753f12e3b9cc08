"""The ways through Step1X-Edit's sampling loop that are compared, and the other phases of an edit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from step1x_ceilings import Flop, condition_flop, step_flop, synchronise
from step1x_parts import DAMPED_ABOVE, LATENT, STRENGTH, VERSION, Inputs, Preset
from torch import Tensor

from step1x_edit.autoencoder import Autoencoder
from step1x_edit.denoising import fastest_attention, positions, prepared_velocity
from step1x_edit.fp8 import Fp8
from step1x_edit.language_model import ChatTurns, hidden_states
from step1x_edit.packing import image_ids, pack, text_ids
from step1x_edit.prepared import Prepared, prepare
from step1x_edit.sampling import Velocity, sample, seen_times
from step1x_edit.schedule import times
from step1x_edit.teacache import THRESHOLD, TeaCache
from step1x_edit.transformer import Transformer

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLForConditionalGeneration


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way through the loop. `whole`: all of its steps are measured where one picture is edited."""

    name: str
    prepared: bool = True
    fused: bool = False
    fp8: Fp8 | None = None
    teacache: float | None = None
    whole: bool = False


WAYS = {
    way.name: way
    for way in (
        Way(name="plain", prepared=False),
        Way(name="fast"),
        Way(name="fused", fused=True, whole=True),
        Way(name="teacache", fused=True, teacache=THRESHOLD, whole=True),
        Way(name="fp8-matmul", fp8="matmul"),
        Way(name="fp8-fused", fp8="matmul", fused=True, whole=True),
        Way(name="fp8-weights", fp8="weights"),
    )
}
"""`plain` is what the original does: everything in each step, padding kept. `fast` prepares text and modulation,
folds padding and computes target tokens only, operation by operation; `fused` compiles its blocks."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The loop's times, and the same as the network sees them, on its device."""

    times: list[float]
    seen: Tensor


def schedule(steps: int, inputs: Inputs) -> Schedule:
    """Return the times of a whole loop."""
    line = times(steps, inputs.targets)
    seen = seen_times(line, inputs.noise.dtype, strength=STRENGTH, damped_above=DAMPED_ABOVE)
    return Schedule(line, seen.to(inputs.noise.device))


def prepared_for(way: Way, network: Transformer, inputs: Inputs, line: Schedule) -> Prepared | None:
    """Return text and modulation of all steps; None where the way computes them in each step."""
    return prepare(network, inputs.states, inputs.mask, line.seen) if way.prepared else None


def velocity_of(
    network: Transformer, inputs: Inputs, line: Schedule, prepared: Prepared | None, cache: TeaCache | None = None
) -> Velocity:
    """Return the network as the loop asks for it, prepared or not."""
    height, width = inputs.noise.shape[-2:]
    device = inputs.noise.device
    if prepared is not None:
        table = positions(network, prepared, height, width, device, reference=True)
        return prepared_velocity(network, prepared, table, targets=inputs.targets, cache=cache)
    rows = len(inputs.states)
    image = image_ids(rows, height // 2, width // 2, VERSION, reference=True).to(device)
    text = text_ids(rows, inputs.states.shape[1]).to(device)

    def velocity(tokens: Tensor, step: int) -> Tensor:
        return network(tokens, image, inputs.states, text, inputs.mask, line.seen[step].expand(rows))

    return velocity


def first_velocity(velocity: Velocity, inputs: Inputs) -> Tensor:
    """Return the first sample's velocities in the first step, with and without its prompt, (2, N, C), in float32."""
    tokens = torch.cat((pack(inputs.noise), pack(inputs.reference)), dim=1).repeat(2, 1, 1)
    with fastest_attention(tokens.device):
        found = velocity(tokens, 0)[:, : inputs.targets]
    return found[:: len(inputs.noise)].float()


def loop(velocity: Velocity, inputs: Inputs, line: list[float]) -> Tensor:
    """Go through some times; return the packed latents, (B, N, C). Every way has the fastest attention."""
    with fastest_attention(inputs.noise.device):
        return sample(
            velocity,
            pack(inputs.noise),
            pack(inputs.reference),
            line,
            strength=STRENGTH,
            damped_above=DAMPED_ABOVE,
        )


def way_flop(network: Transformer, way: Way, inputs: Inputs, slots: int) -> Flop:
    """Return the FLOP of one step of a way.

    Args:
        network: of which the size counts.
        way: through the loop.
        inputs: of which the shapes count.
        slots: of text that are kept.
    """
    rows, length = inputs.mask.shape
    image, size = 2 * inputs.targets, network.size
    if not way.prepared:
        return step_flop(size, rows, image, length) + condition_flop(size, rows, length)
    return step_flop(size, rows, image, slots, copies=length - slots, targets=inputs.targets)


def timed(device: torch.device, work: Callable[[], object]) -> float:
    """Return the seconds that some work takes on a device."""
    synchronise(device)
    started = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - started


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Return ‖found - expected‖ / ‖expected‖."""
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))


def read(model: "Qwen2_5_VLForConditionalGeneration", preset: Preset, turns: ChatTurns) -> None:
    """Have the language model read chat turns."""
    hidden_states(model, turns, drop=preset.drop, length=preset.length)


def encode(autoencoder: Autoencoder, side: int, device: torch.device) -> None:
    """Encode one picture as the v1.1 profile does: under bfloat16 autocast on a GPU."""
    pixels = torch.rand(1, 3, side, side, device=device) * 2 - 1
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        mean, log_variance = autoencoder.moments(pixels)
        autoencoder.latent(mean, log_variance, torch.randn_like(mean))


def decode(autoencoder: Autoencoder, side: int, device: torch.device) -> None:
    """Decode one picture."""
    latent = torch.randn(1, autoencoder.size.latent, side // LATENT, side // LATENT, device=device)
    autoencoder.decode(latent)
