"""Which parts are on the device in which phase, and which mode fits into how much memory."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from step1x_edit import tiny
from step1x_edit.autoencoder import Autoencoder
from step1x_edit.residence import (
    TOGETHER,
    Footprint,
    MemoryShortage,
    Mode,
    Part,
    Residence,
    bytes_of,
    choose,
    conditioning_modules,
    peak,
    slots,
)
from step1x_edit.transformer import Transformer

FULL = Footprint(language=16_600_000_000, conditioning=7_530_000_000, blocks=17_320_000_000, autoencoder=335_000_000)
"""Of the published weights, in bytes."""
SMALL, LARGE = 512 * 512, 1024 * 1024
GB = 10**9


@pytest.fixture
def parts() -> Iterator[dict[str, torch.nn.Module]]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield {
            "language": torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4)),
            "network": Transformer("v1.1", tiny.SIZE),
            "autoencoder": Autoencoder(tiny.AUTOENCODER_SIZE),
        }


def residence(mode: Mode, parts: dict[str, torch.nn.Module]) -> Residence:
    network = parts["network"]
    assert isinstance(network, Transformer)
    return Residence(mode, "meta", language=parts["language"], network=network, autoencoder=parts["autoencoder"])


def on_device(module: torch.nn.Module) -> set[bool]:
    return {getattr(owner, name).is_meta for owner, name in slots(module)}


def test_the_network_falls_apart_into_the_published_sizes() -> None:
    with torch.device("meta"):
        network = Transformer("v1.1")
        network.to(torch.bfloat16)
    modulators = sum(
        tensor.numel() for part in network.modulated[:-1] for layer in part.modulators for tensor in layer.parameters()
    )
    assert modulators == 3_228_567_552
    assert bytes_of(slots(network.connector)) == 2 * 536_621_824
    assert bytes_of(slots(network)) - bytes_of(slots(*conditioning_modules(network))) < 17.4 * GB


@pytest.mark.parametrize("mode", TOGETHER)
@pytest.mark.parametrize("part", ["language", "conditioning", "blocks", "autoencoder"])
def test_only_what_a_phase_needs_is_on_the_device(mode: Mode, part: Part, parts: dict[str, torch.nn.Module]) -> None:
    before = {
        name: {key: value.clone() for key, value in module.state_dict().items()} for name, module in parts.items()
    }
    place = residence(mode, parts)
    with torch.inference_mode():
        place.need("language")
        place.need(part)
    assert part in place.present
    assert on_device(parts["language"]) == {"language" in place.present}
    assert on_device(parts["autoencoder"]) == {"autoencoder" in place.present}
    network = parts["network"]
    assert isinstance(network, Transformer)
    for module in conditioning_modules(network):
        assert on_device(module) == {"conditioning" in place.present}
    assert network.img_in.weight.is_meta == ("blocks" in place.present)
    place.release()
    if mode == "resident":
        return
    for name, module in parts.items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, before[name][key])


@pytest.mark.parametrize(
    ("free", "pixels", "mode"),
    [
        (80 * GB, LARGE, "resident"),
        (48 * GB, SMALL, "resident"),
        (48 * GB, LARGE, "offload"),
        (32 * GB, LARGE, "offload"),
        (24 * GB, LARGE, "24gb"),
        (24 * GB, SMALL, "24gb"),
    ],
)
def test_the_fastest_mode_that_fits_is_taken(free: int, pixels: int, mode: Mode) -> None:
    assert choose(free, FULL, pixels, rows=2) == mode


def test_too_little_memory_says_how_much_is_needed() -> None:
    with pytest.raises(MemoryShortage, match=r"12\.0 GB .* about 20\.\d GB"):
        choose(12 * GB, FULL, LARGE, rows=2)


@given(free=st.integers(25 * GB, 200 * GB), more=st.integers(0, 100 * GB), rows=st.sampled_from([1, 2, 4, 8]))
def test_more_memory_never_means_a_slower_mode(free: int, more: int, rows: int) -> None:
    order = list(TOGETHER)
    chosen = choose(free, FULL, SMALL, rows)
    assert peak(chosen, FULL, SMALL, rows) <= free
    assert order.index(choose(free + more, FULL, SMALL, rows)) <= order.index(chosen)
