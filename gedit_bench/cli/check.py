"""`gedit-bench check`."""


def check() -> None:
    """X."""
