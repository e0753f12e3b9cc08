"""Text slots that are alike are folded only where that changes nothing."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from step1x_edit import tiny
from step1x_edit.denoising import Trajectory, denoise
from step1x_edit.packing import image_ids, pack, text_ids
from step1x_edit.prepared import foldable, prepare
from step1x_edit.sampling import sample, seen_times
from step1x_edit.schedule import times
from step1x_edit.transformer import Transformer

LENGTH = 24


@pytest.fixture(scope="module")
def network() -> Transformer:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Transformer("v1.1", tiny.SIZE).eval()


def text(lengths: list[int], *, behind: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """States and mask of rows of some lengths; what stands behind the text is `behind`."""
    generator = torch.Generator().manual_seed(7)
    states = torch.randn(len(lengths), LENGTH, tiny.SIZE.text, generator=generator)
    mask = torch.zeros(len(lengths), LENGTH, dtype=torch.int64)
    for row, length in enumerate(lengths):
        mask[row, :length] = 1
        states[row, length:] = behind
    return states, mask


@given(lengths=st.lists(st.integers(1, LENGTH), min_size=1, max_size=4), multiple=st.sampled_from([1, 4, 32]))
def test_what_is_kept_holds_all_that_counts_and_one_more(lengths: list[int], multiple: int) -> None:
    states, mask = text(lengths)
    kept = foldable(states, mask, multiple)
    assert kept <= LENGTH
    assert kept == LENGTH or (kept > max(lengths) and kept % multiple == 0)


def test_slots_that_differ_are_kept() -> None:
    states, mask = text([5, 8])
    assert foldable(states, mask) == 9
    states[1, LENGTH - 1] += 1e-6
    assert foldable(states, mask) == LENGTH


def test_alike_but_not_zero_may_be_folded() -> None:
    assert foldable(*text([5, 8], behind=0.5)) == 9


def test_holes_in_a_mask_are_kept() -> None:
    states, mask = text([9])
    mask[0, 3] = 0
    assert foldable(states, mask) == 10


@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, LENGTH - 1), min_size=2, max_size=2), behind=st.sampled_from([0.0, 0.3]))
def test_the_prepared_way_ends_where_the_plain_one_does(
    network: Transformer, lengths: list[int], behind: float
) -> None:
    states, mask = text(lengths, behind=behind)
    generator = torch.Generator().manual_seed(1)
    noise, reference = (torch.randn(1, 16, 4, 6, generator=generator) for _ in range(2))
    moments = times(3, 6)
    with torch.inference_mode():
        seen = seen_times(moments, noise.dtype, strength=6.0, damped_above=0.93)
        prepared = prepare(network, states, mask, seen, multiple=1)
        trajectory = Trajectory(times=moments, strength=6.0, damped_above=0.93)
        found = denoise(network, prepared, noise, reference, trajectory)
        ids = image_ids(2, 2, 3, "v1.1", reference=True)

        def plain(tokens: torch.Tensor, step: int) -> torch.Tensor:
            return network(tokens, ids, states, text_ids(2, LENGTH), mask, seen[step].expand(2))

        wanted = sample(plain, pack(noise), pack(reference), moments, strength=6.0, damped_above=0.93)
    assert torch.allclose(pack(found), wanted, atol=2e-4, rtol=1e-3)


def test_times_are_rounded_as_the_latent_is() -> None:
    moments = times(28, 1024)
    never = seen_times(moments, torch.bfloat16, strength=6.0, damped_above=1.0)
    assert never.dtype is torch.bfloat16  # the latent keeps its dtype where guidance is never damped
    assert len(never) == len(list(pairwise(moments)))
    damped = seen_times(moments, torch.bfloat16, strength=6.0, damped_above=0.93)
    assert damped.dtype is torch.float32
    assert damped[0] == 1.0
    assert torch.equal(damped[1:], torch.tensor(moments[1:-1]))
    assert seen_times(moments, torch.bfloat16, strength=None, damped_above=0.93).dtype is torch.bfloat16
