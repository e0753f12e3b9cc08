"""What decides a run's pixels and a judgement's replies, and the short hashes that keep them apart."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gedit_bench.errors import DataError
from gedit_bench.records import Json, SourceKind
from gedit_bench.store import layout
from gedit_bench.store.atomic import make_folder, write_json_once
from gedit_bench.store.codec import from_json, to_json

SCHEMA = 1


def short_hash(value: Json) -> str:
    """Return the first 8 hex digits of the SHA-256 of `value` as canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunManifest:
    """Everything that decides the pixels of a run.

    `settings` are the resolved ones that decide pixels, `handling` those that don't, such as time
    limits; `origins` says where each came from (`command line`, `environment`, `recipe`, `default`).
    `spec` is what named the model on the command line, empty where a backend came from Python.
    `artifacts` maps what the backend loads, such as weights and adapters, to SHA-256.
    `backend` is what runs a model that has a name of its own; empty where the model is the backend.
    """

    model: str
    backend: str = ""
    name: str
    recipe: str
    spec: str = ""
    settings: dict[str, Json] = field(default_factory=dict)
    handling: dict[str, Json] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    notes: str = ""
    dataset: str
    dataset_revision: str
    seed: int
    source: SourceKind = "input"
    created: str = ""
    schema: int = SCHEMA

    @property
    def fingerprint(self) -> str:
        """The edit fingerprint: what decides the pixels, not who made them, how many, or where."""
        return short_hash(
            {
                "model": self.model,
                **({"backend": self.backend} if self.backend else {}),
                "settings": self.settings,
                "artifacts": dict(self.artifacts),
                "dataset_revision": self.dataset_revision,
                "seed": self.seed,
                "source": self.source,
            }
        )

    @property
    def identity(self) -> str:
        """What another manifest in the same folder must agree on."""
        return self.fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementManifest:
    """Who judged and how it was asked. `request` holds all that the request id is a hash of.

    `replayed_from` names the judgement whose replies were taken over, and last the hash of those replies;
    empty where a judge was asked.
    `imported` is empty but for scores of another tool: its name (`tool`), how it averages
    (`aggregation`, `macro` or `micro`), and its `files` with their SHA-256.
    """

    judge: str
    endpoint: str
    protocol: str
    request_id: str
    request: dict[str, Json] = field(default_factory=dict)
    vlm: bool = True
    replayed_from: str = ""
    created: str = ""
    imported: dict[str, Json] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def judge_id(self) -> str:
        """Model and endpoint: a gateway is part of the judge."""
        return f"{self.judge}@{self.endpoint}"

    @property
    def label(self) -> str:
        """The judge id in words for people: a replay says so."""
        return f"{self.judge_id} (replayed)" if self.replayed_from else self.judge_id

    @property
    def identity(self) -> str:
        """What another manifest in the same folder must agree on."""
        return f"{self.judge_id} {self.request_id} {self.replayed_from.rpartition(' ')[2]}".rstrip()


Manifest = TypeVar("Manifest", RunManifest, JudgementManifest)


def publish(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest if nobody has, else return the one that is there.

    Raises:
        DataError: the one that is there has another identity.
    """
    make_folder(folder)
    if write_json_once(folder / layout.MANIFEST, to_json(manifest)):
        return manifest
    there = read_manifest(folder, type(manifest))
    if there.identity != manifest.identity:
        raise DataError(f"{folder} already holds something else of the same name.", "Choose another --out folder.")
    return there


def read_manifest(folder: Path, kind: type[Manifest]) -> Manifest:
    """Read `folder`'s manifest.

    Raises:
        DataError: there is none, or it is damaged or written by a newer version.
    """
    path = folder / layout.MANIFEST
    try:
        value: Mapping[str, Json] = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DataError(f"{folder} is no run: it has no {layout.MANIFEST}.", "See `gedit-bench ls runs`.") from error
    except ValueError as error:
        raise DataError(
            f"{path} is damaged: {error}.", "Restore it, or make the run again in another folder."
        ) from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise DataError(f"{path} was written by another version of gedit-bench.", "Use the version that wrote it.")
    return from_json(kind, value)
