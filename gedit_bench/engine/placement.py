"""Where edits are made: on one device in this process, or on several, each with a process of its own."""

import re
from dataclasses import dataclass

from gedit_bench.errors import UnavailableError, UsageError

_EXAMPLE = "For example --device cuda:0, --device cuda:0,cuda:1, --device all or --device cpu."

_DEVICE = re.compile(r"(cpu|cuda|mps|xpu|hpu|npu|mlu|musa)(:\d+)?")
"""Kinds of device that torch knows and something can compute on."""

EDIT_TIMEOUT = 600.0
"""Seconds that one edit may take in a process of its own, unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The devices, in torch's words; none means those of the whole cluster at `address`, one process for each GPU.

    `timeout` is how many seconds one edit may take where a process of its own makes it.
    """

    devices: tuple[str, ...] = ()
    address: str | None = None
    timeout: float = EDIT_TIMEOUT

    @property
    def alone(self) -> bool:
        """True where one device works, in this process."""
        return self.address is None and len(self.devices) < 2

    @property
    def device(self) -> str | None:
        """What a backend in this process is told; None leaves it the choice."""
        return self.devices[0] if self.devices and self.address is None else None


def place(device: str = "", address: str | None = None, timeout: float | None = None) -> Placement:
    """Return where edits are made.

    Args:
        device: devices separated by commas; `all` is every GPU, or the CPU where there is none; empty leaves
            it to the backend, or to the cluster.
        address: of a Ray cluster, `auto` or HOST:PORT.
        timeout: seconds for one edit, where several devices work.

    Raises:
        UsageError: the devices or the address can't be meant, or there is a timeout for one device in this process.
    """
    words = tuple(word.strip() for word in device.split(",")) if device.strip() else ()
    if address is not None:
        _check_address(address)
        placement = Placement(_on_a_cluster(words), address)
    elif words == ("all",):
        placement = Placement(tuple(f"cuda:{number}" for number in range(_gpus())) or ("cpu",))
    else:
        placement = Placement(_here(words))
    if timeout is None:
        return placement
    if placement.alone:
        raise UsageError(
            "--edit-timeout needs several devices or --ray-address: nobody can end an edit in this process.",
            "Leave it out, or name more devices.",
        )
    return Placement(placement.devices, placement.address, timeout)


def check_devices(placement: Placement) -> None:
    """Make sure that the GPUs named are in this machine.

    Raises:
        UnavailableError: one isn't.
    """
    wanted = [device for device in placement.devices if device.partition(":")[0] == "cuda"]
    if placement.address is not None or not wanted:
        return
    there = _gpus()
    for device in wanted:
        if int(device.partition(":")[2] or 0) >= there:
            raise UnavailableError(
                f"There is no {device}: torch sees {there or 'no'} GPU{'' if there == 1 else 's'} here.", _EXAMPLE
            )


def _here(words: tuple[str, ...]) -> tuple[str, ...]:
    if len(words) == 1 and not _DEVICE.fullmatch(words[0]):
        raise UsageError(f"--device can't be {words[0]!r}.", _EXAMPLE)
    if len(words) < 2:
        return words
    for word in words:
        kind, colon, number = word.partition(":")
        if word != "cpu" and not (kind == "cuda" and colon and number.isdecimal()):
            raise UsageError(f"{word!r} can't be one of several devices.", _EXAMPLE)
        if word != "cpu" and words.count(word) > 1:
            raise UsageError(f"{word} is named twice.", "Each GPU holds one copy of the model.")
    return words


def _on_a_cluster(words: tuple[str, ...]) -> tuple[str, ...]:
    if words in ((), ("all",)):
        return ()
    for word in words:
        if word not in ("cpu", "cuda"):
            raise UsageError(
                f"{word!r} means nothing on a cluster, where Ray chooses the GPU.",
                "Use --device all, or cuda (or cpu) as many times as there are to be processes: cuda,cuda.",
            )
    return words


def _check_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if address != "auto" and not (host and port.isdecimal() and "/" not in address):
        raise UsageError(
            f"--ray-address can't be {address!r}.", "Use auto, or HOST:PORT of the cluster's head, such as node-1:6379."
        )


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
