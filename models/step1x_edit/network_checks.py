"""Checks of the networks and their parts against recorded cases."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.comparing import PLAIN, Case, Comparison, Config, Tensors, Way
from step1x_edit.connector import Connector
from step1x_edit.denoising import prepared_velocity
from step1x_edit.diffusers_format import assembled, transformer_source
from step1x_edit.functional import rotary_table
from step1x_edit.layers import DoubleBlock, OutputLayer, SingleBlock, modulation_of
from step1x_edit.lora import merge
from step1x_edit.prepared import prepare
from step1x_edit.transformer import Transformer, TransformerSize

Loaded = TypeVar("Loaded", bound=nn.Module)


def load(module: Loaded, weights: Tensors, way: Way = PLAIN) -> Loaded:
    """Load weights strictly, ready for inference on a path."""
    module.load_state_dict({name: weight.float() for name, weight in weights.items()}, strict=True)
    return module.to(way.device, way.dtype).eval()


def size_of(config: Config) -> TransformerSize:
    """Return the size that a case's network has."""
    return TransformerSize(
        channels=config["in_channels"],
        hidden=config["hidden"],
        heads=config["heads"],
        axes=tuple(config["axes"]),
        double_blocks=config["depth"],
        single_blocks=config["depth_single"],
        mlp_ratio=config["mlp_ratio"],
        pooled=config["vec_in_dim"],
        text=config["connector_in"],
        connector=config["connector_hidden"],
        connector_heads=config["connector_heads"],
        connector_depth=config["connector_depth"],
    )


def check_connector(case: Case) -> Iterator[Comparison]:
    """The connector alone, with its inner results where they were recorded."""
    config, given = case.config, case.inputs
    scaled = "scale_factor" in case.weights
    module = Connector(config["din"], config["dh"], config["heads"], config["depth"], config["dvec"], scaled=scaled)
    load(module, case.weights, case.way)
    inner: Tensors = {}
    watch(inner, "inter_t_emb", module.S.t_embedder)
    watch(inner, "inter_c_emb", module.S.c_embedder)
    for index, block in enumerate(module.S.individual_token_refiner.blocks):
        watch(inner, f"inter_block{index}", block)
    inner["tokens"], inner["pooled"] = module(given["x"].to(case.way.dtype), given["t"], given["mask"])
    for name in case.outputs:
        yield case.compare(name, inner[name])


def watch(found: Tensors, name: str, module: nn.Module) -> None:
    """Note what a module returns."""
    module.register_forward_hook(lambda _module, _given, result: found.__setitem__(name, result))


def given_table(case: Case) -> tuple[Tensor, Tensor]:
    """Return the rotary table of a block's case."""
    return rotary_table(case.inputs["ids"], tuple(case.config["axes"]))


def check_double_block(case: Case) -> Iterator[Comparison]:
    """One double-stream block."""
    config, given = case.config, case.inputs
    block = load(DoubleBlock(config["hidden"], config["heads"], config["mlp_ratio"]), case.weights, case.way)
    img, txt, vec = (given[name].to(case.way.dtype) for name in ("img", "txt", "vec"))
    img, txt = block(img, txt, modulation_of(block, vec), given_table(case))
    yield case.compare("img", img)
    yield case.compare("txt", txt)


def check_single_block(case: Case) -> Iterator[Comparison]:
    """One single-stream block."""
    config, given = case.config, case.inputs
    block = load(SingleBlock(config["hidden"], config["heads"], config["mlp_ratio"]), case.weights, case.way)
    x, vec = given["x"].to(case.way.dtype), given["vec"].to(case.way.dtype)
    yield case.compare("x", block(x, modulation_of(block, vec), given_table(case)))


def check_final_layer(case: Case) -> Iterator[Comparison]:
    """The output layer."""
    layer = load(OutputLayer(case.config["hidden"], case.config["out_channels"]), case.weights, case.way)
    x, vec = (case.inputs[name].to(case.way.dtype) for name in ("x", "vec"))
    yield case.compare("y", layer(x, modulation_of(layer, vec)))


def transformer_of(case: Case) -> Transformer:
    """Return the whole network of a case, with its weights under original names."""
    return ready(Transformer(case.config["version"], size_of(case.config)), case.weights, case.way)


def ready(network: Transformer, weights: Tensors, way: Way) -> Transformer:
    """Load a network's weights and compile its blocks where the path says so."""
    load(network, weights, way)
    if way.fused:
        network.fuse()
    return network


def check_dit(case: Case) -> Iterator[Comparison]:
    """The whole network, with its inner results where they were recorded and the path has them."""
    network = transformer_of(case)
    if case.way.fast:
        yield from fast_velocities(case, network)
        return
    inner: Tensors = {}
    watch(inner, "connector", network.connector)
    watch(inner, "inter_img_embedded", network.img_in)
    watch(inner, "inter_txt_embedded", network.txt_in)
    watch(inner, "double", network.double_blocks[-1])
    watch(inner, "inter_single_last", network.single_blocks[-1])
    watch(inner, "time", network.time_in)
    watch(inner, "pooled", network.vector_in)
    inner["pred"] = velocity_of(network, case.inputs)
    inner["inter_connector_tokens"], inner["inter_connector_pooled"] = inner["connector"]
    inner["inter_double_last_img"], inner["inter_double_last_txt"] = inner["double"]
    inner["inter_vec"] = inner["time"] + inner["pooled"]
    for name in case.outputs:
        yield case.compare(name, inner[name])


def velocity_of(network: Transformer, given: Tensors) -> Tensor:
    """Ask the network with a case's inputs."""
    text = given["llm_embedding"], given["txt_ids"], given["mask"]
    return network(given["img"], given["img_ids"], *text, given["timesteps"])


def fast_velocities(case: Case, network: Transformer) -> Iterator[Comparison]:
    """The velocity row by row, text slots that are alike folded: of all image tokens, then of half of them."""
    given = case.inputs
    wanted = given["img"].shape[1]
    for targets in (None, wanted // 2):
        rows = []
        for row in range(len(given["img"])):
            one = slice(row, row + 1)
            ready = prepare(
                network, given["llm_embedding"][one], given["mask"][one], given["timesteps"][one], multiple=1
            )
            ids = torch.cat((given["txt_ids"][one, : ready.text.shape[2]], given["img_ids"][one]), dim=1)
            table = rotary_table(ids, network.size.axes)
            velocity = prepared_velocity(network, ready, table, targets=targets)
            rows.append(velocity(given["img"][one], 0))
        found, expected = torch.cat(rows), case.outputs["pred"][:, :targets]
        name = "pred" if targets is None else f"pred, {targets} of {wanted} tokens"
        yield replace(case, outputs={name: expected}).compare(name, found)


def check_dit_diffusers(case: Case) -> Iterator[Comparison]:
    """The whole network from weights under diffusers names."""
    network = Transformer(case.config["version"], size_of(case.config))
    weights = {name: assembled(transformer_source(name), case.weights) for name in network.state_dict()}
    ready(network, weights, case.way)
    if case.way.fast:
        yield from fast_velocities(case, network)
        return
    found = velocity_of(network, case.inputs)
    for name in case.outputs:
        yield case.compare(name, found)


def autoencoder_of(case: Case) -> Autoencoder:
    """Return the autoencoder of a case; the half without weights keeps random ones."""
    config = case.config
    size = AutoencoderSize(
        channels=config["ch"],
        multipliers=tuple(config["ch_mult"]),
        blocks=config["num_res_blocks"],
        latent=config["z_channels"],
        scale=config["scale_factor"],
        shift=config["shift_factor"],
    )
    autoencoder = Autoencoder(size)
    for half in ("encoder", "decoder"):
        weights = {name.removeprefix(f"{half}."): w for name, w in case.weights.items() if name.startswith(f"{half}.")}
        if weights:
            load(getattr(autoencoder, half), weights, case.way)
    return autoencoder


def check_autoencoder_encode(case: Case) -> Iterator[Comparison]:
    """Image to posterior and latents."""
    autoencoder, image = autoencoder_of(case), case.inputs["x"].to(case.way.dtype)
    mean, log_variance = autoencoder.moments(image)
    yield case.compare("mean", mean)
    yield case.compare("logvar", log_variance)
    yield case.compare("latent_mode", autoencoder.encode(image))
    yield case.compare("latent_sampled", autoencoder.encode(image, case.inputs["eps"].to(case.way.dtype)))


def check_autoencoder_decode(case: Case) -> Iterator[Comparison]:
    """Latent to image."""
    yield case.compare("image", autoencoder_of(case).decode(case.inputs["z"].to(case.way.dtype)))


def check_lora(case: Case) -> Iterator[Comparison]:
    """Adapters merged into a network's weights."""
    network = Transformer("v1.1", size_of(case.config))
    weights = {name: weight.float() for name, weight in case.weights.items()}
    network.load_state_dict(weights, strict=False)
    network.to(case.way.device)
    merge(network, case.other)
    after = network.state_dict()
    for name in case.outputs:
        yield case.compare(name, after[name])
