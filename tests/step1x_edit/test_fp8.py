"""FP8: weights kept in e4m3 against a network rounded by hand, products in e4m3 against plain ones."""

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from step1x_edit import tiny
from step1x_edit.fp8 import quantise
from step1x_edit.fp8_layers import Fp8Error, ScaledLinear, multiplies_row_scaled, quantise_rows, scaled_product
from step1x_edit.lora import LoraError, merge
from step1x_edit.network_checks import transformer_of, velocity_of
from step1x_edit.transformer import Transformer
from step1x_edit.verify import read_cases
from step1x_edit.weights import load_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "step1x_edit"
E4M3 = torch.float8_e4m3fn
CASES = {case.name: case for case in read_cases(GOLDEN) if case.kind == "dit"}


def toy(dtype: torch.dtype = torch.float32) -> Transformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Transformer("v1.0", tiny.SIZE).to(dtype).eval()


def inputs(tokens: int = 24, text: int = 8) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {
        "img": torch.randn(2, tokens, tiny.SIZE.channels, generator=generator),
        "img_ids": torch.randint(0, 6, (2, tokens, 3), generator=generator),
        "llm_embedding": torch.randn(2, text, tiny.SIZE.text, generator=generator),
        "txt_ids": torch.zeros(2, text, 3),
        "mask": torch.ones(2, text, dtype=torch.int64),
        "timesteps": torch.full((2,), 0.7),
    }


@torch.no_grad()
def run(network: Transformer, given: dict[str, Tensor] | None = None) -> Tensor:
    given = given or inputs()
    dtype = network.img_in.bias.dtype
    return velocity_of(network, {n: v.to(dtype) if v.is_floating_point() else v for n, v in given.items()}).float()


def relative(found: Tensor, wanted: Tensor) -> float:
    return ((found - wanted).norm() / wanted.norm()).item()


def size(module: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in module.parameters())


def rounded_by_hand(network: Transformer) -> Transformer:
    rounded = copy.deepcopy(network)
    rounded.load_state_dict({name: value.to(E4M3).float() for name, value in network.state_dict().items()})
    return rounded


def with_rounded_sinusoid(network: Transformer) -> Transformer:
    network.connector.S.t_embedder.mlp.register_forward_pre_hook(lambda _, given: (given[0].to(E4M3).float(),))
    return network


@pytest.mark.parametrize("name", CASES)
def test_stored_weights_give_what_a_network_rounded_by_hand_gives(name: str) -> None:
    network = transformer_of(CASES[name])
    without = rounded_by_hand(network)
    wanted = run(with_rounded_sinusoid(rounded_by_hand(network)), CASES[name].inputs)
    plain = run(network, CASES[name].inputs)
    quantise(network, "weights")
    found = run(network, CASES[name].inputs)
    assert torch.allclose(found, wanted, atol=1e-6, rtol=1e-5)
    assert relative(found, plain) > 1e-3
    assert not torch.equal(found, run(without, CASES[name].inputs))  # the sinusoid is rounded, too


def test_stored_weights_take_half_of_bfloat16_and_compute_in_it() -> None:
    network = toy(torch.bfloat16)
    before = size(network)
    names = {name: tensor.shape for name, tensor in network.state_dict().items()}
    quantise(network, "weights")
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == names
    assert 0.5 < size(network) / before < 0.51
    dtypes = {name: value.dtype for name, value in network.named_parameters()}
    linear = {f"{name}.weight" for name, layer in network.named_modules() if isinstance(layer, nn.Linear)}
    assert {name for name, dtype in dtypes.items() if dtype == E4M3} == linear
    assert set(dtypes.values()) == {E4M3, torch.bfloat16}
    assert all(torch.equal(value.float(), value.to(E4M3).float()) for value in network.parameters())


def test_quantising_weights_twice_changes_nothing() -> None:
    network = toy()
    quantise(network, "weights")
    state, velocity = copy.deepcopy(network.state_dict()), run(network)
    quantise(network, "weights")
    assert all(torch.equal(value.float(), state[name].float()) for name, value in network.state_dict().items())
    assert torch.equal(run(network), velocity)


@pytest.mark.parametrize("kind", ["weights", "matmul"])
def test_files_that_are_fp8_already_keep_their_values(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "fp8.safetensors"
    save_file({name: value.to(E4M3) for name, value in toy().state_dict().items()}, path)
    network = load_weights(lambda: Transformer("v1.0", tiny.SIZE), [path])
    assert {value.dtype for value in network.parameters()} == {E4M3}
    quantise(network, kind, torch.float32)
    stored = network.single_blocks[0].linear1.weight
    assert torch.equal(stored.float(), toy().single_blocks[0].linear1.weight.to(E4M3).float())
    wanted = run(with_rounded_sinusoid(rounded_by_hand(toy())))
    assert relative(run(network), wanted) < (1e-5 if kind == "weights" else 0.05)
    other = load_weights(lambda: Transformer("v1.0", tiny.SIZE), [path])
    quantise(other, kind)
    assert other.img_in.bias.dtype == torch.bfloat16


@pytest.mark.parametrize("value", [464.5, 1e6, -500.0, float("inf"), float("nan")])
@pytest.mark.parametrize(
    "name", ["single_blocks.0.linear1.weight", "final_layer.linear.bias", "connector.scale_factor"]
)
def test_a_weight_beyond_fp8_is_named(name: str, value: float) -> None:
    network = toy()
    network.state_dict()[name].view(-1)[0] = value
    before = {name: id(layer) for name, layer in network.named_modules()}
    with pytest.raises(Fp8Error, match=name.replace(".", r"\.")):
        quantise(network, "weights")
    assert {name: id(layer) for name, layer in network.named_modules()} == before
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_what_rounds_to_the_largest_number_is_kept_and_products_scale_any_finite_weight() -> None:
    network = toy()
    network.single_blocks[0].linear1.weight.data[0, 0] = 464.0
    other = copy.deepcopy(network)
    quantise(network, "weights")
    assert network.single_blocks[0].linear1.weight[0, 0] == 448
    other.single_blocks[0].linear1.weight.data[0, 0] = 1e6
    third = copy.deepcopy(other)
    quantise(other, "matmul")
    third.single_blocks[0].linear1.weight.data[1, 1] = float("nan")
    with pytest.raises(Fp8Error, match=r"single_blocks\.0\.linear1\.weight holds nan"):
        quantise(third, "matmul")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_in_fp8_stay_near_plain_ones(dtype: torch.dtype) -> None:
    network = toy(dtype)
    plain = run(network)
    quantise(network, "matmul")
    found = run(network)
    assert 1e-4 < relative(found, plain) < 0.05
    scaled = {name for name, layer in network.named_modules() if isinstance(layer, ScaledLinear)}
    blocks = {
        *(
            f"double_blocks.0.{s}_{part}"
            for s in ("img", "txt")
            for part in ("attn.qkv", "attn.proj", "mlp.0", "mlp.2")
        ),
        *(f"single_blocks.{number}.{part}" for number in (0, 1) for part in ("linear1", "linear2")),
    }
    assert scaled == blocks
    rest = {value.dtype for name, value in network.named_parameters() if name.rpartition(".")[0] not in blocks}
    assert rest == {dtype}


@torch.no_grad()
def test_scales_save_small_weights_that_a_plain_cast_loses() -> None:
    errors = {}
    for kind in ("weights", "matmul"):
        network = toy()
        layer = network.single_blocks[0].linear1
        layer.weight.mul_(0.02)  # at most 0.003, below e4m3's smallest normal number of 2^-6
        x = torch.randn(3, 7, layer.in_features, generator=torch.Generator().manual_seed(2))
        wanted = layer(x)
        quantise(network, kind)
        errors[kind] = relative(network.single_blocks[0].linear1(x) - layer.bias, wanted - layer.bias)
    assert errors["matmul"] < 0.05
    assert errors["weights"] > 4 * errors["matmul"]


@pytest.mark.parametrize("with_bias", [True, False])
def test_both_ways_to_apply_scales_agree_with_the_formula(with_bias: bool) -> None:
    generator = torch.Generator().manual_seed(3)
    x, weight = torch.randn(5, 32, generator=generator), torch.randn(48, 32, generator=generator)
    x[2] = 0
    bias = torch.randn(48, generator=generator) if with_bias else None
    (x8, x_scale), (w8, w_scale) = quantise_rows(x), quantise_rows(weight)
    wanted = (x8.double() * x_scale) @ (w8.double() * w_scale).t() + (0 if bias is None else bias)
    for by_row in (True, False):
        found = scaled_product(x8, x_scale, w8, w_scale.t().contiguous(), bias, torch.float32, by_row=by_row)
        assert torch.allclose(found.double(), wanted, atol=1e-5)
        halved = scaled_product(x8, x_scale, w8, w_scale.t().contiguous(), bias, torch.bfloat16, by_row=by_row)
        assert halved.dtype == torch.bfloat16
        assert torch.allclose(halved.double(), wanted, atol=1e-2, rtol=2e-2)


@torch.no_grad()
def test_one_large_token_does_not_coarsen_the_others() -> None:
    network = toy()
    layer = network.single_blocks[0].linear2
    x = torch.randn(2, 6, layer.in_features, generator=torch.Generator().manual_seed(4))
    quantise(network, "matmul")
    before = network.single_blocks[0].linear2(x)
    x[0, 0] *= 1e6
    assert torch.equal(network.single_blocks[0].linear2(x).flatten(0, 1)[1:], before.flatten(0, 1)[1:])


def test_what_is_not_finite_stays_so() -> None:
    network = toy()
    quantise(network, "matmul")
    x = torch.ones(1, 2, network.size.hidden)
    x[0, 0, 0] = float("inf")
    y = network.single_blocks[0].linear1(x)
    assert y[0, 0].isnan().all()
    assert y[0, 1].isfinite().all()


def test_layers_whose_widths_are_no_multiples_of_16_stay_plain() -> None:
    network = transformer_of(CASES["dit_v11"])
    wanted = run(network, CASES["dit_v11"].inputs)
    quantise(network, "matmul")
    left = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert all(layer.weight.dtype == torch.float32 for layer in left)
    scaled = [layer for layer in network.modules() if isinstance(layer, ScaledLinear)]
    assert all(width % 16 == 0 for layer in scaled for width in layer.weight.shape)
    assert relative(run(network, CASES["dit_v11"].inputs), wanted) < 0.05


def adapter(name: str, layer: nn.Linear) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {
        f"lora_unet_{name}.lora_down.weight": torch.randn(2, layer.in_features, generator=generator),
        f"lora_unet_{name}.lora_up.weight": torch.randn(layer.out_features, 2, generator=generator),
        f"lora_unet_{name}.alpha": torch.tensor(0.4),
    }


@pytest.mark.parametrize("kind", ["weights", "matmul"])
def test_adapters_are_merged_before(kind: str) -> None:
    merged = toy()
    adapted = adapter("single_blocks_0_linear1", merged.single_blocks[0].linear1)
    merge(merged, adapted)
    wanted = run(merged)
    plain = toy()
    quantise(plain, kind)
    quantise(merged, kind)
    assert relative(run(merged), wanted) < 0.05
    assert relative(run(plain), wanted) > 0.1


def test_adapters_after_are_rounded_into_stored_weights_and_refused_by_products() -> None:
    network, before = toy(), toy()
    adapted = adapter("single_blocks_0_linear1", before.single_blocks[0].linear1)
    quantise(network, "weights")
    merge(network, adapted)
    start = before.single_blocks[0].linear1.weight.to(E4M3).float()
    update = adapted["lora_unet_single_blocks_0_linear1.lora_up.weight"] @ (
        0.2 * adapted["lora_unet_single_blocks_0_linear1.lora_down.weight"]
    )
    stored = network.single_blocks[0].linear1.weight
    assert stored.dtype == E4M3
    assert relative(stored.detach().float(), start + update) < 0.04
    quantise(before, "matmul")
    with pytest.raises(LoraError, match="before"):
        merge(before, adapted)
    with pytest.raises(Fp8Error, match="already"):
        quantise(before, "weights")


@pytest.mark.parametrize("kind", ["weights", "matmul"])
def test_parameters_move_one_by_one_and_as_a_whole(kind: str) -> None:
    network = toy()
    quantise(network, kind)
    wanted = run(network)
    host = {name: parameter.data for name, parameter in network.named_parameters()}
    for parameter in network.parameters():
        parameter.data = parameter.data.clone()
    assert torch.equal(run(network), wanted)
    for parameter in network.parameters():
        parameter.data = torch.empty(0, dtype=parameter.dtype)
    for name, parameter in network.named_parameters():
        parameter.data = host[name]
    assert torch.equal(run(network), wanted)
    skeleton = copy.deepcopy(network).to("meta")
    assert {value.dtype for value in skeleton.parameters()} == {value.dtype for value in network.parameters()}
    skeleton.load_state_dict(network.state_dict(), strict=True, assign=True)
    assert torch.equal(run(skeleton), wanted)


@pytest.mark.parametrize("kind", ["weights", "matmul"])
def test_a_network_without_memory_can_be_quantised_and_filled(kind: str) -> None:
    network = toy()
    quantise(network, kind)
    with torch.device("meta"):
        skeleton = Transformer("v1.0", tiny.SIZE).eval()
    quantise(skeleton, kind)
    skeleton.load_state_dict(network.state_dict(), strict=True, assign=True)
    assert torch.equal(run(skeleton), run(network))


@pytest.mark.parametrize(
    ("capability", "by_row"), [((8, 9), False), ((9, 0), True), ((10, 0), False), ((12, 0), False)]
)
def test_only_hopper_applies_scales_in_the_product(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], by_row: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert multiplies_row_scaled(torch.device("cuda", 0)) == by_row


def test_an_older_gpu_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    with pytest.raises(Fp8Error, match=r"8\.9 .* has 8\.6"):
        multiplies_row_scaled(torch.device("cuda", 0))
    assert multiplies_row_scaled(torch.device("cpu"))
