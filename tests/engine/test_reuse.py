"""Reuse: the answer to the very same request is taken from another run, and marked; nothing else ever is."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from judge_process import JudgeProcess, judge_process
from PIL import Image
from small_benchmark import OFFLINE, editing, lines, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, Run, edit, judge
from gedit_bench.planning import make_plan
from gedit_bench.records import ReplyStatus
from gedit_bench.results import Scored
from gedit_bench.state import run_state
from gedit_bench.store import layout

FLIPPED = """
from gedit_bench import EditModel

class Flipped(EditModel):
    \"\"\"Turns pictures upside down.\"\"\"

    name = "{name}"

    def edit(self, requests):
        for request in requests:
            yield request.source.rotate(180)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "results"


def flipped(name: str, data: Path, out: Path) -> Run:
    """A run of a model; the name changes its fingerprint and no pixel."""
    path = out.parent / f"{name}.py"
    path.write_text(FLIPPED.format(name=name))
    return edit(f"{path}:Flipped", selection(data), editing(out))


def native(server: JudgeProcess, **more: object) -> Judging:
    settings = {"name": "fake-judge", "base_url": server.url, "timeout": 20.0, "retry_for": 20.0}
    chosen = {key: more.pop(key) for key in ("name", "endpoint_label") if key in more}
    return Judging(judge=JudgeSettings(**{**settings, **chosen}), protocol="native", **more)


def asked(server: JudgeProcess) -> int:
    return server.stats().get("requests", 0)


def scores(scored: Scored) -> list[tuple[object, ...]]:
    return [(v.sample.id, v.sc and v.sc.score, v.pq and v.pq.score) for v in scored.verdicts]


def test_a_model_that_makes_the_same_pixels_costs_nothing(data: Path, out: Path) -> None:
    with judge_process() as server:
        first = judge(flipped("slow", data, out), judging=native(server))
        assert asked(server) == 22
        again = flipped("fast", data, out)
        second = judge(again, judging=native(server))
        assert asked(server) == 22
    assert scores(second) == scores(first)
    assert (first.reused, second.reused) == (0, 22)
    assert second.summaries() == first.summaries()
    originals = {(reply.sample, reply.aspect): reply for reply in first.judgement.replies()}
    [writer] = second.judgement.writers()
    for reply in second.judgement.replies():
        original = originals[reply.sample, reply.aspect]
        assert reply.reused_from == first.judgement.path.relative_to(out).as_posix()
        assert (reply.asked_at, reply.content, reply.prompt_tokens) == (original.time, original.content, 1000)
        assert reply.writer == writer.writer
    [state] = run_state(again).judgements
    assert (state.replies, state.reused, state.spent.prompt_tokens) == (22, 22, 0)  # the tokens were paid for elsewhere
    assert json.loads((second.judgement.path / layout.SUMMARY).read_text())["reused"] == 22


def test_one_changed_image_costs_one_image(data: Path, out: Path, tmp_path: Path) -> None:
    run = flipped("first", data, out)
    images = tmp_path / "images"
    shutil.copytree(run.path / "images", images)
    changed = sorted(images.rglob("*.png"))[3]
    Image.open(changed).rotate(180).save(changed)
    with judge_process() as server:
        judge(run, judging=native(server))
        before = asked(server)
        scored = judge(edit(f"folder:{images}", selection(data), editing(out)), judging=native(server))
        assert asked(server) == before + 2  # SC and PQ
    fresh = {reply.sample.key for reply in scored.judgement.replies() if not reply.reused}
    assert fresh == {changed.stem}


def test_the_same_pixels_in_another_file_cost_nothing(data: Path, out: Path) -> None:
    run = flipped("model", data, out)
    with judge_process() as server:
        judge(run, judging=native(server))
        for path in run.path.rglob("*.png"):  # as another version of the encoder would write them
            Image.open(path).save(path, compress_level=1)
        (run.path / "edits.jsonl").unlink()
        remade = edit(f"folder:{run.path / 'images'}", selection(data), editing(out))
        assert {e.sha256 for e in remade.edits().values()}.isdisjoint(
            reply.edit_sha256 for reply in run.judgements()[0].replies()
        )
        judge(remade, judging=native(server))
        assert asked(server) == 22


def test_an_earlier_image_of_the_same_run_is_remembered(data: Path, out: Path) -> None:
    run = flipped("model", data, out)
    with judge_process() as server:
        judge(run, judging=native(server))
        rewritten = []
        for line in map(json.loads, lines(run.path / "edits.jsonl")):
            path = run.path / line["file"]
            Image.open(path).save(path, compress_level=1)
            rewritten.append(line | {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "time": "3"})
        with (run.path / "edits.jsonl").open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in rewritten)
        scored = judge(run, judging=native(server))
        assert asked(server) == 22
    assert scored.reused == 22
    assert len(scored.judgement.replies()) == 44


@pytest.mark.parametrize(
    "other", [{"name": "fake-judge-2"}, {"endpoint_label": "elsewhere"}, {"reuse": False}, {"repeats": 2}]
)
def test_what_was_asked_otherwise_is_asked(data: Path, out: Path, other: dict[str, object]) -> None:
    with judge_process() as server:
        judge(flipped("one", data, out), judging=native(server))
        scored = judge(flipped("two", data, out), judging=native(server, **other))
        assert asked(server) == 44
    assert scored.reused == (22 if "repeats" in other else 0)  # each repeat knows only its own
    assert {reply.repeat for reply in scored.judgement.replies() if reply.reused} <= {0}


def test_failures_are_asked_again_and_never_copied(data: Path, out: Path) -> None:
    with judge_process("filter:0.2,badjson:0.2,500:0.1") as server:
        first = judge(flipped("one", data, out), judging=native(server))
    good = [r for v in first.verdicts for r in (v.sc, v.pq) if r and r.status is ReplyStatus.OK]
    assert 0 < len(good) < 22
    with judge_process() as server:
        second = judge(flipped("two", data, out), judging=native(server))
        assert asked(server) == 22 - len(good)
    assert second.reused == len(good)
    assert {reply.delivery for reply in second.judgement.replies()} == {"answered"}


def test_a_copy_of_a_copy_names_the_original(data: Path, out: Path) -> None:
    with judge_process() as server:
        first = judge(flipped("a", data, out), judging=native(server))
        judge(flipped("b", data, out), judging=native(server))
        shutil.rmtree(first.run.path)
        third = judge(flipped("c", data, out), judging=native(server))
        assert asked(server) == 22
    assert {r.reused_from for r in third.judgement.replies()} == {first.judgement.path.relative_to(out).as_posix()}


def test_cut_damaged_and_foreign_lines_are_passed_over(data: Path, out: Path) -> None:
    with judge_process() as server:
        first = judge(flipped("one", data, out), judging=native(server))
        replies = first.judgement.path / layout.REPLIES
        whole = replies.read_bytes().splitlines(keepends=True)
        wrong = json.dumps(json.loads(whole[2]) | {"content": 7}).encode() + b"\n"
        replies.write_bytes(b"no json\n" + b"".join(whole[3:]) + wrong + b"[]\n" + whole[1][:-40])
        (out / "x" / "y" / "judgments" / first.judgement.path.name).mkdir(parents=True)
        (out / "x" / "y" / "judgments" / first.judgement.path.name / layout.MANIFEST).write_text("{")
        second = judge(flipped("two", data, out), judging=native(server))
        assert asked(server) == 25
    assert second.reused == 19


def test_a_file_that_is_rewritten_meanwhile_gives_no_wrong_reply(data: Path, out: Path) -> None:
    from gedit_bench.engine.questions import Part
    from gedit_bench.engine.reuse import Earlier, Place, _key_of

    with judge_process() as server:
        first = judge(flipped("one", data, out), judging=native(server))
    file = first.judgement.path / layout.REPLIES
    one, two = first.judgement.replies()[:2]
    earlier = Earlier(out, {_key_of(one): Place(file, 0)})
    assert earlier.reply(one.sample, Part(one.aspect, 0), one.request_sha256) is not None
    assert earlier.reply(two.sample, Part(two.aspect, 0), two.request_sha256) is None
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))
    assert earlier.reply(one.sample, Part(one.aspect, 0), one.request_sha256) is None
    file.unlink()
    assert earlier.reply(one.sample, Part(one.aspect, 0), one.request_sha256) is None


def test_the_offline_judge_measures_anew(data: Path, out: Path) -> None:
    judge(flipped("one", data, out), judging=OFFLINE)
    assert judge(flipped("two", data, out), judging=OFFLINE).reused == 0


def test_plan_says_what_is_there(data: Path, out: Path) -> None:
    with judge_process() as server:
        judge(flipped("one", data, out), judging=native(server))
        flipped("two", data, out)
        model = f"{out.parent / 'two.py'}:Flipped"
        plan = make_plan(model, selection(data), editing(out), native(server))
        assert (plan.questions, plan.reusable) == (0, 22)
        assert dict(plan.lines())["reused"].startswith("22 answers")
        without = make_plan(model, selection(data), editing(out), native(server, reuse=False))
        assert (without.questions, without.reusable) == (22, 0)
        more = make_plan(model, selection(data), editing(out), native(server, repeats=3))
        assert (more.questions, more.reusable) == (44, 22)


def test_the_progress_counts_what_was_reused(data: Path, out: Path) -> None:
    from gedit_bench.cli.watching import described

    seen = []
    with judge_process() as server:
        judge(flipped("one", data, out), judging=native(server))
        judge(
            flipped("two", data, out), judging=native(server), watch=lambda progress: seen.append(described(progress))
        )
    assert "22 reused" in seen[-1]
