import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from report_fixtures import failed, good, judged, make_judgement, make_run, make_samples, picture, reply_text, sources

from gedit_bench.errors import UnavailableError
from gedit_bench.records import Aspect, Edit, EditStatus, Sample
from gedit_bench.report.build import build_report
from gedit_bench.report.packing import script_data
from gedit_bench.results import score

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> & \u2028 \ud800 <!-- <script> \"'"


class Page(HTMLParser):
    """What a browser would see: elements, text, and the JSON."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self.feed(self.source)
        self.data = json.loads(self.scripts[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and not self.scripts[-1]:
            self.scripts[-1] = data
        else:
            self.text.append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def test_a_report_is_whole(tmp_path: Path) -> None:
    path = build_report([judged(tmp_path, make_samples())], tmp_path / "out", sources=sources, title="My title")
    assert path == tmp_path / "out" / "index.html"
    assert sorted(p.name for p in path.parent.iterdir()) == [
        *("claims.md", "index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md", "leaderboard.tex"),
        *("scores.csv", "thumbs"),
    ]
    page = Page(path)
    assert page.count("script") == 3
    assert page.count("table") == 5  # two boards, two category tables, one of settings
    assert page.count("caption") == 5
    for said in ("My title", "painter", "8.00", "6.00", "6.93", "11/11", "100 %", "2.50", "gedit-bench run --model"):
        assert said in page.words
    for said in ("steps", "guidance", "command line", "abab", "official-0a1b2c3d", "judge-1@api.example", "max_tokens"):
        assert said in page.words
    assert 'aria-label="Warnings"' not in page.source


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    page = Page(build_report([judged(tmp_path, make_samples())], tmp_path / "out"))
    assert not [tag for tag in page.tags if "src" in tag[1] or (tag[0] == "link")]
    assert not [tag for tag in page.tags if any(name.startswith("on") or name == "style" for name in tag[1])]
    assert "http:" not in page.source.replace("http-equiv", "")
    assert "https:" not in page.source
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; img-src 'self' file: data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    samples = [replace(sample, instruction=EVIL) for sample in make_samples()]
    scored = judged(
        tmp_path,
        samples,
        name=EVIL,
        run={
            "edits": lambda s, e: failed(e, EditStatus.EDIT_FAILED, EVIL) if s is samples[0] else e,
            "notes": EVIL,
            "settings": {EVIL: EVIL},
            "origins": {EVIL: EVIL},
            "artifacts": {EVIL: EVIL},
            "dataset": EVIL,
        },
        answers=lambda s, a: reply_text(1, 2, EVIL),
        judge=EVIL,
        returned=EVIL,
    )
    page = Page(build_report([scored], tmp_path / "out", title=EVIL))
    assert page.count("script") == 3
    assert page.count("img") == 0
    assert "alert(1)" in page.words
    for raw in ("</script><script>alert", "<img", "<!--"):
        assert raw not in page.source.lower().replace("<!doctype", "")
    assert page.data["samples"][0]["instruction"] == EVIL
    assert page.data["samples"][0]["cells"][0]["message"] == EVIL
    assert json.loads(page.data["samples"][1]["cells"][0]["sc"]["reply"])["reasoning"] == EVIL


def test_each_reply_is_held_once_and_its_reasoning_found_in_it(tmp_path: Path) -> None:
    words = 'Unique words 𝄞 "quoted" \n 好 end'
    samples = make_samples(("en", "cn"))

    def answers(sample, aspect):
        raw = json.dumps({"reasoning": words, "score": [8, 9]}, ensure_ascii=aspect is Aspect.SC)
        return "𝄞 Here: " + raw if sample is samples[0] else good(sample, aspect)

    page = Page(build_report([judged(tmp_path, samples, answers=answers)], tmp_path / "out"))
    assert page.source.count("Unique words") == 2  # SC and PQ, one reply each
    cell = page.data["samples"][0]["cells"][0]
    assert all("why" not in one["cells"][0]["sc"] for one in page.data["samples"][1:])  # the reply is the object itself
    for aspect in (cell["sc"], cell["pq"]):
        units = aspect["reply"].encode("utf-16-le")
        start, end = aspect["why"]
        assert json.loads(units[2 * start : 2 * end].decode("utf-16-le")) == words


def test_large_data_is_packed() -> None:
    samples = [
        {"id": f"s{nth}", "instruction": "</script>" * 30, "cells": [{"e": 0, "o": nth / 7}]} for nth in range(4000)
    ]
    kind, found = script_data({"entries": [], "samples": samples})
    assert kind == "application/gzip"
    assert len(found) < 60_000
    assert json.loads(gzip.decompress(base64.b64decode(found)))["samples"]["rows"] == 4000


def test_warnings_are_told(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    run = make_run(tmp_path, samples, name="changed")
    make_judgement(run, samples[:5], returned="judge-1-2026")
    changed = score(run, make_judgement(run, samples[5:], returned="judge-1-2027"))
    broken = judged(tmp_path, samples, name="broken", run={"image": lambda s: picture((s.row, 0, 0))})
    edits = list(broken.run.edits().values())
    broken.run.image_path(edits[0]).unlink()
    broken.run.image_path(edits[1]).write_bytes(b"?")
    with (broken.judgement.path / "replies.jsonl").open("ab") as file:
        file.write(b'{"cut')
    offline = judged(tmp_path, samples, name="o", judge="offline", protocol="pixels", vlm=False, returned=None)
    partial = judged(tmp_path, samples, name="p", answers=lambda s, a: None if s is samples[0] else good(s, a))
    short = judged(tmp_path, samples[2:], name="short")
    path = build_report([changed, broken, offline, partial, short], tmp_path / "out")
    told = json.loads((path.parent / "leaderboard.json").read_text())["warnings"]
    assert list(told) == ["partial", "damaged", "judge", "coverage", "empty", "mixed", "offline", "sources"]
    assert told["partial"][0].startswith("p, English, judged by judge-1@api.example: partial: 1 of 22")
    assert told["damaged"] == [
        "broken: 2 of its images are missing, unreadable or not the recorded ones.",
        "broken: 1 damaged line(s) of replies.jsonl were left out.",
    ]
    assert "answered as judge-1-2026 and as judge-1-2027" in told["judge"][0]
    assert len(told["mixed"]) == 2
    assert "no VLM looked" in told["offline"][0]
    page = Page(path)
    assert all(text in page.words for texts in told.values() for text in texts)
    assert page.words.count("no VLM") > 4
    cells = [sample["cells"] for sample in page.data["samples"]]
    lost = [c for row in cells for c in row if c["e"] == 1 and "thumb" not in c]
    assert len(lost) == 2


def test_missing_sources_are_said_and_a_closed_dataset_is_asked_once(tmp_path: Path) -> None:
    asked = []

    def closed(run, sample):
        asked.append(sample)
        raise UnavailableError("no network")

    page = Page(build_report([judged(tmp_path, make_samples())], tmp_path / "out", sources=closed))
    assert len(asked) == 1
    assert "The sources of 11 samples are not available here." in page.words
    assert all("source" not in sample or sample["source"] is None for sample in page.data["samples"])


def test_sources_and_twins_share_thumbnails(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    page = Page(build_report([judged(tmp_path, samples)], tmp_path / "out", sources=sources))
    paths = {sample["source"] for sample in page.data["samples"]}
    assert len(paths) == 11
    assert all((tmp_path / "out" / path).is_file() for path in paths)
    assert len(list((tmp_path / "out" / "thumbs").rglob("*.webp"))) == 12  # and one edit, the same everywhere


def test_one_sample_is_a_report(tmp_path: Path) -> None:
    page = Page(build_report([judged(tmp_path, make_samples()[:1])], tmp_path / "out"))
    assert "no headline: categories color_alter" in page.words
    assert len(page.data["samples"]) == 1


def test_nothing_judged_is_said(tmp_path: Path) -> None:
    page = Page(build_report([], tmp_path / "out"))
    assert "Nothing has been judged yet." in page.words


def test_samples_of_two_datasets_do_not_share_a_card(tmp_path: Path) -> None:
    samples = make_samples()
    others = [replace(sample, instruction="Something else") for sample in samples]
    page = Page(build_report([judged(tmp_path, samples), judged(tmp_path, others, name="b")], tmp_path / "out"))
    assert len(page.data["samples"]) == 22
    assert len({sample["id"] for sample in page.data["samples"]}) == 22


def test_a_file_outside_its_run_is_not_linked(tmp_path: Path) -> None:
    samples = make_samples()[:1]
    Image.new("RGB", (4, 4)).save(tmp_path / "secret.png")
    scored = judged(tmp_path / "r", samples, run={"edits": lambda s, e: replace(e, file="../../../secret.png")})
    page = Page(build_report([scored], tmp_path / "out"))
    (cell,) = page.data["samples"][0]["cells"]
    assert "full" not in cell
    assert "thumb" not in cell


def test_a_partial_report_can_be_allowed(tmp_path: Path) -> None:
    samples = make_samples(each=30)
    scored = judged(tmp_path, samples, answers=lambda s, a: None if s is samples[0] else good(s, a))
    page = Page(build_report([scored], tmp_path / "out", allow_partial=True))
    assert "the headline is over what is there" in page.words
    assert "6.93" in page.words


def test_a_full_disk_is_no_missing_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise UnavailableError("The disk is full.")

    monkeypatch.setattr("gedit_bench.report.thumbnails.write_bytes", full)
    with pytest.raises(UnavailableError):
        build_report([judged(tmp_path, make_samples()[:1])], tmp_path / "out")


def test_damage_is_told_once_a_run_and_not_once_an_image(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = {"image": lambda sample: picture((sample.row, 9, 9))}
    scored = judged(tmp_path, make_samples(each=2), name="moved", run=run)
    for edit in scored.run.edits().values():
        scored.run.image_path(edit).write_bytes(picture("red"))
    build_report([scored], tmp_path / "out")
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["moved: 22 of its images are missing, unreadable or not the recorded ones."]


def test_three_warnings_of_a_kind_are_one_line_that_unfolds(tmp_path: Path) -> None:
    samples = make_samples(each=2)

    def thin(sample: Sample, edit: Edit) -> Edit:
        return failed(edit, EditStatus.REFUSED) if sample is samples[0] else edit

    many = [judged(tmp_path, samples, name=f"m{nth}", run={"edits": thin}) for nth in range(3)]
    path = build_report(many, tmp_path / "out")
    assert len(json.loads((path.parent / "leaderboard.json").read_text())["warnings"]["coverage"]) == 3
    folded = re.findall(r"<summary>(\d+ rows have a category[^<]*)</summary>", path.read_text())
    assert folded == ["3 rows have a category of which less than 95 % was scored, and no rank"]
    few = build_report(many[:2], tmp_path / "few").read_text()
    assert "rows have a category" not in few
    assert "m0, English, judged by judge-1@api.example: coverage below 95 %: background_change 50%." in few
