"""How commands end: exit codes, and the printed command that does continue."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from judge_process import judge_process
from program import KEY, Ended, gedit_bench, judgements, process, runs, start, tree
from scripted_judge import Scripted, ScriptedJudge, completion, error

NATIVE = ("--judge", "fake-judge", "--protocol", "native")
MODELS = Scripted({"data": [{"id": "fake-judge"}]})
FLAKY = '''
from pathlib import Path
from gedit_bench import EditModel
class Flaky(EditModel):
    """Fails where a file says so."""
    def edit(self, requests):
        for request in requests:
            if Path("broken").exists() and request.sample.task_type == "ps_human":
                raise RuntimeError("out of memory")
            yield request.source
'''


@pytest.fixture
def base(data: Path, ids: Path) -> tuple[object, ...]:
    """What every command that edits needs."""
    return ("--model", "identity", "--data", data, "--ids", ids)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "identiti"), "Error: There is no model 'identiti'. Did you mean 'identity'?"),
        (("--model", "pil-filters@gentel"), "Error: pil-filters has no recipe 'gentel'. Did you mean 'gentle'?"),
        (("--model", "mine.py"), "Error: mine.py alone doesn't say which class is meant. Name it as mine.py:Class."),
        (("--model", "pil-filters", "-o", "strenght=1"), "has no setting 'strenght'. Did you mean 'strength'?"),
        (("--model", "pil-filters", "-o", "strength=9"), "strength can't be '9': input should be less than or equal"),
        (("--task", "colour_alter"), "Error: There is no category 'colour_alter'. Did you mean 'color_alter'?"),
        (("--lang", "zh-cn"), "Error: There is no language 'zh-cn'. Did you mean 'cn'?"),
        (("--subset", "intersect"), "Error: There is no subset 'intersect'. Did you mean 'intersection'?"),
        (("--data", "sampel"), "Error: There is no data folder 'sampel'. Did you mean 'sample'?"),
        (("--ids", "none.txt"), "Error: The list of ids 'none.txt' can't be read"),
        (("--shard", "4/4"), "Error: --shard can't be '4/4'. Use I/N with I from 0 to N-1, such as 0/4."),
        (("--shard", "-1/4"), "Error: --shard can't be '-1/4'."),
        (("--only", "faild"), "Error: --only can't be 'faild'. Did you mean 'failed'?"),
        (("--limit", "0"), "--limit"),
        (("--sed", "1"), "No such option: --sed"),
    ],
)
def test_wrong_names_get_the_nearest_match(base: tuple[object, ...], words: tuple[str, ...], message: str) -> None:
    ended = gedit_bench("edit", *(base[2:] if "--model" in words else base), *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert not runs()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("lss",), "No such command 'lss'. Did you mean 'ls'"),
        (("ls", "modles"), "There is no listing of 'modles'. Did you mean 'models'?"),
        (("ls", "models", "identiti"), "Did you mean 'identity'?"),
        (("ls", "tasks", "color_alter"), "`ls tasks` takes no name."),
        (("compare", "a", "b", "--format", "tabel"), "--format can't be 'tabel'. Did you mean 'table'?"),
        (("compare", "a", "b"), "a is no run"),
        (("show", "nowhere", "key"), "nowhere is no run"),
        (("status", "nowhere"), "There is no run in nowhere."),
        (("status",), "There is no run in results."),
        (("report",), "There is no run in results."),
        (("report", "."), "There is no run in ."),
        (("judge", "nowhere", "--judge", "offline"), "There is no folder nowhere."),
        (("judge", ".", "--judge", "offline", "--data", "sample"), ". holds no images in the official layout."),
        (("judge", ".", "--judge", "offline", "--protocol", "nativ"), "no protocol 'nativ'. Did you mean 'native'?"),
        (("score", "a.png", "b.png", "x", "--judge", "offline"), "a.png can't be opened"),
        (("score", "a.png", "b.png", "x", "--judge", "fake", "--base-url", "x"), "'x' is no base URL."),
    ],
)
def test_what_cannot_be_carried_out_is_a_usage_error(words: tuple[str, ...], message: str) -> None:
    ended = gedit_bench(*words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_report_needs_something_judged(base: tuple[object, ...]) -> None:
    assert gedit_bench("edit", *base).code == 0
    ended = gedit_bench("report")
    assert ended.code == 2
    assert "No run in results has been judged yet." in ended.err
    assert not Path("results/leaderboard").exists()


def test_a_run_that_is_partial_continues(base: tuple[object, ...]) -> None:
    ended = gedit_bench("run", *base, "--judge", "offline", "--shard", "0/2", "--name", "two words")
    assert ended.code == 3
    assert "never brought to an end" in ended.err
    assert gedit_bench(*ended.continuing()).code == 0
    assert len(runs()) == 1


def test_judging_what_is_half_edited_continues_with_the_edits(base: tuple[object, ...]) -> None:
    assert gedit_bench("edit", *base, "--shard", "0/2").code == 0
    [run] = runs()
    ended = gedit_bench("judge", run, "--judge", "offline")
    assert ended.code == 3
    assert "Some samples are still to be edited." in ended.err
    assert ended.continuing()[0] == "edit"
    assert gedit_bench(*ended.continuing()).code == 0
    assert gedit_bench("judge", run, "--judge", "offline").code == 0


def test_what_others_selected_is_said_and_is_not_this_commands_to_do(base: tuple[object, ...]) -> None:
    assert gedit_bench("edit", *base, "--only", "failed").code == 3  # selects four, edits none
    ended = gedit_bench("edit", *base, "--task", "ps_human")
    assert ended.code == 0
    assert ended.out.startswith("3 of 4 samples are edited")
    assert "Still to be edited, though not selected this time: 1." in ended.err


@pytest.mark.parametrize("form", [("--only", "failed"), ("--only=failed",)])
def test_what_is_missing_is_not_left_to_only_failed(base: tuple[object, ...], form: tuple[str, ...]) -> None:
    ended = gedit_bench("run", *base, "--judge", "offline", *form)
    assert ended.code == 3
    assert "--only" not in ended.continuing()
    assert gedit_bench(*ended.continuing()).code == 0


def test_what_is_missing_is_done_though_the_environment_says_failed(base: tuple[object, ...]) -> None:
    environment = {"GEDIT_BENCH_ONLY": "failed"}
    ended = gedit_bench("edit", *base, env=environment)
    assert ended.code == 3
    assert gedit_bench(*ended.continuing(), env=environment).code == 0


@pytest.mark.parametrize("verb", [("edit",), ("run", "--judge", "offline")])
def test_edits_that_failed_are_made_and_judged_once_more(base: tuple[object, ...], verb: tuple[str, ...]) -> None:
    Path("flaky.py").write_text(FLAKY)
    Path("broken").touch()
    ended = gedit_bench(*verb, *base[2:], "--model", "flaky.py:Flaky")
    assert ended.code == 3
    assert ended.continuing()[-2:] == ["--only", "failed"]
    Path("broken").unlink()
    again = gedit_bench(*ended.continuing())
    assert again.code == 0
    if verb[0] == "run":
        assert len((judgements()[0] / "replies.jsonl").read_text().splitlines()) == 8


def test_judging_edits_that_failed_continues_with_the_edits(base: tuple[object, ...]) -> None:
    Path("flaky.py").write_text(FLAKY)
    Path("broken").touch()
    assert gedit_bench("edit", *base[2:], "--model", "flaky.py:Flaky").code == 3
    [run] = runs()
    ended = gedit_bench("judge", run, "--judge", "offline")
    assert ended.code == 3
    assert (ended.continuing()[0], ended.continuing()[-2:]) == ("edit", ["--only", "failed"])
    Path("broken").unlink()
    assert gedit_bench(*ended.continuing()).code == 0
    assert gedit_bench("judge", run, "--judge", "offline").code == 0


def test_replies_that_failed_are_asked_for_once_more(run: Path) -> None:
    with judge_process("filter:1") as server:
        ended = gedit_bench("judge", run, *NATIVE, "--base-url", server.url)
    assert ended.code == 3
    assert "coverage below 95 %" in ended.err
    assert "left out:" in ended.err
    port = int(server.url.split(":")[2].split("/")[0])
    with judge_process(port=port) as server:
        assert gedit_bench(*ended.continuing()).code == 0


def test_a_score_that_nobody_can_read_is_none(run: Path) -> None:
    image = next(run.rglob("*.png"))
    with judge_process("refusal:1") as server:
        ended = gedit_bench("score", image, image, "x", *NATIVE, "--base-url", server.url, "--json")
    assert ended.code == 3
    assert (ended.json()["overall"], ended.json()["SC"]["status"]) == (None, "refused")
    assert ended.continuing()[0] == "score"


def test_an_exhausted_account_stops_the_run_which_continues(run: Path) -> None:
    quota = Scripted(error("You exceeded your current quota", "insufficient_quota"), 429)
    replies = _replies_of(run)
    with ScriptedJudge(MODELS, Scripted(completion()), quota) as server:
        ended = gedit_bench("judge", run, *NATIVE, "--base-url", server.url, "--concurrency", 1)
        assert (ended.code, ended.out) == (4, "")
        assert "Error: " in ended.err
        assert replies() == 1
        assert len(server.received) <= 4  # the other six questions are not sent to hear the same
        server.script = [MODELS] * (len(server.received) + 1) + [Scripted(completion())]
        assert gedit_bench(*ended.continuing()).code == 0
        assert replies() == 8


def test_a_missing_key_is_said_before_any_work(base: tuple[object, ...]) -> None:
    ended = gedit_bench("run", *base)
    assert (ended.code, ended.out) == (5, "")
    assert ended.err.startswith("Error: There is no key for OpenAI: OPENAI_API_KEY is not set. Set OPENAI_API_KEY,")
    misspelt = gedit_bench("run", *base, "--judge", "offlin")
    assert (misspelt.code, "If 'offline' is meant, use --judge offline." in misspelt.err) == (5, True)
    assert not runs()


def test_a_missing_rubric_is_said_before_any_work(base: tuple[object, ...], tmp_path: Path) -> None:
    ended = gedit_bench("run", *base, "--rubric", tmp_path, env={"OPENAI_API_KEY": KEY})
    assert ended.code == 2
    assert "doesn't hold the official rubric" in ended.err
    planned = gedit_bench("plan", *base, "--json", env={"OPENAI_API_KEY": KEY})
    assert planned.code == 0
    assert planned.json()["missing"][0].startswith("The official rubric is not to be had")
    assert not runs()


def test_a_model_without_weights_says_so_in_one_sentence(base: tuple[object, ...]) -> None:
    for verb in (("edit",), ("run", "--judge", "offline")):
        ended = gedit_bench(*verb, *base[2:], "--model", "step1x-edit")
        assert (ended.code, ended.out) == (5, "")
        assert len(ended.err.splitlines()) == 1
        assert ended.err.startswith("Error: step1x-edit needs its weights")
    assert not runs()


def test_a_judge_that_is_not_there_costs_nothing(base: tuple[object, ...], run: Path) -> None:
    unreachable = (*NATIVE, "--base-url", "http://127.0.0.1:9/v1")
    before = tree(run)
    for command in (("run", *base, "--out", "new"), ("judge", run)):
        ended = gedit_bench(*command, *unreachable)
        assert ended.code == 5
        assert "127.0.0.1 can't be reached" in ended.err
        assert "Check --base-url" in ended.err
    assert not runs(Path("new"))
    assert tree(run).items() >= before.items()


@pytest.fixture
def slow_judge() -> Iterator[str]:
    with judge_process(latency=0.4) as server:
        yield server.url


def test_ctrl_c_finishes_what_is_in_flight_and_says_how_to_go_on(run: Path, here: Path, slow_judge: str) -> None:
    command = ("judge", run, *NATIVE, "--base-url", slow_judge, "--concurrency", 1)
    with start(*command, folder=here) as running:
        replies = _replies_of(run)
        _wait_for(lambda: replies() > 0)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    ended = Ended(running.returncode, out, err)
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in err
    assert f"Interrupted: {replies()} of 8 questions were answered." in err
    assert replies() <= 3  # what is in flight, not what waits
    assert process(*ended.continuing(), "--concurrency", 8, folder=here).code == 0
    assert replies() == 8


def test_ctrl_c_twice_stops_at_once(run: Path, here: Path) -> None:
    with judge_process("hang:1") as server, start("judge", run, *NATIVE, "--base-url", server.url, folder=here) as one:
        _wait_for(lambda: server.stats().get("requests", 0) > 0)
        one.send_signal(signal.SIGINT)
        time.sleep(0.3)
        one.send_signal(signal.SIGINT)
        _, err = one.communicate(timeout=20)
    assert one.returncode == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("Continue with: gedit-bench judge")


def _replies_of(run: Path):
    def count() -> int:
        files = list(run.glob("judgments/fake*/replies.jsonl"))
        return len(files[0].read_bytes().splitlines()) if files else 0

    return count


def _wait_for(ready, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)
