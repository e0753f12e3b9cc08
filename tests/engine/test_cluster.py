"""Several processes through `edit()`, on a real Ray: the same images as in process, whatever dies on the way."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from small_benchmark import editing, lines, selection, write_benchmark

from gedit_bench import EditStatus, Run, edit
from gedit_bench.engine.budget import Budget
from gedit_bench.engine.cluster import crew
from gedit_bench.engine.cluster.editor import Post
from gedit_bench.engine.progress import Progress
from gedit_bench.errors import BudgetError, Interrupted, UnavailableError, UsageError
from gedit_bench.records import TASKS
from gedit_bench.settling import settle_model

pytest.importorskip("ray")

BACKEND = f"{Path(__file__).parent / 'misbehaving.py'}:Misbehaving"
TWO = "cpu,cpu"


@pytest.fixture(scope="module", autouse=True)
def ray() -> Iterator[None]:
    """One Ray for all tests here: beginning one takes seconds, and `edit` takes the one that is there."""
    from gedit_bench.engine.cluster.session import imported

    ray = imported()
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


def options(notes: Path, **settings: object) -> list[str]:
    return [f"{name}={value}" for name, value in {"notes": notes, **settings}.items()]


def asked(notes: Path) -> Counter[str]:
    """How often each sample was asked for, and how often the model was loaded."""
    return Counter(lines(notes / "asked.txt"))


def statuses(run: Run) -> dict[str, EditStatus]:
    return {sample.task_type: found.status for sample, found in run.edits().items()}


def images(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.path.rglob("images/**/*.png")}


def assert_complete(run: Run, **others: EditStatus) -> None:
    """Every sample has exactly one line, `ok` but for some categories, and nothing unfinished is left."""
    assert statuses(run) == dict.fromkeys(TASKS, EditStatus.OK) | others
    assert len(lines(run.path / "edits.jsonl")) == len(TASKS)
    assert all(run.holds(found) for found in run.edits().values() if found.status is EditStatus.OK)
    assert [path for path in run.path.rglob("*partial*") if path != run.path / ".partial"] == []


def test_the_same_images_as_in_process_and_nothing_twice(data: Path, tmp_path: Path, notes: Path) -> None:
    seen: list[Progress] = []
    many = edit(
        BACKEND, selection(data), editing(tmp_path / "two", device=TWO, options=options(notes)), watch=seen.append
    )
    assert_complete(many)
    assert asked(notes).pop("loaded") in (1, 2)  # one may have done all before the other is ready
    assert set(asked(notes).values()) <= {1, 2}
    one = edit(BACKEND, selection(data), editing(tmp_path / "one", options=options(tmp_path)))
    assert images(many) == images(one)
    assert many.manifest.fingerprint == one.manifest.fingerprint
    assert sum(seen[-1].devices.values()) == seen[-1].done == len(TASKS)
    found = next(iter(many.edits().values()))
    assert found.extra["device"] == "cpu"
    writer = next(writer for writer in many.writers() if writer.writer == found.writer)
    assert writer.details["where"].endswith(" cpu")
    assert many.data_location() == str(data)


@pytest.mark.slow
def test_what_was_made_there_is_not_made_again_here_and_the_other_way_round(
    data: Path, tmp_path: Path, notes: Path
) -> None:
    words = {"options": options(notes)}
    edit(BACKEND, selection(data, tasks=TASKS[:4]), editing(tmp_path, **words))
    edit(BACKEND, selection(data, tasks=TASKS[:8]), editing(tmp_path, device=TWO, **words))
    run = edit(BACKEND, selection(data), editing(tmp_path, **words))
    assert_complete(run)
    made = asked(notes)
    assert made.pop("loaded") in (3, 4)
    assert set(made.values()) == {1}
    edit(BACKEND, selection(data), editing(tmp_path, device=TWO, **words))
    assert asked(notes) - made == Counter(loaded=asked(notes)["loaded"])


def seeing(post: type[Post], other: Path, /, **known: Any) -> Post:
    """What a process knows that sees another folder in place of the run's."""
    return post(**{**known, "aside": other})


@pytest.mark.slow
def test_images_are_sent_where_the_run_is_not_seen(
    data: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, folder in enumerate((tmp_path / "nowhere", notes)):  # no such folder, and another one
        monkeypatch.setattr(crew, "Post", partial(seeing, Post, folder))
        run = edit(BACKEND, selection(data), editing(tmp_path / f"{number}", device=TWO, options=options(notes)))
        assert_complete(run)
    assert len(list(notes.glob("*.partial"))) in (1, 2)  # what each wrote to see whose folder it is


def test_a_sample_that_kills_its_process_is_tried_once_more_alone(data: Path, tmp_path: Path, notes: Path) -> None:
    words = options(notes, way="kill")
    run = edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=words))
    assert_complete(run, ps_human=EditStatus.EDIT_FAILED)
    [bad] = [found for found in run.edits().values() if found.status is not EditStatus.OK]
    assert "The process on" in bad.message
    assert "died" in bad.message
    times = asked(notes)
    assert times[f"{bad.sample}"] == 2
    assert all(count <= 2 for what, count in times.items() if what != "loaded")


@pytest.mark.slow
def test_a_process_that_dies_costs_nothing_but_time(data: Path, tmp_path: Path, notes: Path) -> None:
    words = options(notes, way="kill once")
    assert_complete(edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=words)))


@pytest.mark.slow
def test_a_process_that_hangs_is_ended(data: Path, tmp_path: Path, notes: Path) -> None:
    words = options(notes, way="hang")
    run = edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=words, edit_timeout=0.5))
    assert_complete(run, ps_human=EditStatus.TIMEOUT)
    [bad] = [found for found in run.edits().values() if found.status is not EditStatus.OK]
    assert bad.message.startswith("No result within 0.5 s on ")
    assert asked(notes)[f"{bad.sample}"] == 2


def test_memory_that_runs_out_costs_its_sample_and_no_process(data: Path, tmp_path: Path, notes: Path) -> None:
    run = edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=options(notes, way="memory")))
    assert_complete(run, ps_human=EditStatus.EDIT_FAILED)
    assert "MemoryError: not enough of it" in {found.message for found in run.edits().values()}
    assert asked(notes)["loaded"] <= 2


@pytest.mark.slow
def test_a_device_that_lacks_something_is_left_out(
    data: Path, tmp_path: Path, notes: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = options(notes, way="weights in one place", seconds=0.2)
    seen: list[Progress] = []
    run = edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=words), watch=seen.append)
    assert_complete(run)
    assert seen[-1].given_up == 1
    assert "is given up, 1 others go on: The weights are missing. Download them." in caplog.text


@pytest.mark.slow
def test_what_all_devices_lack_is_one_sentence(data: Path, tmp_path: Path, notes: Path) -> None:
    with pytest.raises(UnavailableError, match=r"^The weights are missing\.$"):
        edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=options(notes, way="no weights")))


@pytest.mark.slow
def test_devices_that_die_again_and_again_are_given_up(data: Path, tmp_path: Path, notes: Path) -> None:
    with pytest.raises(UnavailableError, match=r"All 2 devices were given up; the last: The process on .* ended: "):
        edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=options(notes, way="dies loading")))
    assert asked(notes) == {"loaded": 2 * 4}


@pytest.mark.slow
def test_other_weights_make_no_images_of_this_run(
    data: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEIGHTS_OF_THIS_MACHINE", "others")
    with pytest.raises(UnavailableError, match=r"'of this machine' is 'the same', in the run it is 'others'"):
        edit(BACKEND, selection(data), editing(tmp_path, device=TWO, options=options(notes)))


@pytest.mark.slow
def test_ctrl_c_finishes_what_is_in_flight(data: Path, tmp_path: Path, notes: Path) -> None:
    stopped: list[int] = []

    def interrupt(progress: Progress) -> None:
        if progress.done and not stopped:
            stopped.append(progress.done)
            signal.raise_signal(signal.SIGINT)

    words = {"device": TWO, "options": options(notes, seconds=0.1)}
    with pytest.raises(Interrupted, match=r"Interrupted: [4-8] of 11 samples are edited"):
        edit(BACKEND, selection(data), editing(tmp_path, **words), watch=interrupt)
    before = asked(notes)
    [saved] = tmp_path.rglob("edits.jsonl")
    assert len(lines(saved)) == before.total() - before["loaded"]
    assert_complete(edit(BACKEND, selection(data), editing(tmp_path, **words)))
    assert all(count == 1 for what, count in asked(notes).items() if what != "loaded")


@pytest.mark.slow
def test_one_budget_holds_over_all(data: Path, tmp_path: Path, notes: Path) -> None:
    words = {"device": TWO, "options": options(notes, price=1.0, seconds=0.05)}
    budget = Budget(5)
    with pytest.raises(BudgetError, match=r"\$5\.00 are spent"):
        edit(BACKEND, selection(data), editing(tmp_path, **words), budget=budget)
    assert (budget.spent, budget.reserved) == (5.0, 0.0)
    [saved] = tmp_path.rglob("edits.jsonl")
    assert len(lines(saved)) == 5
    whole = edit(BACKEND, selection(data), editing(tmp_path, **words), budget=Budget(6))
    assert_complete(whole)
    assert all(one.extra["again"] == [True, False] for one in whole.edits().values())  # no try is paid for twice


def test_a_backend_that_cannot_travel_is_one_sentence(data: Path, tmp_path: Path, notes: Path) -> None:
    model = settle_model(BACKEND, editing(tmp_path, options=options(notes))).model
    model.lock = threading.Lock()  # type: ignore[attr-defined]
    with pytest.raises(
        UsageError, match=r"The model can't be sent to another process: cannot pickle '_thread.lock' obj"
    ):
        edit(model, selection(data), editing(tmp_path, device=TWO))


def test_more_gpus_than_there_are(data: Path, tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="Ray has 0 GPUs, not 2"):
        edit(
            BACKEND, selection(data), editing(tmp_path, ray_address="auto", device="cuda,cuda", options=options(notes))
        )
