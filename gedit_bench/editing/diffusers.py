"""Any pipeline of Hugging Face diffusers that edits a picture by an instruction, from a folder or the hub."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from gedit_bench.editing.base import EditModel, EditRequest, Outcome
from gedit_bench.editing.batching import START, halving
from gedit_bench.editing.pipelines.adapters import Adapter, check_adapters, find_adapters, missing_bytes, put_in
from gedit_bench.editing.pipelines.calls import (
    Signature,
    call_arguments,
    check_batch,
    constant_arguments,
    described_defaults,
    signature_of,
    template_for,
)
from gedit_bench.editing.pipelines.hub import check_download, fetch, hub_id
from gedit_bench.editing.pipelines.outputs import pictures
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.sizes import ask, check_size, finish
from gedit_bench.editing.pipelines.source import PipelineSource, find_pipeline
from gedit_bench.editing.pipelines.traits import traits_of
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.records import EditStatus

_HINT = "Name a hub id or a folder: --model diffusers:timbrooks/instruct-pix2pix."
_USUAL_SCALE = 8


class Diffusers(EditModel):
    """Loads a pipeline by its own index and calls it by its own signature.

    Weights come from safetensors unless `pickles` is set, and no code of a repository is run.
    """

    name = "diffusers"
    Settings = DiffusersSettings
    argument = "source"
    settings: DiffusersSettings

    def label(self) -> str:
        """Return the repository's name without its owner, or the folder's."""
        if not self.settings.source:
            return self.name
        found = hub_id(self.settings.source)
        return found[0].partition("/")[2] if found else Path(self.settings.source).expanduser().resolve().name

    def artifacts(self) -> Mapping[str, str]:
        """Return the SHA-256 of weights, configuration and adapters, the data type, and the call's own defaults.

        Of weights on the hub the hub states it. What can't be found is left out, and `check` says why.
        """
        found = {"dtype": self._dtype}
        with suppress(UnavailableError, UsageError):
            found |= self._source.hashes()
        with suppress(UnavailableError, UsageError):
            found[self._signature.pipeline.__name__] = described_defaults(self._signature)
        with suppress(UnavailableError):
            found |= {adapter.name: adapter.sha256() for adapter in self._adapters}
        return found

    def to_download(self) -> int:
        """Return how many bytes of weights are on the hub and not here; 0 where the hub can't be asked."""
        with suppress(UnavailableError, UsageError):
            return self._source.missing_bytes() + missing_bytes(self._adapters)
        return 0

    def check(self) -> None:
        """Say what is missing, and what the pipeline can't take.

        Raises:
            UnavailableError: the class, weights, adapters, a package, disk space or a GPU are missing.
            UsageError: the pipeline doesn't edit by instructions, or doesn't take a setting.
        """
        from gedit_bench.editing.pipelines.loading import check_handling

        check_download(self._source.listing, self._source.files)
        self._constants()
        template_for(self._signature, self.settings)
        check_size(self._signature, self.settings)
        check_batch(self._signature, self.settings)
        check_handling(self.settings, self._device())
        check_adapters(self._adapters)

    def load(self) -> None:
        """Load the pipeline, its files downloaded first if need be.

        Raises:
            UnavailableError: what `check` says, or damaged files.
            UsageError: what `check` says.
        """
        import torch

        from gedit_bench.editing.pipelines.loading import load_pipeline, place

        self.check()
        fetch(self._source.listing, self._source.files)
        dtype: torch.dtype = getattr(torch, self._dtype)
        pipeline = load_pipeline(self._source, self._signature.pipeline, self.settings, dtype)
        put_in(pipeline, self._adapters)  # type: ignore[arg-type]
        place(pipeline, self.settings, self._device())
        self._pipeline = pipeline
        self._batch = self._first_batch()
        self.chunk = max(self.chunk, self._batch)

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
        """Yield each edit; sources of equal size are edited together, as many as the batch holds.

        Where the batch was found by trying, it is recorded.
        """
        if self.settings.batch != "auto":
            yield from self._edits(requests, self._batch)
            return
        for outcome, batch in halving(self._edits, requests, self._batch):
            self._batch = batch
            yield replace(outcome, extra={**outcome.extra, "batch": batch})

    def close(self) -> None:
        """Let go of the weights."""
        self.__dict__.pop("_pipeline", None)

    def _edits(self, requests: Sequence[EditRequest], batch: int) -> Iterator[Outcome]:
        made: dict[int, Outcome] = {}
        for index, request in enumerate(requests):
            if index not in made:
                alike = [
                    other
                    for other in range(index, len(requests))
                    if other not in made and requests[other].source.size == request.source.size
                ][:batch]
                made |= zip(alike, self._made([requests[other] for other in alike]), strict=True)
            yield made.pop(index)

    def _made(self, requests: Sequence[EditRequest]) -> list[Outcome]:
        scale = self._scale()
        asked = [ask(self._signature, request.source, self.settings, scale, self._pipeline) for request in requests]
        template = template_for(self._signature, self.settings)
        constants = asked[0].arguments | self._constants()
        output = self._pipeline(
            **call_arguments(self._signature, requests, [one.picture for one in asked], template, constants)
        )
        blackened = getattr(output, "nsfw_content_detected", None) or [False] * len(requests)
        return [
            Outcome(status=EditStatus.FILTERED, message="The pipeline's safety checker found the edit unsafe.")
            if black
            else finish(self._signature, picture, request.source, self.settings, scale, self._pipeline)
            for picture, request, black in zip(pictures(output), requests, blackened, strict=True)
        ]

    def _constants(self) -> dict[str, object]:
        return constant_arguments(self._signature, self.settings)

    @property
    def _source(self) -> PipelineSource:
        if isinstance(self._looked_up, UnavailableError):
            raise self._looked_up
        return self._looked_up

    @cached_property
    def _looked_up(self) -> PipelineSource | UnavailableError:
        """What was found; the hub is asked once, and waited for once if it is silent."""
        if not self.settings.source:
            raise UsageError("The model diffusers needs a pipeline.", _HINT)
        try:
            return find_pipeline(
                self.settings.source, self.settings.revision, self.settings.variant, pickles=self.settings.pickles
            )
        except UnavailableError as error:
            return error

    @cached_property
    def _signature(self) -> Signature:
        from gedit_bench.editing.pipelines.loading import pipeline_class

        return signature_of(pipeline_class(self._source, self.settings.pipeline))

    @cached_property
    def _adapters(self) -> list[Adapter]:
        return find_adapters(self.settings.lora)

    @cached_property
    def _dtype(self) -> str:
        """Settled once: what is recorded is what is loaded."""
        if self.settings.dtype != "auto":
            return self.settings.dtype
        return "float32" if self._device() == "cpu" else "bfloat16"

    def _first_batch(self) -> int:
        if self.settings.batch != "auto":
            return self.settings.batch
        return START if traits_of(self._signature.pipeline).batches else 1

    def _device(self) -> str:
        import torch

        return self.device or ("cuda" if torch.cuda.is_available() else "cpu")

    def _scale(self) -> int:
        """Pixels for each latent of the autoencoder, in each direction."""
        for name in ("vae_scale_factor", "vae_scale_factor_spatial"):
            if isinstance(found := getattr(self._pipeline, name, None), int):
                return found
        return _USUAL_SCALE
