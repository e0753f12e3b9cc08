"""Batches as large as the memory takes: tried, and halved where it is too small, without losing the batch."""

import gc
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

START = 16
"""The batch that is tried first."""

_WORDS = ("out of memory", "can't allocate memory", "alloc_failed")


def halving(
    run: Callable[[Sequence[Item], int], Iterator[Result]], items: Sequence[Item], start: int
) -> Iterator[tuple[Result, int]]:
    """Yield each item's result, in order, with the batch size that it was made with.

    Where memory runs out, what isn't finished is tried again in batches of half the size, down to 1. Start
    with the last size that was yielded where more items follow.

    Args:
        run: yields the results of some items, in order, in batches of at most the size given.
        items: what to run on.
        start: the size to try first, at least 1.

    Raises:
        Exception: whatever `run` raises, lack of memory too where not even one item fits.
    """
    size, finished = start, 0
    while finished < len(items):
        try:
            for result in run(items[finished:], size):
                finished += 1
                yield result, size
            return
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error) or size == 1:
                raise
        # The error is gone here, and with it the frames that held what filled the memory.
        size = max(1, min(size, len(items) - finished) // 2)
        log.info("The memory is too small: from here on at most %d at once.", size)
        _release()


def out_of_memory(error: BaseException) -> bool:
    """True if an error says that a device's or the machine's memory was too small."""
    if isinstance(error, MemoryError) or any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)


def _release() -> None:
    gc.collect()
    torch = sys.modules.get("torch")  # asked only where a model has loaded it
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
