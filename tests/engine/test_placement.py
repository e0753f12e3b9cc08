"""Where edits are made, from the words that somebody gives."""

import sys
from pathlib import Path

import pytest

from gedit_bench import Editing, Selection, edit
from gedit_bench.editing.devices import visible_gpus
from gedit_bench.engine.placement import Placement, check_devices, place
from gedit_bench.errors import UnavailableError, UsageError


@pytest.fixture
def three_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)


@pytest.mark.parametrize(
    ("words", "devices", "alone"),
    [
        ("", (), True),
        ("cpu", ("cpu",), True),
        ("cuda:1", ("cuda:1",), True),
        ("mps", ("mps",), True),
        (" cuda:0, cuda:2 ", ("cuda:0", "cuda:2"), False),
        ("cpu,cpu", ("cpu", "cpu"), False),
        ("all", ("cuda:0", "cuda:1", "cuda:2"), False),
    ],
)
@pytest.mark.usefixtures("three_gpus")
def test_words_on_this_machine(words: str, devices: tuple[str, ...], alone: bool) -> None:
    found = place(words)
    assert (found.devices, found.alone, found.address) == (devices, alone, None)
    assert found.device == (devices[0] if devices else None)
    check_devices(found)


def test_all_is_the_cpu_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert place("all") == Placement(("cpu",))
    with pytest.raises(UnavailableError, match="There is no cuda: torch sees no GPUs here"):
        check_devices(place("cuda"))


@pytest.mark.usefixtures("three_gpus")
def test_a_gpu_that_is_not_here() -> None:
    with pytest.raises(UnavailableError, match="There is no cuda:3: torch sees 3 GPUs here"):
        check_devices(place("cuda:0,cuda:3"))


@pytest.mark.parametrize(
    ("words", "devices"), [("", ()), ("all", ()), ("cuda,cuda", ("cuda", "cuda")), ("cpu", ("cpu",))]
)
def test_words_on_a_cluster(words: str, devices: tuple[str, ...]) -> None:
    found = place(words, "auto", 5)
    assert found == Placement(devices, "auto", 5)
    assert (found.alone, found.device) == (False, None)
    check_devices(found)


@pytest.mark.parametrize(
    ("words", "address", "timeout", "reason"),
    [
        ("cuda:0,cuda:0", None, None, "named twice"),
        ("cuda:x", None, None, "--device can't be 'cuda:x'"),
        ("gpu", None, None, "--device can't be 'gpu'"),
        ("cuda,cuda", None, None, "can't be one of several"),
        ("cpu,mps", None, None, "can't be one of several"),
        ("cuda:0,", None, None, "can't be one of several"),
        ("cuda:0", "auto", None, "means nothing on a cluster"),
        ("", "node-1", None, "--ray-address can't be 'node-1'"),
        ("", "ray://node-1:10001", None, "--ray-address can't be 'ray://node-1:10001'"),
        ("cpu", None, 60.0, "--edit-timeout needs several devices"),
    ],
)
def test_what_cannot_be_meant(words: str, address: str | None, timeout: float | None, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        place(words, address, timeout)


def test_gpus_are_counted_among_those_that_are_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus(["cuda:0", "cpu", "cuda:2"]) == "0,2"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,GPU-7")
    assert visible_gpus(["cuda:0", "cuda:2"]) == "4,GPU-7"
    assert visible_gpus(["cpu"]) == ""


def test_several_devices_without_ray_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UnavailableError, match="Several devices or machines need Ray, which is not here") as caught:
        edit("identity", Selection(data="sample", limit=1), Editing(out=tmp_path, device="cpu,cpu"))
    assert "pip install 'gedit-bench[ray]'" in caught.value.hint
