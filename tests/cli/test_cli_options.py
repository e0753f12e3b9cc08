"""Every option has a variable and a test that it changes something; the table at the end keeps it so."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from foreign_files import official_row, review, sample, write_lines, write_table
from judge_process import JudgeProcess, judge_process
from program import Ended, gedit_bench, judgements, manifest, runs

from gedit_bench.cli.app import app

TREE = typer.main.get_command(app)
VERBS: dict[str, Any] = {"": TREE, **TREE.commands}  # type: ignore[attr-defined]
OPTIONS = {
    (verb, max(parameter.opts, key=len)): parameter
    for verb, command in VERBS.items()
    for parameter in command.params
    if parameter.param_type_name == "option" and "--help" not in parameter.opts
}

OFFLINE = ("--judge", "offline")
Words = tuple[object, ...]


def test_every_option_has_a_variable_of_its_own() -> None:
    variables: dict[str, set[str]] = {}
    for (_, name), parameter in OPTIONS.items():
        assert re.fullmatch("GEDIT_BENCH_[A-Z_]+", parameter.envvar), name
        variables.setdefault(parameter.envvar, set()).add(name)
    assert all(len(names) == 1 for names in variables.values()), variables
    assert OPTIONS["report", "--out"].envvar != OPTIONS["run", "--out"].envvar  # a page is no folder of runs


@pytest.fixture
def base(data: Path, ids: Path) -> Words:
    """Four samples, of which each filter leaves some."""
    return ("--model", "pil-filters", "--data", data, "--ids", ids)


@pytest.fixture(scope="module")
def fake() -> Iterator[JudgeProcess]:
    with judge_process(latency=0.05) as server:
        yield server


def asked(server: JudgeProcess, protocol: str = "native") -> Words:
    return ("--judge", "fake-judge", "--protocol", protocol, "--base-url", server.url)


def command(verb: str, base: Words, target: Path) -> Words:
    """A command of any verb that selects: on its own run, or on one that holds the four samples."""
    if verb in {"judge", "check"}:
        return (verb, target, *(OFFLINE if verb == "judge" else ()))
    return (verb, *base, "--out", "new", *(() if verb == "edit" else OFFLINE))


def selected(verb: str, ended: Ended) -> int:
    """How many samples a command was about."""
    if verb == "plan":
        return int(re.findall(r"^samples: +(\d+)", ended.out, re.MULTILINE)[0])
    if verb == "check":
        return int(re.findall(r"of (\d+) samples", ended.out)[0])
    [folder] = judgements() if verb == "judge" else runs(Path("new"))
    return len((folder / "samples.jsonl").read_text().splitlines())


@pytest.mark.parametrize("verb", ["edit", "run", "judge", "check", "plan"])
@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((), 4),
        (("--task", "ps_human"), 3),
        (("--task", "ps_human", "--task", "color_alter"), 4),
        (("--lang", "zh"), 1),
        (("--subset", "intersection"), 3),
        (("--limit", "1"), 3),
        (("--ids", "one.txt"), 1),
    ],
)
def test_filters_select(verb: str, words: Words, left: int, base: Words, results: Path, data: Path) -> None:
    Path("one.txt").write_text(f"color_alter/en/{1:032x}\n")
    target = runs(results)[0]
    for other in judgements():
        for file in other.iterdir():
            file.unlink()
        other.rmdir()
    if verb == "judge":
        (results / "pil-filters").rename("put_aside")
    ended = gedit_bench(*command(verb, base, target), *words)
    assert ended.code == 0, ended.err
    assert selected(verb, ended) == left


@pytest.mark.parametrize("verb", ["edit", "run", "plan"])
def test_data_are_other_data(verb: str, base: Words, other_data: Path, results: Path) -> None:
    first = command(verb, base[:4], results)
    small = ("--task", "color_alter", "--data", other_data)
    ended = gedit_bench(*first, *small)
    assert ended.code == 0
    assert selected(verb, ended) == 2
    if verb == "plan":
        assert "other at local-" in ended.out
    else:
        assert manifest(runs(Path("new"))[0])["dataset"] == "other"


def test_data_of_a_run_must_be_its_own(run: Path, other_data: Path, data: Path) -> None:
    assert gedit_bench("judge", run, *OFFLINE, "--data", data).code == 0
    ended = gedit_bench("judge", run, *OFFLINE, "--data", other_data)
    assert ended.code == 2
    assert "Use the data that the run began with." in ended.err
    images = run / "images"
    assert gedit_bench("check", images, "--data", data).out.splitlines()[0].startswith("4 of 44 samples")
    assert gedit_bench("check", images, "--data", other_data).out.splitlines()[0].startswith("3 of 22 samples")


@pytest.mark.parametrize("verb", ["edit", "run", "plan"])
@pytest.mark.parametrize(
    ("words", "fact", "value"),
    [
        (("--model", "identity"), "model", "identity"),
        (("--option", "strength=0.25"), "settings", {"strength": 0.25}),
        (("-o", "strength=0.25"), "settings", {"strength": 0.25}),
        (("--seed", "7"), "seed", 7),
        (("--name", "my name"), "name", "my name"),
    ],
)
def test_what_decides_the_pixels_is_in_the_manifest(
    verb: str, words: Words, fact: str, value: object, base: Words, results: Path
) -> None:
    small = ("--task", "color_alter")
    plain = gedit_bench("plan", *base, *small, *OFFLINE, "--out", "new", "--json").json()["run"]
    others = base[2:] if "--model" in words else base
    ended = gedit_bench(*command(verb, others, results), *small, *words, *(("--json",) if verb == "plan" else ()))
    assert ended.code == 0
    if verb == "plan":
        assert ended.json()["run"] != plain
    else:
        [run] = runs(Path("new"))
        assert str(run) != plain
        assert manifest(run)[fact] == value


@pytest.mark.parametrize("verb", ["edit", "run", "plan"])
def test_shard_takes_its_part(verb: str, base: Words, results: Path) -> None:
    counts = []
    for shard in ("0/2", "1/2"):
        ended = gedit_bench(*command(verb, base, results), "--shard", shard)
        if verb == "plan":
            counts.append(int(re.findall(r"to edit: +(\d+)", ended.out)[0]))
        else:
            lines = runs(Path("new"))[0] / f"edits.{shard.replace('/', '-of-')}.jsonl"
            counts.append(len(lines.read_text().splitlines()))
    assert sum(counts) == 4
    assert 0 < counts[0] < 4


@pytest.mark.parametrize("verb", ["edit", "run", "plan", "doctor"])
def test_device_is_where_edits_are_made(verb: str, base: Words, results: Path) -> None:
    words = ("doctor", *OFFLINE, "--model", "identity") if verb == "doctor" else command(verb, base, results)
    absent = gedit_bench(*words, "--device", "cuda:99")
    assert "There is no cuda:99: torch sees " in absent.out + absent.err
    assert absent.code == (0 if verb == "plan" else 5)
    assert gedit_bench(*words, env={"GEDIT_BENCH_DEVICE": "cpu"}).code == 0
    twice = gedit_bench(*words, "--device", "cuda:1,cuda:1")
    assert "cuda:1 is named twice" in twice.out + twice.err
    assert twice.code == (5 if verb == "doctor" else 2)


@pytest.mark.parametrize("verb", ["edit", "run", "plan"])
def test_a_cluster_chooses_its_devices_and_ends_what_takes_too_long(verb: str, base: Words, results: Path) -> None:
    words = command(verb, base, results)
    named = gedit_bench(*words, "--ray-address", "auto", "--device", "cuda:1")
    assert (named.code, "'cuda:1' means nothing on a cluster" in named.err) == (2, True)
    alone = gedit_bench(*words, "--edit-timeout", "60")
    assert (alone.code, "--edit-timeout needs several devices or --ray-address" in alone.err) == (2, True)


@pytest.mark.parametrize("verb", ["edit", "run", "plan"])
def test_batch_size_is_a_setting_of_the_model(verb: str, base: Words, results: Path) -> None:
    refused = gedit_bench(*command(verb, base, results), "--batch-size", "2")
    assert (refused.code, "pil-filters has no setting 'batch'" in refused.err) == (2, True)
    tiny = (*command(verb, base[2:], results), "--model", "step1x-edit@tiny", "--task", "color_alter")
    ended = gedit_bench(*tiny, "--batch-size", "auto", *(("--json",) if verb == "plan" else ()))
    assert ended.code == 0
    if verb == "plan":
        assert ended.json()["settings"]["batch"] == {"value": "auto", "from": "command line"}
    else:
        [run] = runs(Path("new"))
        assert manifest(run)["handling"]["batch"] == "auto"
        assert json.loads((run / "edits.jsonl").read_text())["extra"] == {"batch": 16}


@pytest.mark.parametrize("verb", ["edit", "run", "plan", "judge", "ls", "doctor"])
def test_out_is_the_folder_of_runs(verb: str, base: Words, run: Path) -> None:
    small = ("--task", "color_alter")
    if verb == "plan":
        found = gedit_bench("plan", *base, *OFFLINE, "--out", "elsewhere", "--json").json()
        assert found["run"].startswith("elsewhere/pil-filters/")
    elif verb == "ls":
        assert gedit_bench("ls", "runs", "--out", "elsewhere").out == "none\n"
        assert len(gedit_bench("ls", "runs", "--json").json()) == 2
    elif verb == "doctor":
        assert "GB free for elsewhere" in gedit_bench("doctor", *OFFLINE, "--out", "elsewhere").out
    else:
        data = ("--data", base[3], "--ids", base[5])
        words = ("judge", run / "images", *data, *OFFLINE) if verb == "judge" else command(verb, base, run)
        assert gedit_bench(*words, *small, "--out", "elsewhere").code == 0
        assert len(runs(Path("elsewhere"))) == 1


def test_report_out_is_where_the_page_lands(results: Path) -> None:
    assert gedit_bench("report", "--out", "page").out == "page/index.html\n"
    assert gedit_bench("report", env={"GEDIT_BENCH_REPORT_OUT": "other"}).out == "other/index.html\n"
    assert gedit_bench("report", env={"GEDIT_BENCH_OUT": "results/identity"}).out.startswith("results/identity/lead")
    assert (Path("page") / "leaderboard.csv").exists()


def test_with_published_shows_what_others_published(results: Path) -> None:
    def said() -> list[str | None]:
        tables = json.loads(Path("page/leaderboard.json").read_text())["tables"]
        return [table["no_published_because"] for table in tables]

    for words, variable in (((), "no"), (("--with-published",), "no"), ((), "yes")):
        ended = gedit_bench("report", "--out", "page", *words, env={"GEDIT_BENCH_WITH_PUBLISHED": variable})
        assert ended.code == 0
        told = "No published numbers stand beside this table: no VLM judged it."
        assert set(said()) == {told if words or variable == "yes" else None}
        assert (told in Path("page/index.html").read_text()) == bool(words or variable == "yes")


def test_a_page_has_the_title_that_it_is_given(results: Path) -> None:
    out = results.parent / "titled"
    assert gedit_bench("report", results, "--out", out, "--title", "Ours & <theirs>").code == 0
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "<title>Ours &amp; &lt;theirs&gt;</title>" in page
    assert json.loads((out / "leaderboard.json").read_text())["title"] == "Ours & <theirs>"


def test_a_single_file_holds_what_its_budget_allows(results: Path) -> None:
    def pictures(*words: object) -> list[str]:
        assert gedit_bench("report", "--out", "page", *words).code == 0
        return re.findall(r"^(?:.*>)?(thumbs/\S+ \S+)$", Path("page/index.html").read_text(), re.MULTILINE)

    assert pictures() == []
    everything = pictures("--single-file")
    size = sum(map(len, everything))
    some = pictures("--single-file", "--embed-budget", size / 1.2e6)
    assert 0 < len(some) < len(everything)
    assert pictures("--single-file", "--embed-budget", "0") == []
    assert gedit_bench("report", "--embed-budget", "5").code == 2


@pytest.mark.parametrize("verb", ["edit", "run", "judge", "plan"])
def test_only_failed_leaves_what_is_missing(verb: str, base: Words, results: Path, run: Path) -> None:
    for file in [file for folder in judgements() for file in folder.iterdir()]:
        file.unlink()
    ended = gedit_bench(*command(verb, base, run), "--only", "failed")
    if verb == "plan":
        assert ended.code == 0
        assert re.search(r"to edit: +0 ", ended.out)
    else:
        assert ended.code == 3
        assert not list(
            (run if verb == "judge" else Path("new")).rglob("replies.jsonl" if verb == "judge" else "*.png")
        )


def judged(verb: str, base: Words, run: Path, *words: object) -> Ended:
    """A verb that asks a judge, about very little."""
    small = ("--task", "color_alter")
    image = next(run.rglob("*.png"))
    return gedit_bench(
        *{
            "judge": ("judge", run, *small),
            "run": ("run", *base, *small, "--out", "new"),
            "plan": ("plan", *base, *small, "--json"),
            "score": ("score", image, image, "x", "--json"),
            "doctor": ("doctor", "--json"),
        }[verb],
        *words,
    )


def who(verb: str, ended: Ended) -> str:
    """The judge id that a command worked with."""
    if verb in {"judge", "run"}:
        return re.findall(r"judged by (\S+)", ended.out)[0]
    if verb == "doctor":
        return next(one["found"] for one in ended.json() if one["what"] == "judge").split()[0]
    return ended.json()["judge"]


ASKING = ("judge", "run", "plan", "score", "doctor")


@pytest.mark.parametrize("verb", ASKING)
def test_judge_and_base_url_and_label_make_the_judge_id(verb: str, base: Words, run: Path, fake: JudgeProcess) -> None:
    offline, there = judged(verb, base, run, *OFFLINE), judged(verb, base, run, *asked(fake))
    pool = judged(verb, base, run, *asked(fake), "--endpoint-label", "pool")
    if verb == "doctor":
        assert [who(verb, one) for one in (offline, there, pool)] == ["offline", "127.0.0.1", "pool"]
    else:
        ids = ["offline@local", "fake-judge@127.0.0.1", "fake-judge@pool"]
        assert [who(verb, one) for one in (offline, there, pool)] == ids


def test_base_url_may_be_repeated(run: Path, fake: JudgeProcess) -> None:
    with judge_process(latency=0.05) as other:
        urls = [one.url.replace("127.0.0.1", "localhost") if one is other else one.url for one in (fake, other)]
        before = fake.stats().get("requests", 0)
        words = ("judge", run, "--judge", "fake-judge", "--protocol", "native", "--concurrency", 4)
        by_option = gedit_bench(*words, "--base-url", urls[0], "--base-url", urls[1])
        assert by_option.code == 0, by_option.err
        first, second = fake.stats()["requests"] - before, other.stats()["requests"]
        assert first + second == 8
        assert min(first, second) >= 2  # the least loaded one is asked, which a busy machine may shift
        by_variable = gedit_bench(*words, env={"GEDIT_BENCH_BASE_URL": f"{urls[1]} {urls[0]}"})
        assert by_variable.code == 0
        assert fake.stats()["requests"] - before == first  # the same judge, so there was nothing left to ask
    [folder] = [one for one in judgements() if "native" in one.name]
    assert manifest(folder)["endpoint"] == "127.0.0.1+localhost"
    replies = [json.loads(line) for line in (folder / "replies.jsonl").read_text().splitlines()]
    hosts = [url.removeprefix("http://").removesuffix("/v1") for url in urls]
    assert Counter(reply["server"] for reply in replies) == dict(zip(hosts, (first, second), strict=True))


@pytest.mark.parametrize("verb", ASKING)
def test_protocol_and_rubric_say_how_it_is_asked(verb: str, base: Words, run: Path, fake: JudgeProcess) -> None:
    assert "native-" in judged(verb, base, run, *asked(fake)).out
    wrong = judged(verb, base, run, *asked(fake, "pixels"))
    assert "The protocol 'pixels' measures" in wrong.out + wrong.err
    for protocol, words in (("native", "is fixed and can't be replaced by ."), ("official", "the official rubric")):
        ended = judged(verb, base, run, *asked(fake, protocol), "--rubric", ".")
        assert words in ended.out + ended.err
        assert ended.code == (5 if verb == "doctor" else 2)


@pytest.mark.parametrize("verb", ["judge", "run", "score", "doctor"])
def test_timeout_ends_the_waiting(verb: str, base: Words, run: Path) -> None:
    silent = ("--judge", "x", "--protocol", "native", "--endpoint-label", "silent", "--timeout", "0.3")
    with judge_process("hang:1") as server:
        words = (*silent, "--base-url", server.url, *(() if verb == "doctor" else ("--retry-for", "0.1")))
        ended = judged(verb, base, run, *words)
    if verb == "doctor":  # asks for the models only, which are there
        assert ended.code == 0
        assert gedit_bench("doctor", "--timeout", "0").code == 2
    else:
        assert ended.code == 3
        assert "timeout" in ended.out + ended.err


@pytest.mark.parametrize("verb", ["judge", "run", pytest.param("score", marks=pytest.mark.slow)])
def test_retry_for_bounds_the_tries(verb: str, base: Words, run: Path) -> None:
    requests = []
    for seconds in (0.1, 1):  # the judge asks to be left alone for 0.2 s: too long for the first
        with judge_process("429:1") as server:
            words = (*asked(server), "--endpoint-label", f"for-{seconds}", "--retry-for", seconds)
            assert judged(verb, base, run, *words).code == 3
            requests.append(server.stats()["requests"])
    assert 2 <= requests[0] < requests[1]


@pytest.mark.parametrize("verb", ["judge", "run"])
def test_concurrency_bounds_what_is_in_flight(verb: str, base: Words, run: Path) -> None:
    peaks = []
    for number in (1, 8):
        with judge_process(latency=0.1) as server:
            label = ("--endpoint-label", f"label-{number}", "--concurrency", number)
            target = ("judge", run) if verb == "judge" else ("run", *base, "--out", "new")
            assert gedit_bench(*target, *asked(server), *label).code == 0
            peaks.append(server.stats()["in_flight_peak"])
    assert peaks[0] == 1
    assert peaks[1] > 1


@pytest.mark.parametrize("verb", ["judge", "run", "plan"])
def test_repeats_ask_more_often(verb: str, base: Words, run: Path, fake: JudgeProcess) -> None:
    words = (*asked(fake), "--endpoint-label", f"repeats-{verb}", "--repeats", 3)
    ended = judged(verb, base, run, *words)
    assert ended.code == 0
    if verb == "plan":
        assert ended.json()["questions"] == 6
        assert judged(verb, base, run, *asked(fake)).json()["questions"] == 2
        return
    target = run if verb == "judge" else Path("new")
    [state] = [
        state
        for status in gedit_bench("status", target, "--json").json()
        for state in status["judgements"]
        if "repeats" in state["judge_id"]
    ]
    assert (state["replies"], state["repeats"]) == (6, 3)
    assert "6 replies in 3 repeats" in gedit_bench("status", target).out
    folder = state["path"].rsplit("/judgments/")[0]
    assert "SC repeat 2 attempt 0: ok" in gedit_bench("show", folder, f"{1:032x}").out


@pytest.mark.parametrize("verb", ["judge", "run", "plan"])
def test_a_fallback_judge_is_asked_where_the_first_fails(verb: str, base: Words, run: Path, fake: JudgeProcess) -> None:
    with judge_process("filter:1") as broken:
        first = (*asked(broken), "--endpoint-label", "broken")
        words = (*first, "--fallback-judge", "other", "--fallback-base-url", fake.url)
        target = ("judge", run) if verb == "judge" else (verb, *base, "--out", "new")
        ended = gedit_bench(*target, *words)
        lonely = gedit_bench(*target, *first, "--fallback-base-url", fake.url)

    assert (lonely.code, "--fallback-base-url needs --fallback-judge." in lonely.err) == (2, True)

    assert "other@127.0.0.1" in ended.out
    if verb != "plan":
        assert "with fallback other@127.0.0.1 for 8 aspects" in ended.out
        assert "official.1+fallback:other@127.0.0.1_native-" in ended.out
        state = gedit_bench("status", "new" if verb == "run" else run)
        assert "with fallback other@127.0.0.1 for 8 aspects" in state.out


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text('[[price]]\nmodels = ["fake-judge"]\ninput = 2.0\noutput = 8.0\ndate = "2026-11-23"\n')
    return path


@pytest.mark.parametrize("verb", ["judge", "run", "plan"])
def test_prices_say_what_the_judge_costs(verb: str, base: Words, run: Path, fake: JudgeProcess, prices: Path) -> None:
    work: Words = ("judge", run) if verb == "judge" else (verb, *base, "--out", "new")
    known = gedit_bench(*work, *asked(fake), "--prices", prices)
    unknown = gedit_bench(*work, *asked(fake), "--endpoint-label", "elsewhere")
    if verb == "plan":
        words = r"^cost: +about \$0\.\d+ to \$0\.\d+, at \$2 in, \$8 out per million tokens \(2026-11-23\)$"
        assert re.search(words, known.out, re.MULTILINE)
        assert "cost:             unknown" in unknown.out
    else:
        assert "judging cost $0.019 for 8 calls (8,000 tokens in, 320 out)" in known.out
        assert "judging cost unknown for 8 calls" in unknown.out
        assert "--prices FILE can name one." in unknown.err
    if verb == "judge":
        told = gedit_bench("status", run).out
        assert "cost: $0.019 for 8 calls (8,000 tokens in, 320 out)" in told
        assert "cost: unknown for 8 calls" in told
        costs = {judge["judge_id"]: judge["cost"]["usd"] for judge in _state(run)["judgements"]}
        assert costs["offline@local"] == 0
        assert costs["fake-judge@elsewhere"] is None
        one = f"ps_human/en/{4:032x}"
        assert sorted(
            str(reply["cost_usd"]) for reply in gedit_bench("show", run, one, "--json").json()[0]["replies"]
        ) == [*("0.0", "0.0", "0.00232", "0.00232", "None", "None")]
        assert ", $0.0023  [fake-judge@127.0.0.1_native-" in gedit_bench("show", run, one).out
    wrong = gedit_bench(*work, *asked(fake), "--prices", "none.toml")
    assert (wrong.code, "The prices 'none.toml' can't be read" in wrong.err) == (2, True)


def _state(run: Path) -> Any:
    return gedit_bench("status", run, "--json").json()[0]


@pytest.mark.parametrize("verb", ["edit", "judge", "run"])
def test_max_cost_stops_in_a_resumable_state(
    verb: str, base: Words, run: Path, fake: JudgeProcess, prices: Path
) -> None:
    Path("paid.py").write_text(PAID)
    priced = ("--prices", prices, "--concurrency", 2, "--max-cost", 0.03)
    command: Words = {
        "edit": ("edit", *base[2:], "--model", "paid.py:Paid", "--out", "new", "--max-cost", 0.025),
        "judge": ("judge", run, *asked(fake), *priced),
        "run": ("run", *base[2:], "--model", "paid.py:Paid", "--out", "new", *asked(fake), *priced),
    }[verb]
    ended, commands = gedit_bench(*command), 1
    assert (ended.code, ended.out) == (4, "")
    assert re.search(r"Error: \$0\.0\d+ are spent, and the next call may cost \$0\.0\d+: --max-cost is", ended.err)
    while ended.code == 4:
        ended, commands = gedit_bench(*ended.continuing()), commands + 1
        assert commands < 9
    assert ended.code == 0, ended.err
    assert "ing cost $0.0" in ended.out
    assert gedit_bench(verb, *command[1:-1], 0).code == 2


PAID = '''
from gedit_bench import EditModel, Outcome
class Paid(EditModel):
    """Costs a cent an edit."""
    most_usd = 0.01
    def edit(self, requests):
        for request in requests:
            yield Outcome(image=request.source, cost_usd=0.01)
'''


@pytest.mark.parametrize(("words", "reused"), [((), True), (("--no-reuse",), False)])
def test_no_reuse_asks_what_is_known(words: Words, reused: bool, base: Words, fake: JudgeProcess) -> None:
    asking = (*asked(fake), "--endpoint-label", f"reuse-{reused}", *words)
    small = (*base, "--task", "color_alter", "--out", "new")

    def requests(*command: object) -> int:
        before = fake.stats()["requests"]
        ended = gedit_bench(*command)
        assert ended.code == 0
        assert ("not asked for again" in ended.err) == (reused and command[-1] != "first")
        return fake.stats()["requests"] - before

    expected = 0 if reused else 2
    assert requests("run", *small, *asking, "--name", "first") == 2
    assert requests("run", *small, *asking, "--name", "second") == expected  # the same pixels
    assert gedit_bench("edit", *small, "--name", "third").code == 0
    assert gedit_bench("plan", *small, *asking, "--name", "third", "--json").json()["questions"] == expected
    [third] = runs(Path("new/third").parent)[-1:]
    assert requests("judge", third, *asking) == expected
    assert (", 2 of them reused" in gedit_bench("status", third).out) == reused
    assert ("(reused from first/" in gedit_bench("show", third, f"{1:032x}").out) == reused


@pytest.mark.parametrize("verb", ["run", "report"])
def test_allow_partial_gives_a_headline(verb: str, base: Words, results: Path) -> None:
    edit = ("run", *base, *OFFLINE, "--out", "new", "--shard", "0/2")
    gedit_bench(*edit)
    words = edit if verb == "run" else ("report", "new")
    for more, partial in (((), True), (("--allow-partial",), False)):
        gedit_bench(*words, *more)
        [row, *_] = json.loads(Path("new/leaderboard/leaderboard.json").read_text())["tables"][0]["rows"]
        assert ("never brought to an end" in json.dumps(row)) == partial


def set_scores_apart() -> None:
    """Let the judge have said 6 of every edit of one run, and 5 of the other's."""
    for judgement in judgements():
        change = "identity" in judgement.parts
        replies = judgement / "replies.jsonl"
        lines = [json.loads(line) for line in replies.read_text().splitlines()]
        text = "".join(
            json.dumps(line | {"content": f'{{"score": [{5 + change}, {5 + change}]}}'}) + "\n" for line in lines
        )
        replies.write_text(text)


def test_top_bounds_what_is_listed(results: Path, run: Path) -> None:
    assert gedit_bench("check", run).out.count("ps_human/") == 3
    assert gedit_bench("check", run, "--top", 1).out.count("ps_human/") <= 1
    set_scores_apart()
    both = runs()
    moved = [
        len(gedit_bench("compare", *both, "--top", top, "--json").json()["languages"]["en"]["moved_most"])
        for top in (0, 1, 20)
    ]
    assert moved == [0, 1, 3]


def test_format_is_how_a_comparison_is_written(results: Path) -> None:
    both = runs()
    assert gedit_bench("compare", *both).out.startswith("O, en ")
    assert gedit_bench("compare", *both, "--format", "md").out.startswith("| O, en |")
    assert gedit_bench("compare", *both, "--format", "json").json()["differences"] == []
    assert r"\begin{tabular}" in gedit_bench("compare", *both, "--format", "latex").out
    assert gedit_bench("compare", *both, env={"GEDIT_BENCH_FORMAT": "md"}).out.startswith("| O, en |")


@pytest.mark.parametrize("verb", ["check", "score", "compare", "explain", "plan", "status", "show", "ls", "doctor"])
def test_json_is_all_that_is_on_stdout(verb: str, base: Words, results: Path, run: Path) -> None:
    image = next(run.rglob("*.png"))
    words: dict[str, Words] = {
        "check": ("check", run),
        "score": ("score", image, image, "x", *OFFLINE),
        "compare": ("compare", *runs()),
        "explain": ("explain", *runs()),
        "plan": ("plan", *base, *OFFLINE),
        "status": ("status",),
        "show": ("show", run, f"{4:032x}"),
        "ls": ("ls", "runs"),
        "doctor": ("doctor", *OFFLINE),
    }
    for found in (gedit_bench(*words[verb], "--json"), gedit_bench(*words[verb], env={"GEDIT_BENCH_JSON": "1"})):
        assert found.code == 0
        assert found.json()
        assert found.err == ""
    with pytest.raises(json.JSONDecodeError):
        gedit_bench(*words[verb]).json()


@pytest.fixture
def table() -> Path:
    """An official score table, beside reviews of another tool."""
    write_table(Path("m/gpt4o/m_ps_human_en_vie_score.csv"), [official_row(sample(number=4), 8, 9)])
    values = {"semantic_consistency": 8, "perceptual_similarity": 9}
    write_lines(Path("m/reviews/other/gedit.jsonl"), [review(sample(number=4), values)])
    return Path("m")


def test_from_says_whose_files_are_meant(table: Path) -> None:
    assert "Say which with --from." in gedit_bench("import", table).err
    for tool in ("official", "evalscope"):
        assert gedit_bench("import", table, "--from", tool).code == 0
    assert {run.parent.name for run in runs()} == {"m", "other"}
    assert "has no SHA256SUMS" in gedit_bench("import", table, "--from", "bundle").err
    assert gedit_bench("import", table, env={"GEDIT_BENCH_FROM": "official"}).code == 0


def test_import_takes_a_name_a_place_and_a_benchmark(table: Path, data: Path, other_data: Path) -> None:
    command = ("import", table, "--from", "official", "--out", "elsewhere")
    against = gedit_bench(*command, "--name", "Theirs", "--data", data)
    assert against.code == 0
    [run] = runs(Path("elsewhere"))
    assert (run.parent.name, manifest(run)["dataset"]) == ("Theirs", "benchmark")
    assert "21 of the 22 samples of the benchmark have no row in en" in against.err
    assert "605 of the 606 samples of the released benchmark" in gedit_bench(*command).err


def test_to_says_what_is_written_and_out_where(run: Path) -> None:
    scores = gedit_bench("export", run, "--out", "scores")
    assert scores.code == 0
    assert len(list(Path("scores/identity/offline").glob("identity_*_all_vie_score.csv"))) == 11
    images = gedit_bench("export", run, "--to", "evalscope", env={"GEDIT_BENCH_EXPORT_OUT": "images"})
    assert images.out == "images/identity_cn.jsonl\nimages/identity_en.jsonl\n"
    for folder, words in (("b", ("--bundle",)), ("c", ("--to", "bundle")), ("d", ())):
        bundled = gedit_bench("export", run, "--out", folder, *words, env={} if words else {"GEDIT_BENCH_BUNDLE": "1"})
        assert bundled.out == f"{folder}\n"
        assert Path(folder, "SHA256SUMS").is_file()
    assert "--to can't be 'evalscop'" in gedit_bench("export", run, "--out", "x", "--to", "evalscop").err


def test_explain_takes_a_language_a_number_and_a_format(results: Path) -> None:
    set_scores_apart()
    both = runs()
    found = gedit_bench("explain", *both, "--format", "json").json()
    assert set(found["languages"]) == {"en", "cn"}
    assert gedit_bench("explain", *both, "--json").json() == found
    assert set(gedit_bench("explain", *both, "--json", "--lang", "zh").json()["languages"]) == {"cn"}
    assert gedit_bench("explain", *both, "--lang", "fr").code == 2
    moved = [
        len(gedit_bench("explain", *both, "--top", top, "--json").json()["languages"]["en"]["moved_most"])
        for top in (0, 1)
    ]
    assert moved == [0, 1]
    assert gedit_bench("explain", *both).out.startswith("headline, en ")
    assert gedit_bench("explain", *both, "--format", "md").out.startswith("| headline, en |")


def test_doctor_looks_at_what_it_is_asked_to(data: Path) -> None:
    def looked_at(*words: object) -> list[str]:
        return [one["what"] for one in gedit_bench("doctor", *OFFLINE, *words, "--json").json()]

    assert not {"data", "model"} & set(looked_at())
    assert looked_at("--data", data)[-1] == "data"
    assert looked_at("--model", "identity")[-2:] == ["model", "space"]
    ended = gedit_bench("doctor", *OFFLINE, "--model", "pil-filters", "-o", "strength=9")
    assert ended.code == 5
    assert "strength can't be '9'" in ended.out


def test_version_is_shown() -> None:
    assert re.fullmatch(r"\d+\.\d+.*\n", gedit_bench("--version").out)
    assert gedit_bench("ls", "tasks", env={"GEDIT_BENCH_VERSION": "1"}).out == gedit_bench("--version").out


def test_plan_tells_where_each_value_came_from(base: Words) -> None:
    environment = {"GEDIT_BENCH_OPTION": "strength=0.25", "GEDIT_BENCH_SEED": "7", "GEDIT_BENCH_LIMIT": "1"}
    command = ("plan", *base, *OFFLINE, "--limit", "2", "--base-url", "http://me:secret@host/v1", "--json")
    found = gedit_bench(*command, env=environment).json()
    assert found["settings"] == {"strength": {"value": 0.25, "from": "environment"}}
    options = {name: (one["value"], one["from"]) for name, one in found["options"].items()}
    assert options["--limit"] == ("2", "command line")
    assert options["--seed"] == ("7", "environment")
    assert options["--option"] == ("strength=0.25", "environment")
    assert options["--lang"] == ("en, cn", "recipe")
    assert options["--timeout"] == ("120.0", "default")
    assert options["--base-url"] == ("http://host/v1", "command line")
    assert set(options) == {name for verb, name in OPTIONS if verb == "plan"} - {"--json"}
    recipe = gedit_bench("plan", *base[2:], *OFFLINE, "--model", "pil-filters@gentle", "--json").json()
    assert recipe["settings"] == {"strength": {"value": 0.5, "from": "recipe"}}
    default = gedit_bench("plan", *base[2:], *OFFLINE, "--model", "pil-filters@default")
    assert re.search(r"^-o strength +1\.0 +default$", default.out, re.MULTILINE)
    assert "--seed" in default.out
    assert "--shard" not in default.out  # what has no value isn't listed
    named = gedit_bench("plan", *base[2:], *OFFLINE, env={"GEDIT_BENCH_MODEL": "folder:nowhere"})
    assert re.search(r"^-o path +nowhere +environment$", named.out, re.MULTILINE)
    assert "There is no folder nowhere." in named.out


def test_plan_takes_every_option_from_its_variable(base: Words, fake: JudgeProcess, prices: Path) -> None:
    values = {
        **{"--model": "pil-filters", "--data": str(base[3]), "--ids": str(base[5]), "--task": "ps_human color_alter"},
        **{"--lang": "en", "--subset": "intersection", "--limit": "1", "--option": "strength=0.5", "--seed": "1"},
        **{"--shard": "0/1", "--name": "x", "--out": "new", "--only": "missing", "--judge": "fake-judge"},
        **{"--protocol": "native", "--base-url": fake.url, "--endpoint-label": "pool", "--timeout": "9.0"},
        **{"--retry-for": "8.0", "--concurrency": "7", "--repeats": "2", "--prices": str(prices), "--no-reuse": "True"},
        **{"--fallback-judge": "other", "--fallback-base-url": fake.url},
        **{"--device": "cpu", "--ray-address": "auto", "--edit-timeout": "9.0"},
    }
    environment = {OPTIONS["plan", name].envvar: value for name, value in values.items()}
    found = gedit_bench("plan", env={**environment, "GEDIT_BENCH_JSON": "1"}).json()
    assert {name: one["value"] for name, one in found["options"].items() if one["from"] == "environment"} == {
        **values,
        "--task": "ps_human, color_alter",
    }
    assert (found["samples"], found["judge"]) == ({"en": 2}, "fake-judge@pool")
    refused = gedit_bench("plan", env={**environment, "GEDIT_BENCH_RUBRIC": "."})
    assert "can't be replaced by ." in refused.err


def test_a_variable_does_what_its_option_does(base: Words) -> None:
    by_option = gedit_bench("edit", *base, "--seed", "7", "--name", "x", "--task", "ps_human", "--out", "new")
    environment = {
        "GEDIT_BENCH_MODEL": "pil-filters",
        "GEDIT_BENCH_DATA": str(base[3]),
        "GEDIT_BENCH_IDS": str(base[5]),
        "GEDIT_BENCH_SEED": "7",
        "GEDIT_BENCH_NAME": "x",
        "GEDIT_BENCH_TASK": "ps_human",
        "GEDIT_BENCH_OUT": "new",
    }
    assert gedit_bench("edit", env=environment).out == by_option.out
    assert by_option.code == 0


FILTERS = dict.fromkeys(("--task", "--lang", "--subset", "--limit", "--ids"), "test_filters_select")
PIXELS = dict.fromkeys(
    ("--model", "--option", "--seed", "--name"), "test_what_decides_the_pixels_is_in_the_manifest"
) | {
    "--shard": "test_shard_takes_its_part",
    "--out": "test_out_is_the_folder_of_runs",
    "--suite": "test_suite_leaves_some_options_to_the_command_line",
}
DEVICES = (
    {"--device": "test_device_is_where_edits_are_made"}
    | dict.fromkeys(
        ("--ray-address", "--edit-timeout"), "test_a_cluster_chooses_its_devices_and_ends_what_takes_too_long"
    )
    | {"--batch-size": "test_batch_size_is_a_setting_of_the_model"}
)
ENDPOINT = dict.fromkeys(
    ("--judge", "--base-url", "--endpoint-label"), "test_judge_and_base_url_and_label_make_the_judge_id"
) | dict.fromkeys(("--protocol", "--rubric"), "test_protocol_and_rubric_say_how_it_is_asked")
WAITING = {"--timeout": "test_timeout_ends_the_waiting"}
RETRYING = {"--retry-for": "test_retry_for_bounds_the_tries"}
CROWDING = {"--concurrency": "test_concurrency_bounds_what_is_in_flight"}
REPEATING = {"--repeats": "test_repeats_ask_more_often", "--no-reuse": "test_no_reuse_asks_what_is_known"}
FALLBACK = dict.fromkeys(
    ("--fallback-judge", "--fallback-base-url"), "test_a_fallback_judge_is_asked_where_the_first_fails"
)
ONLY = {"--only": "test_only_failed_leaves_what_is_missing"}
DATA = {"--data": "test_data_are_other_data"}
RUN_DATA = {"--data": "test_data_of_a_run_must_be_its_own"}
AS_JSON = {"--json": "test_json_is_all_that_is_on_stdout"}
PARTIAL = {"--allow-partial": "test_allow_partial_gives_a_headline"}
PRICED = {"--prices": "test_prices_say_what_the_judge_costs"}
PRICED_EDITS = {"--prices": "test_prices_say_what_edits_cost"}
LIMITED = {"--max-cost": "test_max_cost_stops_in_a_resumable_state"}
TOP = {"--top": "test_top_bounds_what_is_listed"}
PLANNED = dict.fromkeys(("--timeout", "--retry-for", "--concurrency"), "test_plan_takes_every_option_from_its_variable")
LOOKED_AT = dict.fromkeys(("--model", "--data", "--option"), "test_doctor_looks_at_what_it_is_asked_to") | {
    "--device": "test_device_is_where_edits_are_made"
}
OUT = {"--out": "test_out_is_the_folder_of_runs"}

COVERED: dict[str, dict[str, str]] = {
    "": {
        "--verbose": "test_an_expected_error_shows_where_it_arose_only_if_asked",
        "--version": "test_version_is_shown",
    },
    "run": FILTERS
    | DATA
    | PIXELS
    | DEVICES
    | ENDPOINT
    | WAITING
    | RETRYING
    | CROWDING
    | REPEATING
    | FALLBACK
    | ONLY
    | PARTIAL
    | PRICED
    | LIMITED,
    "edit": FILTERS | DATA | PIXELS | DEVICES | ONLY | PRICED_EDITS | LIMITED,
    "judge": FILTERS
    | RUN_DATA
    | ENDPOINT
    | WAITING
    | RETRYING
    | CROWDING
    | REPEATING
    | FALLBACK
    | ONLY
    | OUT
    | PRICED
    | LIMITED,
    "check": FILTERS | RUN_DATA | TOP | AS_JSON,
    "score": ENDPOINT | WAITING | RETRYING | AS_JSON,
    "report": PARTIAL
    | {"--out": "test_report_out_is_where_the_page_lands"}
    | {"--title": "test_a_page_has_the_title_that_it_is_given"}
    | {"--scoring": "test_report_keeps_scorings_apart_and_says_what_they_do"}
    | {"--with-published": "test_with_published_shows_what_others_published"}
    | dict.fromkeys(("--single-file", "--embed-budget"), "test_a_single_file_holds_what_its_budget_allows"),
    "compare": TOP
    | AS_JSON
    | {"--format": "test_format_is_how_a_comparison_is_written"}
    | {"--by": "test_by_says_what_a_row_is", "--page": "test_page_is_a_file_or_lands_in_a_folder"}
    | {"--protocol": "test_two_protocols_of_a_run_are_set_side_by_side"}
    | {"--scoring": "test_two_scorings_of_a_judgement_are_set_side_by_side"},
    "plan": FILTERS | DATA | PIXELS | DEVICES | ENDPOINT | PLANNED | REPEATING | FALLBACK | ONLY | AS_JSON | PRICED,
    "status": AS_JSON | {"--scoring": "test_status_takes_a_scoring"},
    "explain": AS_JSON
    | dict.fromkeys(("--lang", "--top", "--format"), "test_explain_takes_a_language_a_number_and_a_format"),
    "import": {"--from": "test_from_says_whose_files_are_meant"}
    | dict.fromkeys(("--out", "--name", "--data"), "test_import_takes_a_name_a_place_and_a_benchmark"),
    "export": dict.fromkeys(("--out", "--to", "--bundle"), "test_to_says_what_is_written_and_out_where"),
    "show": AS_JSON,
    "ls": AS_JSON | OUT,
    "doctor": LOOKED_AT | ENDPOINT | WAITING | OUT | AS_JSON,
    "demo": dict.fromkeys(("--limit", "--out"), "test_demo_walks_the_whole_way"),
}


def test_every_option_has_a_test() -> None:
    covered = {(verb, name) for verb, tests in COVERED.items() for name in tests}
    assert covered == set(OPTIONS), "Add the new option and its test to COVERED."
    there = {
        name
        for file in Path(__file__).parent.glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert {test for tests in COVERED.values() for test in tests.values()} <= there
