"""Every command that is written down, in the pages and in `--help`, names verbs and options that exist."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from gedit_bench.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "models/step1x_edit/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def written(text: str) -> Iterator[str]:
    """The commands in blocks of code, each on one line, and those between backticks."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^(?:srun )?(gedit-bench .*)$", block.replace("\\\n", " "), re.MULTILINE)
    yield from (" ".join(found.split()) for found in re.findall(r"`(gedit-bench [^`]*)`", text))


def examples(verb: str) -> list[str]:
    return re.findall(r"^\s+(gedit-bench .*)$", VERBS[verb].help or "", re.MULTILINE)


def check(command: str) -> None:
    _, *words = shlex.split(command, comments=True)
    while words and words[0].startswith("-"):
        assert words.pop(0) in {"--help", "--version", "-v"}, command
    if not words or not re.fullmatch(r"[a-z]+", words[0]):
        return  # a name alone, or `gedit-bench VERB`
    assert words[0] in VERBS, command
    known = {option for parameter in VERBS[words[0]].params for option in parameter.opts} | {"--help"}
    for word in words[1:]:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in known, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_what_there_is(page: Path) -> None:
    for command in written(page.read_text(encoding="utf-8")):
        check(command)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_it_takes(verb: str) -> None:
    found = examples(verb)
    assert found
    for command in found:
        assert command.split()[1] == verb
        check(command)


def test_what_is_wrong_is_found() -> None:
    assert list(written("```sh\ngedit-bench run \\\n  --modle x\n```")) == ["gedit-bench run    --modle x"]
    with pytest.raises(AssertionError):
        check("gedit-bench run --modle x  # no such option")
    with pytest.raises(AssertionError):
        check("gedit-bench walk")


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)(#[^)\s]*)?\)", page.read_text(encoding="utf-8")):
            place = (page.parent / target) if target else page
            assert place.exists(), f"{page.name}: {target}"
            if anchor and place.suffix == ".md":
                assert anchor[1:] in anchors(place), f"{page.name}: {target}{anchor}"


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
