"""One run judged in several ways: asked under two protocols, and its replies scored by two scorings."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from judge_process import JudgeProcess, judge_process
from program import gedit_bench, judgements, manifest, tree

from gedit_bench.judging import official_rubric
from gedit_bench.judging.protocol import PROTOCOLS, Rubric
from gedit_bench.scoring.scorings import SCORINGS

TEXTS = ("context\n", "two images\n", "follow <instruction>\n", "quality\n")
NAMES = (
    *("_context_no_delimit", "_prompts_0shot_two_image_edit_rule"),
    *("_prompts_0shot_tie_rule_SC", "_prompts_0shot_rule_PQ"),
)
TWO = ("--protocol", "native", "--protocol", "lmms-eval")


@pytest.fixture(scope="module")
def server() -> Iterator[JudgeProcess]:
    with judge_process() as running:
        yield running


@pytest.fixture
def rubric(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that passes for the official rubric; nothing else does, and nothing is fetched."""
    texts = Rubric("\n".join(TEXTS[:3]), f"{TEXTS[0]}\n{TEXTS[3]}")
    monkeypatch.setattr(official_rubric, "HASHES", texts.hashes())
    monkeypatch.setenv("GEDIT_BENCH_CACHE", str(here / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    path = here / "vie_prompts.py"
    path.write_text("".join(f"{name} = {text!r}\n" for name, text in zip(NAMES, TEXTS, strict=True)))
    return path


@pytest.fixture
def asked(server: JudgeProcess, run: Path) -> tuple[object, ...]:
    """The command that judges the run by the server; its offline judgement is put out of the way."""
    for folder in judgements():
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return ("judge", run, "--judge", "fake-judge", "--base-url", server.url)


@pytest.fixture
def judged(asked: tuple[object, ...], rubric: Path, run: Path) -> Path:
    """The run, judged under both protocols."""
    assert gedit_bench(*asked, *TWO, "--rubric", rubric).code == 0
    return run


def answer(folder: Path, sample: str, aspect: str, **changes: object) -> None:
    """Change what a judge said of one aspect of a sample."""
    path = folder / "replies.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        identity = f"{line['task_type']}/{line['instruction_language']}/{line['key']}"
        if identity == sample and line["aspect"] == aspect:
            line.update(changes)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def all_eights(run: Path) -> dict[str, Path]:
    """Let every reply of the run be 8 and 8; return its judgements by protocol."""
    found = {manifest(folder)["protocol"]: folder for folder in (run / "judgments").iterdir()}
    for folder in found.values():
        path = folder / "replies.jsonl"
        lines = [json.loads(line) | {"content": '{"score": [8, 8]}'} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return found


def test_judge_asks_under_each_protocol_once(
    asked: tuple[object, ...], rubric: Path, run: Path, server: JudgeProcess
) -> None:
    before = server.stats().get("requests", 0)
    command = (*asked, *TWO, "--limit", 1, "--lang", "en", "--rubric", rubric)
    ended = gedit_bench(*command)
    assert ended.code == 0, ended.err
    assert re.findall(r"asked as ([a-z-]+)-[0-9a-f]{8}, scored as official\.1", ended.out) == ["native", "lmms-eval"]
    assert re.findall(r"^judge identity  (\d/\d)", ended.err, re.MULTILINE) == ["0/4", "4/4"] * 2
    found = {manifest(folder)["protocol"]: folder for folder in judgements()}
    assert set(found) == {"native", "lmms-eval"}
    assert server.stats().get("requests", 0) - before == 8  # two samples, two aspects, two protocols
    images = [json.loads(line) for path in found.values() for line in (path / "replies.jsonl").read_text().splitlines()]
    assert len({line["request_sha256"] for line in images}) == 8
    whole = tree(run)
    assert gedit_bench(*command).out == ended.out
    assert server.stats().get("requests", 0) - before == 8
    assert tree(run) == whole
    (found["lmms-eval"] / "replies.jsonl").unlink()
    assert gedit_bench(*command).code == 0
    assert server.stats().get("requests", 0) - before == 12


def test_a_protocol_that_is_not_to_be_had_is_said_before_anything_is_asked(
    asked: tuple[object, ...], rubric: Path, server: JudgeProcess
) -> None:
    before = server.stats().get("requests", 0)
    ended = gedit_bench(*asked, "--protocol", "native", "--protocol", "evalscope", "--rubric", rubric)
    assert ended.code == 5
    assert "The protocol 'evalscope' is not available" in ended.err
    assert "pip download --no-deps evalscope==1.14.1" in ended.err
    assert server.stats().get("requests", 0) == before
    assert not judgements()


def test_verbs_that_ask_in_one_way_take_one_protocol(run: Path) -> None:
    image = next(run.rglob("*.png"))
    ended = gedit_bench("score", image, image, "x", *TWO)
    assert ended.code == 2
    assert "takes one --protocol only" in ended.err


def test_two_protocols_of_a_run_are_set_side_by_side(judged: Path) -> None:
    found = all_eights(judged)
    sample = f"ps_human/en/{4:032x}"
    answer(found["lmms-eval"], sample, "SC", content='{"score": [2, 5]}')
    command = ("compare", judged, "--protocol", "native", "--protocol", "lmms-eval")
    ended = gedit_bench(*command)
    assert ended.code == 0
    assert "Not the same way of asking: native-" in ended.err
    tables = {block.split(",")[0]: block for block in ended.out.split("\n\n") if ", en" in block.splitlines()[0]}
    assert list(tables) == ["O", "SC", "PQ", "lost"]
    assert re.search(r"O, en +n +native +lmms-eval +difference +95 % interval", tables["O"])
    assert re.search(r"ps_human +2 +8\.000 +6\.000 +-2\.000 +\[-4\.000, \+0\.000\] +0 +1 +1", tables["O"])
    assert re.search(r"ps_human +2 +8\.000 +5\.000 +-3\.000 +\[-6\.000, \+0\.000\] +0 +1 +1", tables["SC"])
    assert re.search(r"macro of 2 categories +3 +8\.000 +8\.000 +\+0\.000 +– +0 +0 +3", tables["PQ"])
    turned = gedit_bench("compare", judged, "--protocol", "lmms-eval", "--protocol", "native", "--json").json()
    assert turned["languages"]["en"]["aspects"]["SC"]["ps_human"]["difference"] == 3
    assert turned["languages"]["en"]["moved_most"][0]["sample"] == sample


def test_compare_says_what_it_lacks(judged: Path) -> None:
    alone = gedit_bench("compare", judged)
    assert (alone.code, "There is nothing to compare with." in alone.err) == (2, True)
    many = gedit_bench("compare", judged, *TWO, "--protocol", "official")
    assert (many.code, "--protocol was given 3 times" in many.err) == (2, True)
    never = gedit_bench("compare", judged, "--protocol", "native", "--protocol", "official")
    assert never.code == 2
    assert "has not been judged under the protocol 'official'" in never.err
    assert f"gedit-bench judge {judged} --protocol official" in never.err
    unclear = gedit_bench("compare", judged, "--scoring", "official", "--scoring", "zeros")
    assert (unclear.code, "It is unclear which judgements are meant." in unclear.err) == (2, True)
    wrong = gedit_bench("compare", judged, "--scoring", "zero", "--scoring", "official")
    assert (wrong.code, "zeros" in wrong.err) == (2, True)


def test_two_scorings_of_a_judgement_are_set_side_by_side(judged: Path) -> None:
    folder = all_eights(judged)["native"]
    answer(folder, f"ps_human/en/{4:032x}", "SC", delivery="filtered", content=None)
    raw = (folder / "replies.jsonl").read_bytes()
    words = ("--scoring", "official", "--scoring", "zeros")
    ended = gedit_bench("compare", judged, "--protocol", "native", *words)
    assert ended.code == 0
    assert "Not the same scoring: official.1 against zeros.1." in ended.err
    tables = [block for block in ended.out.split("\n\n") if ", en" in block.splitlines()[0]]
    assert [table.split()[0] for table in tables] == ["O", "SC", "PQ"]
    assert "n scored as official  n scored as zeros" in tables[0]
    assert tables[0].splitlines()[-1].startswith("headline (macro) ")
    rows = [next(line.split() for line in table.splitlines() if line.startswith("ps_human")) for table in tables]
    assert [row[1:] for row in rows] == [
        ["1", "2", "8.000", "4.000", "-4.000"],
        ["1", "2", "8.000", "4.000", "-4.000"],
        ["2", "2", "8.000", "8.000", "+0.000"],
    ]
    micro = gedit_bench("compare", folder, "--scoring", "official", "--scoring", "micro")
    assert "headline (macro against micro)" in micro.out
    assert gedit_bench("compare", folder, *words).out == ended.out
    found = gedit_bench("compare", folder, *words, "--json").json()["languages"]["en"]["headlines"]
    assert [(one["scoring_id"], one["coverage"]) for one in found] == [("official.1", 0.666667), ("zeros.1", 0.666667)]
    assert (folder / "replies.jsonl").read_bytes() == raw


def test_one_scoring_is_for_both_sides(results: Path, judged: Path) -> None:
    other = next(path for path in (results / "pil-filters").iterdir() if path.is_dir())
    both = gedit_bench("compare", judged, judged, "--protocol", "native", "--scoring", "micro", "--json").json()
    assert {one["scoring_id"] for one in both["languages"]["en"]["headlines"]} == {"micro.1"}
    assert both["differences"] == []
    lacking = gedit_bench("compare", judged, other, "--protocol", "native")
    assert f"{other} has not been judged under the protocol 'native'" in lacking.err


def test_report_keeps_scorings_apart_and_says_what_they_do(judged: Path) -> None:
    folder = all_eights(judged)["native"]
    answer(folder, f"ps_human/en/{4:032x}", "SC", delivery="filtered", content=None)
    assert gedit_bench("report", judged, "--scoring", "official", "--scoring", "zeros", "--out", "page").code == 0
    tables = json.loads(Path("page/leaderboard.json").read_text())["tables"]
    assert {table["scoring_id"] for table in tables} == {"official.1", "zeros.1"}
    assert len({table["id"] for table in tables}) == len(tables)
    gedit_bench("report", judged, "--scoring", "evalscope", "--scoring", "official", "--out", "turned")
    assert json.loads(Path("turned/leaderboard.json").read_text())["tables"][0]["scoring_id"] == "official.1"
    chosen = [t for t in tables if (t["language"], t["subset"], t["protocol"]) == ("en", "full", "native")]
    means = {t["scoring_id"]: t["rows"][0]["categories"]["ps_human"]["overall"] for t in chosen}
    assert means == {"official.1": 8, "zeros.1": 4}
    assert all(table["rows"][0]["coverage"] == pytest.approx(2 / 3, abs=1e-6) for table in chosen)
    page = Path("page/index.html").read_text()
    words = SCORINGS["zeros"].words
    assert f"zeros.1: {words}" in page
    assert "Some rows are scored in another way" in page
    assert PROTOCOLS["lmms-eval"].words in page
    assert words in Path("page/leaderboard.md").read_text()
    gedit_bench("report", judged, "--out", "page")
    assert "Some rows are scored in another way" not in Path("page/index.html").read_text()
    assert gedit_bench("report", judged, "--scoring", "mikro").code == 2


def test_status_takes_a_scoring(judged: Path) -> None:
    folder = all_eights(judged)["native"]
    answer(folder, f"ps_human/en/{4:032x}", "SC", content="[8, 8]")
    plain, strict = gedit_bench("status", judged), gedit_bench("status", judged, "--scoring", "evalscope")
    assert "scored as" not in plain.out
    assert strict.out.count("scored as evalscope.1") == 2
    assert "en: 3 of 3 scored" in plain.out
    assert "en: 2 of 3 scored; left out: 1 SC unparsable" in strict.out
    found = gedit_bench("status", judged, "--scoring", "evalscope", "--json").json()[0]["judgements"]
    assert {one["scoring_id"] for one in found} == {"evalscope.1"}


@pytest.mark.parametrize("kind", ["protocols", "scorings"])
def test_ls_says_what_each_does(kind: str) -> None:
    there = PROTOCOLS if kind == "protocols" else SCORINGS
    assert [one["what it is"] for one in gedit_bench("ls", kind, "--json").json()] == [x.words for x in there.values()]
    assert all(name in gedit_bench("ls", kind).out for name in there)
