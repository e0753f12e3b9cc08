"""A backend before and after its edits: whatever its own code raises there becomes one sentence of one kind."""

from collections.abc import Iterator
from contextlib import contextmanager

from gedit_bench.editing.base import EditModel
from gedit_bench.errors import GeditBenchError, UnavailableError


def check_model(model: EditModel) -> None:
    """Make sure that nothing is missing for a backend on this machine; nothing is loaded.

    Raises:
        UnavailableError: something is, or the check itself failed.
    """
    with _told(model, "checked"):
        model.check()


def load_model(model: EditModel) -> None:
    """Load a backend.

    Raises:
        UnavailableError: it can't be loaded.
    """
    with _told(model, "loaded"):
        model.load()


def close_model(model: EditModel) -> None:
    """Let a backend give back what it took.

    Raises:
        UnavailableError: it can't be closed.
    """
    with _told(model, "closed"):
        model.close()


@contextmanager
def _told(model: EditModel, done: str) -> Iterator[None]:
    try:
        yield
    except GeditBenchError:
        raise
    except ImportError as error:
        raise UnavailableError(f"{model.name} needs a package that is not here: {error}.", "Install it.") from error
    except Exception as error:  # a backend may raise anything: it costs this model, not those that follow
        raise UnavailableError(
            f"{model.name} can't be {done}: {type(error).__name__}: {error}.", "With -v it is shown where."
        ) from error
