"""Published rows in a real browser: folded until asked for, with and without JavaScript, and no finding of axe-core."""

from pathlib import Path
from typing import Any

import pytest
from browsing import grave, opened
from report_fixtures import SNAPSHOT, judged, picture, released_samples

from gedit_bench.report.build import build_report
from gedit_bench.report.published import read_published

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, same = tmp_path_factory.mktemp("results"), picture()
    scored = judged(root, released_samples(), run={"image": lambda sample: same}, **SNAPSHOT)
    return build_report([scored], root / "leaderboard", published=read_published())


@pytest.mark.parametrize("scripts", [True, False])
def test_rows_and_their_sources_unfold(browser: Any, report: Path, scripts: bool) -> None:
    with opened(browser, report.as_uri(), java_script_enabled=scripts) as page:
        rows = page.locator("#board .published").first.locator("tr")
        assert rows.count() == 79
        box = page.get_by_label("Show all 78")
        assert not rows.nth(1).is_visible()
        box.focus()
        page.keyboard.press("Space")
        assert rows.nth(78).is_visible()
        bagel = rows.filter(has=page.get_by_role("rowheader", name="BAGEL", exact=True))
        assert "6.12 – 6.60" in bagel.inner_text()
        assert not bagel.locator("li").first.is_visible()
        bagel.get_by_text("17 sources").click()
        assert bagel.locator("li").first.is_visible()
        assert bagel.locator("li").count() == 17
        assert bagel.locator("svg.spread").bounding_box()["width"] > 100
        box.uncheck()
        assert not bagel.is_visible()


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1200),
        pytest.param("dark", 390, marks=pytest.mark.slow),
        pytest.param("dark", 1200, marks=pytest.mark.slow),
        pytest.param("light", 390, marks=pytest.mark.slow),
    ],
)
def test_unfolded_rows_have_no_serious_findings(browser: Any, report: Path, scheme: str, width: int) -> None:
    with opened(browser, report.as_uri(), color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        page.get_by_label("Show all 78").check()
        page.locator(".published summary").first.click()
        assert grave(page) == []
        visible = "() => [...document.querySelectorAll('body *')].filter(one => one.checkVisibility()).length"
        assert page.evaluate(visible) < 1500
