"""Step1X-Edit (Liu et al. 2025, arXiv 2504.17761), run by this repository's own implementation in `step1x_edit`."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from PIL import Image
from pydantic import Field

from gedit_bench.editing.base import EditModel, EditRequest, Outcome, setting
from gedit_bench.editing.batching import START, halving
from gedit_bench.editing.hashing import remembered_sha256
from gedit_bench.errors import UnavailableError

if TYPE_CHECKING:
    from step1x_edit.files import Files
    from step1x_edit.hub_errors import HubError
    from step1x_edit.loading import LoadOptions
    from step1x_edit.pipeline import Sampling, Step1XEditPipeline
    from step1x_edit.published import Published

log = logging.getLogger(__name__)


SHARING_A_PHASE = 16
"""Edits for which weights move once where not all parts stay on the GPU."""


@dataclass(frozen=True)
class Step1XEditSettings:
    """What can be set."""

    preset: Literal["published", "tiny"] = setting("published", "'tiny' is a toy with random weights: it paints noise.")
    version: Literal["v1.0", "v1.1"] = setting("v1.1", "Of the weights.")
    profile: Literal["v1.0", "v1.1"] | None = setting(
        None, "Of sampling, as numbers were published; the version's own."
    )
    weights: str = setting(
        "",
        "Folder with the published files, or hub id (owner/name or owner/name@revision); the published one.",
        decides_pixels=False,
    )
    prompts: str = setting("", "Checkout or file with the trained prompt prefix.", decides_pixels=False)
    steps: Annotated[int, Field(ge=1)] = setting(28, "Euler steps.")
    guidance: float | None = setting(6.0, "Strength of guidance; none asks without.")
    level: Annotated[int, Field(ge=32)] = setting(1024, "Side of a square of the working area, in pixels.")
    posterior: Literal["sample", "mode"] = setting("sample", "The source's latent: a seeded sample, or the mode.")
    teacache: float | None = setting(None, "TeaCache's threshold, such as 0.2: faster, not the same numbers.")
    fp8: Literal["weights", "matmul"] | None = setting(
        None, "Weights in 8 bits as published FP8 files, or matrix products too: not the same numerics."
    )
    memory: Literal["auto", "resident", "offload", "24gb"] = setting(
        "auto", "What stays on the GPU: the same numerics in all modes.", decides_pixels=False
    )
    batch: Annotated[int, Field(ge=1)] | Literal["auto"] = setting(
        1, "Edits of equal size in one pass; auto finds how many the memory takes.", decides_pixels=False
    )
    fused: bool = setting(False, "Compile the blocks: slow at first, then faster.", decides_pixels=False)
    lora: str = setting("", "Adapters in kohya's format: PATH or PATH:WEIGHT, separated by commas.")
    lora_allow_unknown: bool = setting(False, "Leave adapters' keys out that belong to no module.")

    def __post_init__(self) -> None:
        """Name the version's own profile, so that the record says which it was."""
        object.__setattr__(self, "profile", self.profile or self.version)


class Step1XEdit(EditModel):
    """Step1X-Edit v1.0 and v1.1: a 12.4-billion-parameter editing transformer read by Qwen2.5-VL-7B."""

    name = "step1x-edit"
    Settings = Step1XEditSettings
    settings: Step1XEditSettings

    def artifacts(self) -> Mapping[str, str]:
        """Return the SHA-256 of adapters and weight files, and what resizes pictures for the language model.

        Of weights on the hub the hub states it. What is nowhere to be found is left out, and `check` says so.
        A seed fixes the toy's weights.
        """
        from step1x_edit.language_loading import image_processing
        from step1x_edit.weights import WeightsError

        found = {"image processing": image_processing()}
        if self.settings.preset != "tiny":
            with suppress(WeightsError):  # `check` says what is missing
                found |= self._hashes()
        adapters = (path for path, _ in _adapters(self.settings.lora))
        return found | {path.name: remembered_sha256(path) for path in adapters if path.is_file()}

    def to_download(self) -> int:
        """Return how many bytes of weights are on the hub and not here; 0 where the hub can't be asked."""
        from step1x_edit.weights import WeightsError

        with suppress(WeightsError):  # `check` says why
            return self._published.missing if self._published else 0
        return 0

    def check(self) -> None:
        """Say what is missing.

        Raises:
            UnavailableError: no weights, here or on the hub, no room to download them, or no GPU for them.
        """
        for path, _ in _adapters(self.settings.lora):
            if not path.is_file():
                raise UnavailableError(f"There is no adapter {path}.", "Name a safetensors file with -o lora=PATH.")
        if self.settings.preset == "tiny":
            return
        from step1x_edit.download import check_space
        from step1x_edit.weights import WeightsError

        try:
            if self._published is None:
                self._local_files()
            else:
                check_space(self._published)
        except WeightsError as error:
            raise UnavailableError(
                f"step1x-edit needs its weights (about 42 GB): {error}.",
                "A folder of the published files is named with -o weights=PATH; --model step1x-edit@tiny needs none.",
            ) from error
        if self.device is None and self._device() == "cpu":
            raise UnavailableError(
                "step1x-edit needs a GPU of 24 GB or more, and there is none.", "Or let it be slow: --device cpu."
            )

    def load(self) -> None:
        """Load the pipeline, its weights downloaded first if need be.

        Raises:
            UnavailableError: weights or the trained prompt prefix are missing, damaged or can't be downloaded.
        """
        from step1x_edit.fp8_layers import Fp8Error
        from step1x_edit.lora import LoraError
        from step1x_edit.prefix import PrefixError
        from step1x_edit.residence import MemoryShortage
        from step1x_edit.weights import WeightsError

        try:
            self._pipeline = self._loaded()
        except (WeightsError, PrefixError, LoraError, Fp8Error, MemoryShortage) as error:
            raise UnavailableError(
                f"step1x-edit can't be loaded: {error}.", "See models/step1x_edit/README.md."
            ) from error
        phases = self._pipeline.residence.mode != "resident"
        self._batch = START if self.settings.batch == "auto" else self.settings.batch
        self.chunk = max(self.chunk, self._batch, SHARING_A_PHASE if phases else 0)

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
        """Yield each edited picture, in its source's size; where the batch was found by trying, it is recorded."""
        if self.settings.batch != "auto":
            yield from self._edits(requests, self._batch)
            return
        for picture, batch in halving(self._edits, requests, self._batch):
            self._batch = batch
            yield Outcome(picture, extra={"batch": batch})

    def _edits(self, requests: Sequence[EditRequest], batch: int) -> Iterator[Image.Image]:
        return self._pipeline.edits(
            [request.source for request in requests],
            [request.instruction for request in requests],
            seed=[request.seed for request in requests],
            sampling=self._sampling(),
            batch=batch,
        )

    def close(self) -> None:
        """Let go of the weights."""
        self.__dict__.pop("_pipeline", None)

    def _loaded(self) -> "Step1XEditPipeline":
        from step1x_edit.download import download
        from step1x_edit.pipeline import Step1XEditPipeline

        settings = self.settings
        options: LoadOptions = {
            "profile": settings.profile,
            "memory": settings.memory,
            "fp8": settings.fp8,
            "fused": settings.fused,
            "level": settings.level,
            "batch": 1 if settings.batch == "auto" else settings.batch,
            "adapters": _adapters(settings.lora),
            "allow_unknown": settings.lora_allow_unknown,
        }
        if settings.preset == "tiny":
            return _tiny_pipeline(settings.version, options | {"device": self.device or "cpu"})
        files = download(self._published, announce=log.info) if self._published else self._local_files()
        prompts = Path(settings.prompts) if settings.prompts else None
        options |= {"device": self._device(), "prompts": prompts}
        return Step1XEditPipeline.from_pretrained(files, version=settings.version, **options)

    @property
    def _published(self) -> "Published | None":
        """What the hub has; None for a folder."""
        from step1x_edit.hub_errors import HubError

        if isinstance(self._looked_up, HubError):
            raise self._looked_up
        return self._looked_up

    @cached_property
    def _looked_up(self) -> "Published | HubError | None":
        """What the hub answered; it is asked once, and waited for once if it is silent."""
        from step1x_edit.hub import hub_id, look_up
        from step1x_edit.hub_errors import ORIGINAL, HubError

        found = hub_id(self.settings.weights or ORIGINAL)
        try:
            return found and look_up(found[0], self.settings.version, found[1])
        except HubError as error:
            return error

    def _local_files(self) -> "Files":
        from step1x_edit.files import find_files

        return find_files(Path(self.settings.weights).expanduser(), self.settings.version)

    def _hashes(self) -> dict[str, str]:
        """The SHA-256 of each weight file, by the name that tells it from the others."""
        if self._published:
            return {name: known or remembered_sha256(path) for name, path, known in self._published.weights()}
        return {name: remembered_sha256(path) for name, path in self._local_files().weights.items()}

    def _sampling(self) -> "Sampling":
        from step1x_edit.pipeline import Sampling

        settings = self.settings
        return Sampling(
            steps=settings.steps,
            guidance=settings.guidance,
            level=settings.level,
            posterior=settings.posterior,
            teacache=settings.teacache,
        )

    def _device(self) -> str:
        import torch

        return self.device or ("cuda" if torch.cuda.is_available() else "cpu")


def _adapters(words: str) -> list[tuple[Path, float]]:
    """The adapters that a setting names, each with its weight, 1 unless given."""
    found = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        path, colon, weight = word.rpartition(":")
        try:
            found.append((Path(path), float(weight)) if colon else (Path(word), 1.0))
        except ValueError:
            found.append((Path(word), 1.0))  # the colon was the path's own
    return found


def _tiny_pipeline(version: Literal["v1.0", "v1.1"], options: "LoadOptions") -> "Step1XEditPipeline":
    from tempfile import TemporaryDirectory

    from step1x_edit import tiny
    from step1x_edit.pipeline import Step1XEditPipeline

    with TemporaryDirectory(prefix="gedit-bench-") as folder:
        options = {**options, "conditioning": tiny.make_tiny(Path(folder), version)}
        options |= {"size": tiny.SIZE, "autoencoder_size": tiny.AUTOENCODER_SIZE}
        return Step1XEditPipeline.from_pretrained(folder, version=version, **options)
