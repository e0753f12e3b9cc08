"""A backend that edits like any other, notes what it is asked, and does one thing wrong where it is told to."""

import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from gedit_bench import EditModel, EditRequest, Outcome, setting
from gedit_bench.errors import UnavailableError


@dataclass(frozen=True)
class Settings:
    """What it does wrong, at which category, and where it notes what it is asked."""

    notes: str = setting("", "A folder.", decides_pixels=False)
    way: Literal["", "kill", "kill once", "hang", "memory", "no weights", "weights in one place", "dies loading"] = (
        setting("", "What goes wrong.", decides_pixels=False)
    )
    task: str = setting("ps_human", "Where.", decides_pixels=False)
    seconds: float = setting(0.0, "For one edit.", decides_pixels=False)
    price: float = setting(0.0, "US dollars for one edit.", decides_pixels=False)


class Misbehaving(EditModel):
    """Inverts every source."""

    name = "misbehaving"
    Settings = Settings
    settings: Settings
    chunk = 4

    def artifacts(self) -> Mapping[str, str]:
        return {"of this machine": os.environ.get("WEIGHTS_OF_THIS_MACHINE", "the same")}

    def load(self) -> None:
        self.most_usd = self.settings.price
        self._note("loaded")
        if self.settings.way == "no weights" or (self.settings.way == "weights in one place" and not self._first()):
            raise UnavailableError("The weights are missing.", "Download them.")
        if self.settings.way == "dies loading":
            os.kill(os.getpid(), signal.SIGKILL)

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        for request in requests:
            self._note(f"{request.sample}")
            time.sleep(self.settings.seconds)
            if request.sample.task_type == self.settings.task:
                self._misbehave()
            yield Outcome(
                request.source.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
                cost_usd=self.settings.price or None,
                extra={
                    "device": self.device,
                    "visible": os.environ.get("CUDA_VISIBLE_DEVICES"),
                    "again": [self.again(False), self.again(True)],
                },
            )

    def _misbehave(self) -> None:
        way = self.settings.way
        if way == "kill" or (way == "kill once" and self._first()):
            os.kill(os.getpid(), signal.SIGKILL)
        if way == "hang":
            time.sleep(1000)
        if way == "memory":
            raise MemoryError("not enough of it")

    def _first(self) -> bool:
        """True for the first process of all that asks."""
        try:
            (Path(self.settings.notes) / "first").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _note(self, what: str) -> None:
        with (Path(self.settings.notes) / "asked.txt").open("a") as file:
            file.write(f"{what}\n")
