"""What an edit takes where the parts of Step1X-Edit take turns on the GPU."""

from dataclasses import replace
from pathlib import Path

import torch
from step1x_bench import SOME, Bench
from step1x_parts import chat_turns, random_inputs
from step1x_tables import Row
from step1x_ways import Way, decode, encode, loop, prepared_for, read, schedule, timed, velocity_of

from step1x_edit.autoencoder import Autoencoder
from step1x_edit.residence import Mode, Part, Residence, bytes_of, slots

SHARING = 16
"""Samples that go through a phase together: what moving takes is shared by them."""
SPARE = 1.1
RESERVE = 45.0
"""Seconds that a mode may take."""


def measure_mode(bench: Bench, mode: Mode, way: Way, side: int) -> None:
    """Print a mode's row: phases one after the other as in the pipeline, for single pictures."""

    def run(row: Row) -> Row:
        network, language, autoencoder = bench.network(way), bench.part("language"), bench.part("autoencoder")
        assert isinstance(autoencoder, Autoencoder)
        preset, device = bench.preset, bench.device
        needed = SPARE * bytes_of(slots(network, language, autoencoder))
        free = host_memory()
        if device.type == "cuda" and free < needed:
            return replace(row, note=f"not run: {free / 1e9:.0f} GB of host memory are free, {needed / 1e9:.0f} needed")
        bench.move(torch.device("cpu"))
        bench.tidy()
        inputs, turns = random_inputs(preset, side, 1, device), chat_turns(preset, 1)
        line = schedule(bench.steps, inputs)
        steps = min(SOME, bench.steps)
        place = Residence(mode, device, language=language, network=network, autoencoder=autoencoder)
        moving: list[float] = []

        def need(part: Part) -> None:
            # Outside of inference mode, so that compiled blocks meet the kind of tensors that they were compiled for.
            with torch.inference_mode(False), torch.no_grad():
                moving.append(timed(device, lambda: place.need(part)))

        try:
            need("language")
            read(language, preset, turns)
            reading = timed(device, lambda: read(language, preset, turns))
            need("autoencoder")
            encode(autoencoder, side, device)
            encoding = timed(device, lambda: encode(autoencoder, side, device))
            need("conditioning")
            prepared = prepared_for(way, network, inputs, line).to("cpu")
            preparing = timed(device, lambda: prepared_for(way, network, inputs, line).to("cpu"))
            need("blocks")
            velocity = velocity_of(network, inputs, line, prepared)
            loop(velocity, inputs, line.times[:3])
            looping = timed(device, lambda: loop(velocity, inputs, line.times[: steps + 1])) * bench.steps / steps
            need("autoencoder")
            decode(autoencoder, side, device)
            decoding = timed(device, lambda: decode(autoencoder, side, device))
        finally:
            with torch.inference_mode(False), torch.no_grad():
                place.release()
        scaled = f", {steps} steps measured, scaled to {bench.steps}" if steps < bench.steps else ""
        return replace(
            row,
            steps=steps,
            loop=looping,
            image=reading + encoding + preparing + looping + decoding + sum(moving) / SHARING,
            peak=bench.peak(),
            note=f"blocks {way.name}, moving {sum(moving):.3g} s shared by {SHARING}{scaled}",
        )

    bench.measure(Row(side=side, batch=1, name=mode), run, RESERVE if bench.device.type == "cuda" else 0)


def host_memory() -> float:
    """Return the bytes of host memory that are free, for this machine or what this process may have of it."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = 1024.0 * int(fields["MemAvailable"].split()[0])
    group = Path("/sys/fs/cgroup")
    if (group / "memory.max").is_file() and (most := (group / "memory.max").read_text().strip()) != "max":
        free = min(free, int(most) - int((group / "memory.current").read_text()))
    return free
