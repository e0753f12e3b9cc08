"""The bundled recipes of named models: complete, and right about the pipelines in the installed diffusers."""

from dataclasses import fields

import pytest
from packaging.requirements import Requirement
from pydantic import TypeAdapter

from gedit_bench.editing.pipelines.calls import check_batch, constant_arguments, signature_of, template_for
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.sizes import check_size
from gedit_bench.editing.recipes import Recipe, named_models, recipes_of
from gedit_bench.editing.registry import find_model, model_names

RECIPES = [recipe for name in model_names() for recipe in recipes_of(name)]
PIPELINES = [recipe for recipe in RECIPES if recipe.backend == "diffusers"]


def named(recipe: Recipe) -> str:
    return f"{recipe.model}@{recipe.name}"


@pytest.mark.parametrize("recipe", RECIPES, ids=named)
def test_a_recipe_fits_its_backend_and_says_where_it_comes_from(recipe: Recipe) -> None:
    settings = find_model(recipe.model).Settings
    assert set(recipe.settings) <= {field.name for field in fields(settings)}
    TypeAdapter(settings).validate_python(recipe.settings)
    assert recipe.origin
    assert recipe.licence
    assert all(Requirement(need).name for need in recipe.needs)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe.backend], ids=named)
def test_a_named_model_says_what_it_is_and_what_nobody_has_seen(recipe: Recipe) -> None:
    assert recipe.family
    assert recipe.languages
    assert recipe.unverified
    assert "read 20" in recipe.origin or "as told 20" in recipe.origin


def test_a_named_model_has_one_backend_and_one_default() -> None:
    for name, backend in named_models().items():
        recipes = recipes_of(name)
        assert {recipe.backend for recipe in recipes} == {backend}
        assert [recipe.default for recipe in recipes].count(True) == 1
        assert len({recipe.family for recipe in recipes}) == 1
        assert name not in {backend, "default"}


@pytest.mark.parametrize("recipe", PIPELINES, ids=named)
def test_the_pipeline_is_in_the_installed_diffusers_and_takes_the_settings(recipe: Recipe) -> None:
    import diffusers

    settings = TypeAdapter(DiffusersSettings).validate_python(recipe.settings)
    assert settings.source.count("/") == 1
    signature = signature_of(getattr(diffusers, str(settings.pipeline)))
    arguments = constant_arguments(signature, settings)
    assert arguments["num_inference_steps"] == settings.steps
    assert "{instruction}" in template_for(signature, settings)
    check_size(signature, settings)
    check_batch(signature, settings)


def test_the_models_that_people_expect_are_there() -> None:
    expected = {
        *("instruct-pix2pix", "magicbrush", "flux.1-kontext-dev", "flux.2-dev", "flux.2-klein-4b", "flux.2-klein-9b"),
        *("qwen-image-edit", "qwen-image-edit-2509", "qwen-image-edit-2511", "longcat-image-edit", "omnigen"),
        *("glm-image", "step1x-edit"),
    }
    assert expected <= set(model_names())
