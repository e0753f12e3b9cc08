"""The shape of the code: imports run one way, nothing heavy loads early, printing stays in the command line."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gedit_bench"
NETWORK = PACKAGE.parent / "models" / "step1x_edit"

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

MOST_LINES, MOST_LINES_OF_A_FUNCTION = 400, 60

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


def foreign(path: Path) -> set[str]:
    """The packages outside the standard library that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
    return found - set(sys.stdlib_module_names)


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
    for path in NETWORK.rglob("*.py"):
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
        assert foreign(path) <= {"gedit_bench", "numpy"}, path


def test_nothing_prints_but_the_command_line() -> None:
    for path in files():
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        names = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
        assert "print" not in names, path


def test_modules_and_functions_stay_small() -> None:
    for path in (*files(), *sorted(NETWORK.rglob("*.py"))):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= MOST_LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or node.lineno) - node.lineno < MOST_LINES_OF_A_FUNCTION, f"{path}: {node.name}"


def catches_broadly(node: ast.AST) -> bool:
    """True for `except:`, `except Exception` alone or in a tuple, and `suppress(Exception)`."""
    caught: list[ast.expr] = []
    if isinstance(node, ast.ExceptHandler):
        if node.type is None:
            return True
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "suppress":
        caught = node.args
    return any(isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"} for one in caught)


def test_exceptions_are_swallowed_nowhere_and_caught_broadly_in_three_places() -> None:
    broad = [
        path.relative_to(PACKAGE.parent).as_posix()
        for path in (*files(), *NETWORK.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if catches_broadly(node)
    ]
    assert sorted(broad) == [f"gedit_bench/engine/{name}.py" for name in ("chunks", "judging", "readying")]


def test_the_package_and_help_load_nothing_heavy() -> None:
    code = "import sys, gedit_bench, gedit_bench.cli.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.split()} & set(HEAVY)


def test_public_names_exist_and_type_checkers_know_the_same() -> None:
    import gedit_bench

    assert gedit_bench.__all__ == sorted(gedit_bench.__all__)
    for name in gedit_bench.__all__:
        assert getattr(gedit_bench, name) is not None
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    [checking] = [node for node in tree.body if isinstance(node, ast.If)]
    told = {alias.name for node in checking.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == set(gedit_bench.__all__)
    with pytest.raises(AttributeError):
        _ = gedit_bench.no_such_name
