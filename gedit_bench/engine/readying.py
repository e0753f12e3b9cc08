"""A backend before and after its edits: whatever its own code raises there becomes one sentence of one kind."""

from collections.abc import Iterator
from contextlib import contextmanager

from gedit_bench.editing.base import EditModel
from gedit_bench.errors import GeditBenchError, UnavailableError


def load_model(model: EditModel) -> None:
    """Load a backend.

    Raises:
        UnavailableError: it can't be loaded.
    """
    with one_sentence(model.name, "loaded"):
        model.load()


def close_model(model: EditModel) -> None:
    """Let a backend give back what it took.

    Raises:
        UnavailableError: it can't be closed.
    """
    with one_sentence(model.name, "closed"):
        model.close()


@contextmanager
def one_sentence(name: str, done: str) -> Iterator[None]:
    """Make an UnavailableError of whatever is raised inside while a backend is `checked`, `loaded` or `closed`."""
    try:
        yield
    except GeditBenchError:
        raise
    except ImportError as error:
        raise UnavailableError(f"{name} needs a package that is not here: {error}.", "Install it.") from error
    except Exception as error:  # a backend may raise anything: it costs this model, not those that follow
        raise UnavailableError(
            f"{name} can't be {done}: {type(error).__name__}: {error}.", "With -v it is shown where."
        ) from error
