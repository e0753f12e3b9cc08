"""Where the small files that ship with the package are."""

from importlib.resources import files
from pathlib import Path

from gedit_bench.errors import UnavailableError


def data_folder() -> Path:
    """Return the folder of bundled files: inside the package, or the repository's `data/` in an editable install."""
    for folder in (Path(str(files("gedit_bench"))) / "_data", Path(__file__).parents[1] / "data"):
        if folder.is_dir():
            return folder
    raise UnavailableError("The files that ship with gedit-bench are missing.", "Install it again.")
