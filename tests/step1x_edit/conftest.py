"""Weights of toy size, made once for each file of tests."""

from pathlib import Path

import pytest

from step1x_edit import tiny
from step1x_edit.conditioning import Conditioning


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of published files in the original layout."""
    path = tmp_path_factory.mktemp("weights") / "tiny"
    tiny.make_tiny(path)
    return path


@pytest.fixture(scope="module")
def conditioning(tmp_path_factory: pytest.TempPathFactory) -> Conditioning:
    """The conditioning that goes with them."""
    return tiny.make_tiny(tmp_path_factory.mktemp("again") / "tiny")
