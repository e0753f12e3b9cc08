"""TeaCache in batches: every sample decides as if alone, only what must be computed is, one read a step."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from step1x_edit import tiny
from step1x_edit.teacache import TeaCache, Trunk, estimate, relative_changes
from step1x_edit.transformer import Transformer

STEPS, TOKENS, WIDTH = 8, 12, 16
SPEEDS = (0.004, 0.06, 0.6)
"""How fast the samples' tokens change: P is least near δ = 0.05, so that they decide differently."""


def walks(rows: int, samples: int = len(SPEEDS)) -> list[Tensor]:
    """Return the embedded tokens of all steps, (rows·samples, TOKENS, WIDTH) each."""
    generator = torch.Generator().manual_seed(0)
    speeds = torch.tensor(SPEEDS[:samples]).repeat(rows)[:, None, None]
    x = torch.randn(rows * samples, TOKENS, WIDTH, generator=generator)
    steps = [x]
    for _ in range(STEPS - 1):
        steps.append(steps[-1] + speeds * torch.randn(x.shape, generator=generator))
    return steps


def trunk(kept: int, seen: list[Tensor | None]):
    """Return a trunk that notes for which rows it was asked."""
    weight = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(1))

    def compute(tokens: Tensor, rows: Tensor | None) -> Tensor:
        seen.append(rows)
        assert rows is None or len(rows) == len(tokens)
        return (tokens @ weight).tanh()[:, :kept]

    return compute


def whole_step(cache: TeaCache, tokens: Tensor, compute: Trunk) -> Tensor:
    cache.begin(tokens)
    return cache.finish(compute)


def run(cache: TeaCache, steps: list[Tensor], kept: int = TOKENS) -> tuple[list[Tensor], list[list[Tensor | None]]]:
    outputs, asked = [], []
    for tokens in steps:
        asked.append([])
        outputs.append(whole_step(cache, tokens, trunk(kept, asked[-1])))
    return outputs, asked


@pytest.mark.parametrize("threshold", [0.2, 0.5])  # at 0.5 a sample is computed among others and reused next
@pytest.mark.parametrize("kept", [TOKENS, TOKENS // 2])
@pytest.mark.parametrize("rows", [1, 2])
def test_a_batch_does_what_its_samples_do_alone(rows: int, kept: int, threshold: float) -> None:
    steps, samples = walks(rows), len(SPEEDS)
    together = TeaCache(STEPS, threshold, samples)
    outputs, _ = run(together, steps, kept)
    for sample in range(samples):
        alone = TeaCache(STEPS, threshold)
        wanted, _ = run(alone, [tokens[sample::samples] for tokens in steps], kept)
        assert alone.computed == [together.computed[sample]]
        assert alone.changes == [together.changes[sample]]
        for found, one in zip(outputs, wanted, strict=True):
            assert one.shape == (rows, kept, WIDTH)
            assert torch.allclose(found[sample::samples], one, atol=1e-6, rtol=0)
    assert len({tuple(computed) for computed in together.computed}) > 1


@pytest.mark.parametrize("rows", [1, 2])
def test_only_rows_that_must_be_computed_reach_the_trunk(rows: int) -> None:
    samples = len(SPEEDS)
    cache = TeaCache(STEPS, samples=samples)
    _, asked = run(cache, walks(rows))
    kinds = set()
    for step, calls in enumerate(asked):
        computing = [sample for sample in range(samples) if cache.computed[sample][step]]
        kinds.add(len(computing))
        if not computing:
            assert calls == []
        elif len(computing) == samples:
            assert calls == [None]
        else:
            [chosen] = calls
            assert chosen.dtype == torch.int64
            assert chosen.tolist() == [row * samples + sample for row in range(rows) for sample in computing]
    assert kinds & set(range(1, samples)), "no step in which some samples are computed and some are not"


def test_a_sample_alone_follows_the_formula() -> None:
    steps = walks(2, 1)
    cache = TeaCache(STEPS, 0.5)
    outputs, _ = run(cache, steps)
    compute = trunk(TOKENS, [])
    before, accumulated, residual = None, 0.0, None
    for step, (tokens, found) in enumerate(zip(steps, outputs, strict=True)):
        feature = torch.nn.functional.layer_norm(tokens, (WIDTH,), eps=1e-6)
        must = step in (0, STEPS - 1)
        if not must:
            change = float((feature - before).abs().mean() / before.abs().mean())
            assert cache.changes[0][step] == pytest.approx(change, rel=1e-5)
            accumulated += estimate(change)
            must = accumulated >= 0.5
        if must:
            accumulated, residual = 0.0, compute(tokens, None) - tokens
        assert cache.computed[0][step] == must
        assert torch.allclose(found, tokens + residual, atol=1e-5)
        before = feature
    assert False in cache.computed[0]


def test_a_change_that_is_no_number_is_computed() -> None:
    steps = [torch.zeros(1, 3, 4)] * 4
    cache = TeaCache(4, 100.0)
    run_steps = [whole_step(cache, tokens, lambda tokens, rows: tokens + 1) for tokens in steps]
    assert all(cache.computed[0])
    assert all(torch.equal(found, torch.ones(1, 3, 4)) for found in run_steps)


class Reads(TorchDispatchMode):
    """Counts what would wait for a GPU: copies to the host's buffer, and single numbers asked for."""

    def __init__(self, samples: int) -> None:
        super().__init__()
        self.samples, self.copies, self.numbers = samples, 0, 0

    def __torch_dispatch__(self, function: Any, types: Any, given: Any = (), named: Any = None) -> Any:
        name = function.overloadpacket.__name__
        self.copies += name == "copy_" and given[0].shape == (self.samples,)
        self.numbers += name in ("_local_scalar_dense", "is_nonzero", "nonzero", "equal")
        return function(*given, **(named or {}))


def test_an_inner_step_reads_once_and_the_outer_steps_never() -> None:
    samples = len(SPEEDS)
    cache = TeaCache(STEPS, samples=samples)
    for number, tokens in enumerate(walks(2)):
        with Reads(samples) as reads:
            whole_step(cache, tokens, trunk(TOKENS, []))
        assert reads.numbers == 0
        assert reads.copies == (number not in (0, STEPS - 1))


def test_each_sample_changes_by_its_own_rows() -> None:
    before = torch.randn(6, 4, 5, generator=torch.Generator().manual_seed(2))
    feature = before.clone()
    feature[1::3] *= 1.5
    assert torch.allclose(relative_changes(feature, before, 3), torch.tensor([0.0, 0.5, 0.0]))


def test_misuse_is_an_error() -> None:
    with pytest.raises(ValueError, match="5 rows"):
        TeaCache(4, samples=2).begin(torch.zeros(5, 1, 4))
    with pytest.raises(RuntimeError, match="begun"):
        TeaCache(4).finish(lambda tokens, rows: tokens)


@torch.no_grad()
def test_the_network_computes_a_batch_as_its_samples_alone() -> None:
    torch.manual_seed(0)
    network = Transformer("v1.1", tiny.SIZE).eval()
    samples, tokens, text = 3, 6, 4
    generator = torch.Generator().manual_seed(3)
    rows = 2 * samples
    ids = torch.randint(0, 4, (rows, tokens, 3), generator=generator)
    states = torch.randn(rows, text, tiny.SIZE.text, generator=generator)
    given = ids, states, torch.zeros(rows, text, 3), torch.ones(rows, text, dtype=torch.int64)
    start = torch.randn(samples, tokens, 64, generator=generator)
    speeds = torch.tensor(SPEEDS)[:, None, None]
    walk = [start + step * speeds * torch.randn(start.shape, generator=generator) for step in range(5)]

    def velocities(cache: TeaCache, chosen: slice) -> list[Tensor]:
        times = [1 - step / 5 for step in range(5)]
        part = [tensor[chosen] for tensor in given]
        return [
            network(x.repeat(2, 1, 1)[chosen], *part, torch.full((len(part[0]),), time), cache=cache)
            for x, time in zip(walk, times, strict=True)
        ]

    together = TeaCache(5, samples=samples)
    whole = velocities(together, slice(None))
    for sample in range(samples):
        alone = TeaCache(5)
        wanted = velocities(alone, slice(sample, None, samples))
        assert alone.computed == [together.computed[sample]]
        for found, one in zip(whole, wanted, strict=True):
            assert torch.allclose(found[sample::samples], one, atol=1e-5)
    assert len({tuple(computed) for computed in together.computed}) > 1
