"""Ctrl-C once finishes what is in flight; twice stops."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

log = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)  # schedulers send SIGTERM before they kill


@dataclass(slots=True)
class Stop:
    """Set once somebody asked to stop; loops look at it before they begin something new."""

    requested: bool = False


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """Turn the first SIGINT or SIGTERM into `requested`, the second into KeyboardInterrupt.

    Outside the main thread, where Python takes no signals, nothing is changed.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if stop.requested:
            raise KeyboardInterrupt
        stop.requested = True
        log.warning("Stopping once what is in flight is finished; Ctrl-C again stops at once.")

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
