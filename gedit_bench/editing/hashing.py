"""SHA-256 of weight files: they have many gigabytes and seldom change."""

import hashlib
import json
from pathlib import Path

from gedit_bench.cache import cache_folder
from gedit_bench.store.atomic import write_json


def remembered_sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal, taken once for each size and time of change."""
    state = path.stat()
    known = cache_folder() / "sha256.json"
    key = f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
    hashes: dict[str, str] = json.loads(known.read_text()) if known.is_file() else {}
    if key not in hashes:
        with path.open("rb") as stream:
            hashes[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        write_json(known, hashes)
    return hashes[key]
