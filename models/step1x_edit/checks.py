"""One check for each kind of recorded case: run our parts on its inputs, compare with its outputs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from step1x_edit import packing, schedule, sizing
from step1x_edit.autoencoder import Autoencoder, AutoencoderSize
from step1x_edit.comparing import PLAIN, Case, Comparison, Config, Skipped, Tensors, Way, compare, exact
from step1x_edit.conditioning import prompt_ids
from step1x_edit.connector import Connector
from step1x_edit.denoising import positions, prepared_velocity
from step1x_edit.diffusers_format import assembled, transformer_source
from step1x_edit.functional import rotary_table, rotate, sinusoid, transformer_time
from step1x_edit.guidance import damping
from step1x_edit.layers import DoubleBlock, OutputLayer, SingleBlock, modulation_of
from step1x_edit.lora import merge
from step1x_edit.prepared import prepare
from step1x_edit.quotes import split_quotes
from step1x_edit.sampling import Velocity, sample, step_velocity
from step1x_edit.teacache import TeaCache, estimate
from step1x_edit.transformer import Transformer, TransformerSize, Version

Loaded = TypeVar("Loaded", bound=nn.Module)
Check = Callable[[Case], Iterator[Comparison]]

_KEPT_BEFORE_PICTURE = 7
"""Kept tokens up to the picture: the prefix's last, "Picture", " ", "1", ":", " ", and the picture's start."""


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


def check_timestep_embeddings(case: Case) -> Iterator[Comparison]:
    """Both sinusoidal embeddings, from float32 and bfloat16 times."""
    for name in case.outputs:
        kind, width, *rounded = name.split("_", 2)
        t = case.inputs["t_bf16" if rounded else "t"]
        found = transformer_time(t, int(width)) if kind == "dit" else sinusoid(1000 * t, int(width))
        yield case.compare(name, found)


def check_rope(case: Case) -> Iterator[Comparison]:
    """The rotary table and its use."""
    cos, sin = table = rotary_table(case.inputs["ids"], tuple(case.config["axes"]), case.config["theta"])
    rows = torch.stack((torch.stack((cos, -sin), -1), torch.stack((sin, cos), -1)), -2)
    yield case.compare("pe", rows[:, None])
    yield case.compare("q_rot", rotate(case.inputs["q"], table))
    yield case.compare("k_rot", rotate(case.inputs["k"], table))


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


def check_packing(case: Case) -> Iterator[Comparison]:
    """Packing, positions, and unpacking."""
    latents, reference = case.inputs["latents"], case.inputs.get("ref_latents")
    packed = packing.pack(latents)
    target = packed
    if reference is not None:
        packed = torch.cat((packed, packing.pack(reference)), dim=1)
    batch, _, height, width = latents.shape
    version: Version = case.config["version"]
    ids = packing.image_ids(batch, height // 2, width // 2, version, reference=reference is not None)
    found = {"img": packed, "img_ids": ids, "unpacked": packing.unpack(target, height, width)}
    found["txt_ids"] = packing.text_ids(batch, case.outputs["txt_ids"].shape[1])
    for name in case.outputs:
        yield case.compare(name, found[name])


def check_guidance_factor(case: Case) -> Iterator[Comparison]:
    """The divisor of damped guidance."""
    yield case.compare("divisor", damping(case.inputs["norm"], case.config["k"]))


def velocity_for_loop(case: Case, network: Transformer, cache: TeaCache | None = None) -> Velocity:
    """Return the network as a function of tokens and step, for the text and the size of a loop's case."""
    given = case.inputs
    states, mask, times = given["llm_embedding"], given["mask"], given["timesteps"].float()[:-1]
    rows, length = states.shape[:2]
    height, width = given["noise"].shape[-2:]
    reference = "ref_latents" in given
    if not case.way.fast:
        ids = packing.image_ids(rows, height // 2, width // 2, network.version, reference=reference).to(states.device)
        text = states, packing.text_ids(rows, length).to(states.device), mask
        return lambda tokens, step: network(tokens, ids, *text, times[step].expand(len(tokens)), cache=cache)
    targets = height * width // 4

    def prepared(some: slice) -> Velocity:
        ready = prepare(network, states[some], mask[some], times, multiple=1)
        table = positions(network, ready, height, width, states.device, reference=reference)
        return prepared_velocity(network, ready, table, targets=targets, cache=cache)

    if cache is not None:
        return prepared(slice(None))
    alone = [prepared(slice(row, row + 1)) for row in range(rows)]  # row by row, so that each folds its own text
    return lambda tokens, step: torch.cat([velocity(tokens[row : row + 1], step) for row, velocity in enumerate(alone)])


def check_loop(case: Case) -> Iterator[Comparison]:
    """The sampling loop, step by step and as a whole."""
    network = transformer_of(case)
    velocity = velocity_for_loop(case, network)
    x, reference, times = loop_inputs(case)
    strength = case.config["cfg"]
    damped_above = case.config.get("timesteps_truncate", 1.0)
    whole = sample(velocity, x, reference, times, strength=strength, damped_above=damped_above)
    states, predictions = [x], []
    for step, (time, following) in enumerate(pairwise(times)):
        if "pred_steps" in case.outputs:
            tokens = x if reference is None else torch.cat((x, reference), dim=1)
            predictions.append(velocity(tokens.repeat(2, 1, 1), step)[:, : x.shape[1]])
        guided = step_velocity(velocity, x, reference, step, strength=strength, damped=time > damped_above)
        x = x + (following - time) * guided
        states.append(x)
    yield case.compare("x_final", whole)
    yield case.compare("x_steps", torch.stack(states))
    if predictions:
        yield case.compare("pred_steps", torch.stack(predictions))


def loop_inputs(case: Case) -> tuple[Tensor, Tensor | None, list[float]]:
    """Return packed noise, packed reference if there is one, and times as Python floats."""
    reference = case.inputs.get("ref_latents")
    packed = packing.pack(reference) if reference is not None else None
    return packing.pack(case.inputs["noise"]), packed, case.inputs["timesteps"].double().tolist()


def check_teacache(case: Case) -> Iterator[Comparison]:
    """TeaCache's decisions and the picture that comes of them."""
    network = transformer_of(case)
    x, reference, times = loop_inputs(case)
    cache = TeaCache(len(times) - 1, case.config["threshold"])
    velocity = velocity_for_loop(case, network, cache)
    predictions: list[Tensor] = []

    def noted(tokens: Tensor, step: int) -> Tensor:
        predictions.append(velocity(tokens, step))
        return predictions[-1]

    above = case.config["timesteps_truncate"]
    final = sample(noted, x, reference, times, strength=case.config["cfg"], damped_above=above)
    computed = [bool(value) for value in case.outputs["computed"].tolist()]
    yield exact("computed", cache.computed, [computed])
    inner = slice(1, len(computed) - 1)
    taken = cache.changes[0][inner]
    changes, increments = torch.tensor(taken), torch.tensor([estimate(change) for change in taken])
    relative = case.norm_share if case.by_norm else case.looser * float(case.tolerance["rel_l1_rtol"])
    yield compare("rel_l1", changes, case.outputs["rel_l1"][inner], 0.0, relative)
    increment = case.norm_share if case.by_norm else case.looser * float(case.tolerance["increment_atol"])
    yield compare("increment", increments, case.outputs["increment"][inner], increment, 0.0)
    yield case.compare("x_final", final)
    yield case.compare("pred_steps", torch.stack([one[:, : x.shape[1]] for one in predictions]))


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


def check_sizing(case: Case) -> Iterator[Comparison]:
    """Working sizes and those of the language model's picture."""
    for row in case.table:
        name = f"{row['w']}x{row['h']} at {row['size_level']}"
        wanted = (row["new_w"], row["new_h"])
        try:
            found = sizing.working_size(row["w"], row["h"], row["size_level"])
        except sizing.SizeError:
            yield exact(name, True, 0 in wanted)
            continue
        yield exact(name, found, wanted)
        try:
            first, second = sizing.vlm_sizes(*found)
        except sizing.SizeError:
            yield exact(f"{name}, language model", True, row.get("vlm_stage1_wh") is None)
            continue
        yield exact(
            f"{name}, language model", [list(first), list(second)], [row["vlm_stage1_wh"], row["vlm_stage2_wh"]]
        )


def check_schedule(case: Case) -> Iterator[Comparison]:
    """Times, and the step at which an image-to-image run begins."""
    for row in case.table:
        name = f"{row['steps']} steps of {row['seq_len']} tokens"
        found = schedule.times(row["steps"], row["seq_len"])
        mine, theirs = (torch.tensor(times, dtype=torch.float64) for times in (found, row["timesteps"]))
        yield compare(name, mine, theirs, float(case.tolerance["atol"]), 0.0)
        yield exact(f"{name}, damped", sum(time > 0.93 for time in found), row["steps_above_0.93"])
        for start in row["img2img_start"]:
            index = schedule.start_index(row["steps"], start["strength"])
            yield exact(f"{name} from {start['strength']}", index, start["t_idx"])


def check_quote_split(case: Case) -> Iterator[Comparison]:
    """Quoted text, character by character."""
    for row in case.table:
        yield exact(row["text"][-40:], split_quotes(row["text"]), row["pieces"])


def unsupported(case: Case) -> Iterator[Comparison]:
    """Say that a kind isn't implemented."""
    raise Skipped("not supported yet")


def check_prompt_ids(case: Case, tokenizer: Path | None = None) -> Iterator[Comparison]:
    """Token ids of chat turns, from the picture's end on, with the model's own tokenizer."""
    if tokenizer is None:
        raise Skipped("skipped: needs --tokenizer FOLDER")
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    # A prefix of the trained one's length will do: what comes before the picture isn't compared.
    prefix, image_tokens = "F" * 1058, 324
    end = loaded.convert_tokens_to_ids("<|vision_end|>")
    for row in case.table:
        ids = prompt_ids(loaded, prefix, row["prompt"], image_tokens)
        tail = ids[ids.index(end) :]
        yield exact(row["prompt"][:40], tail, row["ids_from_vision_end"])
        kept = _KEPT_BEFORE_PICTURE + image_tokens + len(tail)
        yield exact(f"{row['prompt'][:40]}, kept", kept, row["kept_tokens_with_324_image_tokens"])


CHECKS: dict[str, Check] = {
    "timestep_embeddings": check_timestep_embeddings,
    "rope": check_rope,
    "connector": check_connector,
    "double_block": check_double_block,
    "single_block": check_single_block,
    "final_layer": check_final_layer,
    "dit": check_dit,
    "dit_diffusers": check_dit_diffusers,
    "autoencoder_encode": check_autoencoder_encode,
    "autoencoder_decode": check_autoencoder_decode,
    "packing": check_packing,
    "guidance_factor": check_guidance_factor,
    "loop": check_loop,
    "teacache": check_teacache,
    "lora": check_lora,
    "sizing": check_sizing,
    "schedule": check_schedule,
    "quote_split": check_quote_split,
    "prompt_ids": check_prompt_ids,
    "v1.2": unsupported,
}
