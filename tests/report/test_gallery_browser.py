"""The gallery in a browser: filters in the address, twins, the full view, one file, hostile data, 20 models."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import opened
from report_fixtures import judged, make_judgement, make_run, make_samples, picture, reply_text, sources

from gedit_bench.records import Sample
from gedit_bench.report.build import build_report
from gedit_bench.results import Scored, score

pytestmark = pytest.mark.browser

NODES = "[...document.body.querySelectorAll('*')].filter(node => node.checkVisibility()).length"


def marks(step: int) -> Any:
    """Answers whose SC goes through 0..10 by row, other for each `step`."""
    return lambda sample, aspect: reply_text((sample.row * step) % 11, 10, f"{aspect} words {step} of {sample.row}")


def painted(shade: int) -> dict[str, Any]:
    return {"image": lambda sample: picture((shade, sample.row, 90), (300, 200))}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> list[Scored]:
    """Two runs, the first of them judged by two judges, in English and Chinese."""
    root = tmp_path_factory.mktemp("results")
    samples = make_samples(("en", "cn"))
    run = make_run(root, samples, name="first", **painted(20))
    judges = [score(run, make_judgement(run, samples, judge=f"judge-{n}", answers=marks(n))) for n in (1, 2)]
    return [*judges, judged(root, samples, name="second", run=painted(220), answers=marks(3))]


@pytest.fixture(scope="module")
def report(scored: list[Scored]) -> Path:
    return build_report(scored, scored[0].run.path.parents[1] / "leaderboard", sources=sources)


@pytest.fixture
def page(browser: Any, report: Path) -> Iterator[Any]:
    with opened(browser, report.as_uri() + "#gallery") as page:
        yield page


def entries(page: Any) -> list[str]:
    return list(page.evaluate("JSON.parse(document.getElementById('data').textContent).entries.map(e => e.id)"))


def numbers(page: Any, within: str = "#cards") -> list[float]:
    return [float(text[2:]) for text in page.locator(f"{within} .scores b").all_text_contents()]


def test_score_range_is_kept_in_the_address(page: Any) -> None:
    page.get_by_text("Scores and differences").click()
    page.locator("[name=f]").select_option(label="second (judge-1)")
    page.locator("[name=min]").fill("5")
    page.locator("[name=max]").fill("8")
    found = numbers(page)
    assert found
    assert all(5 <= o <= 8 for o in found)
    assert "min=5&max=8" in page.url
    page.reload()
    page.locator(".card").first.wait_for()
    assert numbers(page) == found
    assert page.locator("details.more").get_attribute("open") is not None
    page.get_by_role("button", name="Clear all").click()
    page.locator(".card").nth(21).wait_for()


def test_widest_difference_of_two_entries_comes_first(page: Any) -> None:
    first, _, other = entries(page)
    page.evaluate(f"location.hash = '#a={first}&b={other}&o=gap'")
    page.locator(".card .gap").first.wait_for()
    gaps = [float(text.split()[-1]) for text in page.locator(".card .gap").all_text_contents()]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[0] > gaps[-1]
    cards = page.locator(".card").all()
    for card, gap in zip(cards, gaps, strict=True):
        one, two = (float(text[2:]) for text in card.locator(".scores b").all_text_contents())
        assert gap == pytest.approx(abs(one - two), abs=0.011)
    page.locator("[name=d]").fill("3")
    assert page.locator(".card").count() == sum(gap >= 3 for gap in gaps)


def test_two_judges_of_a_run_can_be_set_against_each_other(page: Any) -> None:
    page.get_by_text("Scores and differences").click()
    page.locator("[data-judges-pair]").select_option(label="first: judge-1 and judge-2")
    first, second, _ = entries(page)
    assert f"a={first}&b={second}" in page.url
    assert page.locator(".card").first.locator(".shot").count() == 3


def test_search_looks_at_the_judges_words_only_if_asked(page: Any) -> None:
    page.locator("[name=q]").fill("PQ words 3 of 7")
    assert page.locator(".card").count() == 0
    page.locator("[name=w]").check()
    assert page.locator(".card").count() == 1
    assert "w=1" in page.url


def test_twins_stand_side_by_side_with_both_scores(page: Any) -> None:
    page.locator("[name=v]").check()
    assert page.locator("#count").inner_text() == "11 of 11 pairs of twins"
    couple = page.locator(".couple").last
    english, chinese = (float(text[2:]) for text in couple.locator(".scores b").all_text_contents())
    assert couple.locator("strong").all_text_contents() == ["English", "Chinese"]
    told = (couple.locator("h4 b").text_content() or "").replace("−", "-")
    assert float(told) == pytest.approx(chinese - english, abs=0.011)
    page.get_by_text("Mean O by language").click()
    assert page.locator(".twin-means tbody tr").count() == 3
    couple.get_by_role("button").last.click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("button", name="English twin").inner_text() == f"English twin: O {english:.2f}"
    dialog.get_by_role("button", name="English twin").click()
    assert "/en/" in dialog.locator("dl").last.inner_text()
    page.keyboard.press("Escape")
    page.wait_for_function("location.hash.includes('v=twins')")


def test_a_card_leads_to_its_twins(page: Any) -> None:
    page.get_by_role("link", name="with its Chinese twin").nth(3).click()
    page.locator(".card.twin").first.wait_for()
    assert page.locator("[name=v]").is_checked()


def test_the_slider_moves_by_keyboard_and_arrows_go_on_elsewhere(page: Any) -> None:
    page.locator("button.shot").first.click()
    dialog = page.get_by_role("dialog")
    title = dialog.locator(".place").inner_text()
    dialog.get_by_role("button", name="Slider").click()
    slider = dialog.get_by_role("slider")
    at = "getComputedStyle(document.querySelector('.stack')).getPropertyValue('--at')"
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(at) == "53%"
    page.keyboard.press("Home")
    assert page.evaluate(at) == "0%"
    assert dialog.locator(".place").inner_text() == title
    dialog.get_by_role("button", name="Close").focus()
    page.keyboard.press("ArrowRight")
    assert dialog.locator(".place").inner_text() != title
    assert dialog.get_by_role("slider").count() == 1  # the way of looking stays


def test_flicker_swaps_the_pictures_by_key(page: Any) -> None:
    page.locator("button.shot").first.click()
    after = page.get_by_role("dialog").locator(".flicker .after")
    shown = []
    for _ in range(2):
        page.keyboard.press("f")
        shown.append(after.evaluate("image => getComputedStyle(image).visibility"))
    assert shown == ["hidden", "visible"]


def test_the_difference_of_equal_pictures_is_dark_and_of_others_is_not(browser: Any, tmp_path: Path) -> None:
    from io import BytesIO

    from PIL import Image

    samples = make_samples()[:1]
    runs = [
        judged(tmp_path, samples, name=name, run={"image": lambda s, colour=colour: picture(colour, (64, 48))})
        for name, colour in (("equal", "orange"), ("other", "blue"))
    ]
    path = build_report(runs, tmp_path / "out", sources=sources)
    brightness = []
    with opened(browser, path.as_uri() + "#gallery") as page:
        for nth in range(2):
            page.locator("button.shot").nth(nth).click()
            dialog = page.get_by_role("dialog")
            dialog.get_by_role("button", name="Difference").click()
            page.wait_for_timeout(150)
            with Image.open(BytesIO(dialog.locator(".stack").screenshot())) as image:
                middle = image.convert("L").getpixel((image.width // 2, image.height // 2))
            brightness.append(middle)
            page.keyboard.press("Escape")
    assert brightness[0] < 30 < 100 < brightness[1]


def test_the_full_view_has_all_models_and_other_judges(page: Any) -> None:
    page.locator("button.shot").first.click()
    dialog = page.get_by_role("dialog")
    other = dialog.locator("details.other")
    assert other.count() == 1
    other.locator("summary").first.click()
    assert "SC words 2 of 0" in other.inner_text()
    dialog.get_by_role("button", name="All models").click()
    assert dialog.locator(".stage .shot").count() == 4
    dialog.locator(".stage button.shot").last.click()
    assert dialog.locator("h2").inner_text() == "second"


def test_a_single_file_needs_nothing_beside_it(browser: Any, scored: list[Scored], tmp_path: Path) -> None:
    made = build_report(scored, tmp_path / "made", sources=sources, single_file=True, embed_budget=0.004)
    alone = tmp_path / "elsewhere" / "page.html"
    alone.parent.mkdir()
    shutil.copy(made, alone)
    shutil.rmtree(made.parent)
    with opened(browser, alone.as_uri() + "#x=pictures") as page:
        page.locator(".card").first.wait_for()
        some = page.locator(".card").count()
        assert 0 < some < 22
        for image in page.locator(".card").first.locator("img").all():
            assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
        told = page.locator("#embedded").inner_text()
        assert int(re.findall(r"pictures of (\d+) of 22 samples", told)[0]) == some
        page.get_by_role("button", name="Clear all").click()
        page.locator(".card").nth(21).wait_for()
        assert page.get_by_text("picture not in this file").count() > 0


def test_hostile_samples_change_nothing_but_their_own_cells(browser: Any, tmp_path: Path) -> None:
    hostile = [
        "<script>alert(1)</script>" * 200,
        "\u202e مرحبا " * 40,
        "🏳️‍🌈👨‍👩‍👧‍👦" * 60,
        "\x00\x07 \u2028 ]]> --> {{7*7}}",
    ]
    plain = make_samples()
    samples: list[Sample] = [
        replace(sample, instruction=text) for sample, text in zip(plain, [*hostile, *["Make it blue"] * 7], strict=True)
    ]
    paths = [
        build_report(
            [judged(tmp_path / name, of, run=painted(90), answers=lambda s, a: reply_text(3, 4, s.instruction))],
            tmp_path / name / "out",
            sources=sources,
        )
        for name, of in (("hostile", samples), ("plain", plain[:4] + samples[4:]))
    ]
    shutil.rmtree(paths[0].parent / "thumbs" / next((paths[0].parent / "thumbs").iterdir()).name)
    drawn = []
    for path in paths:
        with opened(browser, path.as_uri() + "#gallery", allowed="ERR_FILE_NOT_FOUND") as page:
            page.locator(".card").nth(10).wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 1200
            assert page.title() == "Image editing, judged"
            drawn.append(
                page.locator(".card h3").all_text_contents()[4:] + page.locator(".card .scores").all_text_contents()
            )
            page.locator("button.shot").first.click()
            dialog = page.get_by_role("dialog")
            assert dialog.locator("script").count() == 0
            folded = dialog.locator(".long")
            assert (folded.count() > 0) == (path == paths[0])
            assert all(one.get_attribute("tabindex") == "0" for one in folded.all())
    assert drawn[0] == drawn[1]


@pytest.mark.slow
def test_twenty_models_stay_within_the_bound_of_nodes(browser: Any, tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    one = make_run(tmp_path, samples, name="m", **painted(9))
    many = [score(one, make_judgement(one, samples, judge=f"judge-{n}", answers=marks(n))) for n in range(20)]
    path = build_report(many, tmp_path / "out", sources=sources)
    with opened(browser, path.as_uri() + "#gallery") as page:
        seen = 0
        while True:
            assert page.evaluate(NODES) <= 1500
            seen += page.locator(".card").count()
            if page.get_by_role("button", name="Next →").is_disabled():
                break
            page.get_by_role("button", name="Next →").click()
        assert seen == 22
        page.locator("[name=v]").check()
        assert page.evaluate(NODES) <= 1500
        assert page.locator(".card").first.locator("button.shot").count() == 40
