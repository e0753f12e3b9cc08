"""Profiles: how a version's published numbers were sampled. A named setting; its default follows the version."""

from dataclasses import dataclass
from typing import Literal

from step1x_edit.transformer import Version

Posterior = Literal["sample", "mode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What differs between the programs that published numbers came from.

    `resample` is the filter of the source's resize, `damped_above` the time above which guidance is
    damped (1: never; the latent then stays bfloat16 on a GPU, while a damped step makes it float32),
    `bf16_encode` whether the autoencoder encodes under bfloat16 autocast on a GPU.
    """

    name: str
    resample: Literal["bicubic", "lanczos"]
    damped_above: float
    bf16_encode: bool


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="v1.0", resample="bicubic", damped_above=1.0, bf16_encode=False),
        Profile(name="v1.1", resample="lanczos", damped_above=0.93, bf16_encode=True),
    )
}


def profile_of(version: Version, name: str | None = None) -> Profile:
    """Return the profile called `name`, or the version's own.

    Raises:
        ValueError: there is no such profile.
    """
    chosen = name or version
    if chosen not in PROFILES:
        raise ValueError(f"there is no profile {chosen!r}; there are {', '.join(PROFILES)}")
    return PROFILES[chosen]
