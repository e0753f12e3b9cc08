"""What a pipeline consists of: the files that it needs, picked as diffusers picks them, and nothing else.

Weights come from safetensors, unless the user says otherwise: a pickle can hold code. Of pickles only torch's own
(`.bin`) are taken, which torch reads with a loader that knows tensors and nothing else.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from gedit_bench.editing.pipelines.hub import Listing, fetch, list_files
from gedit_bench.errors import UnavailableError
from gedit_bench.records import Json

INDEX = "model_index.json"
_CONFIGURATION = (".json", ".txt", ".jinja", ".model")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_WEIGHTS = re.compile(r"[^.]+(\.(?P<variant>\w+)(-\d{5}-of-\d{5})?)?\.(?P<ending>safetensors|bin)")
"""`model.fp16.safetensors` and `model.fp16-00001-of-00002.safetensors` are of the variant fp16."""


@dataclass(frozen=True, slots=True)
class PipelineSource:
    """A pipeline in a folder or on the hub: what its index says, its configuration and weight files."""

    listing: Listing
    index: Mapping[str, Json]
    configuration: tuple[str, ...]
    weights: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """All that is needed, as paths in the listing."""
        return self.configuration + self.weights

    @property
    def parts(self) -> dict[str, tuple[str, str]]:
        """The pipeline's components, each with the library and the class that it is made of."""
        return _parts(self.index)

    def class_name(self) -> str:
        """Return the pipeline's class, as its index names it.

        Raises:
            UnavailableError: it is code of the repository's own.
        """
        name = self.index.get("_class_name")
        if not isinstance(name, str):
            raise UnavailableError(
                f"{self.listing.name} brings a pipeline class of its own, and code from a repository is not run here.",
                "Name a class of diffusers after a colon, or run the model with --model command:./worker.py.",
            )
        return name

    def version(self) -> str:
        """Return the version of diffusers that saved it, empty if its index doesn't say."""
        version = self.index.get("_diffusers_version")
        try:
            return str(Version(version)) if isinstance(version, str) else ""
        except InvalidVersion:
            return ""

    def missing_bytes(self) -> int:
        """Return how many bytes are still to be downloaded."""
        return sum(size for _, size in self.listing.missing(self.files))

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each weight file, and one over all configuration, the same wherever they come from."""
        digest = hashlib.sha256()
        for path in sorted(self.configuration):
            digest.update(f"{path} {hashlib.sha256((self.listing.folder / path).read_bytes()).hexdigest()}\n".encode())
        return {"configuration": digest.hexdigest()} | {path: self.listing.sha256(path) for path in self.weights}


def find_pipeline(
    source: str, revision: str | None = None, variant: str = "", *, pickles: bool = False
) -> PipelineSource:
    """Return what a pipeline consists of. Of a repository, only its configuration is downloaded.

    Args:
        source: a folder as `save_pretrained` writes it, or a hub id.
        revision: of the hub id; its main branch if None.
        variant: of the weight files, such as `fp16`; parts that don't have it come without.
        pickles: take the weights of parts that have no others as torch's pickles.

    Raises:
        UnavailableError: there is no such pipeline, the hub can't be asked, or its weights are pickles.
    """
    listing = list_files(source, revision)
    if INDEX not in listing.files:
        raise UnavailableError(
            f"{source} is no pipeline of diffusers: it has no {INDEX}.",
            "A model with code of its own runs with --model command:./worker.py.",
        )
    fetch(listing, [INDEX])
    index = _read_index(listing)
    parts = _parts(index)
    inside = [path for path in listing.files if path.partition("/")[0] in parts]
    configuration = (INDEX, *(path for path in inside if path.endswith(_CONFIGURATION)))
    fetch(listing, configuration)
    weights = [path for part in parts for path in _weights(listing, part, inside, variant, pickles)]
    fetch(listing, [path for path in weights if listing.files[path].sha256 is None])  # small: the hub hashes the others
    return PipelineSource(listing, index, configuration, tuple(weights))


def _read_index(listing: Listing) -> Mapping[str, Json]:
    try:
        index = json.loads((listing.folder / INDEX).read_text(encoding="utf-8"))
    except ValueError:
        index = None
    if not isinstance(index, dict):
        raise UnavailableError(f"The {INDEX} of {listing.name} is no JSON object.", "Download or save it again.")
    return index


def _parts(index: Mapping[str, Json]) -> dict[str, tuple[str, str]]:
    found = {}
    for name, value in index.items():
        if not name.startswith("_") and isinstance(value, list) and len(value) == 2 and all(value):
            found[name] = (str(value[0]), str(value[1]))
    return found


def _weights(listing: Listing, part: str, paths: Iterable[str], variant: str, pickles: bool) -> list[str]:
    own = [path for path in paths if path.startswith(f"{part}/")]
    for ending in ("safetensors", "bin") if pickles else ("safetensors",):
        kinds: dict[str, list[str]] = {}
        for path in own:
            match = _WEIGHTS.fullmatch(path.rpartition("/")[2])
            if match and match["ending"] == ending:
                kinds.setdefault(match["variant"] or "", []).append(path)
        if chosen := kinds.get(variant) or kinds.get(""):
            return chosen
        if kinds:
            raise UnavailableError(
                f"{listing.name} has the weights of its {part} only as {' or '.join(sorted(kinds))}.",
                f"Choose with -o variant={min(kinds)}.",
            )
    if found := [path for path in own if path.endswith(_PICKLES)]:
        raise UnavailableError(
            f"{listing.name} has the weights of its {part} only as a pickle ({found[0]}), "
            "which is not opened here: it could hold code.",
            "Look for a revision with safetensors; -o pickles=true has torch read .bin files as nothing but tensors.",
        )
    return []
