"""How `--model` and `-o` become a backend with settings."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gedit_bench import EditModel, register
from gedit_bench.dataset import load_benchmark
from gedit_bench.editing import registry
from gedit_bench.editing.identity import Identity
from gedit_bench.editing.pil_filters import PilFilters
from gedit_bench.editing.recipes import recipes_of
from gedit_bench.editing.registry import choose_model, find_model, model_names
from gedit_bench.errors import UnavailableError, UsageError
from gedit_bench.settling import Editing, run_manifest

CODE = """
from dataclasses import dataclass
from gedit_bench import EditModel

class Dyer(EditModel):
    name = "dyer"

    @dataclass(frozen=True)
    class Settings:
        steps: int = 4

class Nameless(EditModel):
    pass

NotAModel = 3
"""


@dataclass(frozen=True)
class SprayerSettings:
    steps: int = field(default=28, metadata={"help": "Sampling steps."})
    scale: float = 4.0
    fast: bool = False
    words: str = ""


@pytest.fixture
def sprayer() -> Iterator[str]:
    @register
    class Sprayer(EditModel):
        name = "sprayer"
        Settings = SprayerSettings
        argument = "words"

    yield Sprayer.name
    del registry._registered[Sprayer.name]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A distribution on the path that offers the model `dyer`."""
    (tmp_path / "dyer_plugin.py").write_text(CODE)
    info = tmp_path / "dyer_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: dyer-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gedit_bench.models]\ndyer = dyer_plugin:Dyer\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "dyer"
    sys.modules.pop("dyer_plugin", None)


def test_builtin_backends_are_found_by_their_file_names() -> None:
    assert {"command", "folder", "identity", "pil-filters", "step1x-edit"} <= set(model_names())
    assert not {"base", "filters", "recipes", "registry", "worker"} & set(model_names())
    assert find_model("identity") is Identity
    assert find_model("pil-filters") is PilFilters


@pytest.mark.parametrize("name", ["command", "folder", "identity", "pil-filters", "step1x-edit"])
def test_every_builtin_is_called_what_its_file_is_called_and_says_what_it_is(name: str) -> None:
    backend = find_model(name)
    assert backend.name == name
    assert backend.__doc__
    assert backend.Settings() == backend().settings


def test_a_decorated_class_is_known_by_name(sprayer: str) -> None:
    assert sprayer in model_names()
    assert choose_model(sprayer).settings == {"steps": 28, "scale": 4.0, "fast": False, "words": ""}
    with pytest.raises(UsageError, match="has no name"):
        register(type("Anonymous", (EditModel,), {}))


def test_an_installed_plugin_is_known_by_name(plugin: str) -> None:
    assert plugin in model_names()
    assert choose_model(plugin, ["steps=9"]).settings == {"steps": 9}


def test_a_class_in_a_file_needs_no_packaging(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    chosen = choose_model(f"{path}:Dyer", ["steps=5"])
    assert (chosen.name, chosen.settings) == ("dyer", {"steps": 5})
    assert list(chosen.artifacts) == ["mine.py"]
    assert choose_model(f"{path}:Nameless").name == "Nameless"
    before = chosen.artifacts
    path.write_text(CODE + "\n# changed\n")
    assert choose_model(f"{path}:Dyer").artifacts != before


def test_a_class_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    with pytest.raises(UsageError, match="no file"):
        choose_model(f"{path}:Dyer")
    path.write_text(CODE)
    with pytest.raises(UsageError, match="no EditModel called 'Dier'") as caught:
        choose_model(f"{path}:Dier")
    assert "Dyer" in caught.value.hint
    with pytest.raises(UsageError, match="NotAModel"):
        choose_model(f"{path}:NotAModel")


@pytest.mark.parametrize(
    ("name", "nearest"), [("identiy", "identity"), ("pil_filters", "pil-filters"), ("foler:x", "folder")]
)
def test_an_unknown_model_is_answered_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(UsageError, match="There is no model") as caught:
        choose_model(name)
    assert nearest in caught.value.hint


def test_options_are_checked_and_converted(sprayer: str) -> None:
    chosen = choose_model(sprayer, ["steps=12", "fast=true", "words=a=b"])
    assert chosen.settings == {"steps": 12, "scale": 4.0, "fast": True, "words": "a=b"}
    assert chosen.origins == {
        "steps": "command line",
        "scale": "default",
        "fast": "command line",
        "words": "command line",
    }
    assert choose_model(sprayer, ["steps=1"], origin="environment").origins["steps"] == "environment"


@pytest.mark.parametrize(
    ("option", "message", "hint"),
    [
        ("steps=many", "steps can't be 'many'", "ls models sprayer"),
        ("step=3", "no setting 'step'", "steps"),
        ("steps", "not of the form key=value", "-o steps=28"),
    ],
)
def test_a_wrong_option_is_explained(sprayer: str, option: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        choose_model(sprayer, [option])
    assert hint in caught.value.hint


def test_what_follows_the_colon_is_the_argument(sprayer: str) -> None:
    assert choose_model(f"{sprayer}:red paint:x@y").settings["words"] == "red paint:x@y"
    assert choose_model(f"{sprayer}:red", ["words=blue"]).settings["words"] == "blue"
    with pytest.raises(UsageError, match="takes nothing after the colon"):
        choose_model("identity:x")


def test_recipes_give_settings_and_options_override_them() -> None:
    chosen = choose_model("pil-filters@gentle", ["strength=0.25"])
    assert chosen.recipe.name == "gentle"
    assert (chosen.settings, chosen.origins) == ({"strength": 0.25}, {"strength": "command line"})
    assert choose_model("pil-filters").recipe.name == "default"
    assert [recipe.name for recipe in recipes_of("pil-filters")] == ["gentle"]
    with pytest.raises(UsageError, match="no recipe 'gentel'") as caught:
        choose_model("pil-filters@gentel")
    assert "gentle" in caught.value.hint


@pytest.fixture
def soft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model that nothing but its recipes makes."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    head = 'backend = "pil-filters"\n'
    (folder / "soft.2-filters@plain.toml").write_text(
        head + "default = true\nmemory_gb = 1\n[settings]\nstrength = 0.2\n"
    )
    (folder / "soft.2-filters@v1.5.toml").write_text(
        head + 'needs = ["no-such-package>=2", "pillow>=999"]\n[settings]\nstrength = 0.6\n'
    )
    monkeypatch.setattr("gedit_bench.editing.recipes.data_folder", lambda: tmp_path)
    return "soft.2-filters"


def test_a_recipe_that_names_its_backend_is_a_model(soft: str) -> None:
    assert soft in model_names()
    assert find_model(soft) is PilFilters
    chosen = choose_model(soft, ["strength=0.3"])
    assert (chosen.name, chosen.label, chosen.recipe.name) == (soft, soft, "plain")
    assert (chosen.settings, chosen.origins) == ({"strength": 0.3}, {"strength": "command line"})
    assert choose_model(f"{soft}@v1.5").settings == {"strength": 0.6}
    assert choose_model("pil-filters").settings == {"strength": 1.0}


def test_only_a_backend_takes_an_argument_or_its_own_defaults(soft: str) -> None:
    with pytest.raises(UsageError, match="takes nothing after the colon"):
        choose_model(f"{soft}:0.5")
    with pytest.raises(UsageError, match="no recipe 'default'") as caught:
        choose_model(f"{soft}@default")
    assert "plain" in caught.value.hint
    with pytest.raises(UsageError, match="There is no model") as caught:
        choose_model("Soft2-filters@plain")
    assert soft in caught.value.hint
    with pytest.raises(UsageError, match="There is no model 'Qwen/Qwen-Image-Edit'") as caught:
        choose_model("Qwen/Qwen-Image-Edit")
    assert "diffusers:Qwen/Qwen-Image-Edit" in caught.value.hint


def test_what_a_recipe_needs_is_looked_for_before_any_work(soft: str) -> None:
    choose_model(soft).check()
    with pytest.raises(
        UnavailableError, match=r"needs no-such-package>=2 and pillow>=999 \(pillow \d[.\d]* is here"
    ) as e:
        choose_model(f"{soft}@v1.5").check()
    assert e.value.hint == "Try: pip install 'no-such-package>=2' 'pillow>=999'"


def test_the_manifest_of_a_named_model_names_its_backend_too(soft: str) -> None:
    benchmark = load_benchmark("sample")
    named = run_manifest(choose_model(soft), benchmark, Editing())
    assert (named.model, named.name, named.backend) == (soft, soft, "pil-filters")
    plain = run_manifest(choose_model("pil-filters", ["strength=0.2"]), benchmark, Editing())
    assert (plain.model, plain.backend) == ("pil-filters", "")
    assert replace(plain, model=soft).fingerprint != named.fingerprint


def test_a_key_in_a_setting_reaches_no_manifest() -> None:
    choice = choose_model("command:./worker.py --api-key=abcdef --token sk-abcdefgh12345678")
    assert "abcdef" not in f"{choice.settings}{choice.handling}{choice.spec}"
