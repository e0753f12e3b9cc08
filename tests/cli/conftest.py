"""Benchmarks, runs and a working folder for tests of the command line."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import gedit_bench, runs
from small_benchmark import write_benchmark

FOUR = ("ps_human/en/{4}", "ps_human/en/{15}", "ps_human/cn/{4}", "color_alter/en/{1}")


@pytest.fixture(autouse=True)
def _logging_restored() -> Iterator[None]:
    """The program sets up logging for itself."""
    root, own = logging.getLogger(), logging.getLogger("gedit_bench")
    before = root.handlers[:], root.level, own.level
    root.handlers = []
    yield
    root.handlers, root.level = before[0], before[1]
    own.setLevel(before[2])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of 44 samples: two of each category and language."""
    return write_benchmark(tmp_path_factory.mktemp("cli") / "benchmark", keys=2)


@pytest.fixture(scope="session")
def other_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another benchmark: 22 samples."""
    return write_benchmark(tmp_path_factory.mktemp("cli") / "other")


@pytest.fixture(scope="session")
def ids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of four samples: three of ps_human, three in English, three of the intersection."""
    keys = {f"{{{number}}}": f"{number:032x}" for number in (1, 4, 15)}
    lines = [identity.replace(slot, key) for identity in FOUR for slot, key in keys.items() if slot in identity]
    path = tmp_path_factory.mktemp("cli") / "ids.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="session")
def _results(data: Path, ids: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of four samples, judged offline."""
    results = tmp_path_factory.mktemp("cli") / "results"
    for model in ("identity", "pil-filters"):
        chosen = ("--model", model, "--data", data, "--ids", ids, "--judge", "offline", "--out", results)
        assert gedit_bench("run", *chosen).code == 0
    shutil.rmtree(results / "leaderboard")
    return results


@pytest.fixture
def results(_results: Path, here: Path) -> Path:
    """A copy of those two runs in `results`."""
    shutil.copytree(_results, here / "results")
    return Path("results")


@pytest.fixture
def run(results: Path) -> Path:
    """The first of the two, of `identity`."""
    return runs(results)[0]
