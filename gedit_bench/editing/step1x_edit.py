"""Step1X-Edit (Liu et al. 2025, arXiv 2504.17761), run by this repository's own implementation."""

from gedit_bench.editing.base import EditModel
from gedit_bench.errors import UnavailableError


class Step1XEdit(EditModel):
    """Step1X-Edit v1.0 and v1.1: a 12.4-billion-parameter editing transformer read by Qwen2.5-VL-7B."""

    name = "step1x-edit"

    def check(self) -> None:
        """Say that there is no network yet.

        Raises:
            UnavailableError: always, until the network is part of this installation.
        """
        raise UnavailableError(
            "step1x-edit is registered, but its network is not part of this version of gedit-bench yet.",
            "Score ready-made images with --model folder:PATH, or wrap the original with --model command:./worker.py.",
        )
