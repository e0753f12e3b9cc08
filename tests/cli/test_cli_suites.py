"""Several models in one go: what one of them lacks costs that one alone, and the same command goes on."""

import csv
import json
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from program import Ended, gedit_bench, judgements, manifest, process, runs, start, tree
from scripted_judge import Received, Scripted, ScriptedJudge, completion, error

OFFLINE = ("--judge", "offline")
BACKENDS = '''
import os
import signal
import time
from pathlib import Path
from gedit_bench import EditModel
from gedit_bench.errors import UnavailableError


class Logged(EditModel):
    """Turns pictures around; notes what it does."""

    def load(self):
        self.note("load")

    def edit(self, requests):
        for request in requests:
            time.sleep(float(os.environ.get("SECONDS_AN_EDIT", "0")))
            self.note(str(request.sample))
            yield request.source.rotate(180)

    def close(self):
        self.note("close")

    def note(self, word):
        with Path("edited.log").open("a") as log:
            log.write(f"{type(self).__name__} {word}\\n")


class First(Logged):
    pass


class Second(Logged):
    pass


class NoWeights(Logged):
    def check(self):
        if not Path("weights").exists():
            raise UnavailableError("no-weights needs its weights.", "Put them there.")


class BadCheck(Logged):
    def check(self):
        if not Path("weights").exists():
            raise RuntimeError("no driver")


class BadLoad(Logged):
    def load(self):
        if not Path("weights").exists():
            raise RuntimeError("out of memory")


class Interrupting(Logged):
    def edit(self, requests):
        if not Path("interrupted").exists():
            Path("interrupted").touch()
            os.kill(os.getpid(), signal.SIGINT)
        yield from super().edit(requests)
'''


@pytest.fixture
def chosen(data: Path, ids: Path) -> tuple[object, ...]:
    """The options that select four samples."""
    return ("--data", data, "--ids", ids)


@pytest.fixture
def mine(here: Path) -> Path:
    """A file of backends."""
    path = here / "mine.py"
    path.write_text(BACKENDS)
    return path


@pytest.fixture
def judge() -> Iterator[ScriptedJudge]:
    """A judge behind an endpoint that answers whatever it is asked."""
    with ScriptedJudge(answering(Scripted(completion()))) as server:
        yield server


def answering(answer: Scripted) -> Any:
    """Return a response that lists the judge's model, and is `answer` to a question."""
    models = Scripted({"data": [{"id": "fake-judge"}]})
    return lambda received: models if received.method == "GET" else answer


def questions(server: ScriptedJudge) -> list[Received]:
    return [one for one in server.received if one.method == "POST"]


def write_suite(models: list[object], judges: list[object], data: Path, ids: Path, more: str = "") -> Path:
    """Write a suite; strings and flat tables are the same in JSON but for the colon."""

    def toml(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {json.dumps(one)}" for key, one in value.items()) + "}"
        return json.dumps(value)

    path = Path("suite.toml")
    path.write_text(
        f"{more}\nmodels = [{', '.join(map(toml, models))}]\njudges = [{', '.join(map(toml, judges))}]\n"
        f"[selection]\ndata = {json.dumps(str(data))}\nids = {json.dumps(str(ids))}\n"
    )
    return path


def board() -> list[dict[str, str]]:
    with Path("results/leaderboard/leaderboard.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def log() -> list[str]:
    path = Path("edited.log")
    return path.read_text().splitlines() if path.exists() else []


def replies() -> int:
    return sum(len((one / "replies.jsonl").read_text().splitlines()) for one in judgements())


def test_several_models_are_edited_judged_and_reported_together(chosen: tuple[object, ...]) -> None:
    models = ("--model", "identity", "-m", "pil-filters", "-m", "pil-filters@gentle")
    command = ("run", *models, *chosen, *OFFLINE)
    ended = gedit_bench(*command)
    assert ended.code == 0, ended.err
    assert [run.parent.name for run in runs()] == ["identity", "pil-filters", "pil-filters"]
    assert len(judgements()) == 3
    assert len({line.split()[1] for line in ended.out.splitlines() if "offline@local" in line}) == 3
    assert "Leaderboard: results/leaderboard/index.html" in ended.out
    assert len({(row["model"], row["recipe"]) for row in board()}) == 3
    before = tree(*runs())
    again = gedit_bench(*command)
    assert (again.code, again.out) == (0, ended.out)
    assert tree(*runs()) == before


def test_the_report_is_of_the_suites_runs_alone(results: Path, chosen: tuple[object, ...]) -> None:
    shutil.rmtree(results / "identity")
    words = ("-m", "identity", "-m", "pil-filters@gentle", *chosen, *OFFLINE)
    assert gedit_bench("run", *words).code == 0
    assert len(runs()) == 3
    assert {row["recipe"] for row in board() if row["model"] == "pil-filters"} == {"gentle"}


def test_models_are_loaded_one_after_the_other(mine: Path, chosen: tuple[object, ...]) -> None:
    assert gedit_bench("edit", "-m", f"{mine}:First", "-m", f"{mine}:Second", *chosen).code == 0
    edits = [f"ps_human/en/{4:032x}", f"ps_human/en/{15:032x}", f"ps_human/cn/{4:032x}", f"color_alter/en/{1:032x}"]
    said = log()
    assert [said[0], said[5], said[6], said[11]] == ["First load", "First close", "Second load", "Second close"]
    assert {line.split()[1] for line in said[1:5]} == {line.split()[1] for line in said[7:11]} == set(edits)
    assert not judgements()


def test_what_cannot_run_here_is_said_first_and_the_rest_goes_on(mine: Path, data: Path, ids: Path) -> None:
    Path("foreign.py").write_text("import no_such_package\n")
    lacking = [f"{mine}:NoWeights", f"{mine}:BadCheck", f"{mine}:BadLoad", "foreign.py:Foreign"]
    suite = write_suite(["identity", *lacking, "pil-filters"], ["offline"], data, ids)
    ended = gedit_bench("run", "--suite", suite)
    assert ended.code == 3
    assert {row["model"] for row in board()} == {"identity", "pil-filters"}
    before, after = ended.err.split("Model 1 of 3", 1)
    for words in (
        "NoWeights: no-weights needs its weights. Put them there.",
        "BadCheck: BadCheck can't be checked: RuntimeError: no driver.",
        "foreign.py:Foreign: foreign.py needs what can't be imported here: No module named 'no_such_package'.",
    ):
        assert words in before
        assert words in after  # and once more in the end
    assert "BadLoad: BadLoad can't be loaded: RuntimeError: out of memory." in after
    assert "4 of the suite's parts could not be done:" in after
    Path("weights").touch()
    Path("foreign.py").write_text(BACKENDS.replace("class First", "class Foreign"))
    done = tree(*(run for run in runs() if run.parent.name in {"identity", "pil-filters"}))
    again = gedit_bench(*ended.continuing())
    assert again.code == 0, again.err
    assert len(runs()) == len(judgements()) == 6
    assert tree(*(run for run in runs() if run.parent.name in {"identity", "pil-filters"})) == done


def test_what_another_machine_edited_is_judged_where_the_model_cannot_run(mine: Path, data: Path, ids: Path) -> None:
    models: list[object] = [f"{mine}:NoWeights", f"{mine}:BadCheck"]
    suite = write_suite(models, ["offline"], data, ids)
    Path("weights").touch()
    assert gedit_bench("edit", "--suite", suite).code == 0
    Path("weights").unlink()
    next(run for run in runs() if run.parent.name == "BadCheck").rename("put_aside")
    ended = gedit_bench("run", "--suite", suite)
    assert ended.code == 3
    assert "Left out: " in ended.err
    assert "no driver" in ended.err
    assert "needs its weights" not in ended.err
    assert {row["model"] for row in board()} == {"NoWeights"}
    image = next(runs()[0].rglob("*.png"))
    image.unlink()
    again = gedit_bench("run", "--suite", suite)
    assert again.code == 5  # an image is missing, so the model is needed
    assert "needs its weights" in again.err


def test_where_nothing_can_run_each_reason_is_said_and_nothing_is_made(mine: Path, chosen: tuple[object, ...]) -> None:
    ended = gedit_bench("run", "-m", f"{mine}:NoWeights", "-m", f"{mine}:BadCheck", *chosen, *OFFLINE)
    assert (ended.code, ended.out) == (5, "")
    assert "no-weights needs its weights." in ended.err
    assert "RuntimeError: no driver." in ended.err
    assert not runs()


@pytest.mark.parametrize(
    ("models", "judges", "message"),
    [
        (["identity", "identiti"], ["offline"], "There is no model 'identiti'. Did you mean 'identity'?"),
        (["pil-filters", "pil-filters@default"], ["offline"], "named twice with the same settings: pil-filters as"),
        (["pil-filters@gentle", {"model": "pil-filters", "recipe": "gentle"}], ["offline"], "pil-filters@gentle."),
        (["identity"], ["offline", "offline"], "The judge offline is asked twice in the same way."),
        (["identity"], [{"judge": "offline", "protocol": "nativ"}], "no protocol 'nativ'. Did you mean 'native'?"),
        ([{"model": "identity", "recpie": "x"}], ["offline"], "number 1 of [[models]] has no key 'recpie'."),
    ],
)
def test_a_broken_suite_is_one_sentence_and_nothing_is_begun(
    models: list[object], judges: list[object], message: str, data: Path, ids: Path
) -> None:
    ended = gedit_bench("run", "--suite", write_suite(models, judges, data, ids))
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not runs()


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ('scorings = ["offical"]', "There is no scoring 'offical'. Did you mean 'official'?"),
        ('with_published = "none.json"', "none.json"),
    ],
)
def test_a_report_that_cannot_be_made_is_told_before_any_work(report: str, message: str, data: Path, ids: Path) -> None:
    suite = write_suite(["identity"], ["offline"], data, ids)
    suite.write_text(f"{suite.read_text()}[report]\n{report}\n")
    ended = gedit_bench("run", "--suite", suite)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert not runs()


def test_the_report_lands_where_the_suite_says_with_its_scorings(data: Path, ids: Path) -> None:
    suite = write_suite(["identity"], ["offline"], data, ids, 'out = "all"')
    suite.write_text(f'{suite.read_text()}[report]\nout = "page"\nscorings = ["official", "zeros"]\n')
    ended = gedit_bench("run", "--suite", suite)
    assert "Leaderboard: page/index.html" in ended.out
    tables = json.loads(Path("page/leaderboard.json").read_text())["tables"]
    assert {table["scoring_id"].split(".")[0] for table in tables} == {"official", "zeros"}
    assert [run.parts[0] for run in runs(Path("all"))] == ["all"]


def test_the_same_model_under_two_names_is_two_rows(data: Path, ids: Path) -> None:
    models: list[object] = ["identity", {"model": "identity", "name": "another"}, {"model": "identity", "seed": 7}]
    assert gedit_bench("run", "--suite", write_suite(models, ["offline"], data, ids)).code == 0
    assert sorted((manifest(run)["name"], manifest(run)["seed"]) for run in runs()) == [
        ("another", 42),
        ("identity", 7),
        ("identity", 42),
    ]


def test_two_judges_each_judge_every_model(judge: ScriptedJudge, data: Path, ids: Path) -> None:
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url, "repeats": 2, "reuse": False}
    suite = write_suite(["identity", "pil-filters"], ["offline", there], data, ids)
    ended = gedit_bench("run", "--suite", suite)
    assert ended.code == 0, ended.err
    assert len(judgements()) == 4
    assert {row["judge_id"] for row in board()} == {"offline@local", "fake-judge@127.0.0.1"}
    asked = len(questions(judge))
    assert asked == 2 * 4 * 2 * 2  # models, samples, aspects, repeats
    assert gedit_bench("run", "--suite", suite).code == 0
    assert len(questions(judge)) == asked


def test_a_judge_that_is_not_there_leaves_the_other_one_to_work(data: Path, ids: Path) -> None:
    gone = {"judge": "fake-judge", "protocol": "native", "base_url": "http://127.0.0.1:9/v1"}
    ended = gedit_bench("run", "--suite", write_suite(["identity"], [gone, "offline"], data, ids))
    assert ended.code == 3
    assert ended.err.startswith("Left out: the judge fake-judge: 127.0.0.1 can't be reached")
    assert {row["judge_id"] for row in board()} == {"offline@local"}
    alone = gedit_bench("run", "--suite", write_suite(["pil-filters"], [gone], data, ids))
    assert (alone.code, len(runs())) == (5, 1)


def test_a_judge_whose_account_is_exhausted_leaves_the_edits_to_go_on(
    judge: ScriptedJudge, data: Path, ids: Path
) -> None:
    judge.script = [answering(Scripted(error("You exceeded your current quota", "insufficient_quota"), 429))]
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url, "concurrency": 1}
    ended = gedit_bench("run", "--suite", write_suite(["identity", "pil-filters"], [there, "offline"], data, ids))
    assert ended.code == 4
    assert "identity, judged by fake-judge: " in ended.err
    assert "pil-filters, judged by fake-judge: " in ended.err
    assert sum(row["judge_id"] == "offline@local" and row["scored"] != "0" for row in board()) == 8
    assert len(runs()) == 2
    judge.script = [answering(Scripted(completion()))]
    assert gedit_bench(*ended.continuing()).code == 0
    assert not [row for row in board() if row["scored"] == "0"]


def test_one_budget_is_for_all_models(judge: ScriptedJudge, data: Path, ids: Path) -> None:
    Path("prices.toml").write_text(
        '[[price]]\nmodels = ["fake-judge"]\ninput = 2.0\noutput = 8.0\ndate = "2026-11-23"\n'
    )
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url, "concurrency": 1, "reuse": False}
    models: list[object] = ["identity", "pil-filters"]
    suite = write_suite(models, [there], data, ids, 'prices = "prices.toml"\nmax_cost = 0.05')
    one_go = gedit_bench("run", "--suite", suite)
    assert one_go.code == 4
    assert "--max-cost is 0.05" in one_go.err
    first = len(questions(judge))
    assert 8 < first < 16  # eight questions about the first model, and some about the second
    assert {row["model"] for row in board()} == {"identity", "pil-filters"}
    assert "2 of 2 models are edited." in one_go.err  # what is lacking is the judge's
    ended = gedit_bench(*one_go.continuing(), "--max-cost", 5)
    assert ended.code == 0, ended.err
    assert "judging cost $0.0" in ended.out
    assert len(questions(judge)) == replies() == 16


def test_a_budget_needs_the_price_of_every_judge(judge: ScriptedJudge, data: Path, ids: Path) -> None:
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url}
    ended = gedit_bench("run", "--suite", write_suite(["identity"], ["offline", there], data, ids), "--max-cost", 1)
    assert ended.code == 2
    assert "nobody knows what fake-judge costs" in ended.err
    assert not runs()


def test_ctrl_c_stops_the_whole_and_the_same_command_goes_on(mine: Path, data: Path, ids: Path) -> None:
    models: list[object] = [f"{mine}:First", f"{mine}:Interrupting", f"{mine}:Second"]
    ended = gedit_bench("run", "--suite", write_suite(models, ["offline"], data, ids))
    assert ended.code == 130
    assert "Error: Interrupted: 4 of 4 samples are edited." in ended.err
    assert not any(line.startswith("Second") for line in log())
    assert not Path("results/leaderboard").exists()
    assert gedit_bench(*ended.continuing()).code == 0
    assert max(Counter(line for line in log() if "/" in line).values()) == 1
    assert {row["model"] for row in board()} == {"First", "Interrupting", "Second"}


@pytest.mark.slow
def test_kill_9_in_mid_suite_costs_what_was_in_flight(mine: Path, data: Path, ids: Path, here: Path) -> None:
    suite = write_suite([f"{mine}:First", f"{mine}:Second"], ["offline"], data, ids)
    words = ("run", "--suite", suite)

    def edits(name: str) -> list[str]:
        return [line for line in log() if line.startswith(name) and "/" in line]

    with start(*words, folder=here, env={"SECONDS_AN_EDIT": "0.3"}) as running:
        deadline = time.monotonic() + 60
        while len(edits("Second")) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.communicate()
    assert len(edits("First")) == 4
    assert 2 <= len(edits("Second")) < 4
    before = replies()
    ended = process(*words, folder=here)
    assert ended.code == 0, ended.err
    assert set(Counter(edits("First")).values()) == {1}
    assert len(edits("Second")) <= 5  # one may have been on its way to the disk
    assert (before, replies()) == (8, 16)


def test_what_failed_is_done_once_more_by_the_command_that_is_printed(mine: Path, data: Path, ids: Path) -> None:
    mine.write_text(
        BACKENDS
        + """

class Flaky(Logged):
    def edit(self, requests):
        for request in requests:
            if not Path("weights").exists():
                raise RuntimeError("out of memory")
            yield request.source.rotate(90)
"""
    )
    ended = gedit_bench("run", "--suite", write_suite(["identity", f"{mine}:Flaky"], ["offline"], data, ids))
    assert ended.code == 3
    assert ended.continuing()[-2:] == ["--only", "failed"]
    assert re.search(r"Flaky, offline@local, en: left out: \d+ edits? edit_failed", ended.err)
    Path("weights").touch()
    assert gedit_bench(*ended.continuing()).code == 0


def test_edit_takes_a_suite_and_judges_nothing(data: Path, ids: Path) -> None:
    suite = write_suite(["identity", "pil-filters"], ["gpt-4.1-2025-04-14"], data, ids)
    ended = gedit_bench("edit", "--suite", suite)  # no key is needed
    assert ended.code == 0, ended.err
    assert ended.out.count("4 of 4 samples are edited") == 2
    assert not judgements()


@pytest.mark.parametrize("verb", ["run", "edit", "plan"])
def test_suite_leaves_some_options_to_the_command_line(verb: str, data: Path, ids: Path) -> None:
    suite = write_suite(["identity", "pil-filters"], ["offline"], data, ids)
    words = (verb, "--suite", suite, "--limit", 1, "--out", "elsewhere")
    ended = gedit_bench(*words)
    assert ended.code == 0, ended.err
    if verb == "plan":
        assert re.search("^to edit: +6 ", ended.out, re.MULTILINE)
        assert not runs(Path("elsewhere"))
    else:
        assert {len((run / "samples.jsonl").read_text().splitlines()) for run in runs(Path("elsewhere"))} == {3}
    shard = gedit_bench(verb, "--suite", suite, "--shard", "0/2", "--out", "parts")
    assert shard.code == (3 if verb == "run" else 0)
    failed = gedit_bench(verb, "--suite", suite, "--only", "failed", "--out", "none")
    assert failed.code == (0 if verb == "plan" else 3)
    for refused, env in (
        (("--seed", 3), {}),
        (("--model", "identity"), {}),
        ((), {"GEDIT_BENCH_LANG": "en"}),
    ):
        ended = gedit_bench(verb, "--suite", suite, *refused, env=env)
        assert ended.code == 2
        assert "can't be given with --suite. Write it into the suite file." in ended.err
    assert gedit_bench(verb, env={"GEDIT_BENCH_SUITE": str(suite), "GEDIT_BENCH_LIMIT": "1"}).code == 0


def test_allow_partial_and_max_cost_may_stand_beside_a_suite(mine: Path, data: Path, ids: Path) -> None:
    suite = write_suite(["identity"], ["offline"], data, ids)
    shard = ("run", "--suite", suite, "--shard", "0/2")
    assert gedit_bench(*shard).code == 3
    assert "never brought to an end" in Path("results/leaderboard/leaderboard.json").read_text()
    assert gedit_bench(*shard, "--allow-partial", "--max-cost", 1).code == 3
    assert "never brought to an end" not in Path("results/leaderboard/leaderboard.json").read_text()
    assert gedit_bench(*shard, "--max-cost", 0).code == 2


@pytest.mark.parametrize("verb", ["run", "edit", "plan"])
def test_a_model_must_be_named_and_one_name_is_not_for_several(verb: str, chosen: tuple[object, ...]) -> None:
    nobody = gedit_bench(verb, *chosen)
    assert (nobody.code, nobody.out) == (2, "")
    assert "No model is named. Name one with --model, or a file of several with --suite." in nobody.err
    several = gedit_bench(verb, "-m", "identity", "-m", "pil-filters", "--name", "x", *chosen)
    assert several.code == 2
    assert "--name can't name several models." in several.err


def planned(*words: object) -> Any:
    ended = gedit_bench("plan", *words, "--json")
    assert ended.code == 0, ended.err
    return ended.json()


def test_the_plan_of_a_suite_is_the_sum_of_its_parts(judge: ScriptedJudge, mine: Path, data: Path, ids: Path) -> None:
    Path("prices.toml").write_text(
        '[[price]]\nmodels = ["fake-judge"]\ninput = 2.0\noutput = 8.0\ndate = "2026-11-23"\n'
    )
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url}
    models: list[object] = ["identity", "pil-filters", f"{mine}:NoWeights"]
    suite = write_suite(models, [there, "offline"], data, ids, 'prices = "prices.toml"')
    assert gedit_bench("edit", "-m", "identity", "--data", data, "--ids", ids).code == 0
    whole = planned("--suite", suite)
    asking = ("--judge", "fake-judge", "--protocol", "native", "--base-url", judge.url, "--prices", "prices.toml")
    parts = [planned("-m", model, "--data", data, "--ids", ids, *asking) for model in models]
    total = whole["total"]
    assert total["to_edit"] == sum(part["to_edit"] for part in parts) == 8
    assert total["disk_bytes"] == sum(part["disk_bytes"] for part in parts)
    assert total["questions"] == 2 * sum(part["questions"] for part in parts) == 48
    assert total["usd"] == pytest.approx([sum(part["usd"][end] for part in parts) for end in (0, 1)])
    assert total["tokens"]["prompt"][0] == pytest.approx(sum(part["tokens"]["prompt"][0] for part in parts))
    assert whole["missing"] == ["no-weights needs its weights. Put them there."]
    assert [one["model"] for one in whole["models"]] == models
    told = gedit_bench("plan", "--suite", suite)
    assert re.search(r"^cost: +about \$0\.\d+ to \$0\.\d+$", told.out, re.MULTILINE)
    assert re.search(r"^missing: +no-weights needs its weights.", told.out, re.MULTILINE)
    assert not questions(judge)
    assert len(runs()) == 1


def test_a_plan_says_of_how_many_judgements_nobody_knows_the_price(judge: ScriptedJudge, data: Path, ids: Path) -> None:
    there = {"judge": "fake-judge", "protocol": "native", "base_url": judge.url}
    suite = write_suite(["identity", "pil-filters"], [there, "offline"], data, ids)
    assert re.search(r"^cost: +unknown for 2 of 4 judgements$", gedit_bench("plan", "--suite", suite).out, re.MULTILINE)
    assert planned("--suite", suite)["total"]["plans_of_unknown_cost"] == 2


def test_the_plan_of_a_suite_sums_what_edits_cost(data: Path, ids: Path) -> None:
    Path("prices.toml").write_text(
        '[[price]]\nmodels = ["gpt-image-1"]\ninput = 5\noutput = 40\n'
        "images = { input = 10, output = 40, tokens_in = [200, 400], tokens_out = { high = [4160, 4200] } }\n"
    )
    suite = write_suite(["gpt-image-1", "gpt-image-1@high-fidelity", "identity"], ["offline"], data, ids)
    suite.write_text('prices = "prices.toml"\n' + suite.read_text())
    parts = [plan["edit_usd"] for one in planned("--suite", suite)["models"] for plan in one["plans"]]
    total = planned("--suite", suite)["total"]
    assert total["edit_usd"] == pytest.approx([sum(part[end] for part in parts) for end in (0, 1)])
    assert total["edit_usd"][0] > 2 * 4 * 0.16
    assert total["models_of_unknown_cost"] == 0
    told = gedit_bench("plan", "--suite", suite).out
    assert re.search(r"^cost of edits: +about \$1\.\d+ to \$1\.\d+$", told, re.MULTILINE)
    suite.write_text(suite.read_text().replace('"gpt-image-1",', '"openai-images:dall-e-9",'))
    assert planned("--suite", suite)["total"]["models_of_unknown_cost"] == 1
    assert "unknown for 1 of 3 models" in gedit_bench("plan", "--suite", suite).out


def test_plan_and_run_name_the_same_folders(data: Path, ids: Path) -> None:
    path = write_suite(["identity"], ["offline"], data, ids)
    text = path.read_text().replace(
        'models = ["identity"]', 'models = ["identity", {model = "pil-filters", options = {strength = 0.25}}]'
    )
    path.write_text(text)
    folders = sorted(plan["run"] for one in planned("--suite", path)["models"] for plan in one["plans"])
    ended: Ended = gedit_bench("run", "--suite", path)
    assert ended.code == 0, ended.err
    assert folders == [str(run) for run in runs()]
    [soft] = [manifest(run) for run in runs() if run.parent.name == "pil-filters"]
    assert soft["settings"] == {"strength": 0.25}
    assert soft["origins"]["strength"] == "suite"
