"""The board as a reader handles it: 20 models in a real browser, by mouse and by keyboard."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import opened
from report_fixtures import failed, judged, make_samples, picture, reply_text

from gedit_bench.records import EditStatus
from gedit_bench.report.build import build_report

pytestmark = pytest.mark.browser

MODELS = 20
IN_VIEW = "[...document.body.querySelectorAll('*')].filter(node => node.checkVisibility()).length"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 models from bad to good; the first three in Chinese, too, one of them below coverage in English."""
    root = tmp_path_factory.mktemp("results")
    english, both = make_samples(each=2), make_samples(("en", "cn"), each=2)
    data = picture()
    scored = []
    for nth in range(MODELS):
        dice = random.Random(nth)

        def answers(sample, aspect, nth=nth, dice=dice):
            score = 2 + nth // 3 + dice.randrange(3)
            return reply_text(score, score)

        def edits(sample, edit, nth=nth):
            return failed(edit, EditStatus.REFUSED) if nth == 1 and sample == both[0] else edit

        run = {"image": lambda sample: data, "edits": edits, "recipe": "fast" if nth % 2 else "slow"}
        samples = both if nth < 3 else english
        scored.append(judged(root, samples, name=f"model-{nth}", answers=answers, run=run))
    return build_report(scored, root / "leaderboard")


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report.as_uri()) as page:
        yield page


def table(page: Any) -> Any:
    return page.locator("table.board:visible").first


def names(page: Any, body: str = "ranked") -> list[str]:
    return table(page).locator(f"tbody.{body} tr:visible th a").all_inner_texts()


def column(page: Any, name: str) -> list[str]:
    return [
        text.split("\n")[0] for text in table(page).locator(f"tbody.ranked td[data-column={name}]").all_inner_texts()
    ]


def head(page: Any, name: str) -> Any:
    return table(page).locator(f"thead th[data-column={name}]")


def switch(page: Any, words: str) -> None:
    page.locator("#switches").get_by_text(words, exact=True).click()


def test_rows_are_sorted_by_a_click_on_a_head(page: Any) -> None:
    ranked = names(page)
    assert head(page, "rank").get_attribute("aria-sort") == "ascending"
    assert column(page, "rank")[0] == "1"
    head(page, "sc").get_by_role("button").click()
    found = [float(text) for text in column(page, "sc")]
    assert found == sorted(found, reverse=True)
    assert (head(page, "sc").get_attribute("aria-sort"), head(page, "rank").get_attribute("aria-sort")) == (
        "descending",
        "none",
    )
    head(page, "sc").get_by_role("button").click()
    found = [float(text) for text in column(page, "sc")]
    assert found == sorted(found)
    assert head(page, "sc").get_attribute("aria-sort") == "ascending"
    head(page, "model").get_by_role("button").click()
    assert names(page)[:3] == ["model-0", "model-2", "model-3"]  # as a reader counts, 10 after 9
    assert names(page)[-1] == "model-19"
    assert names(page, "unranked") == ["model-1"]
    head(page, "rank").get_by_role("button").click()
    head(page, "rank").get_by_role("button").click()
    assert column(page, "rank") == sorted(column(page, "rank"), key=int)
    assert set(names(page)) == set(ranked)


def test_equal_rows_keep_their_order(page: Any) -> None:
    head(page, "model").get_by_role("button").click()
    before = names(page)
    head(page, "scored").get_by_role("button").click()  # all ranked rows are whole
    assert names(page) == before


def test_rows_are_sorted_by_keyboard(page: Any) -> None:
    button = head(page, "pq").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert head(page, "pq").get_attribute("aria-sort") == "descending"
    page.keyboard.press("Space")
    assert head(page, "pq").get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('th').dataset.column") == "band"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert head(page, "interval").get_by_role("button").count() == 0


def test_an_order_holds_for_all_tables(page: Any) -> None:
    head(page, "model").get_by_role("button").click()
    head(page, "model").get_by_role("button").click()
    switch(page, "Chinese")
    assert names(page) == ["model-2", "model-1", "model-0"]
    assert head(page, "model").get_attribute("aria-sort") == "descending"


def test_rows_are_filtered_by_all_words(page: Any) -> None:
    search, found = page.get_by_role("searchbox"), page.get_by_role("status").locator("visible=true")
    search.fill("MODEL-1 fast")
    assert names(page) == [name for name in names(page) if name.startswith("model-1")]
    assert names(page, "unranked") == ["model-1"]
    assert found.inner_text() == "6 of 20 rows"
    search.fill("refused")
    assert (names(page), names(page, "unranked")) == ([], ["model-1"])
    search.fill("nothing like it")
    assert found.inner_text() == "No row fits."
    search.fill("model-1")
    switch(page, "Chinese")
    assert found.inner_text() == "1 of 3 rows"
    search.fill("")
    assert len(names(page)) == 3
    assert page.locator("#found").inner_text() == ""


def test_columns_are_chosen_and_stay_chosen(page: Any) -> None:
    menu = page.locator("details.menu")
    assert not head(page, "micro").is_visible()
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Micro O").check()
    page.get_by_label("PQ").uncheck()
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    assert page.evaluate("document.activeElement.localName") == "summary"
    for _ in range(2):
        head(page, "micro").wait_for()
        head(page, "pq").wait_for(state="hidden")
        assert table(page).locator("[data-column=pq]:visible").count() == 0
        page.reload()
    assert page.get_by_label("Rank", exact=True).count() == 0  # what names a row can't go


def test_language_and_subset_survive_views_and_reload(page: Any) -> None:
    title = page.locator("main article h3:visible")
    assert page.url.endswith("index.html#board") or page.url.endswith("index.html")
    switch(page, "Chinese")
    assert page.url.endswith("#board/cn/full")
    assert "Chinese, full set" in title.inner_text()
    page.get_by_role("link", name="Categories").click()
    page.wait_for_url("**#categories/cn/full")
    switch(page, "Intersection")
    assert page.url.endswith("#categories/cn/intersection")
    page.reload()
    assert "Chinese, intersection subset" in title.inner_text()
    page.get_by_role("link", name="Method").click()
    page.wait_for_url("**#method")
    assert not page.locator("#switches").is_visible()
    page.get_by_role("link", name="Board", exact=True).click()
    page.wait_for_url("**#board/cn/intersection")
    assert "Chinese, intersection subset" in title.inner_text()


def test_switches_go_by_keyboard_and_stay_in_sight(page: Any) -> None:
    page.get_by_role("radio", name="English").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="Chinese").is_checked()
    outline = "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.get_by_role("radio", name="English").focus()
    page.keyboard.press("ArrowLeft")
    page.evaluate("scrollTo({ top: document.body.scrollHeight, behavior: 'instant' })")
    box = page.locator("#switches").bounding_box()
    assert 0 <= box["y"] < 60


def test_a_link_to_a_table_shows_it_below_the_bar(page: Any, report: Path) -> None:
    name = page.locator("#board article[data-language=cn][data-subset=intersection]").get_attribute("id")
    page.goto("about:blank")
    page.goto(f"{report.as_uri()}#{name}")
    page.wait_for_timeout(50)
    assert page.get_by_role("radio", name="Intersection").is_checked()
    bar = page.locator("header.bar").bounding_box()
    assert page.locator(f"#{name}").bounding_box()["y"] >= bar["y"] + bar["height"]


def test_20_models_are_at_most_1500_nodes(page: Any) -> None:
    for box in page.locator("details.menu input").all():
        box.evaluate("box => { if (!box.checked) box.click() }")
    for folded in page.locator("#board details, .notices details").all():
        folded.evaluate("details => { details.open = true }")
    assert table(page).locator("tbody tr:visible").count() == MODELS
    assert page.evaluate(IN_VIEW) <= 1500


def test_the_table_fits_a_desk_and_scrolls_alone_on_a_phone(page: Any) -> None:
    scrolls = "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
    assert page.evaluate(scrolls) == 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(scrolls) > 100
    name = table(page).locator("tbody th").first
    before = name.bounding_box()["x"]
    page.evaluate("document.querySelector('.scroll').scrollLeft = 200")
    assert abs(name.bounding_box()["x"] - before) <= 1


def test_all_is_there_without_scripts(browser: Any, report: Path) -> None:
    with opened(browser, report.as_uri(), java_script_enabled=False) as page:
        assert page.locator("table.board:visible").count() == 4
        first = page.locator("table.board").first
        assert first.locator("tbody tr:visible").count() == MODELS
        assert first.locator("[data-column=micro]:visible").count() == MODELS + 1
        assert first.locator("svg.mean:visible").count() == MODELS
        assert first.locator("button").count() == 0
        assert page.locator("nav.index a:visible").count() == 4
        assert not page.locator("#switches, #tools").locator("visible=true").count()


def test_the_list_of_tables_shows_those_in_view(page: Any, browser: Any, tmp_path: Path) -> None:
    assert not page.locator("#index").is_visible()
    samples = make_samples(("en", "cn"))
    judges = [judged(tmp_path, samples, name=name, judge=name) for name in ("judge-1", "judge-2")]
    with opened(browser, build_report(judges, tmp_path / "out").as_uri()) as other:
        assert other.locator("nav.index a:visible").all_inner_texts() == [
            "1 judge-1",
            "2 judge-2",
        ]
        switch(other, "Chinese")
        assert other.locator("nav.index a:visible").count() == 2
        assert other.locator("#board article:visible").count() == 2
