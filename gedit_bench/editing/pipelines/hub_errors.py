"""What the hub refuses and what else can go wrong with it, each as one sentence."""

from gedit_bench.errors import UnavailableError


def failures() -> tuple[type[BaseException], ...]:
    """Return what is raised where hub, network or disk fail, whichever HTTP client `huggingface_hub` is built on."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    return (HfHubHTTPError.__bases__[0], OSError, HFValidationError)


def refusal(error: BaseException, repository: str, revision: str) -> UnavailableError | None:
    """Return the sentence about what the hub refuses; None where it could not be asked."""
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return UnavailableError(
            f"{repository} is gated: its terms have to be accepted at https://huggingface.co/{repository}.",
            "Then log in with `hf auth login`, or set HF_TOKEN.",
        )
    if isinstance(error, RevisionNotFoundError):
        return UnavailableError(f"{repository} has no revision {revision!r}.", "Leave it out for main.")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return UnavailableError(
            f"There is no folder {repository}, and the hub has no repository called so, or it is private.",
            "Check the name, or log in with `hf auth login` or HF_TOKEN.",
        )
    return None


def first_line(error: BaseException) -> str:
    """Return an error's first line without its stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
