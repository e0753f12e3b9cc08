"""`judge` with Qwen2.5-VL in process, on a model of toy size that says nonsense."""

import hashlib
import json
from pathlib import Path

import pytest
from program import gedit_bench, judgements, manifest
from tiny_qwen import write_tiny_qwen

from gedit_bench.judging import official_rubric

SC, PQ = "ctx\n\ntwo images\n\nfollow <instruction>\n", "ctx\n\nquality \n"
SOURCE = """_context_no_delimit = "ctx\\n"
_prompts_0shot_two_image_edit_rule = "two images\\n"
_prompts_0shot_tie_rule_SC = "follow <instruction>\\n"
_prompts_0shot_rule_PQ = "quality \\n"
"""


@pytest.fixture
def rubric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that passes for the official rubric."""
    hashes = {"sc": hashlib.sha256(SC.encode()).hexdigest(), "pq": hashlib.sha256(PQ.encode()).hexdigest()}
    monkeypatch.setattr(official_rubric, "HASHES", hashes)
    path = tmp_path / "vie_prompts.py"
    path.write_text(SOURCE)
    return path


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_qwen(tmp_path_factory.mktemp("qwen") / "tiny-qwen", repetition_penalty=0.05)


def test_nonsense_is_recorded_as_unparsable_and_no_score_is_invented(run: Path, rubric: Path, tiny: Path) -> None:
    for folder in judgements():
        (folder / "manifest.json").unlink()
    judged = ("judge", run, "--judge", f"qwen2.5-vl:{tiny}", "--rubric", rubric, "--task", "color_alter")
    ended = gedit_bench(*judged)
    assert ended.code == 3
    [folder] = judgements()
    made = manifest(folder)
    assert (made["judge"], made["endpoint"], made["protocol"]) == (
        "qwen2.5-vl:tiny-qwen",
        "transformers",
        "official-qwen",
    )
    assert made["request"]["images_first"] is True
    assert made["request"]["encoding"] == "png"
    replies = [json.loads(line) for line in (folder / "replies.jsonl").read_text().splitlines()]
    assert len(replies) == 4  # both aspects, each asked once more
    for reply in replies:
        assert reply["delivery"] == "answered"
        assert reply["model"].startswith("tiny-qwen@")
        assert "float32" in reply["fingerprint"]
        assert reply["prompt_tokens"] > reply["completion_tokens"] > 0
    assert {row["sc_status"] for row in rows(folder)} <= {"unparsable", "empty"}
    assert {row["overall"] for row in rows(folder)} == {""}
    again = gedit_bench(*judged)
    assert (again.code, len((folder / "replies.jsonl").read_text().splitlines())) == (3, 4)


def rows(folder: Path) -> list[dict[str, str]]:
    header, *lines = (folder / "scores.csv").read_text().splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


def test_one_triple_and_doctor(run: Path, rubric: Path, tiny: Path) -> None:
    image = next(run.rglob("*.png"))
    asked = ("--judge", f"qwen2.5-vl:{tiny}", "--rubric", rubric)
    ended = gedit_bench("score", image, image, "Add a hat", *asked, "--json")
    assert ended.code == 3
    assert ended.json()["overall"] is None
    assert ended.json()["judge"] == "qwen2.5-vl:tiny-qwen@transformers"
    found = {one["what"]: one for one in gedit_bench("doctor", *asked, "--json").json()}
    assert found["judge"]["ok"]
    assert "runs on the CPU" in found["judge"]["found"]
    assert found["rubric"]["found"].startswith("official-qwen-")


def test_weights_that_are_not_here_are_said_before_any_work(run: Path) -> None:
    ended = gedit_bench("judge", run, "--judge", "qwen2.5-vl")
    assert ended.code == 5
    assert "hf download Qwen/Qwen2.5-VL-72B-Instruct-AWQ" in ended.err
    assert len(judgements(run.parents[1])) == 2
