"""Categories and pairs as a reader meets them, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from browsing import grave, opened
from report_fixtures import judged, make_samples, picture, reply_text

from gedit_bench.report.build import build_report

pytestmark = pytest.mark.browser

NAMES = ["<b>bold</b> & 'first'", *(f"model-{number:02}" for number in range(1, 19)), "a-name-that-is-" * 4]
IN_VIEW = "[...document.body.querySelectorAll('*')].filter(one => one.checkVisibility()).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty models, three samples a category."""
    root = tmp_path_factory.mktemp("results")
    samples = make_samples(each=3)
    image = picture()
    scored = []
    for number, name in enumerate(NAMES):
        random = Random(number)

        def answers(sample, aspect, number=number, random=random):
            mean = 8 - number * 0.3 + sample.row % 3 - 1
            return reply_text(*(max(0, min(10, round(mean + random.random()))) for _ in range(2)))

        scored.append(judged(root, samples, name=name, run={"image": lambda s: image}, answers=answers))
    return build_report(scored, root / "leaderboard")


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report.as_uri() + "#categories") as found:
        yield found


def drawn(figure: Any) -> list[str]:
    """The models whose outlines can be seen, by their titles."""
    return figure.evaluate(
        "figure => [...figure.querySelectorAll('.series')].filter(one => one.checkVisibility())"
        ".map(one => one.querySelector('title').textContent)"
    )


def test_a_radar_draws_six_models_that_are_told_apart_without_colour(page: Any) -> None:
    figure = page.locator(".radar-figure:visible")
    assert drawn(figure) == NAMES[:6]
    lines = figure.evaluate(
        "figure => [...figure.querySelectorAll('.series:not(.s0)')].map(one => getComputedStyle(one))"
        ".map(style => [style.strokeDasharray, style.markerMid, style.stroke])"
    )
    dashes, markers, colours = zip(*lines, strict=True)
    assert len(set(dashes)) == len(set(markers)) == len(set(colours)) == 6
    used = [marker[marker.index("#") :].strip('")') for marker in markers]
    assert all(page.locator(f"marker{name} path").count() == 1 for name in used)


def test_a_radars_models_are_chosen_by_mouse_six_at_most(page: Any) -> None:
    figure = page.locator(".radar-figure:visible")
    seventh = figure.get_by_role("checkbox", name="model-06")
    figure.locator("bdi", has_text="model-06").click()
    assert not seventh.is_checked()
    assert "Six at most" in figure.get_by_role("status").inner_text()
    figure.locator("bdi", has_text="model-02").click()
    figure.locator("bdi", has_text="model-06").click()
    assert seventh.is_checked()
    assert drawn(figure) == [*NAMES[:2], *NAMES[3:7]]
    assert figure.locator(".series.s3 title").text_content() == "model-06"  # the style that was given free
    assert "model-06" in figure.locator("desc").text_content()
    assert "model-02" not in figure.locator("desc").text_content()


def test_a_radars_models_are_chosen_by_keyboard(page: Any) -> None:
    figure = page.locator(".radar-figure:visible")
    figure.get_by_role("checkbox", name="model-01").focus()
    page.keyboard.press("Space")
    for _ in range(10):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.parentElement.textContent").strip() == "model-11"
    page.keyboard.press("Space")
    assert drawn(figure) == [NAMES[0], *NAMES[2:6], "model-11"]


def test_a_pair_opens_the_gallery_on_its_two_models(page: Any) -> None:
    page.get_by_role("link", name="Pairs").click()
    cell = page.get_by_role("link", name="model-01 minus model-12: ")
    assert cell.inner_text().endswith("*")
    assert cell.get_attribute("aria-label").endswith(", told apart")
    first, second = page.evaluate(
        '(() => { const id = name => document.querySelector(`.matrix [title="${name}"]`);'
        " const d = JSON.parse(document.getElementById('data').textContent);"
        " return ['model-01', 'model-12'].map(name => d.entries.find(one => one.label === name).id); })()"
    )
    cell.click()
    page.locator("#gallery").wait_for()
    assert not page.locator("#pairs").is_visible()
    assert page.url.endswith(f"&a={first}&b={second}&o=gap")
    assert page.locator("select[name=t]").input_value() == page.url.split("#t=")[1].split("&")[0]
    assert page.locator("select[name=o]").input_value() == "gap"
    assert page.locator(".card").count() > 0


def test_a_matrix_is_walked_with_arrow_keys_and_reads_out_its_cells(page: Any) -> None:
    page.get_by_role("link", name="Pairs").click()
    table = page.locator(".matrix:visible")
    assert table.locator("a[tabindex='0']").count() == 1
    table.locator("a[tabindex='0']").focus()
    readout = page.locator(".readout:visible")

    def at() -> str:
        return readout.inner_text().split(":")[0]

    assert at() == f"{NAMES[0]} minus model-01"
    for key, place in (
        ("ArrowRight", f"{NAMES[0]} minus model-02"),
        ("ArrowDown", "model-01 minus model-02"),
        ("ArrowDown", "model-03 minus model-02"),  # over the diagonal, where there is no cell
        ("End", f"model-03 minus {NAMES[-1]}"),
        ("ArrowRight", f"model-03 minus {NAMES[-1]}"),
        ("Home", f"model-03 minus {NAMES[0]}"),
    ):
        page.keyboard.press(key)
        assert at() == place
    page.keyboard.press("Enter")
    page.locator("#gallery").wait_for()


@pytest.mark.parametrize("view", ["categories", "pairs"])
def test_twenty_models_stay_within_1500_nodes_and_a_phone(browser: Any, report: Path, view: str) -> None:
    with opened(browser, f"{report.as_uri()}#{view}") as page:
        assert page.locator(f"#{view} article:visible").count() == 1
        assert 500 < page.evaluate(IN_VIEW) <= 1500
        page.set_viewport_size({"width": 375, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 375


@pytest.mark.parametrize("width", [1200, 375])
def test_text_in_charts_is_twelve_pixels_at_least(browser: Any, report: Path, width: int) -> None:
    with opened(browser, report.as_uri() + "#categories", viewport={"width": width, "height": 900}) as page:
        smallest = page.evaluate(
            "Math.min(...[...document.querySelectorAll('svg text')].filter(one => one.checkVisibility())"
            ".map(one => parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a))"
        )
        assert smallest >= 11.95


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 390)])
@pytest.mark.slow
def test_charts_and_matrix_have_no_serious_findings(browser: Any, report: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    for view in ("categories", "pairs"):
        with opened(browser, f"{report.as_uri()}#{view}", color_scheme=scheme, viewport=size) as page:
            assert grave(page, f"#{view}") == []


def test_without_scripts_six_models_are_drawn_and_nothing_can_be_chosen(browser: Any, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    figure = page.locator(".radar-figure").first
    assert figure.locator("label:visible").all_inner_texts() == NAMES[:6]
    assert figure.locator("input:visible").count() == 0
    assert page.locator(".matrix").first.is_visible()
    assert page.locator(".dots").first.is_visible()
    context.close()


def test_a_hostile_name_is_shown_as_text(page: Any) -> None:
    assert page.locator(".panels:visible text title").first.text_content().startswith(f"{NAMES[0]}: O ")
    assert page.locator(".radar-figure b b, .panels text b, .matrix bdi b").count() == 0
    for mark in page.locator(".panels:visible text").all_text_contents():
        assert "<script" not in mark
