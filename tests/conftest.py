"""Keeps every test away from the user's caches, keys and terminal."""

import os
import tempfile
from pathlib import Path

import pytest

# Before anything imports huggingface_hub or datasets, which read these once.
_CACHES = tempfile.mkdtemp(prefix="gedit-bench-tests-")
os.environ["HF_HOME"] = _CACHES
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # nobody listens there: no test asks the real hub
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes would compile the same modules
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: the tests' own processes use all cores already


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.startswith("GEDIT_BENCH_") or name in {"OPENAI_API_KEY", "OPENAI_BASE_URL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    return


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of golden vectors."""
    return Path(__file__).parent / "golden"
