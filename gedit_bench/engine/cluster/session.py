"""Ray, started on this machine or joined where it runs: silent, reporting to nobody, and closed to strangers."""

import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from gedit_bench.editing.devices import visible_gpus
from gedit_bench.engine.placement import Placement
from gedit_bench.errors import UnavailableError, UsageError

STORE = 512 * 2**20
"""Bytes of shared memory for what travels between processes on this machine: sources, and images at most once."""

_PATIENCE = 10.0  # seconds for a cluster to take a connection


@contextmanager
def ray_session(placement: Placement) -> Iterator[list[str]]:
    """Have Ray there while the block runs; yield `cuda` or `cpu` for each process that is to be.

    A Ray that is already there in this process is taken as it is and left there.

    Raises:
        UnavailableError: Ray isn't installed, can't start, or doesn't answer at the address.
        UsageError: there are fewer GPUs than processes that want one.
    """
    if placement.address is None and "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        # Ray listens on every network interface: nobody else may speak to this one.
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    ray = imported()
    if ray.is_initialized():
        yield _posts(ray, placement)
        return
    terminate = signal.getsignal(signal.SIGTERM)  # which Ray takes for itself
    _begin(ray, placement)
    try:
        yield _posts(ray, placement)
    finally:
        ray.shutdown()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, terminate)


def imported() -> ModuleType:
    """Return Ray, which is imported nowhere else.

    Raises:
        UnavailableError: it isn't installed.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read when Ray is imported
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        raise UnavailableError(
            f"Several devices or machines need Ray, which is not here: {error}.",
            "Install it with pip install 'gedit-bench[ray]', or give each device its --shard i/n.",
        ) from error
    # What happens to a process is told by whoever waits for it; Ray would print it where results are printed.
    ray._private.worker._worker_logs_enabled = False
    module: ModuleType = ray
    return module


def _begin(ray: ModuleType, placement: Placement) -> None:
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if placement.address is not None:
        try:
            _knock(placement.address)
            ray.init(address=placement.address, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            raise UnavailableError(
                f"No Ray cluster answers at {placement.address}: {_first_line(error)}.",
                "Start one with `ray start --head`, and run this on one of its machines." + _about_tokens(placement),
            ) from error
        return
    gpus = sum(device != "cpu" for device in placement.devices)
    # Schedulers send SIGTERM to all processes of a job: Ray's must outlive it, for what is in flight.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        if gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible_gpus(placement.devices)
        ray.init(
            address="local",
            num_cpus=len(placement.devices),
            num_gpus=gpus,
            include_dashboard=False,
            object_store_memory=STORE,
            **quiet,
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise UnavailableError(f"Ray can't be started: {_first_line(error)}.", "Its logs are in /tmp/ray.") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if gpus:
            os.environ.pop("CUDA_VISIBLE_DEVICES")
            os.environ |= {} if before is None else {"CUDA_VISIBLE_DEVICES": before}


def _about_tokens(placement: Placement) -> str:
    """Ray sends its token to a cluster that it finds itself, and to a named address only where it is told to."""
    if placement.address == "auto" or "RAY_AUTH_MODE" in os.environ:
        return ""
    return " If it wants a token, set RAY_AUTH_MODE=token."


def _knock(address: str) -> None:
    """Find out in seconds whether anybody is there; Ray takes minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()


def _posts(ray: ModuleType, placement: Placement) -> list[str]:
    gpus = int(ray.cluster_resources().get("GPU", 0))
    if not placement.devices:
        machines = sum(bool(node["Alive"]) for node in ray.nodes())
        return ["cuda"] * gpus or ["cpu"] * machines
    posts = [device.partition(":")[0] for device in placement.devices]
    if posts.count("cuda") > gpus:
        raise UsageError(
            f"Ray has {gpus} GPUs, not {posts.count('cuda')}.", "Use --device all for as many as there are."
        )
    return posts


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
