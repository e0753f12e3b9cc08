"""What was paid for is never lost: processes killed in mid-run, started twice, side by side, on a full disk."""

import csv
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_judge import FAULTS
from judge_process import judge_process
from small_benchmark import lines, write_benchmark

from gedit_bench import Run
from gedit_bench.judging.reading import read_answer
from gedit_bench.store.run import Judgement, find_runs

BACKEND = """
import time
from pathlib import Path
from gedit_bench import EditModel

class Slow(EditModel):
    name = "slow"

    def edit(self, requests):
        for request in requests:
            time.sleep({seconds})
            with Path({log!r}).open("a") as log:
                log.write(f"{{request.sample}}\\n")
            yield request.source.point(lambda value: 255 - value)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", keys=2)


def start(*arguments: object, **more: object) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", "from gedit_bench.cli.app import main; main()"]
    words = [str(argument) for argument in arguments]
    return subprocess.Popen([*program, *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **more)


def finish(*arguments: object, **more: object) -> tuple[int, str]:
    with start(*arguments, **more) as process:
        _, said = process.communicate(timeout=120)
        return process.returncode, said


def backend(folder: Path, seconds: float = 0.02) -> Path:
    path = folder / "slow.py"
    path.write_text(BACKEND.format(seconds=seconds, log=str(folder / "edited.log")))
    return path


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Kill -9 as soon as something is reached."""
    deadline = time.monotonic() + 60
    while process.poll() is None and not reached() and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.communicate()


def count(root: Path, name: str) -> int:
    """Lines in all files of a name."""
    return sum(len(lines(path)) for path in root.rglob(name))


def only_run(out: Path) -> Run:
    [run] = find_runs([out])
    return run


def images(run: Run) -> dict[str, str | None]:
    return {str(sample): edit.sha256 for sample, edit in run.edits().items() if run.holds(edit)}


def edit_words(tmp_path: Path, data: Path, seconds: float = 0.02) -> tuple[object, ...]:
    model = f"{backend(tmp_path, seconds)}:Slow"
    return ("edit", "--model", model, "--data", data, "--out", tmp_path / "out")


@pytest.mark.parametrize("kills", [1, pytest.param(12, marks=pytest.mark.slow)])
def test_kill_9_while_editing_costs_what_was_in_flight(data: Path, tmp_path: Path, kills: int) -> None:
    words = edit_words(tmp_path, data)
    log = tmp_path / "edited.log"
    for number in range(kills):
        goal = len(lines(log)) + 1 + number % 3
        with start(*words) as process:
            kill_when(process, lambda goal=goal: len(lines(log)) >= goal)
    recorded = {str(sample) for sample in only_run(tmp_path / "out").edits()}
    before = Counter(lines(log))
    assert finish(*words)[0] == 0
    again = Counter(lines(log)) - before
    assert not recorded & set(again)
    assert sum(Counter(lines(log)).values()) - 44 <= kills  # one was in flight at each kill
    whole = tmp_path / "whole"
    whole.mkdir()
    assert finish(*edit_words(whole, data, 0))[0] == 0
    assert images(only_run(tmp_path / "out")) == images(only_run(whole / "out"))


def judge_words(run: Run, url: str) -> tuple[object, ...]:
    settings = ("--judge", "fake-judge", "--protocol", "native", "--base-url", url, "--concurrency", 4)
    return ("judge", run.path, *settings)


@pytest.mark.parametrize("kills", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_kill_9_while_judging_asks_again_only_what_was_in_flight(data: Path, tmp_path: Path, kills: int) -> None:
    assert finish("edit", "--model", "identity", "--data", data, "--out", tmp_path / "out")[0] == 0
    run = only_run(tmp_path / "out")
    with judge_process(latency=0.05) as server:
        for number in range(kills):
            goal = count(run.path, "replies.jsonl") + 3 + number
            with start(*judge_words(run, server.url)) as process:
                kill_when(process, lambda goal=goal: count(run.path, "replies.jsonl") >= goal)
        assert finish(*judge_words(run, server.url))[0] == 0
        requests = server.stats()["requests"]
    [judgement] = run.judgements()
    asked = Counter((reply.sample, reply.aspect, reply.attempt) for reply in judgement.replies())
    assert set(asked.values()) == {1}
    assert len(asked) == 88
    assert requests - 88 <= 4 * kills  # the concurrency
    rows = list(csv.DictReader(lines(judgement.path / "scores.csv")))
    assert {row["sc_status"] for row in rows} == {"ok"}


def test_two_shards_at_once_are_one_run(data: Path, tmp_path: Path) -> None:
    words = edit_words(tmp_path, data)
    with start(*words, "--shard", "0/2") as first, start(*words, "--shard", "1/2") as second:
        first.communicate(timeout=120)
        second.communicate(timeout=120)
        assert (first.returncode, second.returncode) == (0, 0)
    assert set(Counter(lines(tmp_path / "edited.log")).values()) == {1}
    run = only_run(tmp_path / "out")
    assert len(run.edits()) == len(run.samples()) == 44
    assert {len(lines(path)) > 0 for path in run.path.glob("edits.*.jsonl")} == {True}


def test_the_same_run_twice_is_told(data: Path, tmp_path: Path) -> None:
    words = edit_words(tmp_path, data, seconds=0.4)
    with start(*words) as first:
        while not lines(tmp_path / "edited.log"):
            time.sleep(0.01)
        code, said = finish(*words)
        assert code == 5
        assert "Another process is already working on" in said
        assert "Traceback" not in said
        first.send_signal(signal.SIGINT)
        _, said = first.communicate(timeout=60)
        assert first.returncode == 130
        assert "Stopping once what is in flight is finished; Ctrl-C again stops at once." in said
        assert "Continue with: gedit-bench edit" in said


def test_a_full_disk_stops_in_a_resumable_state(data: Path, tmp_path: Path) -> None:
    words = edit_words(tmp_path, data, seconds=0)

    def little_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))

    code, said = finish(*words, preexec_fn=little_space)
    assert code == 5
    assert "The disk is full" in said
    assert "Traceback" not in said
    assert finish(*words)[0] == 0
    assert len(images(only_run(tmp_path / "out"))) == 44


@pytest.mark.slow
def test_a_judge_that_is_killed_and_comes_back_costs_nothing(data: Path, tmp_path: Path) -> None:
    assert finish("edit", "--model", "identity", "--data", data, "--out", tmp_path / "out")[0] == 0
    run = only_run(tmp_path / "out")
    with judge_process(latency=0.2) as server:
        port = int(server.url.rsplit(":", 1)[1].removesuffix("/v1"))
        with start(*judge_words(run, server.url)) as process:
            deadline = time.monotonic() + 60
            while count(run.path, "replies.jsonl") < 20 and time.monotonic() < deadline:
                time.sleep(0.01)
            server.process.kill()
            server.process.wait()
            time.sleep(3)
            with judge_process(latency=0.05, port=port):
                process.communicate(timeout=120)
        assert process.returncode == 0
    [judgement] = run.judgements()
    assert {reply.delivery for reply in judgement.replies()} == {"answered"}


@pytest.mark.slow
def test_a_long_run_among_faults_ends_with_a_status_for_everything(tmp_path: Path) -> None:
    data = write_benchmark(tmp_path / "data", keys=56)
    assert finish("edit", "--model", "identity", "--data", data, "--out", tmp_path / "out")[0] == 0
    run = only_run(tmp_path / "out")
    kinds = (*FAULTS, "hang", "drop")
    faults = ",".join(f"{kind}:{0.2 / len(kinds)}" for kind in kinds)
    with judge_process(faults, latency=0.02) as server:
        code, said = finish(*judge_words(run, server.url), "--timeout", 3, "--retry-for", 60, "--concurrency", 64)
    assert code in (0, 3)
    assert "Traceback" not in said
    [judgement] = run.judgements()
    rows = list(csv.DictReader(lines(judgement.path / "scores.csv")))
    assert len(rows) == 1232
    assert all(row["sc_status"] and row["pq_status"] for row in rows)
    assert all((row["sc"] != "") == (row["sc_status"] == "ok") for row in rows)
    assert_no_score_is_invented(judgement)


def assert_no_score_is_invented(judgement: Judgement) -> None:
    """Every score is the smaller of the two numbers in a reply that the fake judge meant as one."""
    readings = [(reply, read_answer(reply)) for reply in judgement.replies()]
    scores = [(reply, found) for reply, found in readings if found.score is not None]
    assert scores
    for reply, found in scores:
        numbers = re.search(r'"score": \[(\d+), (\d+)\], "reason', reply.content or "")  # it may be cut behind that
        assert numbers is not None, reply.content
        assert found.score == min(map(int, numbers.groups()))


@pytest.mark.slow
def test_a_judge_that_answers_429_for_a_while_costs_nothing_but_time(data: Path, tmp_path: Path) -> None:
    assert finish("edit", "--model", "identity", "--data", data, "--out", tmp_path / "out")[0] == 0
    run = only_run(tmp_path / "out")
    with judge_process("429:1", 0.0, 0, "--faults-for", 2) as server:
        assert finish(*judge_words(run, server.url))[0] == 0
        stats = server.stats()
    assert stats["fault 429"] > 4
    [judgement] = run.judgements()
    assert {reply.delivery for reply in judgement.replies()} == {"answered"}
    assert len(judgement.replies()) == stats["good"] == 88
    assert max(reply.tries for reply in judgement.replies()) > 1


@pytest.mark.slow
def test_a_judge_that_hangs_for_a_while_costs_nothing_but_time(data: Path, tmp_path: Path) -> None:
    assert finish("edit", "--model", "identity", "--data", data, "--out", tmp_path / "out")[0] == 0
    run = only_run(tmp_path / "out")
    with judge_process(latency=0.05) as server, start(*judge_words(run, server.url), "--timeout", 0.7) as process:
        deadline = time.monotonic() + 60
        while count(run.path, "replies.jsonl") < 20 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.process.send_signal(signal.SIGSTOP)  # connections stay open and nobody answers
        time.sleep(1.5)
        there = count(run.path, "replies.jsonl")
        server.process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert 20 <= there < 88
    [judgement] = run.judgements()
    replies = judgement.replies()
    assert {reply.delivery for reply in replies} == {"answered"}
    assert len({(reply.sample, reply.aspect) for reply in replies}) == len(replies) == 88
    assert max(reply.tries for reply in replies) > 1
