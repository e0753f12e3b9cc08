"""`ls models` and `doctor --model`: what can run here, and what is lacking for the rest."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from program import gedit_bench

from gedit_bench.cli.listing_models import COLUMNS
from gedit_bench.editing.recipes import named_models
from gedit_bench.editing.registry import model_names

OFFLINE = ("--judge", "offline", "--data", "sample")


@pytest.fixture
def soft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A named model that runs here, and a recipe of it that lacks a package and any GPU's memory."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    head = 'backend = "pil-filters"\nfamily = "Soft"\nlicence = "MIT"\norigin = "here, read 2026-11-24"\n'
    (folder / "soft-filters@plain.toml").write_text(f"{head}default = true\n[settings]\nstrength = 0.2\n")
    (folder / "soft-filters@big.toml").write_text(
        f'{head}memory_gb = 4000\nneeds = ["no-such-package>=2"]\nunverified = "All of it."\n'
    )
    (folder / "softer-filters@default.toml").write_text(f'{head}default = true\ngated = true\nneeds = ["pip>=9999"]\n')
    monkeypatch.setattr("gedit_bench.editing.recipes.data_folder", lambda: tmp_path)
    return "soft-filters"


def test_the_table_names_all_models_within_its_width() -> None:
    ended = gedit_bench("ls", "models")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= COLUMNS
    first_words = {line.split()[0].partition(":")[0] for line in ended.out.splitlines() if line.strip()}
    assert set(model_names()) <= first_words
    models, backends, *_ = ended.out.split("\n\n")
    assert models.splitlines()[0].split() == ["model", "family", "recipe", "licence", "GB", "lang", "lacks"]
    assert set(named_models()) <= {line.split()[0] for line in models.splitlines()}
    assert "folder:PATH" in backends


def test_the_json_is_complete() -> None:
    rows = {row["model"]: row for row in gedit_bench("ls", "models", "--json").json()}
    kontext = rows["flux.1-kontext-dev"]
    assert (kontext["family"], kontext["backend"], kontext["gated"]) == ("FLUX.1", "diffusers", True)
    assert (kontext["recipes"], kontext["languages"]) == (["default", "edit-r1"], ["en"])
    assert (kontext["lacks"], kontext["install"]) == ([], None)
    assert rows["identity"]["family"] is None
    for row in rows.values():
        assert set(row) == set(kontext)


def test_what_lacks_is_named_with_the_command_that_installs_it(soft: str) -> None:
    text = gedit_bench("ls", "models").out
    assert any(line.startswith("softer-filters") and line.endswith("pip>=9999") for line in text.splitlines())
    assert "What is missing comes with: pip install 'pip>=9999'" in text
    rows = {row["model"]: row for row in gedit_bench("ls", "models", "--json").json()}
    assert rows["softer-filters"]["install"] == "pip install 'pip>=9999'"
    assert rows[soft]["install"] is None


def test_one_model_is_told_in_full(soft: str) -> None:
    text = gedit_bench("ls", "models", f"{soft}@big").out
    assert text.startswith(f"{soft}: Soft, run by pil-filters\n")
    for words in ("about 4000 GB", "no-such-package>=2", "All of it.", "here, read 2026-11-24", "strength=0.2"):
        assert words in text
    found = gedit_bench("ls", "models", soft, "--json").json()
    assert [recipe["recipe"] for recipe in found["recipes"]] == [f"{soft}@plain", f"{soft}@big"]
    assert found["recipes"][0]["settings"] == {"strength": 0.2}
    assert found["recipes"][1]["install"] == "pip install 'no-such-package>=2'"
    assert gedit_bench("ls", "models", "softer-filter").code == 2


def test_listing_models_loads_nothing_heavy() -> None:
    code = """
import sys
from gedit_bench.cli.app import app
try:
    app(["ls", "models"])
except SystemExit:
    pass
print(*sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "diffusers", "transformers"}), "end")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == ["end"]


def findings(*words: str) -> dict[str, tuple[bool, str]]:
    rows = gedit_bench("doctor", *OFFLINE, *words, "--json").json()
    return {row["what"]: (row["ok"], row["found"]) for row in rows}


def test_doctor_compares_a_recipe_with_the_machine(soft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    found = findings("--model", f"{soft}@big")
    assert found["packages"] == (False, f"{soft} needs no-such-package>=2. Try: pip install 'no-such-package>=2'")
    assert found["memory"] == (False, "The recipe asks for about 4000 GB of GPU memory, and there is no GPU.")
    assert found["model"] == (True, f"{soft} has its weights here. Not loaded: packages are missing")
    assert found["space"][0]
    assert "1212 edits: 0.8 GB of the" in found["space"][1]
    fine = findings("--model", soft)
    assert fine["model"] == (True, f"{soft} loads, recipe plain")
    assert all(ok for ok, _ in fine.values())
    assert not {"packages", "memory"} & set(fine)


def test_doctor_loads_nothing_that_does_not_fit(soft: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gedit_bench.editing.pil_filters import PilFilters

    (tmp_path / "recipes" / f"{soft}@huge.toml").write_text(
        'backend = "pil-filters"\nfamily = "Soft"\nlicence = "MIT"\norigin = "here"\nmemory_gb = 4000\n'
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(PilFilters, "load", lambda self: pytest.fail("it was loaded"))
    found = findings("--model", f"{soft}@huge")
    assert found["model"] == (True, f"{soft} has its weights here. Not loaded: the memory is too small")
    assert not found["memory"][0]


def test_doctor_does_not_know_what_lighter_settings_leave(
    soft: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipes" / "big@default.toml").write_text(
        'backend = "diffusers"\nfamily = "Big"\nlicence = "MIT"\norigin = "here"\nmemory_gb = 4000\ndefault = true\n'
        '[settings]\nsource = "/nowhere"\n'
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    asked = "The recipe asks for about 4000 GB of GPU memory"
    assert findings("--model", "big")["memory"] == (False, f"{asked}, and there is no GPU.")
    lighter = findings("--model", "big", "-o", "quantise=torchao-int8", "-o", "offload=model")["memory"]
    assert lighter == (True, f"{asked}; what is left of that with -o offload and -o quantise isn't known")


def test_doctor_compares_the_largest_gpu(soft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Card:
        def __init__(self, index: int) -> None:
            self.total_memory = (80 + 5000 * index) * 10**9

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index=0: f"Card {index}")
    monkeypatch.setattr(torch.cuda, "get_device_properties", Card)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    told, words = findings("--model", f"{soft}@big")["memory"]
    assert not told
    assert "the largest GPU has 80 GB" in words
    assert f"ls models {soft}" in words
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert findings("--model", f"{soft}@big")["memory"][0]


def test_doctor_says_when_a_disk_is_too_small(soft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from gedit_bench.editing.pil_filters import PilFilters

    monkeypatch.setattr(PilFilters, "to_download", lambda self: 10**18)
    found = findings("--model", soft)
    assert found["model"][0]
    assert "can be downloaded" in found["model"][1]
    assert not found["space"][0]
    assert "HF_HOME" in found["space"][1]
