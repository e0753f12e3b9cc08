"""Checks of the sampling loop, with and without TeaCache, against recorded cases."""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from step1x_edit import packing
from step1x_edit.comparing import Case, Comparison, compare, exact
from step1x_edit.denoising import positions, prepared_velocity
from step1x_edit.network_checks import transformer_of
from step1x_edit.prepared import prepare
from step1x_edit.sampling import Velocity, sample, step_velocity
from step1x_edit.teacache import TeaCache, estimate
from step1x_edit.transformer import Transformer


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
