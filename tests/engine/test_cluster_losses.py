"""What Ray itself is begun for here: a driver that is killed, a machine that is lost, GPUs that are told apart."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_benchmark import editing, lines, selection, write_benchmark

from gedit_bench import EditStatus, edit
from gedit_bench.engine.progress import Progress
from gedit_bench.errors import UnavailableError
from gedit_bench.store.run import find_runs

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

BACKEND = f"{Path(__file__).parent / 'misbehaving.py'}:Misbehaving"
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark")


def until(true: Callable[[], bool], seconds: float = 90.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It never became true."
        time.sleep(0.05)


def started(folder: Path, *words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gedit_bench", *map(str, words)],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_kill_9_of_all_and_of_the_one_that_hands_out_costs_what_is_in_flight(data: Path, tmp_path: Path) -> None:
    words = ("edit", "-m", BACKEND, "--data", data, "-o", f"notes={tmp_path}", "-o", "seconds=0.3")
    with started(tmp_path, *words, "--device", "cpu,cpu") as running:
        until(lambda: bool(list(tmp_path.rglob("edits.jsonl"))))
        [saved] = tmp_path.rglob("edits.jsonl")
        until(lambda: len(lines(saved)) >= 4)
        family = psutil.Process(running.pid).children(recursive=True)
        editors = [process for process in family if "Editor" in process.name()]
        assert 1 <= len(editors) <= 2
        running.kill()
        running.communicate()
    _, left = psutil.wait_procs(editors, timeout=30)
    assert left == []
    done = lines(saved)
    [left_behind] = saved.parent.glob(".partial/*")
    with started(tmp_path, *words) as running:  # one device, no Ray
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert out.startswith("22 of 22 samples are edited")
    assert lines(saved)[: len(done)] == done
    assert len(lines(saved)) == 22
    asked = [word for word in lines(tmp_path / "asked.txt") if word != "loaded"]
    assert 22 <= len(asked) <= 22 + 2 * 4  # two chunks were in flight
    next(saved.parent.rglob("*.png")).unlink()
    with started(tmp_path, *words, "--device", "cpu,cpu") as running:
        running.communicate(timeout=120)
    assert not left_behind.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_reaches_everybody_loses_nothing(data: Path, tmp_path: Path, number: signal.Signals) -> None:
    """As Ctrl-C on a terminal does, and a scheduler's SIGTERM before it kills."""
    words = ("edit", "-m", BACKEND, "--data", data, "-o", f"notes={tmp_path}", "-o", "seconds=0.3")
    with started(tmp_path, *words, "--device", "cpu,cpu") as running:
        until(lambda: any(len(lines(saved)) >= 2 for saved in tmp_path.rglob("edits.jsonl")))
        os.killpg(running.pid, number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Interrupted: " in err
    assert "Traceback" not in err
    assert out == ""
    [saved] = tmp_path.rglob("edits.jsonl")
    assert len(lines(saved)) == sum(word != "loaded" for word in lines(tmp_path / "asked.txt")) < 22


def test_the_command_line_says_what_it_did_and_nothing_of_rays(data: Path, tmp_path: Path) -> None:
    words = ("edit", "-m", BACKEND, "--data", data, "-o", f"notes={tmp_path}", "-o", "way=kill", "--device", "cpu,cpu")
    with started(tmp_path, *words) as running:
        out, err = running.communicate(timeout=120)
    assert running.returncode == 3, err
    assert out.startswith("20 of 22 samples are edited: ")
    assert len(out.splitlines()) == 1
    assert "ps_human (en)" in err
    assert "raylet" not in err.lower()


def test_a_suite_has_its_models_on_several_devices_one_after_the_other(data: Path, tmp_path: Path) -> None:
    (tmp_path / "suite.toml").write_text(
        'edit_timeout = 60\njudges = ["offline"]\nmodels = [\n'
        f'  {{ model = "{BACKEND}", name = "first", options = {{ notes = "{tmp_path}", seconds = 0.1 }} }},\n'
        '  "pil-filters",\n  { model = "identity", device = "" },\n]\n'
        f'[selection]\ndata = "{data}"\nlanguages = ["en"]\n'
    )
    with started(tmp_path, "run", "--suite", "suite.toml", "--device", "cpu,cpu") as running:
        _, err = running.communicate(timeout=240)
    assert running.returncode == 0, err
    found = {run.manifest.name: run for run in find_runs([tmp_path / "results"])}
    places = {
        name: {writer.details.get("where", "").rpartition(" ")[2] for writer in run.writers()}
        for name, run in found.items()
    }
    assert places == {"first": {"", "cpu"}, "pil-filters": {"", "cpu"}, "identity": {""}}
    assert all({edit.status for edit in run.edits().values()} == {EditStatus.OK} for run in found.values())


def test_a_cluster_that_is_not_there_is_said_at_once(data: Path, tmp_path: Path) -> None:
    before = time.monotonic()
    with pytest.raises(UnavailableError, match=r"No Ray cluster answers at 127\.0\.0\.1:1: .*Connection refused"):
        edit("identity", selection(data), editing(tmp_path, ray_address="127.0.0.1:1"))
    assert time.monotonic() - before < 15


@pytest.fixture
def machines() -> Iterator[Any]:
    """Three machines that are processes here: one that edits nothing, and two with room for one process each."""
    from ray.cluster_utils import Cluster

    from gedit_bench.engine.cluster.session import imported

    ray = imported()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    cluster.wait_for_nodes()
    yield cluster, nodes
    ray.shutdown()
    cluster.shutdown()


def test_a_machine_that_is_lost_costs_time_and_one_that_joins_is_used(
    machines: Any, data: Path, tmp_path: Path
) -> None:
    cluster, nodes = machines
    words = [f"notes={tmp_path}", "seconds=0.5"]

    def lose(progress: Progress) -> None:
        if progress.done >= 4 and len(progress.devices) == 2 and len(nodes) == 2:
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            cluster.add_node(num_cpus=1)

    where = editing(tmp_path, ray_address=cluster.address, device="cpu,cpu", options=words)
    run = edit(BACKEND, selection(data), where, watch=lose)
    assert {found.status for found in run.edits().values()} == {EditStatus.OK}
    assert len(lines(run.path / "edits.jsonl")) == len(run.edits()) == 22
    assert all(run.holds(found) for found in run.edits().values())
    asked = [word for word in lines(tmp_path / "asked.txt") if word != "loaded"]
    assert 22 <= len(asked) <= 22 + 4  # at most one chunk was in flight there
    assert lines(tmp_path / "asked.txt").count("loaded") == 3


def test_all_machines_lost_is_said(machines: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gedit_bench.engine.cluster import crew

    cluster, nodes = machines
    monkeypatch.setattr(crew, "NO_ROOM", 3.0)
    for node in nodes:
        cluster.remove_node(node, allow_graceful=False)
    where = editing(tmp_path, ray_address=cluster.address, device="cpu", options=[f"notes={tmp_path}"])
    with pytest.raises(UnavailableError, match="For 3 s no machine has had room for a process"):
        edit(BACKEND, selection(data), where)


def test_each_process_sees_its_own_gpu(data: Path, tmp_path: Path) -> None:
    """Ray believes what it is told about GPUs, so that this needs none."""
    code = """
import json, os, sys
from pathlib import Path
from gedit_bench.engine import placement
placement._gpus = lambda: 3
from gedit_bench.api import Editing, Selection, edit
data, out, backend = sys.argv[1:]
editing = Editing(out=Path(out), device="cuda:0,cuda:2", options=[f"notes={out}", "seconds=0.2"])
run = edit(backend, Selection(data=data), editing)
print(json.dumps(sorted({f"{one.extra['device']} of {one.extra['visible']}" for one in run.edits().values()})))
print(os.environ["CUDA_VISIBLE_DEVICES"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, data, tmp_path, BACKEND],
        env={**ENVIRONMENT, "CUDA_VISIBLE_DEVICES": "4,5,7"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.splitlines() == ['["cuda:0 of 4", "cuda:0 of 7"]', "4,5,7"], done.stderr


def test_step1x_edit_makes_the_same_images_there(data: Path, tmp_path: Path) -> None:
    chosen = selection(data, tasks=["ps_human", "color_alter"], languages=["en"])
    one = edit("step1x-edit@tiny", chosen, editing(tmp_path / "one", device="cpu"))
    many = edit("step1x-edit@tiny", chosen, editing(tmp_path / "many", device="cpu,cpu"))
    assert {found.sha256 for found in one.edits().values()} == {found.sha256 for found in many.edits().values()}
    assert len(many.edits()) == 2
