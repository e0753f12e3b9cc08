"""Weights from the hub, over real HTTP: `huggingface_hub` is not replaced, only its server is a local one."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from fake_hub import FakeHub
from huggingface_hub import close_session, constants
from PIL import Image
from safetensors.torch import load_file, save_file
from weights_hub import weights_hub

from step1x_edit import tiny
from step1x_edit.conditioning import Conditioning
from step1x_edit.download import download, in_words, located
from step1x_edit.files import AUTOENCODER_FILE, LANGUAGE_MODEL, TRANSFORMER_FILES, Files, find_files
from step1x_edit.hub import DIFFUSERS, LANGUAGE_MODEL_ID, hub_id, look_up
from step1x_edit.hub_errors import ORIGINAL, HubError
from step1x_edit.pipeline import Sampling, Step1XEditPipeline
from step1x_edit.published import Published
from step1x_edit.weights import WeightsError, sha256

NETWORK = TRANSFORMER_FILES["v1.1"]


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
    with weights_hub(folder) as hub:
        yield hub
    close_session()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


def found(hub: FakeHub, cache: Path, repository: str = ORIGINAL, revision: str | None = None) -> Published:
    return look_up(repository, "v1.1", revision, endpoint=hub.url, cache=cache)


def fetched(hub: FakeHub, cache: Path) -> Files:
    return download(found(hub, cache), endpoint=hub.url)


def edited(source: Path | Files, conditioning: Conditioning) -> bytes:
    sizes = {"size": tiny.SIZE, "autoencoder_size": tiny.AUTOENCODER_SIZE}
    pipeline = Step1XEditPipeline.from_pretrained(source, conditioning=conditioning, **sizes)
    picture = Image.linear_gradient("L").resize((90, 60)).convert("RGB")
    return pipeline([picture], ["Make it red"], seed=1, sampling=Sampling(steps=1, level=tiny.LEVEL))[0].tobytes()


def contents(hub: FakeHub) -> list[str]:
    """The files that were sent, by name."""
    return sorted(line.rpartition("/")[2] for line in hub.requests if line.startswith("GET") and "/resolve/" in line)


def test_what_is_downloaded_gives_the_same_picture_as_the_folder(
    hub: FakeHub, cache: Path, folder: Path, conditioning: Conditioning
) -> None:
    published = found(hub, cache)
    assert edited(download(published, endpoint=hub.url), conditioning) == edited(folder, conditioning)
    language_model = [path.name for path in (folder / LANGUAGE_MODEL).iterdir()]
    assert contents(hub) == sorted([NETWORK, AUTOENCODER_FILE, *language_model])  # no pickle, adapter or other version
    assert published.complete
    assert (found(hub, cache).missing, len(contents(hub))) == (0, 2 + len(language_model))


def test_size_and_hashes_are_known_beforehand_and_nothing_is_written(hub: FakeHub, cache: Path, folder: Path) -> None:
    published = found(hub, cache)
    wanted = [folder / NETWORK, folder / AUTOENCODER_FILE, *(folder / LANGUAGE_MODEL).iterdir()]
    assert published.size == published.missing == sum(path.stat().st_size for path in wanted)
    hashes = {path.name: sha256(path) for path in wanted if path.suffix == ".safetensors"}
    assert {name: known for name, _, known in published.weights()} == hashes
    assert not cache.exists()
    said: list[str] = []
    download(published, endpoint=hub.url, announce=said.append)
    size = in_words(published.size)
    assert said == [
        f"{ORIGINAL} and {LANGUAGE_MODEL_ID}: {size}, of which {size} are still to download to {cache.resolve()}"
    ]
    download(published, endpoint=hub.url, announce=said.append)
    assert len(said) == 1  # nothing to download, nothing to say


def test_the_sizes_are_those_that_people_read() -> None:
    sizes = (42_300_000_000, 1_500_000, 2_000, 7)
    assert [in_words(size) for size in sizes] == ["42.3 GB", "1.5 MB", "2.0 kB", "7 bytes"]


def test_what_was_interrupted_goes_on_where_it_stopped(hub: FakeHub, cache: Path, folder: Path) -> None:
    hub.cut = 10_000
    published = found(hub, cache)
    with pytest.raises(HubError, match=r"can't be downloaded .* goes on where it stopped"):
        download(published, endpoint=hub.url)
    hub.refusal = None
    hub.ranges.clear()
    [partial] = cache.rglob("*.partial")
    there = partial.stat().st_size
    assert 0 < there <= 10_000
    assert found(hub, cache).missing == published.size - there
    files = fetched(hub, cache)
    assert hub.ranges == [f"bytes={there}-"]
    assert sha256(files.transformer[0]) == sha256(folder / NETWORK)
    assert not list(cache.rglob("*.partial"))


def test_a_killed_download_goes_on_in_another_process(hub: FakeHub, cache: Path, folder: Path) -> None:
    hub.cut = 100_000  # the client waits a second before it tries again: time to kill it
    env = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = os.pathsep.join(sys.path)
    code = (
        "from huggingface_hub import constants; constants.DOWNLOAD_CHUNK_SIZE = 4096; "
        f"from step1x_edit.download import located; located({ORIGINAL!r}, 'v1.1')"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and hub.cut is not None:
            time.sleep(0.02)
        hub.delay = 5.0
        while process.poll() is None and sum(path.stat().st_size for path in cache.rglob("*.partial")) < 80_000:
            time.sleep(0.02)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    hub.delay, hub.refusal = 0.0, None
    [partial] = cache.rglob("*.partial")
    there = partial.stat().st_size
    assert 80_000 < there <= 100_000
    assert sha256(fetched(hub, cache).transformer[0]) == sha256(folder / NETWORK)
    assert hub.ranges == [f"bytes={there}-"]


def test_what_is_not_what_the_hub_states_is_deleted(hub: FakeHub, cache: Path, folder: Path) -> None:
    hub.stated[sha256(folder / NETWORK)] = "f" * 64
    with pytest.raises(HubError, match=f"{NETWORK} of {ORIGINAL} came damaged .* the hub states ffffffffffff…"):
        fetched(hub, cache)
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size > 1000]
    hub.stated.clear()
    assert fetched(hub, cache).transformer[0].is_file()


def test_a_partial_file_with_other_bytes_is_noticed(hub: FakeHub, cache: Path) -> None:
    [network, *_] = found(hub, cache).snapshots
    partial = network.partial(next(file for file in network.files if file.path == NETWORK))
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 100)
    with pytest.raises(HubError, match="came damaged"):
        fetched(hub, cache)
    partial.write_bytes(b"x" * 10_000_000)
    assert fetched(hub, cache).transformer[0].stat().st_size < 10_000_000


def test_a_hash_that_would_lead_out_of_the_cache_is_none(hub: FakeHub, cache: Path, folder: Path) -> None:
    hub.stated[sha256(folder / NETWORK)] = "../../outside"
    with pytest.raises(HubError, match=f"states no SHA-256 of {NETWORK}"):
        fetched(hub, cache)


@pytest.mark.parametrize("trouble", ["offline", "unreachable", "down"])
def test_without_the_hub_the_cache_answers(
    trouble: str, hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = found(hub, cache)
    files = download(online, endpoint=hub.url)
    hub.push({"README.md": b"moved on"})
    endpoint = hub.url
    if trouble == "offline":
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    elif trouble == "unreachable":
        endpoint = "http://127.0.0.1:9"
    else:
        hub.refusal = (503, "")
    cached = look_up(ORIGINAL, "v1.1", endpoint=endpoint, cache=cache)
    assert (cached.size, cached.missing, cached.files()) == (online.size, 0, files)
    assert list(cached.weights()) == list(online.weights())
    assert cached.snapshots[0].commit == online.snapshots[0].commit
    with pytest.raises(HubError, match=r"is only in part in the cache \(step1x-edit-i1258"):
        look_up(ORIGINAL, "v1.0", endpoint=endpoint, cache=cache)
    (cached.snapshots[1].folder / "config.json").unlink()
    with pytest.raises(HubError, match=f"{LANGUAGE_MODEL_ID} is only in part in the cache .config.json is missing"):
        look_up(ORIGINAL, "v1.1", endpoint=endpoint, cache=cache)


def test_a_cache_that_another_program_filled_is_read(hub: FakeHub, cache: Path) -> None:
    online = found(hub, cache)
    files = download(online, endpoint=hub.url)
    for trees in cache.glob("*/trees"):
        shutil.rmtree(trees)
    cached = look_up(ORIGINAL, "v1.1", endpoint="http://127.0.0.1:9", cache=cache)
    assert (cached.files(), cached.missing) == (files, 0)
    assert list(cached.weights()) == list(online.weights())


def test_without_hub_and_cache_the_sentence_says_so(cache: Path) -> None:
    with pytest.raises(HubError, match=r"is not in the cache .* can't be reached .* HF_HUB_OFFLINE"):
        look_up(ORIGINAL, "v1.1", endpoint="http://127.0.0.1:9", cache=cache)


def test_a_disk_that_is_too_small_is_said_before_anything_is_downloaded(
    hub: FakeHub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 0, 1000))
    with pytest.raises(HubError, match=r"and .* has 1.0 kB free: make room, or choose another disk with HF_HOME"):
        fetched(hub, cache)
    assert contents(hub) == []


def test_a_wrong_name_a_wrong_revision_and_a_gated_repository_are_one_sentence(hub: FakeHub, cache: Path) -> None:
    with pytest.raises(HubError, match="no folder someone/Step1X and the hub has no repository called so"):
        found(hub, cache, "someone/Step1X")
    with pytest.raises(HubError, match="no folder a--b/c and the hub has no repository"):
        found(hub, cache, "a--b/c")
    with pytest.raises(HubError, match="has no revision 'v9'"):
        found(hub, cache, revision="v9")
    hub.refusal = (403, "GatedRepo")
    with pytest.raises(HubError, match=f"is gated: accept its terms at https://huggingface.co/{ORIGINAL}"):
        found(hub, cache)


def test_a_repository_that_lacks_a_part_or_the_version_is_refused_before_the_download(
    hub: FakeHub, cache: Path
) -> None:
    first = hub.main
    hub.push({name: data for name, data in hub.commits[first].items() if name != AUTOENCODER_FILE})
    with pytest.raises(HubError, match=f"at main has no {AUTOENCODER_FILE} for Step1X-Edit"):
        found(hub, cache)
    assert found(hub, cache, revision=first).snapshots[0].commit == first
    with pytest.raises(HubError, match=r"holds v1[.]1, not v1[.]0"):
        look_up(DIFFUSERS, "v1.0", endpoint=hub.url, cache=cache)


def test_a_repository_may_hold_the_language_model_and_an_fp8_network(hub: FakeHub, cache: Path, folder: Path) -> None:
    files = {name: (folder / name).read_bytes() for name in (NETWORK, AUTOENCODER_FILE)}
    files[NETWORK.replace(".", "-FP8.")] = files.pop(NETWORK)
    files |= {f"{LANGUAGE_MODEL}/{path.name}": path.read_bytes() for path in (folder / LANGUAGE_MODEL).iterdir()}
    with FakeHub("someone/Step1X-Edit-FP8", files, "models") as other:
        published = look_up("someone/Step1X-Edit-FP8", "v1.1", endpoint=other.url, cache=cache)
        found = download(published, endpoint=other.url)
        assert {name: path for name, path, _ in published.weights()} == found.weights
        assert set(contents(other)) == {path.rpartition("/")[2] for path in files}
        assert found.transformer[0].name == NETWORK.replace(".", "-FP8.")


def test_the_diffusers_layout_is_one_repository(hub: FakeHub, cache: Path, folder: Path) -> None:
    language_model = (folder / LANGUAGE_MODEL).iterdir()
    files = {"transformer/model.safetensors": b"network", "vae/model.safetensors": b"autoencoder"}
    files |= {
        f"{'text_encoder' if 'model' in p.name else 'processor'}/{p.name}": p.read_bytes() for p in language_model
    }
    files |= {"scheduler/scheduler_config.json": b"{}", "text_encoder/weights.bin": b"a pickle"}
    with FakeHub(DIFFUSERS, files, "models") as other:
        published = look_up(DIFFUSERS, "v1.1", endpoint=other.url, cache=cache)
        download(published, endpoint=other.url)
        assert published.files() == find_files(published.snapshots[0].folder, "v1.1")
        assert published.files().diffusers
        assert not {"weights.bin", "scheduler_config.json"} & set(contents(other))
        assert {name: path for name, path, _ in published.weights()} == published.files().weights
        hashes = {name: known for name, _, known in published.weights()}
        other.push({name: data for name, data in files.items() if not name.startswith("processor/")})
        with pytest.raises(HubError, match="has no processor"):
            look_up(DIFFUSERS, "v1.1", endpoint=other.url, cache=cache)
        assert hashes["vae/model.safetensors"] == hashlib.sha256(b"autoencoder").hexdigest()


def test_an_id_is_told_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert hub_id("owner/name") == ("owner/name", None)
    assert hub_id("owner/name@v1") == ("owner/name", "v1")
    assert [hub_id(word) for word in ("/owner/name", "../name", "name", "a/b/c", "./a")] == [None] * 5
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert hub_id("owner/name") is None
    with pytest.raises(WeightsError, match="has no step1x-edit"):
        located("owner/name", "v1.1")


@pytest.mark.parametrize(
    "name", ["step1x-edit-v1p1-official-FP8.safetensors", "step1x-edit-v1p1-official_fp8_e4m3fn.safetensors"]
)
def test_an_fp8_file_stands_in_for_the_official_one(
    tmp_path: Path, folder: Path, conditioning: Conditioning, name: str
) -> None:
    for path in folder.iterdir():
        if path.name != NETWORK:
            (tmp_path / path.name).symlink_to(path)
    save_file(
        {key: value.to(torch.float8_e4m3fn) for key, value in load_file(folder / NETWORK).items()}, tmp_path / name
    )
    assert find_files(tmp_path, "v1.1").transformer == (tmp_path / name,)
    assert edited(tmp_path, conditioning) != edited(folder, conditioning)
    (tmp_path / "step1x-edit-v1p1-official-fp8-other.safetensors").touch()
    with pytest.raises(WeightsError, match="has several FP8 files"):
        find_files(tmp_path, "v1.1")
    (tmp_path / NETWORK).symlink_to(folder / NETWORK)
    assert find_files(tmp_path, "v1.1").transformer == (tmp_path / NETWORK,)
