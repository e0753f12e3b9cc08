"""`judge --judge replay:…`: stored replies give the same numbers again, with no key, no network, no data."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from program import gedit_bench, judgements, manifest, runs, tree

FILES = ("scores.csv", "replies.jsonl", "samples.jsonl")


@pytest.fixture
def original(run: Path) -> Path:
    """The judgement of the first run."""
    [folder] = (run / "judgments").iterdir()
    return folder


def replayed(run: Path) -> list[Path]:
    return sorted((run / "judgments").glob("*_replayed-*"))


def change(replies: Path, changed: dict[str, object] | None, **which: object) -> None:
    """Change, or remove, the stored replies that have some values."""
    lines = [json.loads(line) for line in replies.read_text().splitlines()]
    kept = []
    for line in lines:
        if all(line[name] == value for name, value in which.items()):
            if changed is None:
                continue
            line |= changed
        kept.append(json.dumps(line, separators=(",", ":")))
    assert kept != lines
    replies.write_text("\n".join(kept) + "\n")


@pytest.mark.parametrize("named", ["run", "judgement"])
def test_a_round_trip_is_equal_to_the_last_bit(named: str, run: Path, original: Path, data: Path) -> None:
    shutil.move(run, "sent")  # somebody else's folder now, and the data are nowhere
    sent = Path("sent")
    source = sent if named == "run" else sent / "judgments" / original.name
    before = tree(sent)
    ended = gedit_bench("judge", sent, "--judge", f"replay:{source}", env={"HF_HUB_OFFLINE": "1"})
    assert ended.code == 0, ended.err
    [folder] = replayed(sent)
    for name in FILES:
        assert (folder / name).read_bytes() == (sent / "judgments" / original.name / name).read_bytes(), name
    assert {path: content for path, content in tree(sent).items() if folder not in path.parents} == before
    assert "all 4 rows of the original scores.csv that were compared are what its replies say" in ended.err


def test_where_the_replies_were_found_makes_no_difference(run: Path, original: Path) -> None:
    assert gedit_bench("judge", run, "--judge", f"replay:{run}").code == 0
    [folder] = replayed(run)
    before = manifest(folder)
    shutil.copytree(original, "alone")  # a judgement that was sent without its run
    assert gedit_bench("judge", run, "--judge", "replay:alone").code == 0
    assert (replayed(run), manifest(folder)) == ([folder], before)


def test_a_replay_never_looks_like_a_fresh_judgement(run: Path, original: Path) -> None:
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    [folder] = replayed(run)
    fresh, again = manifest(original), manifest(folder)
    assert (again["judge"], again["request_id"], again["vlm"]) == (fresh["judge"], fresh["request_id"], fresh["vlm"])
    assert again["replayed_from"].startswith(f"identity/{run.name}/judgments/{original.name} (")
    assert "judged by offline@local (replayed)" in ended.out
    assert "nobody was asked: replies replayed from" in ended.out
    assert json.loads((folder / "summary.json").read_text())["replayed_from"] == again["replayed_from"]
    assert "replayed from" in gedit_bench("status", run).out
    assert "offline@local (replayed)" in gedit_bench("ls", "runs").out
    page = Path(gedit_bench("report", run).out.strip())
    assert f"{again['replayed_from']}" in page.read_text()
    rows = json.loads((page.parent / "leaderboard.json").read_text())["tables"][0]["rows"]
    assert {row["replayed_from"] for row in rows} == {None, again["replayed_from"]}
    assert again["replayed_from"] in (page.parent / "leaderboard.csv").read_text()
    assert "replayed |" in (page.parent / "leaderboard.md").read_text().replace("; ", " | ")
    assert "identity (replayed)" in page.read_text()


def test_replaying_twice_changes_nothing_and_a_smaller_selection_takes_nothing_away(run: Path) -> None:
    one = ("judge", run, "--judge", f"replay:{run}", "--task", "color_alter")
    assert gedit_bench(*one).code == 0
    [folder] = replayed(run)
    assert len((folder / "replies.jsonl").read_text().splitlines()) == 2
    assert gedit_bench("judge", run, "--judge", f"replay:{run}").code == 0
    assert len((folder / "replies.jsonl").read_text().splitlines()) == 8
    assert gedit_bench(*one).code == 0
    assert replayed(run) == [folder]
    assert len((folder / "replies.jsonl").read_text().splitlines()) == 8


def test_all_attempts_are_taken_over_and_the_same_one_decides(run: Path, original: Path) -> None:
    key = f"{1:032x}"
    replies = original / "replies.jsonl"
    [sc] = [
        line
        for line in map(json.loads, replies.read_text().splitlines())
        if (line["key"], line["aspect"]) == (key, "SC")
    ]
    change(replies, {"content": "no idea"}, key=key, aspect="SC")
    with replies.open("a") as lines:
        for attempt, content in ((1, "none either"), (2, '{"score": [7, 8]}')):  # the last by --only failed
            lines.write(json.dumps(sc | {"attempt": attempt, "content": content}) + "\n")
    (original / "scores.csv").unlink()
    assert gedit_bench("judge", run, "--judge", f"replay:{run}").code == 0
    [folder] = replayed(run)
    assert (folder / "replies.jsonl").read_text().count(key) == 4
    assert f"color_alter,{key},en," in (folder / "scores.csv").read_text()
    [row] = [line for line in (folder / "scores.csv").read_text().splitlines() if line.startswith(f"color_alter,{key}")]
    assert ",ok,7.0,json," in row


@pytest.mark.parametrize("kind", ["gone", "another image", "asked once only"])
def test_a_missing_reply_fails_loudly_and_nothing_is_written(kind: str, run: Path, original: Path) -> None:
    which = {"key": f"{15:032x}", "aspect": "PQ"}
    changed = {"another image": {"edit_sha256": "0" * 64}, "asked once only": {"content": "hm"}}.get(kind)
    change(original / "replies.jsonl", changed, **which)
    before = tree(run)
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    assert ended.code == 2
    assert f"lacks a reply about ps_human/en/{15:032x}, PQ" in ended.err
    assert tree(run) == before
    assert gedit_bench("judge", run, "--judge", f"replay:{run}", "--task", "color_alter").code == 0


def test_an_image_that_is_not_the_recorded_one_fails_and_one_that_is_gone_is_said(run: Path) -> None:
    image = sorted(run.rglob("*.png"))[0]
    whole = image.read_bytes()
    image.write_bytes(whole + b"x")
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    assert ended.code == 2
    assert "is not the image recorded for" in ended.err
    image.unlink()
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    assert ended.code == 0
    assert "1 images are not here; the recorded SHA-256 stand for them" in ended.err


def test_numbers_that_the_replies_do_not_say_are_pointed_out(run: Path, original: Path) -> None:
    scores = original / "scores.csv"
    text = scores.read_text()
    scores.write_text(text.replace(",ok,0.0,", ",ok,9.0,", 1))
    assert scores.read_text() != text
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    assert ended.code == 0
    assert "1 of 4 rows of the original scores.csv are not what its replies say" in ended.err


def test_equal_images_of_another_run_take_the_replies_over(run: Path, data: Path, ids: Path, original: Path) -> None:
    twin = ("--model", f"folder:{run / 'images'}", "--data", data, "--ids", ids)
    assert gedit_bench("run", *twin, "--judge", f"replay:{run}", "--out", "new").code == 0
    [other] = runs(Path("new"))
    [folder] = replayed(other)
    assert (folder / "scores.csv").read_bytes() == (original / "scores.csv").read_bytes()


def test_other_images_do_not(run: Path, data: Path, ids: Path) -> None:
    images = shutil.copytree(run / "images", "others")
    for path in Path(images).rglob("*.png"):
        with Image.open(path) as image:
            image.point(lambda level: 255 - level).save(path)
    twin = ("--model", f"folder:{images}", "--data", data, "--ids", ids)
    ended = gedit_bench("run", *twin, "--judge", f"replay:{run}", "--out", "new")
    assert ended.code == 2
    assert "about another image of that sample only" in ended.err


def test_other_data_do_not(run: Path, data: Path, other_data: Path) -> None:
    twin = ("--model", "identity", "--data", other_data, "--task", "color_alter", "--out", "new")
    assert gedit_bench("edit", *twin).code == 0
    ended = gedit_bench("judge", runs(Path("new"))[0], "--judge", f"replay:{run}")
    assert ended.code == 2
    assert "another revision of the benchmark" in ended.err


def test_plan_score_and_doctor_know_of_replays(run: Path, original: Path, data: Path, ids: Path) -> None:
    base = ("plan", "--model", "identity", "--data", data, "--ids", ids, "--judge", f"replay:{run}", "--json")
    found = gedit_bench(*base).json()
    assert (found["judge"], found["questions"], found["missing"]) == ("offline@local (replayed)", 0, [])
    image = next(run.rglob("*.png"))
    ended = gedit_bench("score", image, image, "x", "--judge", f"replay:{run}", "--protocol", "native")
    assert ended.code == 2
    assert "can't be asked anew" in ended.err
    looked = {one["what"]: one["found"] for one in gedit_bench("doctor", "--judge", f"replay:{run}", "--json").json()}
    assert looked["judge"] == "8 replies of offline@local are stored; nobody is asked."
    assert looked["rubric"] == "none needed: nobody is asked"
    change(original / "replies.jsonl", None, key=f"{4:032x}")
    [missing] = gedit_bench(*base).json()["missing"]
    assert "lacks a reply" in missing


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--judge", "replay"), "Which replies are meant isn't said"),
        (("--judge", "replay:nowhere"), "is no run"),
        (("--judge", "replay:RUN", "--protocol", "native"), "answers under the protocol 'pixels'"),
        (("--judge", "replay:RUN", "--only", "failed"), "A replay asks nobody"),
        (("--judge", "replay:RUN", "--rubric", "."), "A replay asks nobody"),
    ],
)
def test_what_cannot_be_replayed_is_said(words: tuple[str, ...], message: str, run: Path) -> None:
    ended = gedit_bench("judge", run, *(word.replace("RUN", str(run)) for word in words))
    assert ended.code == 2
    assert message in ended.err


def test_of_several_judgements_one_must_be_named_and_no_replay_is_replayed(run: Path, original: Path) -> None:
    assert gedit_bench("judge", run, "--judge", f"replay:{run}").code == 0
    [copy] = replayed(run)
    ended = gedit_bench("judge", run, "--judge", f"replay:{copy}")
    assert (ended.code, "is a replay itself" in ended.err) == (2, True)
    assert gedit_bench("judge", run, "--judge", f"replay:{run}").code == 0  # the original is still the only one
    other = shutil.copytree(original, original.with_name("offline@elsewhere_pixels-12345678"))
    ended = gedit_bench("judge", run, "--judge", f"replay:{run}")
    assert (ended.code, "has 2 judgements" in ended.err) == (2, True)
    assert str(other) in ended.err


def test_compare_takes_the_original(results: Path) -> None:
    first, second = runs(results)
    before = gedit_bench("compare", first, second).out
    assert gedit_bench("judge", first, "--judge", f"replay:{first}").code == 0
    assert gedit_bench("compare", first, second).out == before
    [copy] = replayed(first)
    assert len(judgements(results)) == 3
    words = gedit_bench("compare", copy, second, "--format", "json").json()["differences"]
    assert any("replies replayed from" in word for word in words)
