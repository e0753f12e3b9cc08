"""Strict loading: both formats, shards, and one clear error for each thing that can be wrong."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from step1x_edit.autoencoder import Autoencoder
from step1x_edit.diffusers_format import Source, autoencoder_source, transformer_source
from step1x_edit.network_checks import size_of, velocity_of
from step1x_edit.transformer import Transformer, TransformerSize
from step1x_edit.verify import read_cases
from step1x_edit.weights import WeightsError, load_weights, sha256

GOLDEN = Path(__file__).parents[1] / "golden" / "step1x_edit"
TINY = TransformerSize(
    channels=16,
    hidden=36,
    heads=2,
    axes=(6, 6, 6),
    double_blocks=1,
    single_blocks=1,
    pooled=16,
    text=24,
    connector=24,
    connector_heads=2,
)


def manifest(name: str) -> dict[str, tuple[int, ...]]:
    tensors = json.loads((GOLDEN / "keys" / name).read_text())["tensors"]
    return {key: tuple(value["shape"] if isinstance(value, dict) else value) for key, value in tensors.items()}


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def on_meta(build) -> nn.Module:
    with torch.device("meta"):
        return build()


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: Transformer("v1.0"), "dit_v1p0.json"),
        (lambda: Transformer("v1.1"), "dit_v1p1.json"),
        (Autoencoder, "autoencoder.json"),
    ],
)
def test_full_size_names_and_shapes_are_those_of_the_original_files(build, name: str) -> None:
    assert shapes(on_meta(build)) == manifest(name)


@pytest.mark.parametrize(
    ("build", "naming", "name"),
    [
        (lambda: Transformer("v1.1"), transformer_source, "diffusers_transformer_v1p1.json"),
        (Autoencoder, autoencoder_source(4), "diffusers_vae.json"),
    ],
)
def test_full_size_names_and_shapes_are_those_of_the_diffusers_files(build, naming, name: str) -> None:
    there = manifest(name)
    used = set()
    for ours, shape in shapes(on_meta(build)).items():
        source: Source = naming(ours)
        parts = [there[part] for part in source.names]
        rows = sum(part[0] for part in parts)
        assert {part[1:] for part in parts} == {shape[1 : len(parts[0])]}
        assert rows == shape[0]
        used.update(source.names)
    assert used == set(there)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save_file(Transformer("v1.1", TINY).state_dict(), path)
    return path


def load_tiny(path: Path, version="v1.1") -> Transformer:
    return load_weights(lambda: Transformer(version, TINY), [path])


def test_what_was_saved_is_loaded(tiny: Path) -> None:
    saved = load_file(tiny)
    loaded = load_tiny(tiny).state_dict()
    assert saved.keys() == loaded.keys()
    assert all(torch.equal(saved[name], loaded[name]) for name in saved)
    as_bf16 = load_weights(lambda: Transformer("v1.1", TINY), [tiny], dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in as_bf16.parameters()} == {torch.bfloat16}


def test_shards_in_diffusers_format_give_the_same_network(tmp_path: Path) -> None:
    [case] = [case for case in read_cases(GOLDEN) if case.kind == "dit_diffusers"]
    names = sorted(case.weights)
    shards = [tmp_path / f"part-{number}.safetensors" for number in (1, 2)]
    for number, shard in enumerate(shards):
        save_file({name: case.weights[name].float() for name in names[number::2]}, shard)
    size = size_of(case.config)
    network = load_weights(lambda: Transformer("v1.1", size), shards, naming=transformer_source)
    with torch.no_grad():
        assert torch.allclose(velocity_of(network, case.inputs), case.outputs["pred"], atol=1e-4, rtol=1e-4)


def spoil(path: Path, **changes: torch.Tensor | None) -> None:
    tensors = load_file(path)
    for name, tensor in changes.items():
        name = name.replace("__", ".")
        if tensor is None:
            del tensors[name]
        else:
            tensors[name] = tensor
    save_file(tensors, path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"img_in__weight": None}, "img_in.weight is missing"),
        ({"img_in__weight": None, "txt_in__bias": None}, r"img_in.weight is missing \(and 1 more\)"),
        ({"extra": torch.zeros(1)}, "extra is unexpected"),
        ({"img_in__weight": torch.zeros(36, 17)}, r"img_in.weight has the shape \(36, 17\)"),
        ({"connector__scale_factor": torch.zeros(1)}, "weights of v1.0, not of v1.1"),
    ],
)
def test_what_does_not_fit_is_named(tiny: Path, changes: dict[str, torch.Tensor | None], words: str) -> None:
    spoil(tiny, **changes)
    with pytest.raises(WeightsError, match=words):
        load_tiny(tiny)


def test_v1_1_weights_are_no_v1_0(tiny: Path) -> None:
    with pytest.raises(WeightsError, match=r"weights of v1\.1, not of v1\.0"):
        load_tiny(tiny, "v1.0")


@pytest.mark.parametrize("keep", [0, 4, 100, -50])
def test_a_damaged_file_is_one_sentence(tiny: Path, keep: int) -> None:
    tiny.write_bytes(tiny.read_bytes()[:keep])
    with pytest.raises(WeightsError, match="can't be read as safetensors"):
        load_tiny(tiny)


def test_a_tensor_in_two_files_is_refused(tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"img_in.bias": torch.zeros(36)}, other)
    with pytest.raises(WeightsError, match="stands in two files"):
        load_weights(lambda: Transformer("v1.1", TINY), [tiny, other])


def test_files_are_named_by_their_content(tiny: Path) -> None:
    assert len(sha256(tiny)) == 64
