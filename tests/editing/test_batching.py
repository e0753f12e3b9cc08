"""Batches that are halved where memory runs out: every result once, in order, and never more work than that takes."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from gedit_bench.editing.batching import halving, out_of_memory


class Device:
    """Memory for so many items at once."""

    def __init__(self, room: int, error: Exception | None = None) -> None:
        self.room = room
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.batches: list[int] = []

    def run(self, items: Sequence[int], size: int) -> Iterator[int]:
        for start in range(0, len(items), size):
            batch = items[start : start + size]
            self.batches.append(len(batch))
            if len(batch) > self.room:
                raise self.error
            yield from (10 * item for item in batch)


@settings(max_examples=10)  # each lack of memory frees what it can, which takes a while
@given(count=some.integers(0, 40), room=some.integers(1, 40), start=some.integers(1, 40))
def test_every_item_once_in_order_and_within_the_memory(count: int, room: int, start: int) -> None:
    device = Device(room)
    found = list(halving(device.run, range(count), start))
    assert [result for result, _ in found] == [10 * item for item in range(count)]
    sizes = [size for _, size in found]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(batch > room for batch in device.batches) <= 6  # 40, 20, 10, 5, 2, 1
    assert sum(batch for batch in device.batches if batch <= room) == count  # nothing finished is run again


def test_what_does_not_fit_alone_is_raised() -> None:
    with pytest.raises(torch.OutOfMemoryError):
        list(halving(Device(0).run, range(3), 4))


def test_another_error_is_raised_at_once() -> None:
    device = Device(2, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        list(halving(device.run, range(8), 4))
    assert device.batches == [4]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("x"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"), True),
        (RuntimeError("expected scalar type Half"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_counts_as_lack_of_memory(error: Exception, expected: bool) -> None:
    assert out_of_memory(error) == expected
