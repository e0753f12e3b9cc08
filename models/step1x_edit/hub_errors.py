"""What the hub refuses and what else can go wrong with it, each as one sentence."""

from step1x_edit.weights import WeightsError

ORIGINAL = "stepfun-ai/Step1X-Edit"
"""The published repository, in the original layout."""


class HubError(WeightsError):
    """Weights that can't be had from the hub; the message says why and what to do."""


def failures() -> tuple[type[BaseException], ...]:
    """Return what is raised where hub, network or disk fail, whichever HTTP client `huggingface_hub` is built on."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    return (HfHubHTTPError.__bases__[0], OSError, HFValidationError)


def refusal(error: BaseException, repository: str, revision: str) -> HubError | None:
    """Return the sentence about what the hub refuses; None where it could not be asked."""
    from huggingface_hub.errors import GatedRepoError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, GatedRepoError):
        return HubError(
            f"{repository} is gated: accept its terms at https://huggingface.co/{repository}, "
            "then log in with `hf auth login` or HF_TOKEN"
        )
    if isinstance(error, RevisionNotFoundError):
        return HubError(f"{repository} has no revision {revision!r}: leave it out for main")
    if isinstance(error, RepositoryNotFoundError | HFValidationError):
        return HubError(
            f"there is no folder {repository} and the hub has no repository called so, or it is private: "
            f"check the name (the published one is {ORIGINAL}), or log in with `hf auth login` or HF_TOKEN"
        )
    return None


def first_line(error: BaseException) -> str:
    """Return an error's first line without its stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
