"""Writes the table in docs/models.md anew from the recipes: `python docs/models_table.py`."""

from pathlib import Path

from gedit_bench.editing.recipes import Recipe, recipes_of
from gedit_bench.editing.registry import model_names

PAGE = Path(__file__).parent / "models.md"
BEGIN, END = "<!-- from the recipes, by docs/models_table.py -->", "<!-- until here -->"


def table() -> str:
    """Return all models with published weights or an API, as Markdown: one row a model, kin together."""
    recipes = {name: recipes_of(name) for name in model_names()}
    models = sorted((found for found in recipes.values() if found and found[0].family), key=_kin)
    header = ("model", "its weights", "recipes", "licence", "GB", "not seen here, and what was tested instead")
    lines = ["| " + " | ".join(header) + " |", "|---|---|---|---|--:|---|", *map(_row, models)]
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """Return the page with its table renewed."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _kin(recipes: list[Recipe]) -> tuple[str, str]:
    return recipes[0].family, recipes[0].model


def _row(recipes: list[Recipe]) -> str:
    first = recipes[0]
    source = first.settings.get("source", first.settings.get("model", ""))
    licence = first.licence + (" (gated)" if first.gated else "")
    unknown = "–" if first.licence == "API" else "?"
    memory = unknown if first.memory_gb is None else f"{first.memory_gb:g}"
    names = ", ".join(f"`{recipe.name}`" for recipe in recipes)
    weights = f"`{source}`" if source else f"backend `{first.backend or first.model}`"
    return f"| `{first.model}` | {weights} | {names} | {licence} | {memory} | {first.unverified} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
