"""What runs in a process of its own on each device: a copy of the model that edits what it is handed."""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gedit_bench.editing.registry import ModelChoice
from gedit_bench.engine.chunks import Work, edit_chunk
from gedit_bench.engine.readying import load_model, one_sentence
from gedit_bench.engine.saving import Finished
from gedit_bench.errors import UnavailableError
from gedit_bench.records import Json
from gedit_bench.store.atomic import set_aside
from gedit_bench.store.manifest import RunManifest
from gedit_bench.store.provenance import WHERE, Writer, this_writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a process needs to know.

    `build` makes the model anew: no weights travel. `folder` is where the command was given, for paths that
    are relative to it; `aside` an otherwise unknown folder in the run's, by which a shared file system is known.
    `limited` says that a budget limits what may be spent: it is not here, so nothing may be paid for twice.
    """

    build: Callable[[], ModelChoice] = field(repr=False)  # may hold a key, and Ray shows what it can't send
    device: str
    folder: Path
    aside: Path
    manifest: RunManifest
    location: str
    limited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What a process says once its model is loaded.

    `shared` names a file that it wrote into the folder `aside`, None where it sees no such folder.
    """

    chunk: int
    most_usd: float
    writer: Writer
    shared: str | None


class Editor:
    """One process's model. Images are set aside in the run's folder where that is seen, else sent back."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._aside: Path | None = None

    def where(self) -> str:
        """Return the machine and the device; called first, to learn that there is a place."""
        device = self._post.device
        if device == "cuda":
            device = f"cuda:{os.environ.get('CUDA_VISIBLE_DEVICES', '0')}"
        return f"{socket.gethostname()} {device}"

    def load(self) -> Ready:
        """Load the model.

        Raises:
            UnavailableError: something is missing here, or the model would make other pixels here.
        """
        if self._post.folder.is_dir():
            os.chdir(self._post.folder)
        choice = self._post.build()
        _check_same(choice, self._post.manifest, self.where())
        self._model = choice.model
        self._model.device = "cuda:0" if self._post.device == "cuda" else self._post.device
        if self._post.limited:
            self._model.again = _unless_lost
        with one_sentence(choice.name, "checked"):
            self._model.check()
        load_model(self._model)
        probe = self._probe()
        self._aside = None if probe is None else self._post.aside
        writer = this_writer(data=self._post.location, **{WHERE: self.where()})
        return Ready(
            chunk=self._model.chunk,
            most_usd=self._model.most_usd,
            writer=writer,
            shared=None if probe is None else probe.name,
        )

    def send_back(self) -> None:
        """Send images back from now on: the folder that is seen here is not the run's."""
        self._aside = None

    def edit(self, works: Sequence[Work]) -> Iterator[Finished]:
        """Yield what becomes of each sample, as soon as it is finished."""
        manifest = self._post.manifest
        for encode in edit_chunk(self._model, works, manifest.seed, manifest.source):
            finished = encode()
            if self._aside is not None and isinstance(finished.image, bytes):
                finished = replace(finished, image=set_aside(finished.image, self._aside))
            yield finished

    def close(self) -> None:
        """Let go of the model."""
        self._model.close()

    def _probe(self) -> Path | None:
        if not self._post.aside.is_dir():
            return None
        with suppress(UnavailableError, OSError):  # seen, and not to be written: images are sent
            return set_aside(b"", self._post.aside)
        return None


def _unless_lost(lost: bool) -> bool:
    return not lost


def _check_same(choice: ModelChoice, manifest: RunManifest, where: str) -> None:
    """Refuse a machine with other weights, adapters or code: its images would not be of this run."""
    parts: list[tuple[str, Mapping[str, Json], Mapping[str, Json]]] = [
        ("setting", choice.settings, manifest.settings),
        ("artifact", dict(choice.artifacts), dict(manifest.artifacts)),
    ]
    for kind, here, there in parts:
        for name in sorted({*here, *there}):
            if _canonical(here.get(name)) != _canonical(there.get(name)):
                raise UnavailableError(
                    f"On {where} the {kind} {name!r} is {here.get(name)!r}, in the run it is {there.get(name)!r}.",
                    "Every machine needs the same version of gedit-bench, the same weights and the same code.",
                )


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True, default=list)
