"""The shape of the code: imports run one way, nothing heavy loads early, printing stays in the command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gedit_bench"

LAYERS = (
    ("records", "errors", "secrets", "nearest", "cache", "data_files", "decoding", "user_code", "prices"),
    ("store", "scoring", "selection", "dataset", "dataset_files", "transport"),
    ("editing", "judging"),
    ("accounting",),
    ("results", "derived", "comparison", "fallback", "explaining", "trust"),
    ("engine", "report", "interop"),
    ("settling", "state"),
    ("api", "planning", "diagnosis"),
    ("suites",),
    ("cli",),
)
"""Lowest first. A module imports from its own layer and those below, `report` and `engine` not each other."""

HEAVY = ("torch", "transformers", "diffusers", "datasets", "openai", "pandas", "numpy", "PIL", "rich", "ray")


def imports(path: Path) -> set[str]:
    """The first-level modules of gedit_bench that a file imports, types included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "gedit_bench":
                found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("gedit_bench.")}
    return found


def layer(module: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if module in names)


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent != PACKAGE or not path.stem.startswith("__")]


def home(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    own = home(path)
    for module in imports(path):
        assert layer(module) <= layer(own), f"{path} imports {module}"
        assert {own, module} != {"report", "engine"}


def test_the_network_knows_nothing_of_the_harness_and_one_file_knows_the_network() -> None:
    models = PACKAGE.parent / "models"
    for path in models.rglob("*.py"):
        assert "gedit_bench" not in path.read_text(encoding="utf-8"), path
    knowing = {
        path.name
        for path in files()
        if "import step1x_edit" in (text := path.read_text()) or "from step1x_edit" in text
    }
    assert knowing == {"step1x_edit.py"}


def test_one_room_knows_ray() -> None:
    knowing = [path for path in files() if "import ray" in (text := path.read_text()) or "from ray" in text]
    assert {path.parent.relative_to(PACKAGE).as_posix() for path in knowing} == {"engine/cluster"}


def test_records_and_scoring_need_only_numpy() -> None:
    for path in (PACKAGE / "records.py", *(PACKAGE / "scoring").glob("*.py")):
        assert imports(path) <= {"records", "scoring"}
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                foreign = {name.name.split(".")[0] for name in node.names} - set(sys.stdlib_module_names)
                assert foreign <= {"numpy"}


def test_nothing_prints_but_the_command_line() -> None:
    for path in files():
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        names = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
        assert "print" not in names, path


def test_exceptions_are_swallowed_nowhere_and_caught_broadly_in_three_places() -> None:
    broad = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            ):
                broad.append(path.relative_to(PACKAGE).as_posix())
    assert sorted(broad) == ["engine/chunks.py", "engine/judging.py", "engine/readying.py"]


def test_the_package_and_help_load_nothing_heavy() -> None:
    code = "import sys, gedit_bench, gedit_bench.cli.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_public_names_exist() -> None:
    import gedit_bench

    for name in gedit_bench.__all__:
        assert getattr(gedit_bench, name) is not None
    with pytest.raises(AttributeError):
        _ = gedit_bench.no_such_name
