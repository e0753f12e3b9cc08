"""A local hub with Step1X-Edit's repositories at toy size, as the real ones are laid out."""

from pathlib import Path

import pytest
from fake_hub import FakeHub
from huggingface_hub import close_session, constants

from step1x_edit.files import AUTOENCODER_FILE, LANGUAGE_MODEL, TRANSFORMER_FILES
from step1x_edit.hub import LANGUAGE_MODEL_ID
from step1x_edit.hub_errors import ORIGINAL


def weights_hub(folder: Path) -> FakeHub:
    """The hub that serves what `make_tiny` wrote for v1.1, among files that nobody needs."""
    network = {name: (folder / name).read_bytes() for name in (TRANSFORMER_FILES["v1.1"], AUTOENCODER_FILE)}
    network |= {"README.md": b"# Step1X-Edit", "lora/hands.safetensors": b"no", TRANSFORMER_FILES["v1.0"]: b"other"}
    language_model = {path.name: path.read_bytes() for path in (folder / LANGUAGE_MODEL).iterdir()}
    language_model |= {"pytorch_model.bin": b"a pickle", "figures/one.json": b"{}"}
    close_session()
    return FakeHub(ORIGINAL, network, "models", beside=(FakeHub(LANGUAGE_MODEL_ID, language_model, "models"),))


def make_it_the_hub(hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `huggingface_hub` ask this hub, without a token, and keep its files in a cache of the test's own."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
