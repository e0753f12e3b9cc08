"""What each verb does, where its words go, and its JSON."""

import json
import shutil
from pathlib import Path

import pytest
from foreign_files import official_row, sample, write_table
from PIL import Image
from program import gedit_bench, judgements, manifest, process, runs, tree

OFFLINE = ("--judge", "offline")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A picture and another."""
    folder = tmp_path_factory.mktemp("pair")
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (32, 32), colour).save(folder / name)
    return folder / "a.png", folder / "b.png"


def test_run_edits_judges_and_reports(data: Path, ids: Path) -> None:
    ended = gedit_bench("run", "--model", "identity", "--data", data, "--ids", ids, *OFFLINE)
    assert ended.code == 0
    assert ended.out.startswith("Leaderboard: results/leaderboard/index.html\n")
    assert "identity · default-" in ended.out
    assert "no VLM" in ended.out
    assert ended.err.splitlines()[0] == "edit identity  0/4"
    assert [line.split(" · ")[0] for line in ended.err.splitlines()[1:4]] == [
        "edit identity  4/4",
        "judge identity  0/8",
        "judge identity  8/8",
    ]
    assert Path("results/leaderboard/index.html").exists()
    before = tree(*runs())
    assert gedit_bench("run", "--model", "identity", "--data", data, "--ids", ids, *OFFLINE).code == 0
    assert tree(*runs()) == before


def test_run_takes_the_bundled_sample() -> None:
    chosen = ("--data", "sample", "--limit", 1, "--lang", "en", "--task", "color_alter")
    ended = gedit_bench("run", "--model", "pil-filters@gentle", *chosen, *OFFLINE)
    assert ended.code == 0
    assert "en        full          –   –   –  1       1\n" in ended.out
    assert "are empty" in ended.err
    [run] = runs()
    assert gedit_bench("judge", run, *OFFLINE).code == 0  # finds the sample again by itself
    assert gedit_bench("check", run).code == 0


def test_edit_says_how_many_are_made_and_where(data: Path, ids: Path) -> None:
    ended = gedit_bench("edit", "--model", "identity", "--data", data, "--ids", ids)
    assert ended.code == 0
    assert ended.out == f"4 of 4 samples are edited: {runs()[0]}\n"


def test_judge_takes_a_run(results: Path, run: Path) -> None:
    shutil.rmtree(run / "judgments")
    ended = gedit_bench("judge", run, *OFFLINE)
    assert ended.code == 0
    assert "judged by offline@local" in ended.out
    [judgement] = (run / "judgments").iterdir()
    assert (judgement / "scores.csv").exists()


def test_judge_takes_a_folder_and_continues_the_same_run(run: Path, data: Path, ids: Path, here: Path) -> None:
    folder = shutil.copytree(run / "images", here / "mine")
    shutil.rmtree("results")
    command = ("judge", folder, "--data", data, "--ids", ids, *OFFLINE)
    first = gedit_bench(*command)
    assert first.code == 0
    [made] = runs()
    assert made.parent.name == "mine"
    assert manifest(made)["spec"] == f"folder:{folder}"
    before = tree(made)
    assert gedit_bench(*command).out == first.out
    assert runs() == [made]
    assert tree(made) == before


def test_check_counts_what_can_be_judged(run: Path) -> None:
    ended = gedit_bench("check", run)
    assert ended.code == 0
    assert ended.out.startswith("4 of 4 samples have an image that can be judged.")
    assert "same as source: 4" in ended.out
    image = next(run.rglob("*.png"))
    image.unlink()
    broken = gedit_bench("check", run, "--json")
    assert broken.code == 3
    assert [one["where"].rpartition("/")[2] for one in broken.json()["problems"] if one["problem"] == "missing"] == [
        image.stem
    ]


def test_score_judges_one_triple(pair: tuple[Path, Path]) -> None:
    ended = gedit_bench("score", *pair, "make it blue", *OFFLINE)
    assert ended.code == 0
    assert ended.out.startswith("SC  10.0  ok\n")
    assert ended.err == ""
    assert gedit_bench("score", *pair, "make it blue", *OFFLINE, "--json").json()["judge"] == "offline@local"
    assert not runs()


def test_report_prints_its_page(results: Path) -> None:
    ended = gedit_bench("report")
    assert (ended.code, ended.out, ended.err) == (0, "results/leaderboard/index.html\n", "")
    assert {path.name for path in Path("results/leaderboard").iterdir()} > {"leaderboard.csv", "leaderboard.json"}
    assert gedit_bench("report", "results/identity", "results/pil-filters").out.startswith("results/identity/leader")


def test_compare_pairs_two_runs(results: Path) -> None:
    ended = gedit_bench("compare", *runs(results))
    assert ended.code == 0
    assert "O, en" in ended.out
    assert "macro" in ended.out
    found = gedit_bench("compare", *runs(results), "--json").json()
    assert found["languages"]["en"]["means"]["macro"]["n"] == 3
    assert gedit_bench("compare", *runs(results), "--format", "json").json() == found


def test_compare_asks_which_judgement_is_meant_and_takes_its_folder(results: Path) -> None:
    first, second = runs(results)
    for run in (first, second):
        [judgement] = (run / "judgments").iterdir()
        twin = shutil.copytree(judgement, judgement.with_name("offline@twin_pixels-00000000"))
        changed = manifest(twin) | {"endpoint": "twin"}
        (twin / "manifest.json").write_text(json.dumps(changed))
    unclear = gedit_bench("compare", first, second)
    assert unclear.code == 2
    assert all(str(folder) in unclear.err for folder in judgements())
    folders = judgements()
    clear = gedit_bench("compare", folders[0], folders[-1])
    assert clear.code == 0
    assert "Not the same judge: offline@local against offline@twin." in clear.err
    assert gedit_bench("compare", first, folders[-1]).code == 0  # one of the first's was asked in the same way


def test_another_tools_scores_are_imported_shown_and_explained(run: Path) -> None:
    rows = [official_row(sample(number=number), 0, 0) for number in (4, 15)]
    write_table(Path("theirs/gpt4o/theirs_ps_human_en_vie_score.csv"), rows)
    ended = gedit_bench("import", "theirs")
    assert ended.code == 0
    [theirs] = runs(Path("results/theirs").parent)[-1:]
    assert ended.out.startswith(f"2 samples: {theirs}/judgments/gpt4o@official_imported-")
    assert "2 row(s) have SC 0 and PQ 0" in ended.err
    assert "2 samples are imported" in gedit_bench("status", theirs).out
    shown = gedit_bench("show", theirs, f"{4:032x}")
    assert "imported: SC 0.0, PQ 0.0" in shown.out
    explained = gedit_bench("explain", run, theirs)
    assert explained.code == 0
    assert "0 for SC and PQ in an imported row" in explained.out
    assert "only identity has a score; theirs: not selected, or no row" in explained.out
    assert gedit_bench("report").code == 0
    refused = gedit_bench("judge", theirs, *OFFLINE)
    assert refused.code == 2
    assert "holds imported scores and no images" in refused.err
    exported = gedit_bench("export", theirs, "--out", "back")
    assert "2 samples were written." in exported.err
    again = Path("back/theirs/gpt4o/theirs_ps_human_en_vie_score.csv")
    assert again.read_bytes() == Path("theirs/gpt4o/theirs_ps_human_en_vie_score.csv").read_bytes()


def test_a_judgement_is_no_run(results: Path) -> None:
    ended = gedit_bench("show", judgements()[0], "x")
    assert ended.code == 2
    assert "is a judgement, not a run. Its run is " in ended.err


def test_plan_says_what_is_to_be_done(data: Path, ids: Path) -> None:
    chosen = ("--model", "pil-filters", "--data", data, "--ids", ids, *OFFLINE)
    found = gedit_bench("plan", *chosen, "--json").json()
    assert (found["samples"], found["to_edit"], found["questions"]) == ({"en": 3, "cn": 1}, 4, 8)
    assert gedit_bench("run", *chosen).code == 0
    found = gedit_bench("plan", *chosen, "--json").json()
    assert (found["to_edit"], found["questions"], found["missing"]) == (0, 0, [])
    assert [found["run"]] == [str(run) for run in runs()]


def test_plan_changes_and_downloads_nothing(data: Path, here: Path, tmp_path: Path) -> None:
    (here / "results").mkdir()
    caches = {"HF_HOME": str(tmp_path / "hf"), "GEDIT_BENCH_CACHE": str(tmp_path / "cache")}
    before = tree(here, data)
    ended = process("plan", "--model", "identity", "--data", data, folder=here, env=caches)
    assert ended.code == 0
    assert "OPENAI_API_KEY is not set" in ended.out
    ended = process("plan", "--model", "identity", folder=here, env=caches)
    assert ended.code == 5
    assert "nothing is to be downloaded" in ended.err
    assert tree(here, data) == before


def test_plan_names_what_is_missing_for_a_model(data: Path) -> None:
    ended = gedit_bench("plan", "--model", "step1x-edit", "--data", data, *OFFLINE, "--json")
    assert ended.code == 0
    [missing] = ended.json()["missing"]
    assert missing.startswith("step1x-edit needs its weights")


def test_status_counts(results: Path, run: Path) -> None:
    ended = gedit_bench("status")
    assert ended.code == 0
    assert ended.out.count("edits: 4 ok of 4 selected; 0 to do") == 2
    [state] = gedit_bench("status", run, "--json").json()
    assert (state["name"], state["edits"], state["judgements"][0]["replies"]) == ("identity", {"ok": 4}, 8)
    assert [one["path"] for one in gedit_bench("status", "results/identity", "--json").json()] == [str(run)]


def test_show_tells_everything_about_a_sample(run: Path) -> None:
    ended = gedit_bench("show", run, f"ps_human/en/{4:032x}")
    assert ended.code == 0
    assert "instruction: en ps_human 0 \n" in ended.out
    assert "SC attempt 0: ok" in ended.out
    assert "No model looked." in ended.out
    both = gedit_bench("show", run, f"{4:032x}", "--json").json()
    assert [one["sample"]["instruction_language"] for one in both] == ["en", "cn"]
    assert gedit_bench("show", run, "nothing").code == 2


def test_ls_lists_what_exists(results: Path) -> None:
    for kind in ("recipes", "judges", "protocols", "tasks", "published", "runs"):
        rows = gedit_bench("ls", kind, "--json").json()
        table = gedit_bench("ls", kind)
        assert (table.code, table.err) == (0, "")
        assert len(table.out.splitlines()) == len(rows) + 1
    assert "folder:PATH" in gedit_bench("ls", "models").out
    shutil.rmtree("results")
    assert gedit_bench("ls", "runs").out == "none\n"


def test_ls_tells_what_was_published_of_a_model() -> None:
    found = gedit_bench("ls", "published", "bagel", "--json").json()
    assert {"BAGEL", "Hyper-BAGEL (6-NFE)"} <= {one["model"] for one in found}
    assert all("bagel" in one["model"].lower() for one in found)
    first = next(one for one in found if one["address"] and one["categories"])
    assert first["address"].startswith("https://")
    assert len(gedit_bench("ls", "published", "bagel").out.splitlines()) == len(found) + 1
    ended = gedit_bench("ls", "published", "BAGLE")
    assert ended.code == 2
    assert "Nothing published is known of 'BAGLE'." in ended.err


@pytest.mark.parametrize("name", ["pil-filters", "pil-filters@gentle", "folder:PATH", "identity", "mine.py:Mine"])
def test_ls_tells_about_one_model(name: str) -> None:
    Path("mine.py").write_text("from gedit_bench import EditModel\nclass Mine(EditModel):\n    '''Does nothing.'''\n")
    found = gedit_bench("ls", "models", name, "--json").json()
    text = gedit_bench("ls", "models", name).out
    assert text.startswith(f"{found['model']}: {found['what it is']}")
    for setting in found["settings"]:
        assert setting["help"] in text
    for recipe in found["recipes"]:
        assert recipe["recipe"] in text
    if name.startswith("pil"):
        assert found["settings"][0]["type"] == "float"
        assert found["recipes"][0]["recipe"] == "pil-filters@gentle"


def test_doctor_finds_what_is_there(data: Path) -> None:
    chosen = ("--model", "pil-filters", "--data", data, *OFFLINE)
    found = gedit_bench("doctor", *chosen, "--json")
    assert found.code == 0
    assert all(one["ok"] for one in found.json())
    assert [one["what"] for one in found.json()][-5:] == ["judge", "rubric", "data", "model", "space"]
    assert "44 samples of benchmark" in gedit_bench("doctor", *chosen).out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--model", "step1x-edit"), ("model", "memory")),
        (("--model", "needy.py:Needy"), ("model",)),
        (("--model", "step2x-edit"), ("model",)),
        (("--data", "nowhere"), ("data",)),
        (("--judge", "gpt-4.1-2025-04-14", "--protocol", "native"), ("judge",)),
        (("--judge", "fake", "--base-url", "http://127.0.0.1:9/v1", "--protocol", "native"), ("judge",)),
        (("--judge", "offline", "--protocol", "native"), ("rubric",)),
    ],
)
def test_doctor_finds_what_is_missing(words: tuple[str, ...], what: tuple[str, ...]) -> None:
    Path("needy.py").write_text(
        "from gedit_bench import EditModel\nclass Needy(EditModel):\n    def load(self):\n        import not_here\n"
    )
    ended = gedit_bench("doctor", *OFFLINE, *words, "--json")
    assert ended.code == 5
    assert [one["what"] for one in ended.json() if not one["ok"]] == list(what)
    lines = gedit_bench("doctor", *OFFLINE, *words).out.splitlines()
    assert [line.split()[0] for line in lines if " missing " in line] == list(what)


def test_demo_walks_the_whole_way() -> None:
    ended = gedit_bench("demo", "--limit", 1, "--out", "elsewhere")
    assert ended.code == 0
    assert ended.out.endswith("\nLeaderboard: elsewhere/leaderboard/index.html\n")
    made = runs(Path("elsewhere"))
    assert [run.parent.name for run in made] == ["identity", "pil-filters", "pil-filters", "step1x-edit"]
    assert {len((run / "samples.jsonl").read_text().splitlines()) for run in made} == {22}
    assert len(judgements(Path("elsewhere"))) == 4
