"""Parts whose behaviour the recorded cases leave open: inverses, sizes, quotes, adapters."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from step1x_edit.lora import LoraError, merge
from step1x_edit.packing import pack, unpack
from step1x_edit.quotes import split_quotes
from step1x_edit.schedule import times
from step1x_edit.sizing import SizeError, vlm_sizes, working_size
from step1x_edit.transformer import Transformer, TransformerSize

SMALL = TransformerSize(
    channels=4, hidden=12, heads=1, axes=(4, 4, 4), double_blocks=1, single_blocks=1, pooled=8, text=8,
    connector=8, connector_heads=1, connector_depth=1,
)  # fmt: skip


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_unpacking_undoes_packing(batch: int, channels: int, rows: int, columns: int) -> None:
    latent = torch.randn(batch, channels, 2 * rows, 2 * columns)
    packed = pack(latent)
    assert packed.shape == (batch, rows * columns, 4 * channels)
    assert torch.equal(unpack(packed, 2 * rows, 2 * columns), latent)


def test_odd_latents_cannot_be_packed() -> None:
    with pytest.raises(ValueError, match="can't be cut"):
        pack(torch.zeros(1, 4, 3, 4))


@given(st.integers(1, 6000), st.integers(1, 6000), st.sampled_from([512, 1024]))
def test_working_sizes_are_multiples_of_16_near_the_level(width: int, height: int, level: int) -> None:
    try:
        wide, high = working_size(width, height, level)
    except SizeError:
        assert max(width, height) / min(width, height) > 100
        return
    assert wide % 16 == high % 16 == 0
    assert wide * high <= (level + 16) ** 2 * 1.2


@given(st.integers(16, 3000), st.integers(16, 3000))
def test_the_language_model_sees_256_to_324_patches_or_so(width: int, height: int) -> None:
    try:
        _, (wide, high) = vlm_sizes(width, height)
    except SizeError:
        assert max(width, height) / min(width, height) > 200 - 1
        return
    assert wide % 28 == high % 28 == 0


@given(st.integers(1, 60), st.integers(1, 9000))
def test_times_fall_from_1_to_0(steps: int, tokens: int) -> None:
    found = times(steps, tokens)
    assert len(found) == steps + 1
    assert found[-1] == 0
    assert found[0] == pytest.approx(1, abs=1e-6)
    assert found == sorted(found, reverse=True)


@given(st.text(alphabet="ab \"'“”\n", max_size=40))
def test_splitting_loses_nothing_but_the_kind_of_quotes(text: str) -> None:
    whole = "F" * 160 + text
    pieces = split_quotes(whole)
    bare = [piece[1:-1] if len(piece) == 3 and piece[0] == "“" and piece[-1] == "”" else piece for piece in pieces]
    plain = whole.translate(str.maketrans({"'": '"', "“": '"', "”": '"'}))
    assert "".join(bare) == plain


def adapter(name: str, rank: int = 2, alpha: float = 1.0, out: int = 12, into: int = 4) -> dict[str, torch.Tensor]:
    return {
        f"{name}.lora_down.weight": torch.ones(rank, into),
        f"{name}.lora_up.weight": torch.ones(out, rank),
        f"{name}.alpha": torch.tensor(alpha),
    }


def test_several_adapters_add_up_with_their_weights() -> None:
    network = Transformer("v1.1", SMALL)
    before = network.img_in.weight.clone()
    assert merge(network, adapter("lora_unet_img_in"), 0.5).applied == ("lora_unet_img_in",)
    merge(network, adapter("lora_unet_img_in", alpha=0.0), 2.0)
    assert torch.allclose(network.img_in.weight - before, torch.full((12, 4), 0.5 * 0.5 * 2 + 2.0 * 2), atol=1e-5)


def test_what_the_original_ignores_is_reported_unused() -> None:
    merged = merge(Transformer("v1.1", SMALL), adapter("lora_unet_final_layer_linear"))
    assert (merged.applied, merged.unused) == ((), ("lora_unet_final_layer_linear",))


def test_unknown_and_incomplete_keys_are_errors() -> None:
    network = Transformer("v1.1", SMALL)
    with pytest.raises(LoraError, match="lora_unet_nothing"):
        merge(network, adapter("lora_unet_nothing"))
    assert merge(network, adapter("lora_unet_nothing"), allow_unknown=True).unused == ("lora_unet_nothing",)
    incomplete = adapter("lora_unet_img_in")
    del incomplete["lora_unet_img_in.alpha"]
    with pytest.raises(LoraError, match="alpha"):
        merge(network, incomplete)
    with pytest.raises(LoraError, match="not \\(12, 4\\)"):
        merge(network, adapter("lora_unet_img_in", into=5))


def test_heads_and_axes_must_fit() -> None:
    with pytest.raises(ValueError, match="hidden width"):
        Transformer("v1.1", TransformerSize(hidden=100))
