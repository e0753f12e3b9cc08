"""The hub's real code path, against a local server: `huggingface_hub` and `datasets` are not replaced."""

import os
import subprocess
import sys
from io import BytesIO

import pytest
from data_fixtures import as_dataset, hf_cache, row, small_rows
from fake_hub import FakeHub
from huggingface_hub import close_session, constants

from gedit_bench import dataset_files
from gedit_bench.dataset import load_benchmark
from gedit_bench.errors import DataError, UnavailableError, UsageError

REPOSITORY = "someone/GEdit-Bench"
SHOW = """
from gedit_bench.dataset import load_benchmark
benchmark = load_benchmark({!r})
print(benchmark.name, benchmark.revision, len(benchmark.samples), benchmark.source_id(benchmark.samples[0]))
"""
pytestmark = pytest.mark.usefixtures(hf_cache.__name__)


def files_of(rows) -> dict[str, bytes]:
    buffer = BytesIO()
    as_dataset(rows).to_parquet(buffer)
    return {"README.md": b"# GEdit-Bench\n", "data/train-00000-of-00001.parquet": buffer.getvalue()}


def move_hub(monkeypatch, url: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with FakeHub(REPOSITORY, files_of(small_rows())) as hub:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
        move_hub(monkeypatch, hub.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        close_session()
        yield hub
        close_session()


def test_a_fresh_process_downloads_then_works_offline_with_the_same_revision(tmp_path):
    with FakeHub(REPOSITORY, files_of(small_rows())) as hub:
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        env |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"}

        def show(**more: str) -> str:
            command = [sys.executable, "-W", "error::ResourceWarning", "-c", SHOW.format(REPOSITORY)]
            done = subprocess.run(command, capture_output=True, text=True, env=env | more)
            assert done.stderr == ""
            return done.stdout

        online = show()
        assert online.split()[:3] == [REPOSITORY, hub.main, "6"]
        asked = len(hub.requests)
        assert show(HF_HUB_OFFLINE="1") == online
        assert len(hub.requests) == asked


def test_main_is_followed_and_a_pinned_commit_is_kept(hub):
    first = load_benchmark(REPOSITORY)
    second = hub.push(files_of([row("ps_human")]))
    assert load_benchmark(REPOSITORY).revision == second
    pinned = load_benchmark(REPOSITORY, first.revision)
    assert (pinned.revision, pinned.samples) == (first.revision, first.samples)


def test_a_known_commit_downloads_only_the_data_files(hub):
    load_benchmark(REPOSITORY)
    fetched = [request for request in hub.requests if request.startswith("GET /datasets/")]
    assert len(fetched) == 1
    assert fetched[0].endswith(".parquet")


@pytest.mark.parametrize("trouble", ["offline", "unreachable", "down", "silent"])
def test_without_the_hub_the_cache_is_used_and_its_commit_known(trouble, hub, monkeypatch):
    online = load_benchmark(REPOSITORY)
    hub.push(files_of([row("ps_human")]))
    if trouble == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif trouble == "unreachable":
        move_hub(monkeypatch, "http://127.0.0.1:9")
    elif trouble == "down":
        hub.refusal = (503, "")
    else:
        hub.delay = 0.6
        monkeypatch.setattr(dataset_files, "_ASK_SECONDS", 0.1)
    cached = load_benchmark(REPOSITORY)
    assert (cached.revision, cached.samples) == (online.revision, online.samples)
    assert load_benchmark(REPOSITORY, online.revision).revision == online.revision
    with pytest.raises(UnavailableError, match=f"{REPOSITORY} at {'0' * 40} is not in the cache"):
        load_benchmark(REPOSITORY, "0" * 40)


@pytest.mark.parametrize("offline", [True, False])
def test_without_hub_and_cache_the_sentence_says_so(offline, hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    move_hub(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match=f"{REPOSITORY} at main is not in the cache") as caught:
        load_benchmark(REPOSITORY)
    assert caught.value.exit_code == 5
    assert "HF_HUB_OFFLINE" in caught.value.hint


def test_an_unknown_dataset_or_revision_is_a_wrong_name(hub):
    with pytest.raises(UsageError, match="The hub has no dataset 'stepfun-ai/GEdit-Bensh', or it is private") as caught:
        load_benchmark("stepfun-ai/GEdit-Bensh")
    assert caught.value.hint == "Did you mean 'stepfun-ai/GEdit-Bench'?"
    with pytest.raises(UsageError, match="has no revision 'v9'"):
        load_benchmark(REPOSITORY, "v9")
    with pytest.raises(UsageError, match="The hub has no dataset 'a--b/c'"):
        load_benchmark("a--b/c")


def test_a_gated_dataset_is_said_to_be_gated(hub):
    hub.refusal = (403, "GatedRepo")
    with pytest.raises(UnavailableError, match=f"The dataset {REPOSITORY} is gated") as caught:
        load_benchmark(REPOSITORY)
    assert "HF_TOKEN" in caught.value.hint


def test_an_unfinished_cache_is_not_taken_for_the_benchmark(hub, tmp_path, monkeypatch):
    load_benchmark(REPOSITORY)
    for file in (tmp_path / "hub-cache").rglob("*.parquet"):
        file.unlink()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match="is not in the cache"):
        load_benchmark(REPOSITORY)


def test_a_cache_without_data_files_is_not_taken_for_the_benchmark(hub, tmp_path, monkeypatch):
    cached = tmp_path / "hub-cache" / "datasets--someone--GEdit-Bench"
    for file, content in {f"snapshots/{hub.main}/README.md": "# GEdit-Bench", "refs/main": hub.main}.items():
        (cached / file).parent.mkdir(parents=True)
        (cached / file).write_text(content)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UnavailableError, match=f"No data file of {REPOSITORY} at {hub.main}"):
        load_benchmark(REPOSITORY)


def test_nothing_is_fetched_if_nothing_is_to_be(hub):
    with pytest.raises(UnavailableError, match="nothing is to be downloaded"):
        load_benchmark(REPOSITORY, fetch=False)
    assert hub.requests == []
    revision = load_benchmark(REPOSITORY).revision
    asked = len(hub.requests)
    assert load_benchmark(REPOSITORY, fetch=False).revision == revision
    assert len(hub.requests) == asked


def test_a_dataset_that_is_no_benchmark_is_refused(hub):
    hub.push(files_of([row(instruction_language="de")]))
    with pytest.raises(DataError, match="Row 0 has the unknown instruction_language 'de'"):
        load_benchmark(REPOSITORY)
