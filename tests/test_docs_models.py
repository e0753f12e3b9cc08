"""docs/models.md says of each model what its recipes say."""

import re
from pathlib import Path

import models_table
import pytest

from gedit_bench.editing.recipes import recipes_of
from gedit_bench.editing.registry import model_names

ROOT = Path(__file__).parents[1]
TEXT = models_table.PAGE.read_text(encoding="utf-8")


def test_the_table_is_that_of_the_recipes() -> None:
    assert models_table.page(TEXT) == TEXT, "run: python docs/models_table.py"
    rows = set(re.findall(r"^\| `([^`]+)` \| ", TEXT, re.MULTILINE))
    assert rows == {name for name in model_names() if (found := recipes_of(name)) and found[0].family}


def test_what_the_page_names_exists() -> None:
    for path in re.findall(r"`(tests/[\w/]+\.py)`", TEXT):
        assert (ROOT / path).is_file(), path
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (models_table.PAGE.parent / target).exists(), target


@pytest.mark.parametrize("spec", re.findall(r"--model ([\w.@-]+)", TEXT))
def test_the_models_in_its_commands_have_that_recipe(spec: str) -> None:
    if spec == "NAME":
        return
    name, _, recipe = spec.partition("@")
    assert not recipe or recipe in {one.name for one in recipes_of(name)}
    assert name in {*model_names(), "diffusers"}
