"""Published numbers: read strictly, set beside the tables that they fit and no others, shown and never ranked."""

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_fixtures import SNAPSHOT, judged, make_samples, picture, released_samples

from gedit_bench import api
from gedit_bench.errors import DataError
from gedit_bench.records import LANGUAGES, TASKS, Json, Sample
from gedit_bench.report.beside import beside
from gedit_bench.report.board import make_board
from gedit_bench.report.build import build_report
from gedit_bench.report.published import LEFT_OUT, REMARKS, read_published
from gedit_bench.report.spread import spread_svg
from gedit_bench.report.whisker import scale_of
from gedit_bench.results import Scored, find_scoring, score

EVIL = "</table></script><script>alert(1)</script><img src=x onerror=alert(2)> & \"' | *x* [y](z)"
SITE = {"reported_by": "The site", "date": "2025-07-31", "kind": "leaderboard", "address": "https://example.org/a#b"}
PAPER = {"reported_by": "A paper", "date": "2025-12", "kind": "paper", "title": "On edits"}


def result(model: str = "Painter", overall: float = 6.5, **more: Json) -> dict[str, Json]:
    common = {"language": "en", "subset": "full", "family": "gpt", "judge": "GPT-4.1", "source": "site"}
    return {"model": model, "overall": overall, **common, **more}


def whole_file(results: Sequence[Json], **more: Json) -> dict[str, Json]:
    sources = {"site": SITE, "paper": PAPER}
    head = {"version": 1, "collected": "2026-11-23", "scale": [0, 10], "categories": list(TASKS)}
    return {**head, "sources": sources, "results": results, **more}


def write(path: Path, value: Json) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """A run over all of the English set, judged by GPT-4.1 in the official way."""
    same = picture()
    root = tmp_path_factory.mktemp("whole")
    return judged(root, released_samples(), run={"image": lambda sample: same}, **SNAPSHOT)


@dataclass
class Table:
    """A board table as a browser would see it: how wide its head is, and the cells of its published rows."""

    columns: int = 0
    rows: list[list[str]] = field(default_factory=list)
    spans: list[list[int]] = field(default_factory=list)


class Boards(HTMLParser):
    """The board tables of a page, and all its tags."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.source = page.read_text(encoding="utf-8")
        self.tables: list[Table] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._where: list[str] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        classes = (dict(attrs).get("class") or "").split()
        if tag == "table":
            self._where = ["board"] if "board" in classes else []
            self.tables += [Table()] if self._where else []
        elif self._where and tag in {"thead", "tbody"}:
            self._where = ["board", "published" if "published" in classes else tag]
        elif self._where and tag in {"td", "th"}:
            if self._where[-1] == "thead":
                self.tables[-1].columns += 1
            elif self._where[-1] == "published":
                self.tables[-1].rows[-1].append("")
                self.tables[-1].spans[-1].append(int(dict(attrs).get("colspan") or 1))
        elif tag == "tr" and self._where[-1:] == ["published"]:
            self.tables[-1].rows.append([])
            self.tables[-1].spans.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in {"table", "tbody"}:
            self._where = self._where[:1] if tag == "tbody" else []

    def handle_data(self, data: str) -> None:
        if self._where[-1:] == ["published"] and self.tables[-1].rows and self.tables[-1].rows[-1]:
            self.tables[-1].rows[-1][-1] = " ".join(f"{self.tables[-1].rows[-1][-1]} {data}".split())

    @property
    def links(self) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag == "a" and not (attrs["href"] or "").startswith("#")]


SEVERAL = [
    result("zebra", 7.123),
    result("Painter", 6.701, sc=7.1, pq=6.8, own=True, printed="Painter!", note="first run"),
    result("Painter", 6.444, sc=7.0, source="paper", flags=["micro"]),
    result("Alpha", 3.0, source="paper", flags=["second_hand"]),
    result("Same", 6.97),
    result("Same", 6.969, source="paper"),
    result("Elsewhere", 9.0, language="cn"),
    result("Elsewhere", 9.0, subset="intersection"),
    result("Elsewhere", 9.0, language="unstated", subset="unstated"),
    result("Elsewhere", 9.0, family="qwen"),
    result("Elsewhere", 9.0, family="other"),
    result("Elsewhere", 9.0, family="unstated"),
    result("Elsewhere", 9.0, flags=["other_formula"]),
]


def report(whole: Scored, folder: Path, results: Sequence[Json]) -> tuple[Boards, dict[str, Any], str]:
    """The page, leaderboard.json and leaderboard.md of a report beside published results."""
    published = read_published(write(folder / "published.json", whole_file(results)))
    page = build_report([whole], folder / "out", published=published)
    value = json.loads((folder / "out" / "leaderboard.json").read_text())
    return Boards(page), value, (folder / "out" / "leaderboard.md").read_text()


def test_a_model_has_one_row_with_the_range_of_its_sources(whole: Scored, tmp_path: Path) -> None:
    page, value, markdown = report(whole, tmp_path, SEVERAL)
    head, *found = page.tables[0].rows
    rows = [[model, overall, *others] for model, overall, _, *others in found]
    assert head[0].startswith("Published elsewhere, for orientation; not measured here")
    assert "6 numbers for 4 models" in head[0]
    assert "1 made by another formula, 1 with no judge named" in head[0]
    shown = [(name.split(" ")[0], overall) for name, overall, *_ in rows]
    assert [name for name, _ in shown] == ["Alpha", "Painter", "Same", "zebra"]
    assert [overall for _, overall in shown] == ["3.00", "6.44 – 6.70", "6.97", "7.12"]
    alpha, painter, same, zebra = rows
    assert painter[2:4] == ["7.00 – 7.10", "6.80"]
    assert "1 of 2: by its caption a mean over samples" in painter[4]
    assert "read in somebody’s notes" in alpha[4]
    assert painter[4].startswith("2 sources 6.44 : A paper ,")
    assert "6.70 (SC 7.10, PQ 6.80): The site , its own model, 2025-07-31; judge: GPT-4.1" in painter[4]
    assert "printed as Painter!" in painter[4]
    assert "first run" in painter[4]
    assert zebra[4].startswith("The site , another’s model, 2025-07-31")
    assert same[4].startswith("2 sources")
    assert found[1][2] == "O by its sources: 6.44, 6.70"
    assert page.source.count('<svg class="spread"') == 5
    assert page.source.count('<path class="range"') == 1  # only where they differ
    assert not any("Elsewhere" in cell for row in rows for cell in row)
    assert [row[0] for row in page.tables[1].rows[1:]] == ["Elsewhere"]  # the one about the intersection

    table = value["tables"][0]
    assert [(row["model"], row["overall_low"], row["overall_high"]) for row in table["published"]] == [
        ("Alpha", 3.0, 3.0), ("Painter", 6.444, 6.701), ("Same", 6.969, 6.97), ("zebra", 7.123, 7.123),
    ]  # fmt: skip
    assert [one["reported_by"] for one in table["published"][1]["sources"]] == ["A paper", "The site"]
    assert table["published"][1]["sources"][1]["address"] == SITE["address"]
    assert table["published"][1]["sources"][0]["address"] is None
    assert table["published_left_out"] == {"made by another formula": 1, "with no judge named": 1}
    assert table["no_published_because"] is None
    assert [row["rank"] for row in table["rows"]] == [1]

    listed = [line for line in markdown.splitlines() if line.startswith("- ")]
    assert len(listed) == 5
    assert listed[1].startswith("- *Painter*: O 6.44 – 6.70 (1 of 2: by its caption")
    assert "6.70 by [The site](<https://example.org/a#b>), 2025-07-31" in listed[1]
    assert markdown.index("| rank |") < markdown.index("Published elsewhere") < markdown.index("- *Alpha*")


def test_links_lead_away_and_tell_nothing_and_csv_says_nothing(whole: Scored, tmp_path: Path) -> None:
    page, _, _ = report(whole, tmp_path, SEVERAL)
    away = [link for link in page.links if "://" in (link["href"] or "")]
    assert [link["href"] for link in away] == [SITE["address"]] * 4
    assert all(link["rel"] == "noreferrer noopener" for link in away)
    assert not [attrs for _, attrs in page.tags if "src" in attrs]
    csv = (tmp_path / "out" / "leaderboard.csv").read_bytes()
    build_report([whole], tmp_path / "plain")
    assert csv == (tmp_path / "plain" / "leaderboard.csv").read_bytes()


def test_published_rows_are_as_wide_as_their_table(whole: Scored, tmp_path: Path) -> None:
    page, _, _ = report(whole, tmp_path, [*SEVERAL, result("Painter", 5.0, subset="intersection")])
    full, intersection = page.tables
    assert full.columns > 5
    assert [sum(spans) for spans in full.spans] == [full.columns] * 5
    assert [sum(spans) for spans in intersection.spans] == [intersection.columns] * 3


def test_many_rows_are_folded_until_asked_for(whole: Scored, tmp_path: Path) -> None:
    few, _, _ = report(whole, tmp_path, [result(f"model {n}") for n in range(12)])
    many, _, _ = report(whole, tmp_path, [result(f"model {n}") for n in range(13)])
    boxes = [[tag for tag in page.tags if tag[1].get("type") == "checkbox"] for page in (few, many)]
    assert len(boxes[1]) - len(boxes[0]) == 1
    assert "Show all 13" in many.source
    assert len(many.tables[0].rows) == 14


def test_without_being_asked_nothing_is_said(whole: Scored, tmp_path: Path) -> None:
    page = Boards(build_report([whole], tmp_path / "out"))
    assert page.tables[0].rows == []
    assert "ublished elsewhere" not in page.source
    assert "ublished numbers" not in page.source
    assert "ublished" not in (tmp_path / "out" / "leaderboard.md").read_text()
    table = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["tables"][0]
    assert (table["published"], table["no_published_because"]) == ([], None)


def why(scored: Scored, subset: str = "full") -> str:
    [table] = [table for table in make_board([scored]).tables if table.key.subset == subset]
    return beside(table, read_published()).why


def test_a_selection_gets_none_and_the_page_says_why(tmp_path: Path) -> None:
    some = judged(tmp_path, make_samples(each=2), **SNAPSHOT)
    page, value, markdown = report(some, tmp_path, SEVERAL)
    sentence = (
        "No published numbers stand beside this table: theirs are over all 606 of a language’s samples, "
        "and it over a selection of 22."
    )
    assert page.tables[0].rows == [[sentence]]
    assert value["tables"][0]["no_published_because"] == sentence
    assert sentence in markdown
    assert "theirs are over the intersection" in page.tables[1].rows[0][0]
    assert "Published elsewhere" not in page.source


def test_one_sample_less_is_a_selection(tmp_path: Path) -> None:
    same = picture()
    short = judged(tmp_path, released_samples()[1:], run={"image": lambda sample: same}, **SNAPSHOT)
    assert "a selection of 605" in why(short)


def test_the_intersection_alone_is_whole_by_its_size(tmp_path: Path) -> None:
    same, flagged = picture(), [sample for sample in released_samples() if sample.row < 434]
    alone = [Sample(sample.id, sample.instruction, True, sample.row) for sample in flagged]
    assert why(judged(tmp_path, alone, run={"image": lambda sample: same}, **SNAPSHOT), "intersection") == ""
    other = judged(tmp_path, alone[1:], name="b", run={"image": lambda sample: same}, **SNAPSHOT)
    assert "a selection of 433" in why(other, "intersection")


@pytest.mark.parametrize(
    ("judgement", "said"),
    [
        ({"judge": "gpt-4.1", "returned": "gpt-4.1-2025-04-14"}, "a selection of 11"),
        ({"judge": "openai/gpt-4o", "returned": None}, "a selection of 11"),
        ({"judge": "azure:mine", "returned": "gpt-4o-2024-11-20"}, "a selection of 11"),
        ({"judge": "judge-1", "returned": "Qwen/Qwen2.5-VL-72B-Instruct-AWQ"}, "a selection of 11"),
        ({"judge": "x", "returned": "Qwen/Qwen2.5-VL-72B-Instruct-AWQ@abc123"}, "a selection of 11"),
        ({"judge": "gpt-4.1", "returned": "gpt-4.1-mini-2025-04-14"}, "and it by gpt-4.1-mini-2025-04-14"),
        ({"judge": "gpt-4o-mini", "returned": None}, "and it by gpt-4o-mini"),
        ({"judge": "Qwen/Qwen2.5-VL-7B-Instruct", "returned": None}, "and it by Qwen/Qwen2.5-VL-7B-Instruct"),
        ({"judge": "gpt-5", "returned": "gpt-5-2025-08-07"}, "and it by gpt-5-2025-08-07"),
        ({**SNAPSHOT, "protocol": "native", "request_id": "native-1"}, "than the official ones (native)"),
        ({**SNAPSHOT, "protocol": "official-qwen", "request_id": "official-qwen-1"}, "a selection of 11"),
        ({"judge": "offline", "protocol": "pixels", "vlm": False, "returned": None}, "no VLM judged it"),
    ],
)
def test_the_judge_and_the_way_of_asking_decide(tmp_path: Path, judgement: dict[str, Any], said: str) -> None:
    sentence = why(judged(tmp_path, make_samples(), **judgement))
    assert sentence.startswith("No published numbers stand beside this table: ")
    assert sentence.endswith(f"{said}.")


def test_another_scoring_gets_none(whole: Scored) -> None:
    other = score(whole.run, whole.judgement, find_scoring("micro"))
    assert why(other).endswith("its scoring is micro.1, and theirs the official one.")
    assert why(whole) == ""


def test_nothing_known_is_said(whole: Scored, tmp_path: Path) -> None:
    page, value, _ = report(whole, tmp_path, [result(language="cn"), result(family="unstated")])
    assert page.tables[0].rows == [
        ["No published numbers stand beside this table: none are known for its judge, language and set."]
    ]
    assert value["tables"][0]["published_left_out"] == {"with no judge named": 1}


def test_hostile_text_is_shown_as_text(whole: Scored, tmp_path: Path) -> None:
    named = {"site": {**SITE, "reported_by": EVIL, "date": EVIL, "kind": EVIL, "title": EVIL}}
    evil = [
        result(EVIL, 1.0 + n, printed=EVIL + "!", judge=EVIL, note=f"{EVIL}\n\u202e\u2028 \ud800") for n in range(2)
    ]
    published = read_published(write(tmp_path / "evil.json", whole_file(evil, sources=named)))
    page = Boards(build_report([whole], tmp_path / "out", published=published))
    plain = Boards(build_report([whole], tmp_path / "plain"))
    count = [sum(tag == "script" for tag, _ in one.tags) for one in (page, plain)]
    assert count[0] == count[1]
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") or name == "style" for name in attrs)]
    assert page.tables[0].rows[1][0].startswith("</table></script>")
    lines = [line for line in (tmp_path / "out" / "leaderboard.md").read_text().splitlines() if "alert" in line]
    assert len(lines) == 1
    assert r"\<script\>" in lines[0]


@pytest.mark.parametrize(
    "address",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org", "www.example.org"),
        *(
            "https://",
            "https://a b",
            'https://a/"onclick="x',
            "https://a/<b>",
            "https://a/\n",
            " https://a",
            "HTTPS://a",
        ),
        "https://user:word@example.org/",
    ],
)
def test_only_plain_web_addresses_pass(tmp_path: Path, address: str) -> None:
    value = whole_file([result()], sources={"site": {**SITE, "address": address}})
    with pytest.raises(DataError, match="is no plain http or https address"):
        read_published(write(tmp_path / "file.json", value))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "is no JSON object"),
        ({**whole_file([]), "version": 2}, "of version 2, not 1"),
        ({**whole_file([]), "scale": [0, 100]}, "scores from 0 to 10"),
        ({**whole_file([]), "extra": 1}, "unknown field 'extra'"),
        ({**whole_file([]), "results": {}}, "no list of results"),
        (whole_file([1]), "result 1 is no JSON object"),
        (whole_file([result(overal=1)]), "result 1 has an unknown field 'overal'"),
        (whole_file([result(), result(source="sit")]), "result 2 is from the unknown source 'sit'"),
        (whole_file([result(overall=None)]), "has no overall"),
        (whole_file([result(overall=11)]), "overall can't be 11"),
        (whole_file([result(overall=float("nan"))]), "overall can't be nan"),
        (whole_file([result(sc="7")]), "sc can't be '7'"),
        (whole_file([result(pq=True)]), "pq can't be True"),
        (whole_file([result(model=" ")]), "model can't be ' '"),
        (whole_file([result(language="de")]), "unknown language 'de'"),
        (whole_file([result(family="G")]), "unknown family 'G'"),
        (whole_file([result(own="yes")]), "own can't be 'yes'"),
        (whole_file([result(flags=["mikro"])]), "unknown flag 'mikro'"),
        (whole_file([result(flags="micro")]), "flags are no list"),
        (whole_file([result(categories=[1, 2])]), "no list of 11 numbers"),
        (whole_file([], sources={"site": {**SITE, "url": ""}}), "source 'site' has an unknown field 'url'"),
        (whole_file([], sources={"site": {"date": "", "kind": "x"}}), "reported_by can't be None"),
    ],
)
def test_what_the_file_can_not_be_is_said(tmp_path: Path, value: Json, said: str) -> None:
    with pytest.raises(DataError) as raised:
        read_published(write(tmp_path / "file.json", value))
    assert said in str(raised.value)
    assert raised.value.hint


def test_a_file_that_is_no_json_or_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="can't be read: No such file"):
        read_published(tmp_path / "none.json")
    (tmp_path / "file.json").write_bytes(b"\xff{")
    with pytest.raises(DataError, match="are no JSON"):
        read_published(tmp_path / "file.json")
    (tmp_path / "file.json").write_text("[" * 100_000)
    with pytest.raises(DataError, match="are no JSON"):
        read_published(tmp_path / "file.json")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from([*result(), "sc", "pq", "own", "flags", "note", "categories", "printed"]), value=ANYTHING)
def test_whatever_a_field_holds_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    path = write(tmp_path_factory.getbasetemp() / "any.json", whole_file([{**result(), name: value}]))
    found = None
    with contextlib.suppress(DataError):
        [found] = read_published(path)
    assert found is None or 0 <= found.overall <= 10


def test_the_bundled_file_holds_what_was_found() -> None:
    found = read_published()
    assert len(found) == 579
    assert {one.language for one in found} == {*LANGUAGES, "unstated"}
    assert {flag for one in found for flag in one.flags} == {*REMARKS, *LEFT_OUT}
    assert all(one.source.date for one in found)
    assert sum(one.own for one in found) == 115
    april, july = (
        next(
            one
            for one in found
            if (one.model, one.language, one.subset, one.source.date) == ("Step1X-Edit v1.0", "en", "full", date)
            and one.categories
        )
        for date in ("2025-04-25..2025-06-26", "2025-07-31")
    )
    assert (april.overall, april.categories["motion_change"]) == (6.701, 6.483)
    assert july.categories["motion_change"] < 4
    assert sum(april.categories.values()) / len(TASKS) == pytest.approx(april.overall, abs=1e-3)


def test_the_bundled_numbers_stand_beside_a_whole_table(whole: Scored, tmp_path: Path) -> None:
    page = api.build_report([whole.run.path], tmp_path / "out", with_published=True)
    table = json.loads((tmp_path / "out" / "leaderboard.json").read_text())["tables"][0]
    bagel = next(row for row in table["published"] if row["model"] == "BAGEL")
    assert (bagel["overall_low"], bagel["overall_high"]) == (6.125, 6.602)
    assert table["published_left_out"] == {"with no judge named": 62}
    assert len(table["published"]) == 78
    assert "four causes are" in page.read_text()
    own = write(tmp_path / "own.json", whole_file([result(family="G")]))
    with pytest.raises(DataError, match="unknown family 'G'"):
        api.build_report([whole.run.path], tmp_path / "none", with_published=own)
    assert not (tmp_path / "none").exists()


@given(values=st.lists(st.floats(-5, 15), min_size=1, max_size=9))
def test_a_strip_has_a_mark_for_each_number_within_its_scale(values: list[float]) -> None:
    scale = scale_of([2.0, 8.0])
    drawn = str(spread_svg(scale, values, '"</svg>'))
    assert "&lt;/svg&gt;" in drawn
    marks = [float(place) for place in re.findall(r"M([\d.]+) 2V", drawn)]
    assert marks == sorted({scale.place(min(max(2, value), 8)) for value in values})
    ranges = re.findall(r'class="range" d="M([\d.]+) 7H([\d.]+)"', drawn)
    assert [tuple(map(float, one)) for one in ranges] == ([(marks[0], marks[-1])] if len(marks) > 1 else [])


def test_the_page_about_it_counts_right() -> None:
    text = " ".join((Path(__file__).parents[2] / "docs" / "published.md").read_text(encoding="utf-8").split())
    found = read_published()
    models, sources = {one.model for one in found}, {one.source for one in found}
    assert f"{len(found)} numbers for {len(models)} models from {len(sources)} sources" in text
    unstated = sum(one.family == "unstated" for one in found)
    assert f"names no judge ({unstated} of the {len(found)})" in text
    for flag in (*REMARKS, *LEFT_OUT):
        [said] = re.findall(rf"`{flag}`(?: \((\d+)\))?:.*?(?:\((\d+)\))?[,.;:]", text)
        assert str(sum(flag in one.flags for one in found)) in said
    english = [one for one in found if (one.language, one.subset, one.family) == ("en", "full", "gpt")]
    values = [[one.overall for one in english if one.model == model] for model in models]
    several = [one for one in values if len(one) > 1]
    widest = max(max(one) - min(one) for one in several)
    assert f"Of the {len(several)} models" in text
    assert f"up to {widest:.2f} apart" in text
