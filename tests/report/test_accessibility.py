"""What axe-core finds on each view, in light and dark, at desktop and phone width."""

from pathlib import Path
from typing import Any

import pytest
from browsing import grave, opened
from report_fixtures import failed, judged, make_samples, picture, reply_text, sources

from gedit_bench.records import Aspect, EditStatus
from gedit_bench.report.build import build_report

pytestmark = pytest.mark.browser

VIEWS = ("board", "categories", "pairs", "gallery", "method")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    samples = make_samples(("en", "cn"), each=3)
    scored = []
    for nth, name in enumerate(("first", "second", "third")):

        def answers(sample, aspect, nth=nth):
            score = (sample.row * 3 + nth * 2) % 9 + 1
            return reply_text(score, 9) if aspect is Aspect.SC else reply_text(8, score)

        scored.append(
            judged(
                root,
                samples,
                name=name,
                run={
                    "edits": lambda s, e: failed(e, EditStatus.REFUSED, "no") if s is samples[0] else e,
                    "image": lambda s, nth=nth: picture((60 * nth, 80, 120), (60, 40)),
                    "notes": "A remark.",
                },
                answers=answers,
            )
        )
    return build_report(scored, root / "leaderboard", sources=sources)


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1200),
        pytest.param("dark", 390, marks=pytest.mark.slow),
        pytest.param("dark", 1200, marks=pytest.mark.slow),
        pytest.param("light", 390, marks=pytest.mark.slow),
    ],
)
def test_no_view_has_serious_findings(browser: Any, report: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    with opened(browser, report.as_uri(), color_scheme=scheme, viewport=size) as page:
        for view in VIEWS:
            page.evaluate("view => { location.hash = view }", view)
            page.locator(f"#{view}-title").wait_for()
            assert grave(page) == [], view


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_the_full_view_of_an_edit_has_none_either(browser: Any, report: Path, scheme: str) -> None:
    with opened(browser, report.as_uri() + "#gallery", color_scheme=scheme) as page:
        page.locator("button.shot").nth(3).click()
        page.get_by_role("dialog").wait_for()
        assert grave(page) == []


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_can_be_reached_by_keyboard_alone(browser: Any, report: Path, view: str) -> None:
    with opened(browser, report.as_uri()) as page:
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.matches('.views a') && document.activeElement.hash") == f"#{view}":
                break
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.locator(f"#{view}-title").wait_for()
        assert page.locator("main > section:visible").count() == 1
