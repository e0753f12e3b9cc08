"""One writer per run, shard and judgement. The lock dies with its process, so kill -9 leaves none behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gedit_bench.errors import RunLockedError
from gedit_bench.store.atomic import disk_error, make_folder


@contextmanager
def sole_writer(lock: Path, wait: float = 0) -> Iterator[None]:
    """Hold `lock` while the block runs; somebody else's is waited for at most `wait` seconds.

    Raises:
        RunLockedError: another process holds it.
        UnavailableError: the folder can't be written.
    """
    make_folder(lock.parent)
    holder = FileLock(lock, timeout=wait)
    try:
        holder.acquire()
    except Timeout as error:
        raise RunLockedError(
            f"Another process is already working on {lock.parent}.",
            "Wait for it, stop it, or give each process its own --shard i/n.",
        ) from error
    except OSError as error:
        raise disk_error(lock, error) from error
    try:
        yield
    finally:
        holder.release()
