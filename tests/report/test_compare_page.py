"""The page of a comparison, from real run folders: what is on it, in which order, and that nothing else is."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from browsing import grave, opened
from report_fixtures import failed, judged, make_judgement, make_run, make_samples, picture, reply_text, sources
from test_report_page import EVIL, Page

from gedit_bench.comparison import compare
from gedit_bench.records import Aspect, EditStatus, Sample
from gedit_bench.report.build import build_report
from gedit_bench.report.compare_page import build_comparison_page


def score_of(sample: Sample) -> int:
    """How far the second side's SC and PQ are from 5."""
    return {"ps_human": 2, "text_change": -3, "tone_transfer": 1}.get(sample.id.task_type, 0)


def two(root: Path, samples: list[Sample], words: str = "Because", **second: Any) -> Any:
    def better(sample: Sample, aspect: Aspect) -> str:
        return reply_text(5 + score_of(sample), 9, f"{words} {aspect} of second")

    first = judged(
        root,
        samples,
        name="old",
        run={"image": lambda s: picture((s.row, 80, 120))},
        answers=lambda s, a: reply_text(5, 9, f"{words} {a} of first"),
    )
    other: dict[str, Any] = {"name": "new", "run": {"image": lambda s: picture((80, s.row, 120))}, "answers": better}
    return compare(first.run, judged(root, samples, **(other | second)).run)


def test_the_page_holds_just_the_samples_that_moved_most_lost_first(tmp_path: Path) -> None:
    found = two(tmp_path, make_samples(("en", "cn"), each=2))
    path = build_comparison_page(found, tmp_path / "out" / "page.html", sources=sources)
    assert sorted(file.name for file in path.parent.iterdir()) == ["page.html", "thumbs"]
    page = Page(path)
    shown = page.data["samples"]
    assert [sample["difference"] for sample in shown] == [-3] * 4 + [1] * 4 + [2] * 4
    assert {sample["task"] for sample in shown} == {"ps_human", "text_change", "tone_transfer"}
    assert all([cell["e"] for cell in sample["cells"]] == [0, 1] for sample in shown)
    assert [entry["label"] for entry in page.data["entries"]] == ["old", "new"]
    assert (shown[0]["cells"][0]["o"], shown[0]["cells"][1]["o"]) == (5, 2)
    assert "Because SC of first" in shown[0]["cells"][0]["sc"]["reply"]
    assert "Because PQ of second" in shown[0]["cells"][1]["pq"]["reply"]
    pictures = {file.relative_to(path.parent).as_posix() for file in path.parent.rglob("*.webp")}
    told = {sample["source"] for sample in shown} | {cell["thumb"] for sample in shown for cell in sample["cells"]}
    assert pictures == told
    assert len(pictures) == 12 * 2 + 6  # two edits of each sample; twins share their source


def test_each_language_has_its_section_with_means_and_intervals(tmp_path: Path) -> None:
    found = two(tmp_path, make_samples(("en", "cn"), each=4))
    page = Page(build_comparison_page(found, tmp_path / "out", top=3))
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section" and "id" in attributes]
    assert sections == ["en", "cn", "gallery", "method"]
    assert "ps human 4 5.00 7.00 +2.00 +2.00 to +2.00" in page.words
    assert "headline (macro) 44 5.00 5.00 0.00 0.00 to 0.00" in page.words
    assert page.words.count("Most lost : 3 of 4") + page.words.count("Most lost: 3 of 4") == 2
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a" and "#s=" in (attributes["href"] or "")]
    assert len(links) == 2 * (3 + 3)
    assert {link.removeprefix("#s=") for link in links if link} <= {sample["id"] for sample in page.data["samples"]}
    english = Page(build_comparison_page(two(tmp_path / "b", make_samples()), tmp_path / "c"))
    assert "cn" not in [attributes.get("id") for _, attributes in english.tags]


def test_what_differs_is_said_before_any_number_and_nothing_is_ranked(tmp_path: Path) -> None:
    found = two(tmp_path, make_samples(each=2), judge="judge-2", protocol="native", request_id="native-11111111")
    page = Page(build_comparison_page(found, tmp_path / "out", sources=sources))
    for told in ("Not the same judge: judge-1@api.example against judge-2@api.example.", "Not the same way of asking"):
        assert 0 < page.words.index(told) < page.words.index("ps human 2")
    assert "a paired comparison and no ranking" in page.words
    assert [entry["judgeShort"] for entry in page.data["entries"]] == ["judge-1", "judge-2"]


def test_two_judges_of_one_run_stand_side_by_side_on_the_same_image(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    run = make_run(tmp_path, samples)
    low, high = (
        make_judgement(run, samples, judge=name, answers=lambda s, a, more=more: reply_text(4 + more, 4 + s.row % 2))
        for name, more in (("low", 0), ("high", 3))
    )
    page = Page(build_comparison_page(compare(low.path, high.path), tmp_path / "out"))
    assert "Both sides judged the same edits of painter: only the judging differs." in page.words
    assert "Agreement on the same images, English" in page.words
    labels = [entry["label"] for entry in page.data["entries"]]
    assert labels == ["painter (low@api.example)", "painter (high@api.example)"]
    for sample in page.data["samples"]:
        assert sample["cells"][0]["thumb"] == sample["cells"][1]["thumb"]


def test_two_scorings_of_one_judgement_show_what_each_counts(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    side = judged(tmp_path, samples, answers=lambda s, a: "I can't." if s.row == 0 else reply_text(8, 8))
    found = compare(side.run, scorings=("official", "zeros"))
    page = Page(build_comparison_page(found, tmp_path / "out"))
    assert "Both sides are one judgement of painter: only the scoring differs." in page.words
    assert "each side over all that counts for it" in page.words
    assert page.data["samples"] == []  # no sample has an O on both sides that differs


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    samples = [replace(sample, instruction=EVIL) for sample in make_samples(each=2)]
    found = two(tmp_path, samples, EVIL, name=EVIL, judge=EVIL, returned=EVIL)
    page = Page(build_comparison_page(found, tmp_path / "out"))
    assert page.count("script") == 3
    assert page.count("img") == 0
    assert "alert(1)" in page.words
    for raw in ("</script><script>alert", "<img", "<!--"):
        assert raw not in page.source.lower().replace("<!doctype", "")
    assert page.data["samples"][0]["instruction"] == EVIL
    assert json.loads(page.data["samples"][0]["cells"][0]["sc"]["reply"])["reasoning"].startswith(EVIL)


def test_nothing_is_loaded_from_elsewhere_and_the_policy_is_that_of_the_report(tmp_path: Path) -> None:
    found = two(tmp_path, make_samples())
    page = Page(build_comparison_page(found, tmp_path / "out"))
    assert not [tag for tag in page.tags if "src" in tag[1] or (tag[0] == "link")]
    assert not [tag for tag in page.tags if any(name.startswith("on") or name == "style" for name in tag[1])]
    report = Page(build_report([found.first], tmp_path / "report"))
    policies = [
        next(attributes["content"] or "" for _, attributes in one.tags if attributes.get("http-equiv"))
        for one in (page, report)
    ]
    heads = [[part.split(" 'sha256-")[0] for part in policy.split("; ")] for policy in policies]
    assert heads[0] == heads[1]


def test_sides_with_nothing_in_common_are_said_to_have_nothing(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    first = judged(tmp_path, samples[:11], name="a")
    second = judged(tmp_path, samples[11:], name="b")
    page = Page(build_comparison_page(compare(first.run, second.run), tmp_path / "out"))
    assert "The two sides have no sample in common that both were scored on." in page.words
    assert "en: 0 samples have an O on both sides, 11 only for a and 11 only for b: left out." in page.words
    assert page.data["samples"] == []


def test_a_failed_edit_is_no_loss(tmp_path: Path) -> None:
    samples = make_samples(each=2)

    def failing(sample: Sample, edit: Any) -> Any:
        return failed(edit, EditStatus.REFUSED) if sample.id.task_type == "ps_human" else edit

    found = two(tmp_path, samples, run={"edits": failing})
    page = Page(build_comparison_page(found, tmp_path / "out"))
    assert {sample["task"] for sample in page.data["samples"]} == {"text_change", "tone_transfer"}
    assert "2 only for old: left out." in page.words


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("results")
    found = two(root, make_samples(("en", "cn"), each=3), "<b>Because</b>", judge="judge-2")
    return build_comparison_page(found, root / "out", sources=sources)


@pytest.mark.browser
def test_the_page_opens_from_its_file_offline_without_a_complaint(made: Path, browser: Any) -> None:
    with opened(browser, made.as_uri()) as page:
        assert page.locator("main > section:visible").count() == 1
        assert page.locator("#en table.paired").is_visible()
        page.get_by_role("link", name="Samples", exact=True).click()
        cards = page.locator(".card")
        cards.nth(17).wait_for(state="attached")
        assert cards.count() == 18
        assert "O −3.00" in (cards.first.text_content() or "")
        assert cards.first.locator("button.shot").count() == 2
        cards.first.get_by_text("The judges’ words").click()
        words = cards.first.locator(".words").inner_text()
        assert all(f"<b>Because</b> {aspect} of {side}" in words for aspect in Aspect for side in ("first", "second"))
        page.locator("select[name=o]").select_option("gained")
        assert "O +2.00" in (cards.first.text_content() or "")
        page.locator("select[name=l]").select_option("cn")
        assert cards.count() == 9
        page.get_by_role("link", name="Chinese").click()
        link = page.locator("#cn a[href^='#s=']").first
        sample = (link.get_attribute("href") or "").removeprefix("#s=")
        link.click()
        page.wait_for_function("document.querySelectorAll('.card').length === 18")  # the link puts the filters back
        assert page.url.endswith(sample)
        cards.first.locator("button.shot").nth(1).click()
        dialog = page.get_by_role("dialog")
        assert dialog.locator("h2").inner_text() == "new"
        page.keyboard.press("ArrowLeft")
        assert dialog.locator("h2").inner_text() == "old"
        image = cards.first.locator("img").first
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_the_page_is_accessible(made: Path, browser: Any, scheme: str) -> None:
    with opened(browser, made.as_uri(), color_scheme=scheme) as page:
        page.locator(".card").nth(17).wait_for(state="attached")
        assert grave(page) == []
        page.get_by_role("link", name="Samples", exact=True).click()
        page.locator(".words summary").first.click()
        assert grave(page) == []


@pytest.mark.browser
def test_the_tables_are_complete_without_scripts(made: Path, browser: Any) -> None:
    with opened(browser, made.as_uri(), java_script_enabled=False) as page:
        assert page.locator("table.paired").count() == 2
        assert page.locator("[data-moved] tbody tr").count() == 18
        assert page.locator("noscript p").is_visible()


def test_a_judge_that_named_no_model_is_said_to_have_named_none(tmp_path: Path) -> None:
    found = two(tmp_path, make_samples(), returned=None)
    assert "Not the same model string returned by the judge: judge-1-2026 against none." in found.remarks
