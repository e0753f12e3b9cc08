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


@pytest.fixture
def quick_http(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Clients that wait hundredths of a second before they ask again, and begin without reading certificates."""
    from gedit_bench.transport import patience

    # No test speaks TLS, and reading all the world's certificates takes 30 ms for each client.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    certificates = tmp_path_factory.getbasetemp() / "no-certificates"
    certificates.mkdir(exist_ok=True)
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates))
    monkeypatch.setattr(patience, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(patience, "LONGEST_WAIT", 0.04)


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of golden vectors."""
    return Path(__file__).parent / "golden"
