"""Qwen2.5-VL's weights: a local folder, or what the hub's cache holds. Looked at, never loaded or downloaded."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from gedit_bench.errors import UnavailableError, UsageError

OFFICIAL = "Qwen/Qwen2.5-VL-72B-Instruct-AWQ"
OFFICIAL_GB = 40
_REPOSITORY = re.compile(r"(?P<id>[\w-][\w.-]*/[\w-][\w.-]*)(@(?P<revision>[\w./-]+))?")
_SHARDS = "model.safetensors.index.json"
_SINGLE = "model.safetensors"
_NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json")
_DECIDING = ("*.safetensors", "*.json", "*.jinja", "*.txt")


@dataclass(frozen=True, slots=True)
class Weights:
    """A folder with a whole Qwen2.5-VL.

    `size` is that of its weights in bytes, `quantisation` the method's name or empty, `commit` the hub's
    where it comes from there.
    """

    name: str
    folder: Path
    size: int
    quantisation: str
    commit: str | None

    def revision(self) -> str:
        """Return the hub's commit, else the SHA-256 of all files that decide a reply; 12 hex digits of either.

        Reads a local folder's weights whole.
        """
        if self.commit:
            return self.commit[:12]
        total = hashlib.sha256()
        for path in sorted({path for pattern in _DECIDING for path in self.folder.glob(pattern)}):
            with path.open("rb") as file:
                total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
        return total.hexdigest()[:12]


def find_weights(place: str = "") -> Weights:
    """Return the weights in a folder, or those that the hub's cache holds of `owner/name` or `owner/name@revision`.

    Args:
        place: the folder or hub id; the official judge's if empty.

    Raises:
        UsageError: it is neither a folder nor a hub id, or holds another kind of model.
        UnavailableError: the weights aren't here, or not all of them.
    """
    place = place or OFFICIAL
    if Path(place).is_dir():
        folder = Path(place)
        return _whole(folder.resolve().name, folder, None, "Download all of its files again.")
    match = _REPOSITORY.fullmatch(place)
    if match is None:
        raise UsageError(f"There is no folder {place}.", "Name a folder with the weights, or a hub id as owner/name.")
    return _cached(match["id"], match["revision"])


def _cached(repository: str, revision: str | None) -> Weights:
    from huggingface_hub import try_to_load_from_cache

    size = f" It is about {OFFICIAL_GB} GB." if repository == OFFICIAL else ""
    chosen = f" --revision {revision}" if revision else ""
    hint = f"Download it with `hf download {repository}{chosen}`.{size} Or ask a server that has it, with --base-url."
    config = try_to_load_from_cache(repository, "config.json", revision=revision)
    if not isinstance(config, str):
        where = f" at {revision}" if revision else ""
        raise UnavailableError(
            f"{repository}{where} is not in the hub's cache, and nothing is downloaded unasked.", hint
        )
    folder = Path(config).parent
    return _whole(repository, folder, folder.name, hint)


def _whole(name: str, folder: Path, commit: str | None, hint: str) -> Weights:
    for file in _NEEDED:
        if not (folder / file).is_file():
            raise UnavailableError(f"{name} is not all there: {folder} has no {file}.", hint)
    config = _read(folder / "config.json")
    if config.get("model_type") != "qwen2_5_vl":
        raise UsageError(
            f"{name} is no Qwen2.5-VL but {config.get('model_type')!r}.",
            "Ask other models through a server: --base-url.",
        )
    shards = [_SINGLE]
    if (folder / _SHARDS).is_file():
        weight_map = _read(folder / _SHARDS).get("weight_map")
        shards = sorted({str(shard) for shard in weight_map.values()}) if isinstance(weight_map, dict) else []
    for shard in shards:
        if not (folder / shard).is_file():
            raise UnavailableError(f"{name} is not all there: {folder} has no {shard}.", hint)
    quantised = config.get("quantization_config")
    method = str(quantised.get("quant_method", "unknown")) if isinstance(quantised, dict) else ""
    return Weights(name, folder, sum((folder / shard).stat().st_size for shard in shards), method, commit)


def _read(path: Path) -> dict[str, object]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise UnavailableError(f"{path} is damaged: {error}.", "Download it again.") from error
    return value if isinstance(value, dict) else {}
