"""The bundled recipes of named models: complete, and right about the pipelines in the installed diffusers."""

from dataclasses import fields
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from program import gedit_bench
from pydantic import TypeAdapter
from tiny_pipelines import OPTIONS

from gedit_bench.editing.pipelines.calls import check_batch, constant_arguments, signature_of, template_for
from gedit_bench.editing.pipelines.settings import DiffusersSettings
from gedit_bench.editing.pipelines.sizes import check_size
from gedit_bench.editing.recipes import Recipe, named_models, recipes_of
from gedit_bench.editing.registry import choose_model, model_names
from gedit_bench.store.run import find_runs

RECIPES = [recipe for name in model_names() for recipe in recipes_of(name)]
PIPELINES = [recipe for recipe in RECIPES if recipe.backend == "diffusers"]


def named(recipe: Recipe) -> str:
    return f"{recipe.model}@{recipe.name}"


@pytest.mark.parametrize("recipe", RECIPES, ids=named)
def test_a_recipe_fits_its_backend_and_says_where_it_comes_from(recipe: Recipe) -> None:
    assert choose_model(named(recipe)).recipe == recipe  # with settings of the backend and of rewriting
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

    own = {field.name for field in fields(DiffusersSettings)}
    settings = TypeAdapter(DiffusersSettings).validate_python(
        {name: value for name, value in recipe.settings.items() if name in own}
    )
    assert recipe.memory_gb
    assert settings.source.count("/") == 1
    signature = signature_of(getattr(diffusers, str(settings.pipeline)))
    arguments = constant_arguments(signature, settings)
    assert arguments["num_inference_steps"] == settings.steps
    assert "{instruction" in template_for(signature, settings)
    check_size(signature, settings)
    check_batch(signature, settings)


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("instruct-pix2pix", "tiny-ip2p"),
        ("flux.1-kontext-dev@edit-r1", "tiny-kontext"),
        ("flux.2-klein-base-4b", "tiny-klein"),
    ],
)
def test_a_named_model_runs_with_other_weights_of_its_class(
    model: str, weights: str, pipelines: Path, three_samples: Path, tmp_path: Path
) -> None:
    small = ['extra={"max_sequence_length": 32, "_auto_resize": false}', "max_area=4096"]
    chosen = (f"source={pipelines / weights}", *OPTIONS[weights], *(small if "kontext" in weights else ()))
    options = [word for one in chosen for word in ("-o", one)]
    ended = gedit_bench("edit", "--model", model, "--data", three_samples, "--out", tmp_path, *options)
    assert ended.code == 0, ended.err
    [run] = find_runs([tmp_path])
    name, _, recipe = model.partition("@")
    manifest = run.manifest
    assert (manifest.model, manifest.name, manifest.backend) == (name, name, "diffusers")
    assert manifest.recipe == (recipe or "default")
    assert run.path.parent.name == name
    assert (manifest.settings["guidance"], manifest.origins["guidance"]) == (
        recipes_of(name)[-1].settings["guidance"],
        "recipe",
    )
    assert [edit.status for edit in run.edits().values()] == ["ok"] * 3


def test_the_models_that_people_expect_are_there() -> None:
    expected = {
        *("instruct-pix2pix", "magicbrush", "flux.1-kontext-dev", "flux.2-dev", "flux.2-klein-4b", "flux.2-klein-9b"),
        *("qwen-image-edit", "qwen-image-edit-2509", "qwen-image-edit-2511", "longcat-image-edit", "omnigen"),
        *("glm-image", "step1x-edit", "longcat-image-edit-turbo", "firered-image-edit-1.0", "firered-image-edit-1.1"),
        *("joyai-image-edit", "joyai-image-edit-plus", "z-image-edit", "dreamlite-base", "dreamlite-mobile"),
        *("fibo-edit", "chronoedit-14b", "visualcloze", "flux.2-klein-base-9b", "flux.2-klein-9b-kv"),
    }
    assert expected <= set(model_names())


def test_a_recipe_may_have_instructions_polished() -> None:
    polished, plain = choose_model("qwen-image-edit@polished"), choose_model("qwen-image-edit")
    assert {**polished.settings, "rewrite": None} == {
        **plain.settings,
        **{name: value for name, value in polished.settings.items() if name.startswith("rewrite_")},
        "rewrite": None,
    }
    assert (polished.settings["rewrite"], polished.origins["rewrite"]) == ("polish", "recipe")
    assert "rewriting prompt" in polished.artifacts
