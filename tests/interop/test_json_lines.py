"""lmms-eval's sample logs and EvalScope's reviews, as their documentation describes them, and its offline mode."""

import json
from pathlib import Path
from typing import Any

import pytest
from foreign_files import review, sample, write_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import failed, make_run, make_samples

from gedit_bench.errors import DataError, GeditBenchError, UsageError
from gedit_bench.interop.evalscope import offline_files
from gedit_bench.interop.exporting import export_evalscope
from gedit_bench.interop.importing import Origin, import_scores
from gedit_bench.records import EditStatus, SampleId

NAMES = st.sampled_from(
    [
        "doc_id",
        "sample_score",
        "score",
        "value",
        "sample_metadata",
        "semantics",
        "quality",
        "semantic_consistency",
        "perceptual_similarity",
        "task_type",
        "key",
        "instruction_language",
        "id",
        "doc",
        "x",
    ]
)
LOG = "20260101_120000_samples_gedit_bench.jsonl"


def logged(number: int, **metrics: Any) -> dict[str, Any]:
    """A line of a sample log, with the fields of its documentation."""
    return {"doc_id": number, "input": "Edit", "target": "", "filtered_resps": ["x"], "doc_hash": "ab", **metrics}


def test_a_sample_log_finds_its_samples_by_their_place_in_the_benchmark(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    lines = [logged(one.row, semantics_score=8.0, quality_score=7.0, overall_score=7.48) for one in samples]
    lines[3] |= {"semantics_score": 0.0, "quality_score": 0.0, "overall_score": 0.0}
    log = write_lines(tmp_path / "bagel" / LOG, lines)
    imported = import_scores(log, tmp_path / "results", origin=Origin("small", "r1", samples))
    assert [verdict.sample for verdict in imported.scored.verdicts] == samples
    assert (imported.scored.verdicts[0].sc.score, imported.scored.verdicts[0].pq.score) == (8.0, 7.0)  # type: ignore[union-attr]
    assert imported.scored.run.manifest.name == "bagel"
    assert imported.scored.judgement.manifest.imported["aggregation"] == "micro"
    assert [(one.kind, one.count) for one in imported.findings] == [("0/0", 1)]
    assert "lmms-eval writes every failure so" in imported.findings[0].text
    with pytest.raises(DataError, match="only by its place in the benchmark"):
        import_scores(log, tmp_path / "results")


def test_a_log_whose_metrics_name_their_sample_needs_no_benchmark(tmp_path: Path) -> None:
    one = sample()
    place = {"key": one.id.key, "task_type": one.id.task_type, "instruction_language": "en"}
    line = logged(5, gedit_SC={**place, "score": 8}, gedit_SC_en={**place, "score": 8}, gedit_PQ={**place, "score": 3})
    imported = import_scores(write_lines(tmp_path / LOG, [line]), tmp_path / "results")
    [verdict] = imported.scored.verdicts
    assert (verdict.sample.id, verdict.sc.score, verdict.pq.score) == (one.id, 8, 3)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (logged(0, exact_match=1.0), "it has: exact_match"),
        (logged(0, a_semantics=1.0, b_semantics=2.0, quality=3), "says several things: a_semantics, b_semantics"),
    ],
)
def test_a_log_of_something_else_is_refused(line: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        import_scores(write_lines(tmp_path / LOG, [line]), tmp_path / "results")


def test_several_logs_are_unclear(tmp_path: Path) -> None:
    for date in ("20260101", "20260102"):
        write_lines(tmp_path / f"{date}_samples_gedit_bench.jsonl", [logged(0, semantics=8, quality=8)])
    with pytest.raises(UsageError, match="2 sample logs") as caught:
        import_scores(tmp_path, tmp_path / "results")
    assert "20260102_samples_gedit_bench.jsonl" in caught.value.hint


@pytest.mark.parametrize("names", [
    ("semantic_consistency", "perceptual_similarity"), ("Semantic Consistency", "Perceptual Quality"),
])  # fmt: skip
def test_reviews_are_read_under_either_naming(names: tuple[str, str], tmp_path: Path) -> None:
    by_task = {task: [sample(task, number) for number in range(2)] for task in ("ps_human", "subject-add")}
    home = tmp_path / "20260101_120000" / "reviews" / "my-model"
    for task, samples in by_task.items():
        write_lines(home / f"gedit_{task}.jsonl", [review(one, {names[0]: 8.0, names[1]: 6}) for one in samples])
    write_lines(tmp_path / "20260101_120000" / "predictions" / "my-model" / "gedit.jsonl", [{"index": 0}])
    imported = import_scores(tmp_path, tmp_path / "results")
    assert imported.scored.run.manifest.name == "my-model"
    assert [verdict.sample.id for verdict in imported.scored.verdicts] == [
        one.id for samples in by_task.values() for one in samples
    ]
    assert {(v.sc.score, v.pq.score) for v in imported.scored.verdicts if v.sc and v.pq} == {(8.0, 6.0)}
    text = (imported.scored.judgement.path / "imported.jsonl").read_text()
    assert "semantic" in text.lower()
    assert "AAAA" not in text  # pictures as text are worth nothing here


def test_a_review_without_a_score_is_a_sample_without_one(tmp_path: Path) -> None:
    lines = [
        review(sample(number=1), {"semantic_consistency": 8, "perceptual_similarity": 8}),
        review(sample(number=2), {}),
    ]
    imported = import_scores(write_lines(tmp_path / "m" / "gedit.jsonl", lines), tmp_path / "results")
    assert [verdict.overall for verdict in imported.scored.verdicts] == [8, None]
    assert {finding.text for finding in imported.findings if finding.kind == "no score"} == {
        "1 row(s): SC blank or NaN. It is no score here.",
        "1 row(s): PQ blank or NaN. It is no score here.",
    }


def test_files_of_two_tools_ask_which(tmp_path: Path) -> None:
    write_lines(tmp_path / "m" / "a.jsonl", [review(sample(), {"semantic_consistency": 8, "perceptual_similarity": 8})])
    write_lines(tmp_path / "m" / LOG, [logged(0, semantics=8, quality=8)])
    with pytest.raises(UsageError, match="holds files of"):
        import_scores(tmp_path, tmp_path / "results")
    assert import_scores(tmp_path, tmp_path / "results", tool="evalscope").scored.verdicts


def test_a_damaged_file_is_refused_whole(tmp_path: Path) -> None:
    good = review(sample(), {"semantic_consistency": 8, "perceptual_similarity": 8})
    path = write_lines(tmp_path / "m" / "gedit.jsonl", [good])
    path.write_text(path.read_text() + '{"sample_score": ')
    with pytest.raises(DataError, match="can't be read as JSON lines"):
        import_scores(path, tmp_path / "results")


def test_the_offline_mode_gets_the_images_that_are_there(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    refused = samples[0].id
    run = make_run(
        tmp_path / "results",
        samples,
        edits=lambda one, edit: failed(edit, EditStatus.REFUSED) if one.id == refused else edit,
    )
    run.image_path(run.edits()[samples[1].id]).unlink()
    written = export_evalscope(run, tmp_path / "out")
    assert (written.rows, written.left_out) == (20, {"edit refused": 1, "without an image": 1})
    assert [path.name for path in written.files] == ["painter_cn.jsonl", "painter_en.jsonl"]
    for path in written.files:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            assert set(line) == {"id", "image_path"}
            image = Path(line["image_path"])
            assert image.is_absolute()
            assert image.stem == line["id"]
            assert image.parent.name == path.stem[-2:]
    assert "'language': 'en'" in "".join(written.notes)
    assert "EvalScope 1.14.1 refuses the local_file" in "".join(written.notes)


def test_scores_without_images_go_to_no_offline_mode(tmp_path: Path) -> None:
    line = review(sample(), {"semantic_consistency": 8, "perceptual_similarity": 8})
    imported = import_scores(write_lines(tmp_path / "m" / "gedit.jsonl", [line]), tmp_path / "results")
    with pytest.raises(DataError, match="holds no images"):
        export_evalscope(imported.scored.run, tmp_path / "out")


def test_a_key_of_two_categories_gets_two_files(tmp_path: Path) -> None:
    twice = [sample("subject-remove"), sample("subject-replace"), sample("ps_human", 2)]
    run = make_run(tmp_path / "results", twice)
    first, second = export_evalscope(run, tmp_path / "out").files
    assert (first.name, second.name) == ("painter_en.jsonl", "painter_en_subject-replace.jsonl")
    assert len(first.read_text().splitlines()) == 2
    [line] = second.read_text().splitlines()
    assert "/subject-replace/" in json.loads(line)["image_path"]


@given(st.sets(st.builds(
    SampleId, st.sampled_from(["ps_human", "subject-add", "tone_transfer"]), st.sampled_from(["en", "cn"]),
    st.sampled_from("abcdef"),
)))  # fmt: skip
def test_no_file_has_a_key_twice_and_every_image_is_in_one(samples: set[SampleId]) -> None:
    images = {one: Path("/x") / one.task_type / one.language / one.key for one in sorted(samples)}
    found = []
    for (language, tasks), text in offline_files(images).items():
        lines = [json.loads(line) for line in text.splitlines()]
        assert len({line["id"] for line in lines}) == len(lines)
        assert all(Path(line["image_path"]).parts[-3:-1] in {(task, language) for task in tasks} for line in lines)
        found += [line["image_path"] for line in lines]
    assert sorted(found) == sorted(map(str, images.values()))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["ps_human", "en", "0" * 32, "7", "é", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(NAMES, json_values, max_size=6), min_size=1, max_size=4))
def test_lines_of_anything_are_taken_in_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        imported = import_scores(write_lines(folder / "m" / LOG, lines), folder / "results")
    except GeditBenchError:
        assert not (folder / "results").exists()
        return
    assert all(verdict.overall is None or 0 <= verdict.overall <= 10 for verdict in imported.scored.verdicts)
