import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import opened
from report_fixtures import failed, judged, make_samples, picture, reply_text, sources

from gedit_bench.records import EditStatus
from gedit_bench.report.build import build_report
from gedit_bench.report.packing import packed

pytestmark = pytest.mark.browser

EVIL = "<b>bold</b><script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    samples = make_samples(("en", "cn"), each=2)
    first = judged(
        root,
        samples,
        name="first",
        run={
            "edits": lambda s, e: failed(e, EditStatus.REFUSED, EVIL) if s is samples[0] else e,
            "image": lambda s: picture((s.row, 80, 120), (300, 200)),
        },
        answers=lambda s, a: reply_text(3, 4, f"Because {EVIL} of {s.row}"),
    )
    second = judged(root, samples, name="second", run={"image": lambda s: picture((80, s.row, 120))})
    return build_report([first, second], root / "leaderboard", sources=sources)


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report.as_uri() + "#gallery") as page:
        yield page


def _wait_for_cards(page: Any, count: int) -> None:
    page.locator(".card").nth(count).wait_for(state="detached")
    assert page.locator(".card").count() == count


def test_gallery_shows_cards_with_pictures_and_filters_them(page: Any) -> None:
    assert page.locator(".card").count() == 24
    assert page.locator("#count").inner_text() == "44 of 44 samples"
    page.locator(".card img").first.scroll_into_view_if_needed()
    image = page.locator(".card img").first
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    assert page.locator(".card").first.get_by_text("edit refused").count() == 2  # in the frame and as a chip
    page.get_by_role("button", name="Next →").click()
    assert page.locator(".card").count() == 20
    page.locator("select[name=c]").select_option("text_change")
    assert page.locator(".card").count() == 4
    page.locator("select[name=l]").select_option("cn")
    assert page.locator(".card").count() == 2
    page.locator("select[name=f]").select_option(label="second")
    assert page.locator("button.shot").count() == 2
    page.get_by_role("button", name="Clear").click()
    page.locator("select[name=x]").select_option("edit refused")
    _wait_for_cards(page, 1)
    page.get_by_role("button", name="Clear").click()
    page.locator("input[name=q]").fill("BLUE, tone_transfer")
    assert page.locator(".card").count() == 4
    page.locator("input[name=q]").fill("nothing like it")
    assert page.locator("#count").inner_text() == "No sample fits these filters."


def test_table_filter_keeps_its_language_subset_and_rows(page: Any, report: Path) -> None:
    tables = json.loads((report.parent / "leaderboard.json").read_text())["tables"]
    table = next(t for t in tables if (t["language"], t["subset"]) == ("cn", "intersection"))
    page.locator("select[name=t]").select_option(table["id"])
    assert page.locator(".card").count() == 11
    page.locator(f"a[href='#t={table['id']}&c=text_change']").evaluate("link => link.click()")
    _wait_for_cards(page, 1)


def test_dialog_opens_by_keyboard_and_shows_the_reply_as_text(page: Any) -> None:
    page.locator("button.shot").nth(2).focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert f"Because {EVIL} of 1" in dialog.locator("blockquote").first.inner_text()
    dialog.get_by_text("Raw reply").first.click()
    assert reply_text(3, 4, f"Because {EVIL} of 1") in dialog.locator("pre").first.inner_text()
    assert dialog.locator("script, b b").count() == 0
    assert page.title() == "Image editing, judged"
    assert "images/fullset/" in dialog.inner_text()
    assert "stop" in dialog.inner_text()
    page.keyboard.press("ArrowRight")
    assert dialog.locator("h2").inner_text() == "second"
    assert "#s=" in page.url
    page.keyboard.press("Escape")
    assert dialog.count() == 0
    assert page.evaluate("document.activeElement.className") == "shot"


def test_permalink_opens_its_edit(page: Any, report: Path) -> None:
    entry, sample = page.evaluate(
        "(() => { const d = JSON.parse(document.getElementById('data').textContent);"
        " return [d.entries[1].id, d.samples[40].id]; })()"
    )
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#s={sample}&m={entry}")
    dialog = page.get_by_role("dialog")
    assert dialog.locator("h2").inner_text() == "second"
    assert sample in dialog.inner_text()


@pytest.mark.parametrize("address", ["#50%", "#nothing/here", "#%E0%A4%A", "#s=gone&m=gone&t=%zz", "#theme", "#/"])
def test_an_address_that_names_nothing_stops_nothing(browser: Any, report: Path, address: str) -> None:
    with opened(browser, report.as_uri() + address) as page:
        assert page.locator("main > section:visible").count() == 1
        page.get_by_role("link", name="Gallery", exact=True).click()
        page.locator(".card").first.wait_for()


def test_a_closed_edit_leaves_an_address_that_leads_back(page: Any) -> None:
    page.locator("button.shot").first.click()
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash === '#gallery'")
    page.locator("[name=q]").fill("tone")
    page.get_by_role("link", name="Board", exact=True).click()
    page.get_by_role("link", name="Gallery", exact=True).click()
    page.wait_for_function("location.hash === '#q=tone'")
    page.reload()
    page.locator(".card").nth(3).wait_for()
    assert page.locator("[name=q]").input_value() == "tone"


def test_a_large_gallery_is_unpacked_in_the_page(browser: Any, report: Path) -> None:
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', report.read_text())
    assert data
    columns = packed(json.loads(data[1]))
    text = base64.b64encode(gzip.compress(json.dumps(columns).encode())).decode()
    large = report.with_name("large.html")
    large.write_text(report.read_text().replace(data[0], f'<script type="application/gzip" id="data">{text}</script>'))

    def shown(path: Path) -> list[str]:
        with opened(browser, path.as_uri() + "#gallery") as page:
            page.locator(".card").nth(23).wait_for()
            page.locator("button.shot").nth(3).click()
            return [
                page.evaluate(f"document.getElementById('{part}').{how}")
                for part, how in (("cards", "outerHTML"), ("viewer", "innerText"))
            ]

    assert shown(large) == shown(report)


def test_theme_can_be_chosen_and_stays(page: Any) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for _ in range(2):
        page.get_by_role("button", name="Theme").click()
    assert page.evaluate(background) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_phone_width_does_not_scroll_sideways_and_text_is_legible(page: Any) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('body *')].filter(e => e.innerText)"
        ".map(e => parseFloat(getComputedStyle(e).fontSize)))"
    )
    assert smallest >= 12


def test_board_is_complete_without_scripts(browser: Any, report: Path) -> None:
    with opened(browser, report.as_uri(), java_script_enabled=False) as page:
        assert page.locator("table.board").count() == 4
        assert page.locator("table.heat").first.is_visible()
        assert page.locator("noscript p").is_visible()
