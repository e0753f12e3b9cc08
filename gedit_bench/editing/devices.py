"""GPUs by the numbers that torch gives them here, and by the names by which other processes are shown them."""

import os
from collections.abc import Sequence


def visible_gpus(devices: Sequence[str]) -> str:
    """Return what CUDA_VISIBLE_DEVICES must be in a process that is to see exactly these GPUs.

    Args:
        devices: such as `cuda:1`, counted among those that are visible here; others, such as `cpu`, add nothing.
    """
    here = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = here.split(",") if here else None
    numbers = [int(device.partition(":")[2]) for device in devices if device.startswith("cuda:")]
    return ",".join(names[number] if names else str(number) for number in numbers)
