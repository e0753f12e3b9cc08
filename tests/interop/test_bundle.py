"""Bundles, by the command line: what goes in comes out, what was changed is refused, and nobody's machine is told."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from foreign_files import official_row, sample, write_table
from judge_process import judge_process
from PIL import Image
from program import KEY, gedit_bench, manifest, runs, start, tree
from report_fixtures import failed, good, judged, make_judgement, make_run, make_samples, reply_text

from gedit_bench.interop.scrubbing import scrubbed_text
from gedit_bench.records import Aspect, Delivery, EditStatus, Reply, Sample
from gedit_bench.results import score
from gedit_bench.store.imported import read_imported
from gedit_bench.store.provenance import this_writer
from gedit_bench.store.run import Run, note_writer

SECRET = "plain-value-of-a-token"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in `results`, with a failed edit, judged by a VLM; and its bundle in `to_share`."""
    folder = tmp_path_factory.mktemp("shared")
    samples = make_samples(("en", "cn"))
    edits = {"edits": lambda s, e: failed(e, EditStatus.REFUSED, "no people") if s is samples[0] else e}
    made = judged(folder / "results", samples, run=edits).run.path
    ended = gedit_bench("export", made, "--bundle", "--out", folder / "to_share/painter")
    assert ended.code == 0, ended.err
    return folder


@pytest.fixture
def run(shared: Path, here: Path) -> Path:
    """That run in `results`."""
    shutil.copytree(shared / "results", "results")
    return runs()[0]


@pytest.fixture
def bundle(shared: Path, here: Path) -> Path:
    """Its bundle, which may be spoilt."""
    shutil.copytree(shared / "to_share", "to_share")
    return Path("to_share/painter")


def list_again(bundle: Path) -> None:
    """Make the list fit whatever is in the folder now."""
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(bundle)}\n" for path in files]
    (bundle / "SHA256SUMS").write_text("".join(lines))


def refused(bundle: Path, *words: str) -> None:
    ended = gedit_bench("import", bundle, "--out", "theirs")
    assert ended.code == 2, ended.err
    sentence = ended.err.splitlines()[0]
    assert all(word in sentence for word in words), sentence
    assert not runs(Path("theirs"))
    assert not Path("theirs").exists() or not list(Path("theirs").rglob("*"))


def numbers(board: Path) -> list[dict[str, str]]:
    """The rows of a leaderboard.csv without what says whence they are."""
    return [{name: value for name, value in row.items() if name not in {"table", "trust"}} for row in rows_of(board)]


def rows_of(board: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((board / "leaderboard.csv").read_text().splitlines()))


def test_a_bundle_comes_back_as_the_same_run_with_the_same_numbers(run: Path, bundle: Path) -> None:
    ended = gedit_bench("import", bundle, "--out", "theirs")
    assert ended.code == 0, ended.err
    [taken] = runs(Path("theirs"))
    assert taken == Path("theirs") / run.relative_to("results")
    files = len((bundle / "SHA256SUMS").read_text().splitlines())
    assert f"All {files} files match their SHA-256." in ended.err
    assert tree(taken / "images").values()
    for path, content in tree(run / "images").items():
        assert (taken / path.relative_to(run)).read_bytes() == content
    before, after = Run.open(run), Run.open(taken)
    assert (after.edits(), after.samples()) == (before.edits(), before.samples())
    [original], [copy] = before.judgements(), after.judgements()
    assert copy.replies() == original.replies()
    assert score(after, copy).verdicts == score(before, original).verdicts
    assert {path.name for path in Path("theirs").iterdir()} == {"painter"}


def test_report_shows_it_as_reported_and_its_own_tables_as_run_here(run: Path, bundle: Path) -> None:
    assert gedit_bench("import", bundle, "--out", "theirs").code == 0
    assert gedit_bench("report", "results").code == gedit_bench("report", "theirs").code == 0
    told = json.loads(Path("theirs/leaderboard/leaderboard.json").read_text())
    assert {row["trust"] for table in told["tables"] for row in table["rows"]} == {"reported"}
    assert "bundle" in told["warnings"]["reported"][0]
    own = json.loads((bundle / "tables/leaderboard.json").read_text())
    assert {row["trust"] for table in own["tables"] for row in table["rows"]} == {"run here"}
    assert numbers(Path("theirs/leaderboard")) == numbers(bundle / "tables") == numbers(Path("results/leaderboard"))
    page = Path("theirs/leaderboard/index.html").read_text()
    assert hashlib.sha256((bundle / "SHA256SUMS").read_bytes()).hexdigest() in page


def test_its_replies_are_replayed_and_its_images_judged_here(here: Path) -> None:
    run_words = ("run", "--model", "pil-filters", "--data", "sample", "--task", "color_alter", "--lang", "en")
    assert gedit_bench(*run_words, "--judge", "offline").code == 0
    [run] = runs()
    assert gedit_bench("export", run, "--bundle", "--out", "b").code == 0
    assert gedit_bench("import", "b", "--out", "theirs").code == 0
    [taken] = runs(Path("theirs"))
    assert gedit_bench("judge", taken, "--judge", f"replay:{taken}").code == 0
    assert gedit_bench("judge", taken, "--judge", "offline").code == 0
    assert len(list((taken / "judgments").iterdir())) == 3
    assert gedit_bench("report", "theirs").code == 0
    rows = rows_of(Path("theirs/leaderboard"))
    assert sorted(row["trust"] for row in rows if row["subset"] == "full") == ["re-judged", "reported", "reported"]
    assert len({row["overall"] for row in rows if row["subset"] == "full"}) == 1
    same = gedit_bench("compare", taken, run)  # of the three it takes the one that was made here
    assert same.code == 0, same.err


def test_its_replies_are_never_taken_for_answers_that_were_given_here(here: Path) -> None:
    words = ("--data", "sample", "--task", "color_alter", "--lang", "en", "--limit", 1)
    with judge_process() as server:
        asking = ("--judge", "fake-judge", "--protocol", "native", "--base-url", server.url, "--endpoint-label", "fake")
        env = {"OPENAI_API_KEY": KEY}
        assert gedit_bench("run", "--model", "identity", *words, *asking, env=env).code == 0
        assert gedit_bench("export", runs()[0], "--bundle", "--out", "b").code == 0
        assert gedit_bench("import", "b", "--out", "theirs").code == 0
        [taken] = runs(Path("theirs"))
        asked = server.stats()["requests"]
        assert gedit_bench("judge", taken, *asking, env=env).code == 0
        assert server.stats()["requests"] == asked + 2
    here_made, reported = sorted((taken / "judgments").iterdir())
    assert reported.name.startswith(f"{here_made.name}_bundle-")
    assert "reused_from" not in (here_made / "replies.jsonl").read_text()


def test_sha256sum_accepts_the_list(bundle: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=bundle, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    listed = {line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text().splitlines()}
    there = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    assert listed == there - {"SHA256SUMS"}
    assert {"README.md", "run.json", "edits.jsonl", "tables/leaderboard.tex", "tables/scores.csv"} <= listed


def test_the_same_bundle_is_the_same_run_and_another_run_is_not_overwritten(run: Path, bundle: Path) -> None:
    assert gedit_bench("import", bundle, "--out", "theirs").code == 0
    before = tree(Path("theirs"))
    again = gedit_bench("import", bundle, "--out", "theirs")
    assert (again.code, "It was here already." in again.err) == (0, True)
    assert tree(Path("theirs")) == before
    own = tree(run)
    ended = gedit_bench("import", bundle)
    assert (ended.code, "already holds a run" in ended.err) == (2, True)
    assert tree(run) == own


FILES = (
    *("README.md", "run.json", "samples.jsonl", "edits.jsonl", "writers.jsonl", "tables/leaderboard.csv"),
    *("judgments/*/replies.jsonl", "judgments/*/manifest.json", "judgments/*/scores.csv", "images/**/*.png"),
)


@pytest.mark.parametrize("pattern", FILES)
def test_a_changed_file_is_named(pattern: str, bundle: Path) -> None:
    file = sorted(bundle.glob(pattern))[0]
    content = file.read_bytes()
    file.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:])
    refused(bundle, str(file), "is not the file that SHA256SUMS names")


@pytest.mark.parametrize("pattern", FILES)
def test_a_missing_file_is_named(pattern: str, bundle: Path) -> None:
    file = sorted(bundle.glob(pattern))[0]
    file.unlink()
    refused(bundle, str(file), "is missing")


@pytest.mark.parametrize("name", ["more.txt", ".hidden", "images/fullset/more.png", "judgments/x/manifest.json"])
def test_an_extra_file_is_named(name: str, bundle: Path) -> None:
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_text("x")
    refused(bundle, str(bundle / name), "is not in SHA256SUMS")


def _link_to_the_same_file(bundle: Path) -> Path:
    shutil.copy(bundle / "README.md", "elsewhere.md")
    (bundle / "README.md").unlink()
    (bundle / "README.md").symlink_to(Path("elsewhere.md").absolute())
    return bundle / "README.md"


def _link_to_a_folder(bundle: Path) -> Path:
    shutil.move(bundle / "images", "elsewhere")
    (bundle / "images").symlink_to(Path("elsewhere").absolute())
    return bundle / "images"


def _dangling_link(bundle: Path) -> Path:
    (bundle / "more").symlink_to("nowhere")
    return bundle / "more"


def _pipe(bundle: Path) -> Path:
    os.mkfifo(bundle / "pipe")
    return bundle / "pipe"


@pytest.mark.parametrize("plant", [_link_to_the_same_file, _link_to_a_folder, _dangling_link, _pipe])
def test_links_and_pipes_are_refused(plant: Callable[[Path], Path], bundle: Path) -> None:
    refused(bundle, str(plant(bundle)), "a bundle holds files alone")


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "/etc/hostname",
        "images/../../outside.txt",
        "a//b",
        "./run.json",
        "a\\b",
        ".git/x",
        "SHA256SUMS",
    ],
)
def test_no_listed_path_leads_out(path: str, bundle: Path) -> None:
    Path("to_share/outside.txt").write_text("x")
    with (bundle / "SHA256SUMS").open("a") as sums:
        sums.write(f"{hashlib.sha256(b'x').hexdigest()}  {path}\n")
    refused(bundle, "can't be the path of a file in a bundle")


@pytest.mark.parametrize("line", ["", "x", "abc  run.json", f"{'0' * 64} run.json", f"{'G' * 64}  run.json"])
def test_a_line_that_is_none_is_refused(line: str, bundle: Path) -> None:
    sums = bundle / "SHA256SUMS"
    sums.write_text(f"{line}\n{sums.read_text()}")
    refused(bundle, "SHA256SUMS:1")


def test_a_file_listed_twice_is_refused(bundle: Path) -> None:
    with (bundle / "SHA256SUMS").open("a") as sums:
        sums.write(f"{'0' * 64}  run.json\n")
    refused(bundle, "names run.json twice")


def test_without_its_list_it_is_no_bundle(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()
    refused(bundle, "has no SHA256SUMS")


def _outside(line: dict[str, object]) -> dict[str, object]:
    return line | {"file": "../../outside.png"}


def _another_image(line: dict[str, object]) -> dict[str, object]:
    return line | {"sha256": "0" * 64}


def _bad_key(line: dict[str, object]) -> dict[str, object]:
    return line | {"key": "../../x"}


def _bad_status(line: dict[str, object]) -> dict[str, object]:
    return line | {"status": "wonderful"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_outside, "names '../../outside.png', which is not in it"),
        (_another_image, "is not the one that its edit was recorded with"),
        (_bad_key, "can't become a file name"),
        (_bad_status, "Not a valid Edit line"),
    ],
)
def test_records_that_fit_the_list_and_not_each_other_are_refused(
    change: Callable[[dict[str, object]], dict[str, object]], words: str, bundle: Path
) -> None:
    file = bundle / "edits.jsonl"
    first, *others = file.read_text().splitlines()[1:]
    file.write_text("\n".join([json.dumps(change(json.loads(first))), *others]) + "\n")
    list_again(bundle)
    refused(bundle, str(bundle), words)


@pytest.mark.parametrize(
    ("file", "change"),
    [("run.json", {"name": "../../away"}), ("run.json", {"recipe": "/etc"}), ("run.json", {"name": ".."})],
)
def test_names_cannot_lead_the_run_out(file: str, change: dict[str, str], bundle: Path, here: Path) -> None:
    value = json.loads((bundle / file).read_text()) | change
    (bundle / file).write_text(json.dumps(value))
    list_again(bundle)
    before = {path for path in here.rglob("*") if "theirs" not in path.parts}
    assert gedit_bench("import", bundle, "--out", "theirs").code == 0
    assert {path for path in here.rglob("*") if "theirs" not in path.parts} == before
    assert len(runs(Path("theirs"))) == 1


def test_scores_that_the_replies_do_not_say_are_pointed_out_and_do_not_count(bundle: Path) -> None:
    [scores] = bundle.glob("judgments/*/scores.csv")
    text = scores.read_text()
    scores.write_text(text.replace(",ok,8.0,", ",ok,9.5,", 2))
    list_again(bundle)
    ended = gedit_bench("import", bundle, "--out", "theirs")
    assert ended.code == 0
    assert "2 row(s) of the bundle's scores.csv are not what its replies say" in ended.err
    [taken] = Path("theirs").rglob("scores.csv")
    assert taken.read_text() == text


def test_an_image_that_is_not_the_recorded_one_is_not_passed_on(run: Path) -> None:
    image = sorted((run / "images").rglob("*.png"))[-1]
    for spoil in (lambda: image.write_bytes(b"x"), image.unlink):
        spoil()
        ended = gedit_bench("export", run, "--bundle", "--out", "to_share/painter")
        assert (ended.code, str(image) in ended.err) == (2, True)
        assert list(Path("to_share").iterdir()) == []


def test_what_a_killed_export_leaves_is_no_bundle(run: Path, here: Path) -> None:
    image = sorted((run / "images").rglob("*.png"))[-1]
    image.unlink()
    os.mkfifo(image)  # reading it never ends
    with start("export", run, "--bundle", "--out", "to_share/painter", folder=here) as writing:
        wait_for(lambda: list(Path("to_share").glob(".*/images")))
        writing.kill()
    [left] = Path("to_share").iterdir()
    assert left.name != "painter"
    refused(left, "has no SHA256SUMS")


def wait_for(condition: Callable[[], object]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never came")


def test_a_full_disk_leaves_nothing_behind(run: Path, here: Path) -> None:
    # A limit on the size of files is what a full disk looks like to one process.
    words = ["gedit-bench", "export", str(run), "--bundle", "--out", "to_share/painter"]
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)); "
        f"from gedit_bench.cli.app import main; sys.argv = {words!r}; main()"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=here)
    assert ended.returncode == 5, ended.stderr
    assert "The disk is full" in ended.stderr
    assert list(Path("to_share").iterdir()) == []


def test_what_is_there_is_not_overwritten(run: Path, bundle: Path) -> None:
    before = tree(bundle)
    ended = gedit_bench("export", run, "--to", "bundle", "--out", bundle)
    assert (ended.code, "holds something already" in ended.err) == (2, True)
    assert tree(bundle) == before
    Path("empty").mkdir()
    assert gedit_bench("export", run, "--to", "bundle", "--out", "empty").code == 0
    assert gedit_bench("import", "empty", "--out", "theirs").code == 0


def test_a_judgement_alone_can_be_bundled(run: Path) -> None:
    samples = Run.open(run).samples()
    other = make_judgement(Run.open(run), samples, judge="judge-2")
    ended = gedit_bench("export", other.path, "--bundle", "--out", "b")
    assert ended.code == 0
    assert [path.name for path in Path("b/judgments").iterdir()] == [other.path.name]
    assert gedit_bench("export", run, "--bundle", "--out", "both").code == 0
    assert len(list(Path("both/judgments").iterdir())) == 2


def test_a_fallback_travels_too(here: Path) -> None:
    samples = make_samples()

    def answers(sample: Sample, aspect: Aspect) -> str:
        return "I can't" if sample is samples[0] else good(sample, aspect)

    run = judged(Path("results"), samples, answers=answers).run
    judgement = run.judgements()[0].path
    helper = make_judgement(run, samples, judge="judge-2")
    (judgement / "fallbacks").mkdir()
    shutil.move(helper.path, judgement / "fallbacks" / helper.path.name)
    assert gedit_bench("export", run.path, "--bundle", "--out", "b").code == 0
    assert gedit_bench("import", "b", "--out", "theirs").code == 0
    gedit_bench("report", "results")
    gedit_bench("report", "theirs")
    assert numbers(Path("theirs/leaderboard")) == numbers(Path("results/leaderboard"))
    assert any(row["fallback"] for row in numbers(Path("theirs/leaderboard")))


def test_scores_of_another_tool_travel_without_the_places_of_their_images(here: Path) -> None:
    row = official_row(sample(), 8, 9)
    row[1] = "/home/lovelace/edits/ps_human/en/x.png"
    write_table(Path("m/gpt4o/m_ps_human_en_vie_score.csv"), [row])
    assert gedit_bench("import", "m").code == 0
    assert gedit_bench("export", runs()[0], "--bundle", "--out", "b").code == 0
    assert "lovelace" not in "".join(path.read_text() for path in Path("b").rglob("*") if path.is_file())
    assert gedit_bench("import", "b", "--out", "theirs").code == 0
    [before], [after] = (Run.open(runs(Path(root))[0]).judgements() for root in ("results", "theirs"))
    [taken], [given] = read_imported(after.path), read_imported(before.path)
    assert (taken.sc, taken.pq, taken.original["edited_image"]) == (8, 9, "x.png")
    assert taken.original | {"edited_image": row[1]} == given.original
    assert (after.path / "findings.json").exists()


def test_nothing_of_the_machine_is_told(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", SECRET)
    samples = make_samples()
    home = "/home/lovelace/my work"
    run = make_run(
        Path("results"),
        samples,
        model="folder",
        spec=f"folder:{home}/images",
        handling={"path": f"{home}/images", "timeout": 3},
        edits=lambda s, e: (
            failed(e, EditStatus.EDIT_FAILED, f"{SECRET}: can't open '/home/lovelace/x/y.png'")
            if s is samples[0]
            else replace(e, extra={"file": f"{home}/a.png", "list": ["C:\\Users\\ada\\b.png", 2.5]})
        ),
    )
    note_writer(run.path, this_writer(data=f"{home}/benchmark", note=SECRET))

    def answers(sample: Sample, aspect: Aspect) -> Reply:
        edit = run.edits()[sample.id]
        return Reply(
            sample=sample.id,
            aspect=aspect,
            repeat=0,
            attempt=0,
            delivery=Delivery.ANSWERED,
            edit_sha256=edit.sha256 or "",
            content=reply_text(8, 9, "It stands in /home/lovelace/evidence and is what the judge said."),
            message="gpu-17.lan:8000 was slow, see file:///home/lovelace/log.txt",
            server="gpu-17.lan:8000",
            model="judge-1-2026",
        )

    make_judgement(run, samples, answers=answers)
    ended = gedit_bench("export", run.path, "--bundle", "--out", "b")
    assert ended.code == 0
    told = "".join(path.read_text() for path in Path("b").rglob("*") if path.suffix != ".png" and path.is_file())
    assert "It stands in /home/lovelace/evidence" in told  # a judge's words are never changed
    told = told.replace("It stands in /home/lovelace/evidence", "")
    for word in ("lovelace", "gpu-17", SECRET, str(here), "pytest"):
        assert word not in told, word
    assert json.loads(Path("b/run.json").read_text())["handling"] == {"path": "images", "timeout": 3}
    assert manifest_of(run.path) == manifest_of(Path("b"), "run.json")
    assert gedit_bench("import", "b", "--out", "theirs").code == 0
    [taken] = runs(Path("theirs"))
    assert manifest(taken)["bundle"] == hashlib.sha256(Path("b/SHA256SUMS").read_bytes()).hexdigest()


def manifest_of(folder: Path, name: str = "manifest.json") -> dict[str, object]:
    """What a run's fingerprint is made of."""
    value = json.loads((folder / name).read_text())
    return {name: value[name] for name in ("model", "settings", "artifacts", "dataset_revision", "seed", "source")}


def test_a_path_that_the_fingerprint_needs_is_said_to_stay(here: Path) -> None:
    run = make_run(Path("results"), make_samples(), settings={"command": "python /home/lovelace/worker.py"})
    ended = gedit_bench("export", run.path, "--bundle", "--out", "b")
    assert "Absolute paths stay in command" in ended.err
    assert "It holds edits and no judgement." in ended.err
    assert gedit_bench("import", "b", "--out", "theirs").code == 0


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see https://host.org/a/b.png, 8/10 and/or 3 / 4", "see https://host.org/a/b.png, 8/10 and/or 3 / 4"),
        ("folder:/home/lovelace/images", "folder:images"),
        ("~/work/x.png and C:\\Users\\ada\\y.png", "x.png and y.png"),
        ("file:///home/lovelace/x.png", "x.png"),
        ("results/x/default-1a2b3c4d", "results/x/default-1a2b3c4d"),
    ],
)
def test_of_a_path_the_last_name_is_left(text: str, left: str) -> None:
    assert scrubbed_text(text) == left


def test_a_bundle_names_itself(bundle: Path) -> None:
    for words in (("--name", "x"), ("--data", "sample")):
        ended = gedit_bench("import", bundle, *words)
        assert (ended.code, "brings its own name and data" in ended.err) == (2, True)
    assert gedit_bench("import", bundle, "--from", "bundle", "--out", "theirs").code == 0
    ended = gedit_bench("export", runs(Path("theirs"))[0], "--bundle", "--to", "official", "--out", "x")
    assert (ended.code, "contradict each other" in ended.err) == (2, True)


def test_its_images_are_in_the_official_layout(bundle: Path) -> None:
    for path in (bundle / "images").rglob("*.png"):
        assert path.relative_to(bundle / "images").parts[0] == "fullset"
        with Image.open(path) as image:
            assert image.size == (40, 30)
    readme = (bundle / "README.md").read_text()
    assert readme.startswith("---\npretty_name:")
    assert "gedit-bench import" in readme
