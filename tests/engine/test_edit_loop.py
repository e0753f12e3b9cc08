"""The edit loop through `edit()`: one bad sample costs itself, and nothing that was made is made again."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from small_benchmark import editing, lines, picture, selection, write_benchmark

from gedit_bench import EditModel, EditRequest, EditStatus, GeditBenchError, Outcome, Run, edit
from gedit_bench.errors import Interrupted, UnavailableError
from gedit_bench.records import TASKS, SampleId


class Inverting(EditModel):
    """Does something to every source, and counts how often it is asked."""

    name = "inverting"

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[SampleId] = []

    def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
        for request in requests:
            self.asked.append(request.sample)
            yield self.one(request)

    def one(self, request: EditRequest) -> Image.Image | Outcome:
        return request.source.point(lambda value: 255 - value)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark")


def statuses(run: Run) -> dict[str, EditStatus]:
    return {sample.task_type: found.status for sample, found in run.edits().items() if sample.language == "en"}


def test_every_sample_lands_in_the_official_layout(data: Path, tmp_path: Path) -> None:
    run = edit(Inverting(), selection(data), editing(tmp_path))
    files = sorted(path.relative_to(run.path).as_posix() for path in run.path.rglob("*.png"))
    assert len(files) == 22
    assert files[0].startswith("images/fullset/background_change/cn/")
    found = next(iter(run.edits().values()))
    assert (found.width, found.height, found.flags, found.seed) == (48, 32, (), 42)
    assert found.seconds is not None
    assert run.holds(found)


def test_a_backend_says_how_many_requests_it_wants_at_once(data: Path, tmp_path: Path) -> None:
    handed: list[int] = []

    class Greedy(Inverting):
        def load(self) -> None:
            self.chunk = 3

        def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image | Outcome]:
            handed.append(len(requests))
            return super().edit(requests)

    edit(Greedy(), selection(data, languages=["en"]), editing(tmp_path))
    assert handed[:2] == [3, 3]
    assert sum(handed) == 11


def test_one_bad_sample_does_not_take_its_chunk_along(data: Path, tmp_path: Path) -> None:
    class Failing(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if request.sample.task_type == "ps_human":
                raise RuntimeError("CUDA out of memory")
            return super().one(request)

    run = edit(Failing(), selection(data, languages=["en"]), editing(tmp_path))
    found = statuses(run)
    assert found.pop("ps_human") is EditStatus.EDIT_FAILED
    assert set(found.values()) == {EditStatus.OK}
    [bad] = [one for one in run.edits().values() if one.status is not EditStatus.OK]
    assert bad.message == "RuntimeError: CUDA out of memory"


@pytest.mark.parametrize(
    ("result", "status", "words"),
    [
        (Outcome(status=EditStatus.REFUSED, message="policy"), EditStatus.REFUSED, "policy"),
        (Outcome(), EditStatus.NO_IMAGE, "no image"),
        (Outcome(encoded=b"not an image"), EditStatus.EDIT_FAILED, "no image"),
        (Image.new("RGB", (0, 5)), EditStatus.EDIT_FAILED, "without pixels"),
        ("a string", EditStatus.EDIT_FAILED, "not an image or an Outcome"),
        (Outcome(status=EditStatus.EDIT_FAILED, message="key sk-abcdefgh12345678"), EditStatus.EDIT_FAILED, "[secret]"),
    ],
)
def test_what_is_no_image_is_recorded_as_what_it_is(
    data: Path, tmp_path: Path, result: Outcome, status: EditStatus, words: str
) -> None:
    class Odd(Inverting):
        def one(self, request: EditRequest) -> Outcome:
            return result

    run = edit(Odd(), selection(data, tasks=["ps_human"], languages=["en"]), editing(tmp_path))
    [found] = run.edits().values()
    assert (found.status, found.file) == (status, None)
    assert words in found.message


def test_a_backend_may_reuse_and_close_what_it_has_yielded(data: Path, tmp_path: Path) -> None:
    class Reusing(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if len(self.asked) > 1:
                self.last.close()
            super().one(request).save(tmp_path / "out.png")
            self.last = Image.open(tmp_path / "out.png")  # read only when somebody looks at its pixels
            return self.last

    whole = edit(Inverting(), selection(data), editing(tmp_path / "in memory"))
    run = edit(Reusing(), selection(data), editing(tmp_path / "one file"))
    assert run.edits().keys() == whole.edits().keys()
    for sample, found in run.edits().items():
        with Image.open(run.image_path(found)) as made, Image.open(whole.image_path(whole.edits()[sample])) as same:
            assert made.tobytes() == same.tobytes()


def test_an_image_that_turns_out_unreadable_costs_its_sample_only(data: Path, tmp_path: Path) -> None:
    class Cut(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if request.sample.task_type != "ps_human":
                return super().one(request)
            super().one(request).save(tmp_path / "out.png")
            os.truncate(tmp_path / "out.png", 200)
            return Image.open(tmp_path / "out.png")

    run = edit(Cut(), selection(data, languages=["en"]), editing(tmp_path))
    found = statuses(run)
    assert found.pop("ps_human") is EditStatus.EDIT_FAILED
    assert set(found.values()) == {EditStatus.OK}


def test_a_backend_that_yields_too_little_is_asked_again_and_recorded(data: Path, tmp_path: Path) -> None:
    class Short(Inverting):
        def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image]:
            if len(requests) > 1:
                yield from super().edit(requests[:-1])

    run = edit(Short(), selection(data, languages=["en"]), editing(tmp_path))
    assert sorted(set(statuses(run).values())) == [EditStatus.EDIT_FAILED, EditStatus.OK]
    assert len(statuses(run)) == 11


def test_a_backend_that_yields_too_much_stops_the_run(data: Path, tmp_path: Path) -> None:
    class Long(Inverting):
        def edit(self, requests: Sequence[EditRequest]) -> Iterator[Image.Image]:
            yield from super().edit([*requests, *requests])

    with pytest.raises(GeditBenchError, match="more results"):
        edit(Long(), selection(data), editing(tmp_path))


def test_a_backend_that_names_its_samples_may_yield_them_in_any_order(data: Path, tmp_path: Path) -> None:
    class Backwards(Inverting):
        chunk = 11

        def edit(self, requests: Sequence[EditRequest]) -> Iterator[Outcome]:
            for request in reversed(requests[1:]):
                size = (request.source.width, 8 + TASKS.index(request.sample.task_type))
                yield Outcome(request.source.resize(size), sample=request.sample, seconds=1.5)
            if len(requests) > 1:
                raise RuntimeError("and then it broke")
            yield from super().edit(requests)

    run = edit(Backwards(), selection(data, languages=["en"]), editing(tmp_path))
    heights = {found.sample.task_type: (found.height, found.seconds) for found in run.edits().values()}
    first, *others = TASKS
    assert {task: heights[task] for task in others} == {task: (8 + TASKS.index(task), 1.5) for task in others}
    assert heights[first][0] == 32  # the one that was left over is tried alone


def test_a_result_for_somebody_else_stops_the_run(data: Path, tmp_path: Path) -> None:
    class Lost(Inverting):
        def one(self, request: EditRequest) -> Outcome:
            return Outcome(request.source, sample=SampleId("ps_human", "en", "nobody"))

    with pytest.raises(GeditBenchError, match="which belongs to which"):
        edit(Lost(), selection(data), editing(tmp_path))


def test_flags(data: Path, tmp_path: Path) -> None:
    class Flagged(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if request.sample.task_type == TASKS[0]:
                return request.source.convert("RGBA")
            size = {TASKS[1]: (48, 40), TASKS[2]: (96, 64)}.get(request.sample.task_type, (48, 32))
            return picture(999, size)

    run = edit(Flagged(), selection(data, languages=["en"]), editing(tmp_path))
    flags = {found.sample.task_type: found.flags for found in run.edits().values()}
    assert [flags[task] for task in TASKS[:4]] == [("no_op",), ("aspect_changed",), (), ()]


def test_resume_makes_only_what_is_not_there(data: Path, tmp_path: Path) -> None:
    first = edit(Inverting(), selection(data, limit=1, languages=["en"]), editing(tmp_path))
    [gone, changed, *_] = sorted(first.path.rglob("*.png"))
    gone.unlink()
    changed.write_bytes(b"something else")
    model = Inverting()
    again = edit(model, selection(data), editing(tmp_path))
    assert again.path == first.path
    asked_in_english = [sample for sample in model.asked if sample.language == "en"]
    assert sorted(sample.key for sample in asked_in_english) == sorted([gone.stem, changed.stem])
    assert len(model.asked) == 13
    assert all(again.holds(found) for found in again.edits().values())


def test_failures_stand_until_only_failed(data: Path, tmp_path: Path) -> None:
    class Refusing(Inverting):
        refuse = True

        def one(self, request: EditRequest) -> Image.Image | Outcome:
            if self.refuse and request.sample.task_type == "ps_human":
                return Outcome(status=EditStatus.REFUSED)
            return super().one(request)

    edit(Refusing(), selection(data), editing(tmp_path))
    model = Refusing()
    model.refuse = False
    edit(model, selection(data), editing(tmp_path))
    assert model.asked == []
    run = edit(model, selection(data), editing(tmp_path, only="failed"))
    assert [sample.task_type for sample in model.asked] == ["ps_human", "ps_human"]
    assert set(statuses(run).values()) == {EditStatus.OK}


def test_shards_part_the_samples_without_state(data: Path, tmp_path: Path) -> None:
    models = [Inverting() for _ in range(3)]
    runs = [edit(model, selection(data), editing(tmp_path, shard=(n, 3))) for n, model in enumerate(models)]
    asked = [sample for model in models for sample in model.asked]
    assert len(asked) == len(set(asked)) == 22
    assert len({run.path for run in runs}) == 1
    assert sorted(path.name for path in runs[0].path.glob("edits.*")) == [f"edits.{n}-of-3.jsonl" for n in range(3)]
    assert len(runs[0].edits()) == 22
    whole = Inverting()
    edit(whole, selection(data), editing(tmp_path))
    assert whole.asked == []


def test_another_format_replaces_the_earlier_file(data: Path, tmp_path: Path) -> None:
    import io

    buffer = io.BytesIO()
    picture(5).save(buffer, format="JPEG")

    class Encoded(Inverting):
        def one(self, request: EditRequest) -> Outcome:
            return Outcome(encoded=buffer.getvalue(), suffix=".jpg")

    chosen = selection(data, tasks=["ps_human"], languages=["en"])
    run = edit(Inverting(), chosen, editing(tmp_path))
    next(run.path.rglob("*.png")).write_bytes(b"damaged")
    run = edit(Encoded(), chosen, editing(tmp_path))
    assert [path.suffix for path in (run.path / "images").rglob("*.*")] == [".jpg"]
    assert next(run.path.rglob("*.jpg")).read_bytes() == buffer.getvalue()


def test_a_hyper_parameter_or_seed_makes_another_run(data: Path, tmp_path: Path) -> None:
    chosen = selection(data, tasks=["ps_human"], languages=["en"])
    paths = {edit(Inverting(), chosen, editing(tmp_path, seed=seed)).path for seed in (1, 2)}
    assert len(paths) == 2


def test_an_unsafe_key_costs_its_sample_only(tmp_path: Path) -> None:
    import datasets

    folder = write_benchmark(tmp_path / "data")
    rows = datasets.load_from_disk(folder).map(
        lambda row, index: {"key": "../../../escaped" if index == 3 else row["key"]}, with_indices=True
    )
    rows.save_to_disk(tmp_path / "hostile")
    run = edit(Inverting(), selection(tmp_path / "hostile"), editing(tmp_path / "out"))
    bad = [found for found in run.edits().values() if found.status is not EditStatus.OK]
    assert [found.status for found in bad] == [EditStatus.EDIT_FAILED]
    assert len(run.edits()) == 22
    assert not list(tmp_path.rglob("escaped*"))


def test_a_damaged_source_costs_its_sample_only(tmp_path: Path) -> None:
    import datasets

    folder = write_benchmark(tmp_path / "data", languages=("en",))
    rows = datasets.load_from_disk(folder).cast_column("input_image", datasets.Image(decode=False))
    rows = rows.map(
        lambda row, index: {
            "input_image": {"bytes": row["input_image"]["bytes"][: 60 if index == 2 else None], "path": None}
        },
        with_indices=True,
    )
    rows.cast_column("input_image", datasets.Image()).save_to_disk(tmp_path / "damaged")
    run = edit(Inverting(), selection(tmp_path / "damaged"), editing(tmp_path / "out"))
    assert list(statuses(run).values()).count(EditStatus.EDIT_FAILED) == 1


def test_a_missing_package_is_one_sentence(data: Path, tmp_path: Path) -> None:
    class Needy(Inverting):
        def load(self) -> None:
            import a_package_that_is_not_here  # noqa: F401

    with pytest.raises(UnavailableError, match="a_package_that_is_not_here"):
        edit(Needy(), selection(data), editing(tmp_path))


def test_what_check_says_is_missing_leaves_no_run_behind(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        edit("step1x-edit", selection(data), editing(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_once_finishes_the_chunk_and_says_how_far_it_is(data: Path, tmp_path: Path) -> None:
    class Interrupting(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if len(self.asked) == 2:
                signal.raise_signal(signal.SIGINT)
            return super().one(request)

    with pytest.raises(Interrupted, match="8 of 22"):
        edit(Interrupting(), selection(data), editing(tmp_path))
    assert len(lines(next(tmp_path.rglob("edits.jsonl")))) == 8
    model = Inverting()
    edit(model, selection(data), editing(tmp_path))
    assert len(model.asked) == 14


def test_ctrl_c_twice_stops_at_once(data: Path, tmp_path: Path) -> None:
    class Interrupting(Inverting):
        def one(self, request: EditRequest) -> Image.Image:
            if len(self.asked) == 3:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
            return super().one(request)

    with pytest.raises(KeyboardInterrupt):
        edit(Interrupting(), selection(data), editing(tmp_path))
    assert len(lines(next(tmp_path.rglob("edits.jsonl")))) == 2


def test_outside_the_main_thread_it_works_without_signals(data: Path, tmp_path: Path) -> None:
    found: list[Run] = []
    chosen = selection(data, tasks=["ps_human"])
    thread = threading.Thread(target=lambda: found.append(edit(Inverting(), chosen, editing(tmp_path))))
    thread.start()
    thread.join()
    assert len(found[0].edits()) == 2
