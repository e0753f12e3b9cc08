"""What a backend is: a class that turns requests into images.

class Warmer(EditModel):
    name = "warmer"

    def edit(self, requests):
        for request in requests:
            yield ImageEnhance.Color(request.source).enhance(1.5)
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeVar

from PIL import Image

from gedit_bench.records import EditStatus, Json, SampleId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One edit to make.

    `source` is RGB; `instruction` is the user's text, blanks and all; `seed` fixes what is random.
    """

    sample: SampleId
    instruction: str
    source: Image.Image
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request, for a backend that knows more than an image.

    Give `image`, or `encoded` where a finished file (with its `suffix`) must be kept byte for byte; the image that it
    holds may be given, too, and spares decoding it again. Without either, `status` and `message` say why. `extra` lands
    in the edit's line on disk; `lost_tries` in it counts calls that may have been paid for although nobody heard of
    their end. A backend that works on several requests at once names the `sample`, so that a result need not wait for
    those before it, and its wall time in `seconds`.
    """

    image: Image.Image | None = None
    status: EditStatus = EditStatus.OK
    message: str = ""
    cost_usd: float | None = None
    extra: Mapping[str, Json] = field(default_factory=dict)
    encoded: bytes | None = None
    suffix: str = ".png"
    sample: SampleId | None = None
    seconds: float | None = None


def _always(_lost: bool) -> bool:
    return True


def setting(default: T, help: str, *, decides_pixels: bool = True) -> T:
    """Return a field for a backend's `Settings`.

    Args:
        default: its value unless a recipe or the user says otherwise.
        help: what it means, for `ls models`.
        decides_pixels: False for what can't change an image, such as a time limit: it stays out of
            the edit fingerprint.
    """
    return field(default=default, metadata={"help": help, "decides_pixels": decides_pixels})


@dataclass(frozen=True)
class NoSettings:
    """A backend without settings."""


class EditModel:
    """A backend. Subclass it, give it a `name`, and write `edit`.

    Class attributes:
        name: what `--model` calls it.
        Settings: a dataclass of what can be set with `-o key=value`; types and defaults are read
            from it. `self.settings` holds an instance.
        argument: the setting that `--model name:VALUE` is short for, if any.
        chunk: how many requests `edit` is handed at once, read after `load`. A backend cuts them into the
            batches that suit it; what is in flight is lost if the process is killed.
        most_usd: the most that one edit may cost in US dollars, read after `load`, for `--max-cost`; 0 where
            nobody is paid. What an edit did cost goes into its `Outcome`; where that is unknown it counts as the most.
        prices: the user's own price list, from `--prices`; set by the engine before anything is asked of the backend.
        device: where to compute, in torch's words: `cpu`, `cuda`, `cuda:1`. Set by the engine, from `--device`,
            before `check` and `load`; None leaves it to the backend, which takes a GPU if there is one. Where
            several GPUs work, each backend's process sees only its own, as `cuda:0`.
        again: asked by a backend that keeps requests of its own waiting, before it begins one (with False) and before
            it tries one again (with True if the try before may have to be paid all the same). Set by the engine
            before `load`. Where the answer is False the backend begins nothing more and ends: requests for which it
            yielded nothing stay open.
    """

    name: ClassVar[str] = ""
    Settings: ClassVar[type] = NoSettings
    argument: ClassVar[str | None] = None
    chunk: int = 8
    most_usd: float = 0.0
    device: str | None = None
    prices: Path | None = None

    def __init__(self, settings: object | None = None) -> None:
        self.settings = self.Settings() if settings is None else settings
        self.again: Callable[[bool], bool] = _always

    def artifacts(self) -> Mapping[str, str]:
        """Return what decides the pixels beside the settings: names of weights, adapters or code, to SHA-256.

        A library's implementation that was chosen for this machine is given by its name. Called before
        `load`; part of the edit fingerprint.
        """
        return {}

    def to_download(self) -> int:
        """Return how many bytes `load` would download first, as far as that is known."""
        return 0

    def costs(self) -> tuple[float, float] | None:
        """Return about what one edit costs in US dollars, from and to; None if it is paid and nobody knows."""
        return 0.0, self.most_usd

    def label(self) -> str:
        """Return the name under which results are shown unless the user gives another."""
        return self.name

    def check(self) -> None:
        """Say, before any work starts and without loading anything, what is missing on this machine.

        Raises:
            UnavailableError: weights, a GPU, a key or a program are missing.
        """

    def load(self) -> None:
        """Get ready: called once, before the first edit.

        Raises:
            UnavailableError: weights, a GPU or a key are missing.
        """

    def edit(self, requests: Sequence[EditRequest]) -> Iterable[Image.Image | Outcome]:
        """Yield one result per request, in order or with its sample named, each as soon as it is finished.

        An exception costs the chunk nothing but time: its unfinished samples are tried alone, and
        only those that raise again are recorded as `edit_failed`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no edit method")

    def close(self) -> None:
        """Let go of what `load` took."""
