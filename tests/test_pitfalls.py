"""Traps that other evaluations fell into; docs/pitfalls.md says for each which test shows that it is avoided here."""

import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import datasets
import pytest
from data_fixtures import FEATURES
from judge_process import judge_process
from PIL import Image, ImageCms
from small_benchmark import OFFLINE, editing, lines, selection, write_benchmark

from gedit_bench import JudgeSettings, Judging, ReplyStatus, Run, edit, judge
from gedit_bench.dataset import load_benchmark
from gedit_bench.engine.judging import judge_samples
from gedit_bench.engine.questions import JudgeJob
from gedit_bench.judging.base import Answer, Judge, Question
from gedit_bench.judging.parse import DELIMITER, read_content
from gedit_bench.judging.prepare import judge_size, prepare, prepare_file
from gedit_bench.judging.protocol import PROTOCOLS
from gedit_bench.judging.rubric import load_rubric
from gedit_bench.planning import make_plan
from gedit_bench.records import Aspect, Delivery, Edit, EditStatus, Reading, Sample, SampleId, Verdict
from gedit_bench.results import Scored
from gedit_bench.scoring.official import aggregate
from gedit_bench.scoring.summary import summarize
from gedit_bench.selection import select
from gedit_bench.store import layout
from gedit_bench.store.manifest import JudgementManifest, publish
from gedit_bench.store.run import Judgement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "pitfalls.md"
GOOD = '{"score": [8, 9], "reasoning": "Done."}'
REFUSAL = "I'm sorry, but I can't help with that."


# The page itself.


def traps() -> list[tuple[str, str]]:
    """Number and tests of each row of the page."""
    rows = [line.split("|")[1:-1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [(cells[0].strip(), cells[-1]) for cells in rows if re.fullmatch(r"\s*\d+b?\s*", cells[0])]


def test_every_trap_has_a_row() -> None:
    numbers = [str(number) for number in range(1, 68)]
    numbers.insert(20, "20b")
    assert [number for number, _ in traps()] == numbers


@pytest.mark.parametrize(("number", "tests"), traps())
def test_every_test_that_the_page_names_exists(number: str, tests: str) -> None:
    named = re.findall(r"`(\S+?)::(test_\w+)`", tests)
    assert named, f"trap {number} names no test"
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8"), f"{file}::{test}"


# Replies and what they are worth.


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ('{"score": 85, "reasoning": ""}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [11, 9], "reasoning": ""}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [-3, -3], "reasoning": ""}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [NaN, 9], "reasoning": ""}', ReplyStatus.OUT_OF_RANGE),
        ('{"score": [true, 9], "reasoning": ""}', ReplyStatus.UNPARSABLE),
        ('{"score": [], "reasoning": ""}', ReplyStatus.UNPARSABLE),
        ('{"score": null, "reasoning": ""}', ReplyStatus.UNPARSABLE),
        ('{"score": ["8", "9"], "reasoning": ""}', ReplyStatus.UNPARSABLE),
        ("{reasoning: no score at all}", ReplyStatus.UNPARSABLE),
        ("[８, ９]", ReplyStatus.UNPARSABLE),
        ("[08, 09]", ReplyStatus.UNPARSABLE),
        (f"{DELIMITER}\n```json\n{GOOD}\n```\n{DELIMITER}", ReplyStatus.UNPARSABLE),
        ('{"score": [8, 9], "reasoning": "one\ttwo"}', ReplyStatus.UNPARSABLE),
    ],
)
def test_a_reply_without_two_proper_numbers_has_a_status_and_no_score(content: str, status: ReplyStatus) -> None:
    found = read_content(content)
    assert (found.status, found.score) == (status, None)


def test_one_or_three_numbers_count_and_are_flagged() -> None:
    for content, score in (('{"score": [7], "reasoning": ""}', 7), ('{"score": [9, 8, 3], "reasoning": ""}', 3)):
        found = read_content(content)
        assert (found.status, found.score, found.flags) == (ReplyStatus.OK, score, ("count",))


# Asking.


class TalkingJudge(Judge):
    """Says what a function of the aspect and the number of times that it was asked about the sample returns."""

    def __init__(self, says: Callable[[Aspect, int], str]) -> None:
        super().__init__("talking", "local")
        self.says = says
        self.asked: Counter[tuple[Aspect, bytes]] = Counter()

    async def ask(self, question: Question) -> Answer:
        key = question.aspect, question.images[-1].data
        self.asked[key] += 1
        content = self.says(question.aspect, self.asked[key])
        return Answer(delivery=Delivery.ANSWERED, content=content, finish_reason="stop", model="talking-1")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("data") / "benchmark", languages=("en",))


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Run:
    return edit("identity", selection(data), editing(tmp_path / "results"))


def judged_by(run: Run, data: Path, talking: TalkingJudge) -> Scored:
    protocol, rubric = PROTOCOLS["native"], load_rubric("native", None)
    manifest = JudgementManifest(
        judge=talking.name, endpoint=talking.endpoint, protocol="native", request_id=protocol.request_id(rubric)
    )
    folder = layout.judgement_folder(run.path, manifest.judge_id, manifest.request_id)
    judgement = Judgement(folder, publish(folder, manifest))
    return judge_samples(JudgeJob(run, judgement, talking, protocol, rubric, load_benchmark(data), run.samples()))


def test_a_failed_pq_keeps_its_sc_and_is_asked_alone(run: Run, data: Path) -> None:
    talking = TalkingJudge(lambda aspect, time: GOOD if aspect is Aspect.SC else REFUSAL)
    scored = judged_by(run, data, talking)
    assert {(aspect, count) for (aspect, _), count in talking.asked.items()} == {(Aspect.SC, 1), (Aspect.PQ, 2)}
    for verdict in scored.verdicts:
        assert verdict.sc is not None
        assert verdict.pq is not None
        assert (verdict.sc.score, verdict.pq.status, verdict.overall) == (8, ReplyStatus.REFUSED, None)
    [full, *_] = scored.summaries()
    assert (full.table.macro.sc, full.table.macro.n_sc, full.table.macro.n_pq) == (8, 11, 0)


@pytest.mark.parametrize(("second", "score"), [("[8, 9]", 8), ("7", 7), (GOOD, 8)])
def test_a_good_second_reply_counts_in_any_form(run: Run, data: Path, second: str, score: int) -> None:
    scored = judged_by(run, data, TalkingJudge(lambda aspect, time: REFUSAL if time == 1 else second))
    assert {verdict.sc and verdict.sc.score for verdict in scored.verdicts} == {score}


def test_what_cannot_be_read_is_asked_twice_and_no_more(run: Run, data: Path) -> None:
    talking = TalkingJudge(lambda aspect, time: '{"score": [8, 9], "reasoning": "the text "SALE" is gone"}')
    scored = judged_by(run, data, talking)
    assert set(talking.asked.values()) == {2}
    assert {verdict.pq and verdict.pq.status for verdict in scored.verdicts} == {ReplyStatus.UNPARSABLE}


def test_a_judge_that_breaks_costs_its_replies_and_never_the_run(run: Run, data: Path) -> None:
    def says(aspect: Aspect, time: int) -> str:
        if aspect is Aspect.PQ:
            raise NameError("save_path_item")
        return GOOD

    scored = judged_by(run, data, TalkingJudge(says))
    assert {verdict.sc and verdict.sc.score for verdict in scored.verdicts} == {8}
    assert {verdict.pq and verdict.pq.status for verdict in scored.verdicts} == {ReplyStatus.TRANSPORT}


def test_replies_of_another_judge_are_never_taken(run: Run) -> None:
    with judge_process() as server:
        for number, name in enumerate(("judge-a", "judge-b"), start=1):
            settings = JudgeSettings(name=name, base_url=server.url, timeout=20, retry_for=20)
            judge(run, judging=Judging(judge=settings, protocol="native"))
            assert server.stats()["requests"] == 22 * number
    assert len(run.judgements()) == 2


def test_categories_are_judged_side_by_side(run: Run) -> None:
    with judge_process(latency=0.2) as server:
        settings = JudgeSettings(name="fake-judge", base_url=server.url, timeout=20, retry_for=20, concurrency=22)
        judge(run, judging=Judging(judge=settings, protocol="native"))
        # One sample in each category: one category after another would never have more than two in flight.
        assert server.stats()["in_flight_peak"] > 4


@pytest.mark.parametrize(
    "change", [{"source": "input"}, {"encoding": "png"}, {"images_first": True}, {"parameters": {"max_tokens": 512}}]
)
def test_whatever_is_asked_otherwise_has_another_request_id(change: dict[str, object]) -> None:
    rubric = load_rubric("native", None)
    one = PROTOCOLS["native"]
    assert replace(one, **change).request_id(rubric) != one.request_id(rubric)
    assert one.request_id(replace(rubric, sc=rubric.sc + " ")) != one.request_id(rubric)


# Samples and files.


def test_the_languages_of_a_judgement_do_not_name_its_files(tmp_path: Path) -> None:
    both = write_benchmark(tmp_path / "benchmark")
    run = edit("identity", selection(both), editing(tmp_path / "results"))
    first = judge(run, selection(both, languages=("zh",)), OFFLINE)
    assert [(one.language, one.coverage.selected) for one in first.summaries() if one.subset == "full"] == [("cn", 11)]
    second = judge(run, selection(both), OFFLINE)
    assert second.judgement.path == first.judgement.path
    assert len(lines(second.judgement.path / layout.SCORES)) == 1 + 22
    assert len(second.judgement.replies()) == 44  # each once


def test_zh_is_cn() -> None:
    samples = [Sample(SampleId("ps_human", language, "a"), "x", True, 0) for language in ("en", "cn")]
    assert [sample.id.language for sample in select(samples, languages=["zh"])] == ["cn"]


# Images.


def encoded(image: Image.Image, file_format: str = "PNG", **more: object) -> bytes:
    data = io.BytesIO()
    image.save(data, file_format, **more)
    return data.getvalue()


def test_what_is_sent_is_labelled_as_what_it_is() -> None:
    for file_format in ("PNG", "WEBP", "BMP"):
        sent = prepare_file(encoded(Image.new("RGB", (40, 30)), file_format), "jpeg")
        assert sent.media_type == "image/jpeg"
        assert sent.data[:2] == b"\xff\xd8"
    sent = prepare_file(encoded(Image.new("RGB", (40, 30)), "JPEG"), "png")
    assert sent.media_type == "image/png"
    assert sent.data[:4] == b"\x89PNG"


def test_a_colour_profile_is_dropped_from_a_jpeg_as_officially() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (64, 64), (200, 30, 30))
    with_profile = prepare_file(encoded(image, icc_profile=profile), "jpeg")
    assert with_profile.data == prepare_file(encoded(image), "jpeg").data
    assert "icc_profile" not in Image.open(io.BytesIO(with_profile.data)).info


def test_large_edits_are_sent_at_the_size_of_all_others() -> None:
    assert judge_size(4000, 4000) == judge_size(64, 64) == (512, 512)
    assert judge_size(3000, 10) == (8868, 29)  # extreme shapes as the official code has them
    assert len(prepare(Image.effect_noise((2000, 2000), 80), "jpeg").data) < 400_000


# Numbers.


def verdict(task: str, sc: float | None, pq: float | None) -> Verdict:
    sample = Sample(SampleId(task, "en", f"{sc}-{pq}"), "x", True, 0)
    readings = (
        Reading(ReplyStatus.OK, score) if score is not None else Reading(ReplyStatus.UNPARSABLE) for score in (sc, pq)
    )
    return Verdict(sample, Edit(sample=sample.id, status=EditStatus.OK, seed=0), *readings)


def test_o_is_the_mean_of_roots_and_not_the_root_of_means() -> None:
    means = aggregate([verdict("ps_human", 9, 1), verdict("ps_human", 1, 9)]).categories["ps_human"]
    assert (means.sc, means.pq, means.overall) == (5, 5, 3)


def test_a_reply_without_a_score_poisons_no_mean() -> None:
    rows = [verdict("ps_human", 4, 4), verdict("ps_human", None, 6), verdict("ps_human", None, None)]
    means = aggregate(rows).categories["ps_human"]
    assert (means.sc, means.pq, means.overall) == (4, 5, 4)
    assert (means.n_sc, means.n_pq, means.n_overall) == (1, 2, 1)


def test_languages_have_numbers_of_their_own() -> None:
    english = verdict("ps_human", 8, 8)
    chinese = replace(english, sample=replace(english.sample, id=SampleId("ps_human", "cn", "a")), sc=english.sc)
    found = {(one.language, one.subset): one.coverage.selected for one in summarize([english, chinese])}
    assert found == {(language, subset): 1 for language in ("en", "cn") for subset in ("full", "intersection")}


# Running it.


def test_no_picture_is_opened_before_its_turn(tmp_path: Path) -> None:
    damaged = {"bytes": b"no picture", "path": None}
    row = {"task_type": "ps_human", "instruction": "x", "input_image": damaged, "input_image_raw": damaged}
    row |= {"instruction_language": "en", "Intersection_exist": True}
    rows = [{**row, "key": f"{number:032x}"} for number in range(3)]
    datasets.Dataset.from_list(rows, features=FEATURES).save_to_disk(tmp_path / "benchmark")
    plan = make_plan("identity", selection(tmp_path / "benchmark"), editing(tmp_path / "results"), OFFLINE)
    assert (plan.to_edit, plan.questions) == (3, 6)
    run = edit("identity", selection(tmp_path / "benchmark"), editing(tmp_path / "results"))
    assert {made.status for made in run.edits().values()} == {EditStatus.EDIT_FAILED}


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "gedit_bench", "ls", "judges", "--json"]
    there = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'models'}"}
    done = subprocess.run(program, cwd=tmp_path, env=there, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)
