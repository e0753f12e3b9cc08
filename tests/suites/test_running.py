"""Suites from Python: backends as objects, and a result that tells all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from PIL import Image
from small_benchmark import OFFLINE, write_benchmark

from gedit_bench import Editing, EditModel, EditRequest, Selection, Suite, SuiteModel, run_suite
from gedit_bench.errors import DataError, QuotaError, UnavailableError, UsageError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("suites") / "benchmark")


class Mirrored(EditModel):
    """Swaps left and right."""

    name = "mirrored"

    def edit(self, requests: Sequence[EditRequest]) -> Iterable[Image.Image]:
        for request in requests:
            yield request.source.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


class Unpaid(Mirrored):
    """An API whose account is exhausted."""

    name = "unpaid"

    def edit(self, requests: Sequence[EditRequest]) -> Iterable[Image.Image]:
        raise QuotaError("The account is exhausted.", "Pay.")


class Unclosable(Mirrored):
    """Fails once its edits are done."""

    name = "unclosable"

    def close(self) -> None:
        raise OSError("device lost")


def suite(data: Path, out: Path, *models: EditModel | str) -> Suite:
    return Suite(
        models=[SuiteModel(model=model, editing=Editing(out=out)) for model in models],
        judgings=[OFFLINE],
        selection=Selection(data=str(data), languages=("en",), limit=1),
        out=out,
    )


def test_backends_may_be_objects_and_progress_is_told(data: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    result = run_suite(
        suite(data, tmp_path, Mirrored(), "identity"), watch=lambda progress: stages.append(progress.stage)
    )
    assert [one.run.manifest.name for one in result.models] == ["mirrored", "identity"]
    assert [scored.judgement.manifest.judge for one in result.models for scored in one.scored] == ["offline"] * 2
    assert list(dict.fromkeys(stages)) == ["edit mirrored", "judge mirrored", "edit identity", "judge identity"]
    assert (result.lacking, result.stopped, result.unpaid) == ((), None, False)
    assert result.page is not None
    assert result.page.parent == tmp_path / "leaderboard"
    assert "mirrored" in result.page.read_text(encoding="utf-8")


def test_a_model_that_must_be_paid_or_cannot_be_closed_costs_itself_alone(data: Path, tmp_path: Path) -> None:
    wanted = suite(data, tmp_path, Unpaid(), Unclosable(), "identity")
    result = run_suite(wanted)
    assert [one.run.manifest.name for one in result.models] == ["identity"]
    assert [lack.words for lack in result.lacking] == [
        "unpaid: The account is exhausted. Pay.",
        "unclosable: unclosable can't be closed: OSError: device lost. With -v it is shown where.",
    ]
    assert result.unpaid
    again = run_suite(wanted)  # there is nothing left to edit, so nothing is loaded that could not be closed
    assert [one.run.manifest.name for one in again.models] == ["unclosable", "identity"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Selection(data="no-such-folder/"), UsageError),
        (Selection(data="nobody/nothing"), UnavailableError),
        (Selection(data="sample", tasks=("no-such-task",)), UsageError),
    ],
)
def test_data_that_are_not_there_stop_all(change: Selection, error: type[Exception], tmp_path: Path) -> None:
    wanted = suite(Path("sample"), tmp_path, "identity", "pil-filters")
    with pytest.raises(error):
        run_suite(Suite(models=wanted.models, judgings=wanted.judgings, selection=change, out=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_suite_of_nothing_is_no_suite(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no model"):
        run_suite(suite(data, tmp_path))


def test_two_objects_of_one_backend_are_the_same_run(data: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named twice with the same settings: mirrored"):
        run_suite(suite(data, tmp_path, Mirrored(), Mirrored()))


def test_a_damaged_run_folder_is_told_of_its_model_alone(data: Path, tmp_path: Path) -> None:
    wanted = suite(data, tmp_path, Mirrored(), "identity")
    [first, _] = run_suite(wanted).models
    (first.run.path / "manifest.json").write_text("{")
    result = run_suite(wanted)
    assert [one.run.manifest.name for one in result.models] == ["identity"]
    assert [(lack.who, type(lack.error)) for lack in result.lacking] == [("mirrored", DataError)]
