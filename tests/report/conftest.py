"""A browser for the tests of one file."""

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; of one file alone, because Playwright's loop must have ended before others run theirs."""
    with chromium() as found:
        yield found
