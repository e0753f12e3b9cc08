"""The benchmark of Step1X-Edit: what is measured, and how each figure comes about."""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch
from step1x_ceilings import Ceilings, best, ceilings, step_flop
from step1x_parts import (
    Preset,
    chat_turns,
    compute_dtype,
    random_autoencoder,
    random_inputs,
    random_language_model,
    random_network,
)
from step1x_tables import OVER, Row, way_line
from step1x_ways import (
    Way,
    decode,
    encode,
    first_velocity,
    loop,
    prepared_for,
    read,
    relative_error,
    schedule,
    timed,
    velocity_of,
    way_flop,
)
from torch import Tensor, nn

from step1x_edit.fp8 import quantise
from step1x_edit.teacache import TeaCache
from step1x_edit.transformer import Transformer

FEW = 4
"""Steps of the short loop after which ways are compared; it also warms up."""
SOME = 6
"""Steps that are measured of a slow way's loop."""
COMPILING = 60.0
"""Seconds that compiling may take."""
SLOW_RATE = 250e12
"""FLOP/s of a slow way on the GPU that the budget is for."""


@dataclass
class Bench:
    """What is measured, where, until when; the parts that exist, and the figures so far."""

    preset: Preset
    device: torch.device
    steps: int
    only: frozenset[str]
    deadline: float
    parts: dict[str, nn.Module] = field(default_factory=dict)
    built: Way | None = None
    """The way that the network is made for; only `fp8` and `fused` count."""
    best: dict[int, Ceilings] = field(default_factory=dict)
    plain: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """Of each size: what `first_velocity` and the short loop give for the first sample on the plain path."""
    phases: dict[tuple[str, int], float] = field(default_factory=dict)
    """Seconds a sample of the language model by batch, of the autoencoder by size."""
    rows: list[Row] = field(default_factory=list)

    def wants(self, *names: str) -> bool:
        return any(name in self.only for name in names)

    def part(self, name: str) -> nn.Module:
        """Return the language model or the autoencoder, made on the device at first, now where it is."""
        if name not in self.parts:
            make = {"language": random_language_model, "autoencoder": random_autoencoder}[name]
            with torch.inference_mode(False), torch.no_grad():
                self.parts[name] = make(self.preset, self.device)
        return self.parts[name]

    def network(self, way: Way) -> Transformer:
        """Return the network as a way wants it, with the same weights each time; made on the device if it must be."""
        if self.built is not None and (self.built.fp8 != way.fp8 or (self.built.fused and not way.fused)):
            self.drop_network()
        with torch.inference_mode(False), torch.no_grad():
            if self.built is None:
                self.parts["network"] = random_network(self.preset, self.device)
                if way.fp8:
                    quantise(self.parts["network"], way.fp8)
                self.built = replace(way, fused=False)
            network = self.parts["network"]
            assert isinstance(network, Transformer)
            if way.fused and not self.built.fused:
                torch._dynamo.reset()
                network.fuse()
                self.built = replace(self.built, fused=True)
        return network

    def drop_network(self) -> None:
        """Let go of the network, if there is one."""
        self.parts.pop("network", None)
        self.built = None
        self.tidy()

    def move(self, device: torch.device) -> None:
        """Have all parts on a device."""
        with torch.inference_mode(False), torch.no_grad():
            for part in self.parts.values():
                if next(part.parameters()).device.type != device.type:
                    part.to(device)

    def measure(self, row: Row, work: Callable[[Row], Row], reserve: float = 0.0) -> None:
        """Measure a row and print it; a failure or the lack of `reserve` seconds is what the row says then."""
        if time.monotonic() + reserve > self.deadline:
            row = replace(row, note=OVER)
        else:
            try:
                with torch.inference_mode():
                    row = work(row)
            except Exception as error:  # whatever one way fails of, the others are measured
                reason = next(iter(str(error).strip().splitlines()), "")
                row = replace(row, failed=True, note=f"failed: {type(error).__name__}: {reason}"[:200])
        self.rows.append(row)
        print(way_line(row), flush=True)
        self.tidy()

    def tidy(self) -> None:
        gc.collect()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak(self) -> int | None:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None

    def other_phases(self, side: int, batch: int) -> float | None:
        """Seconds a sample of language model, encoder and decoder; None if one of them wasn't measured."""
        language, pictures = self.phases.get(("language", batch)), self.phases.get(("autoencoder", side))
        return None if language is None or pictures is None else language + pictures


def measure_ceilings(bench: Bench, sides: Sequence[int]) -> list[dict[str, object]]:
    """Print and keep the ceilings at each size."""
    print("\nCeilings, TFLOP/s, each for itself, at the network's own shapes with guidance and no padding folded")
    every = []
    for side in sides:
        tokens = 2 * side**2 // 256 + bench.preset.length
        found = []
        if time.monotonic() < bench.deadline:
            for one in ceilings(bench.preset.transformer, tokens, 2, compute_dtype(bench.device), bench.device):
                found.append(one)
                figure = f"none: {one.reason}"[:150] if one.rate is None else f"{one.rate / 1e12:.4g}"
                print(f"{side:>5}  {one.kind:<20} {one.shape:<22} {figure}", flush=True)
        else:
            print(f"{side:>5}  {OVER}")
        bench.best[side] = best(found)
        every += [{"side": side, **asdict(one)} for one in found]
    bench.tidy()
    return every


def measure_phases(bench: Bench, sides: Sequence[int], batches: Sequence[int]) -> None:
    """Print the phases beside the loop: the language model by batch, the autoencoder by size."""
    device, preset = bench.device, bench.preset

    def language(row: Row) -> Row:
        model, turns = bench.part("language"), chat_turns(preset, row.batch)
        bench.move(device)
        read(model, preset, turns)
        seconds = timed(device, lambda: read(model, preset, turns)) / row.batch
        bench.phases["language", row.batch] = seconds
        return replace(row, image=seconds, peak=bench.peak(), note="two rows a sample, the same at every size")

    def autoencoder(row: Row) -> Row:
        model, both = bench.part("autoencoder"), []
        bench.move(device)
        for work in (encode, decode):
            work(model, row.side, device)
            both.append(timed(device, lambda work=work: work(model, row.side, device)))
        bench.phases["autoencoder", row.side] = sum(both)
        return replace(row, image=sum(both), peak=bench.peak(), note=f"encode {both[0]:.3g} s, decode {both[1]:.3g} s")

    for batch in batches:
        if bench.wants("language"):
            bench.measure(Row(side=sides[0], batch=batch, name="language"), language, 5)
    for side in sides:
        if bench.wants("autoencoder"):
            bench.measure(Row(side=side, batch=1, name="autoencoder"), autoencoder, 5)


def measure_way(bench: Bench, way: Way, side: int, batch: int = 1) -> None:
    """Print a way's row: its errors after one step and after a short loop, then the time of the loop."""
    device = bench.device
    steps = bench.steps if way.whole and batch == 1 else min(SOME, bench.steps)

    def run(row: Row) -> Row:
        network = bench.network(way)
        bench.move(device)
        bench.tidy()  # what making and quantising took for a while isn't the way's
        inputs = random_inputs(bench.preset, side, batch, device)
        short, whole = schedule(min(FEW, bench.steps), inputs), schedule(bench.steps, inputs)
        prepared = prepared_for(way, network, inputs, short)
        slots_kept = bench.preset.length if prepared is None else prepared.text.shape[2]
        velocity = velocity_of(network, inputs, short, prepared)
        cold = timed(device, lambda: first_velocity(velocity, inputs))
        first = first_velocity(velocity, inputs)
        cache = None if way.teacache is None else TeaCache(len(short.times) - 1, way.teacache, batch)
        latents = loop(velocity_of(network, inputs, short, prepared, cache), inputs, short.times)[:1].float()
        if not bool(latents.isfinite().all()):
            raise RuntimeError("latents are not finite")
        if not way.prepared:
            bench.plain[side] = first, latents
        row = _with_errors(row, bench.plain.get(side), first, latents)
        prepared = prepared_for(way, network, inputs, whole)
        preparing = timed(device, lambda: prepared_for(way, network, inputs, whole))
        cache = None if way.teacache is None else TeaCache(steps, way.teacache, batch)
        velocity = velocity_of(network, inputs, whole, prepared, cache)
        seconds = timed(device, lambda: loop(velocity, inputs, whole.times[: steps + 1]))
        asked = steps if cache is None else sum(cache.computed[0])
        flop = way_flop(network, way, inputs, slots_kept)
        per_step = seconds / asked
        attainable = bench.best.get(side, Ceilings()).seconds(flop, fp8=way.fp8 == "matmul")
        in_loop = seconds * bench.steps / steps / batch
        own, other = preparing / batch if way.prepared else 0.0, bench.other_phases(side, batch)
        notes = [f"prepare {own:.3g} s"] if way.prepared else []
        notes += [f"first step {cold:.3g} s"] if way.fused else []
        notes += [f"{asked} of {steps} steps computed"] if cache else []
        notes += [f"{steps} steps measured, scaled to {bench.steps}"] if steps < bench.steps else []
        return replace(
            row,
            steps=steps,
            loop=in_loop,
            image=None if other is None else in_loop + own + other,
            rate=flop.total / per_step,
            share=None if attainable is None else attainable / per_step,
            peak=bench.peak(),
            note=", ".join(notes),
        )

    bench.measure(Row(side=side, batch=batch, name=way.name), run, _reserve(bench, way, side, batch, steps))


def _with_errors(row: Row, plain: tuple[Tensor, Tensor] | None, first: Tensor, latents: Tensor) -> Row:
    if plain is None or (row.name == "plain" and row.batch == 1):
        return row
    errors = relative_error(first, plain[0]), relative_error(latents, plain[1])
    return replace(row, velocity_error=errors[0], loop_error=errors[1])


def _reserve(bench: Bench, way: Way, side: int, batch: int, steps: int) -> float:
    """Seconds that must be left before a way is measured."""
    if bench.device.type != "cuda":
        return 0
    step = step_flop(bench.preset.transformer, 2 * batch, 2 * side**2 // 256, bench.preset.length).total
    compiled = bench.built is not None and bench.built.fused and bench.built.fp8 == way.fp8
    return (steps + FEW + 2) * step / SLOW_RATE + (COMPILING if way.fused and not compiled else 0)
