"""Where things are kept that can be made or fetched again: prepared sources, the official rubric."""

import os
from pathlib import Path

from platformdirs import user_cache_dir


def cache_folder() -> Path:
    """Return the user's cache folder: `GEDIT_BENCH_CACHE` if set, else the platform's."""
    return Path(os.environ.get("GEDIT_BENCH_CACHE") or user_cache_dir("gedit-bench"))
