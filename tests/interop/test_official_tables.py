"""Official score tables in and out: the same numbers, the same bytes, and words for everything that is odd."""

import json
from pathlib import Path

import pytest
from foreign_files import official_row, official_tables, sample, write_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_fixtures import judged, make_samples, reply_text

from gedit_bench.errors import DataError, GeditBenchError, UnavailableError, UsageError
from gedit_bench.interop.exporting import export_official
from gedit_bench.interop.importing import Origin, import_scores
from gedit_bench.interop.official_csv import COLUMNS
from gedit_bench.records import SUBSETS, TASKS, Aspect, ReplyStatus, SampleId
from gedit_bench.report.board import make_board
from gedit_bench.results import score
from gedit_bench.scoring.official import aggregate, chosen
from gedit_bench.store.run import Run

OLD = ("source_image", "edited_image", "instruction", "sementics_score", "quality_score")


def kinds(findings: object) -> dict[str, int]:
    return {finding.kind: finding.count for finding in findings}  # type: ignore[attr-defined]


def test_the_official_numbers_and_bytes_survive(golden: Path, tmp_path: Path) -> None:
    tables = official_tables(golden, tmp_path / "theirs")
    imported = import_scores(tables, tmp_path / "results")
    expected = json.loads((golden / "official_statistics.json").read_text())["results"]
    for language in ("en", "cn"):
        for subset in SUBSETS:
            table = aggregate(chosen(imported.scored.verdicts, language, subset))
            average = expected[language][subset]["average"]
            found = (table.macro.sc, table.macro.pq, table.macro.overall)
            assert found == pytest.approx((average["semantics"], average["quality"], average["overall"]), abs=1e-9)
    written = export_official(imported.scored, tmp_path / "ours")
    assert (written.rows, written.left_out) == (1212, {})
    assert {path.relative_to(tmp_path / "ours") for path in written.files} == {
        Path("public/gpt4o") / path.name for path in tables.iterdir()
    }
    for path in written.files:
        assert path.read_bytes() == (tables / path.name).read_bytes()


def test_an_import_is_a_run_of_unknown_statuses_without_a_rank(golden: Path, tmp_path: Path) -> None:
    tables = official_tables(golden, tmp_path / "theirs")
    imported = import_scores(tables, tmp_path / "results")
    again = import_scores(tables, tmp_path / "results")
    assert again.scored.run.path == imported.scored.run.path
    run = Run.open(imported.scored.run.path)
    [judgement] = run.judgements()
    scored = score(run, judgement)
    assert scored.verdicts == imported.scored.verdicts
    assert {verdict.sc.status for verdict in scored.verdicts if verdict.sc} == {ReplyStatus.UNKNOWN}
    assert not any(verdict.partial for verdict in scored.verdicts)
    assert judgement.manifest.judge_id == "gpt4o@official"
    assert judgement.manifest.imported["tool"] == "official"
    assert len(run.manifest.artifacts) == 11
    assert scored.summaries()[0].headline is not None
    ours = judged(tmp_path / "results", make_samples(), name="ours")
    tables_of_board = make_board([scored, ours]).tables
    assert {table.key.imported for table in tables_of_board} == {True, False}
    for table in tables_of_board:
        assert len(table.rows) == 1
        assert (table.rows[0].rank is None) == table.key.imported


def test_the_old_naming_tells_samples_by_their_paths(tmp_path: Path) -> None:
    folder = tmp_path / "old" / "gpt4o" / "eval_results_new"
    rows = {
        task: [[f"x/{task}/en/{1:032x}_SRCIMG.png", f"y/old/fullset/{task}/en/{1:032x}.png", "Do it", 8, 7.5]]
        for task in ("ps_human", "subject-add")
    }
    for task, own in rows.items():
        write_table(folder / f"old_{task}_gpt_score.csv", own, OLD)
    write_table(folder / "old_combined_gpt_score.csv", [row for own in rows.values() for row in own], OLD)
    imported = import_scores(tmp_path / "old", tmp_path / "results")
    assert [verdict.sample.id for verdict in imported.scored.verdicts] == [
        SampleId(task, "en", f"{1:032x}") for task in ("ps_human", "subject-add")
    ]
    assert imported.scored.run.manifest.name == "old"
    assert imported.scored.judgement.manifest.judge_id == "gpt4o@official"
    assert any("combined table repeats" in finding.text for finding in imported.findings)
    assert kinds(imported.findings)["no flag"] == 2
    alone = import_scores(folder / "old_combined_gpt_score.csv", tmp_path / "alone")
    assert [verdict.overall for verdict in alone.scored.verdicts] == [
        verdict.overall for verdict in imported.scored.verdicts
    ]


def test_tables_of_each_language_go_together_and_give_way_to_those_of_all(tmp_path: Path) -> None:
    for number, language in enumerate(("en", "cn"), start=1):
        row = official_row(sample(number=number, language=language), 8, 9)
        write_table(tmp_path / "m" / f"m_ps_human_{language}_vie_score.csv", [row])
    both = import_scores(tmp_path / "m", tmp_path / "results").scored
    assert [verdict.sample.id.language for verdict in both.verdicts] == ["cn", "en"]
    write_table(tmp_path / "m" / "m_ps_human_all_vie_score.csv", [official_row(sample(number=3), 8, 9)])
    imported = import_scores(tmp_path / "m", tmp_path / "results")
    assert [verdict.sample.id.key for verdict in imported.scored.verdicts] == [f"{3:032x}"]
    assert any(finding.text.startswith("2 table(s) of one language were left out") for finding in imported.findings)


def test_a_combined_table_with_categories_is_read(golden: Path, tmp_path: Path) -> None:
    imported = import_scores(golden / "official_scores.csv", tmp_path, name="public")
    assert len(imported.scored.verdicts) == 1212
    assert imported.scored.judgement.manifest.judge_id == "unknown@official"


def test_everything_odd_is_said_and_nothing_is_made_up(tmp_path: Path) -> None:
    rows = [official_row(sample(number=number), *scores) for number, scores in enumerate(
        [(8, 9), ("nan", 9), ("", 9), ("eight", 9), (11, 9), (-1, 9), (10, 1), (0, 0), ("inf", 3)], start=1
    )]  # fmt: skip
    rows += [rows[0], official_row(sample(number=2), 1, 1)]
    rows += [official_row(sample("hair_change"), 1, 1)]
    rows += [["../../etc/passwd", "x.png", "Do it", 5, 5, True, "en"], ["a", "x.png", "Do it", 5, 5, True, "fr"]]
    write_table(tmp_path / "m" / "gpt4o" / "m_ps_human_en_vie_score.csv", rows)
    write_table(tmp_path / "m" / "gpt4o" / "m_hair_change_en_vie_score.csv", [official_row(sample("x"), 1, 1)])
    imported = import_scores(tmp_path / "m", tmp_path / "results")
    texts = "\n".join(finding.text for finding in imported.findings)
    for said in (
        "597 of the 606 samples of the released benchmark have no row in en: ",
        "2 row(s): SC blank or NaN.",
        "1 row(s): SC no number.",
        "3 row(s): SC outside 0 to 10.",
        "1 row(s) have SC 10 and PQ 1",
        "1 row(s) have SC 0 and PQ 0",
        "3 row(s) repeat a sample, 2 of them with other scores",
        "1 row(s) of the unknown category 'hair_change'",
        "1 row(s) of the unknown language 'fr'",
        "1 row(s) with a key that can't be one",
    ):
        assert said in texts, (said, texts)
    readings = {verdict.sample.id.key[-1]: verdict.sc for verdict in imported.scored.verdicts}
    assert [key for key, reading in readings.items() if reading and reading.score is not None] == ["1", "7", "8"]
    [summary, *_] = imported.scored.summaries()
    assert summary.coverage.statuses == {"SC without a score": 6}
    assert (summary.coverage.scored, summary.coverage.selected, summary.coverage.partial) == (3, 9, 0)


def test_a_blank_flag_counts_as_the_official_statistics_count_it(tmp_path: Path) -> None:
    row = official_row(sample(), 8, 9)
    row[5] = ""
    imported = import_scores(write_table(tmp_path / "m_ps_human_en_vie_score.csv", [row]), tmp_path / "results")
    assert imported.scored.verdicts[0].sample.intersection
    assert any("blank intersection flag" in finding.text for finding in imported.findings)


def test_zeros_of_people_and_even_scores_are_pointed_out(tmp_path: Path) -> None:
    def found(scores: list[tuple[str, int, int]]) -> dict[str, int]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for task in {task for task, _, _ in scores}:
            rows = [
                official_row(sample(task, number), sc, pq)
                for number, (own, sc, pq) in enumerate(scores)
                if own == task
            ]  # fmt: skip
            write_table(folder / f"m_{task}_en_vie_score.csv", rows)
        return kinds(import_scores(folder, folder / "results").findings)

    usual = [(task, 7 + number % 2, 8) for task in TASKS for number in range(20)]
    assert set(found(usual)) == {"missing"}
    people = [("ps_human", 0, 6)] * 5 + usual
    assert found(people)["SC 0"] == 5
    everywhere = [(task, 0, 6) for task in TASKS for _ in range(5)] + usual
    assert "SC 0" not in found(everywhere)
    guessed = [(TASKS[number % 11], number // 11 % 11, 8) for number in range(242)]
    assert found(guessed)["even"] == 242
    assert "even" not in found(guessed[:100])


def test_rows_are_checked_against_a_benchmark_that_is_given(tmp_path: Path) -> None:
    samples = [sample(number=number) for number in range(1, 4)]
    rows = [official_row(samples[0], 8, 9), official_row(sample(number=9), 8, 9)]
    rows[0][2] = "Another instruction"
    table = write_table(tmp_path / "m_ps_human_en_vie_score.csv", rows)
    imported = import_scores(table, tmp_path / "results", origin=Origin("small", "r1", samples))
    assert [verdict.sample for verdict in imported.scored.verdicts] == samples[:1]
    assert kinds(imported.findings) == {"missing": 2, "left out": 1, "instruction": 1}
    assert imported.scored.run.manifest.dataset == "small"


def test_what_is_unclear_is_an_error(tmp_path: Path) -> None:
    table = write_table(tmp_path / "a" / "m_ps_human_en_vie_score.csv", [official_row(sample(), 8, 9)])
    write_table(tmp_path / "b" / "n_ps_human_en_vie_score.csv", [official_row(sample(), 8, 9)])
    with pytest.raises(UsageError, match="2 models or judges"):
        import_scores(tmp_path, tmp_path / "results")
    with pytest.raises(UnavailableError, match="There is no"):
        import_scores(tmp_path / "nowhere", tmp_path / "results")
    with pytest.raises(UsageError, match="--from can't be 'offical'"):
        import_scores(table, tmp_path / "results", tool="offical")
    with pytest.raises(DataError, match="holds no scores of evalscope"):
        import_scores(table, tmp_path / "results", tool="evalscope")
    empty = write_table(tmp_path / "c" / "m_ps_human_en_vie_score.csv", [])
    with pytest.raises(DataError, match="holds no row of a sample"):
        import_scores(empty, tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_only_rows_with_both_scores_are_exported_and_the_others_are_counted(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    bad = samples[0].id

    def answers(one: object, aspect: Aspect) -> str:
        refused = one.id == bad and aspect is Aspect.PQ  # type: ignore[attr-defined]
        return "I'm sorry, I can't assist with that." if refused else reply_text(8, 9)

    scored = judged(tmp_path / "results", samples, answers=answers)
    written = export_official(scored, tmp_path / "csv")
    assert written.rows == 21
    assert written.left_out == {"PQ refused": 1}
    assert any("1 left-out sample(s) have one of SC and PQ" in note for note in written.notes)
    back = import_scores(tmp_path / "csv", tmp_path / "back").scored
    theirs, ours = (one.summaries()[0].table.macro for one in (back, scored))
    assert theirs.overall == pytest.approx(ours.overall)
    assert written.files[0].name == f"painter_{TASKS[0]}_en_vie_score.csv"
    assert export_official(scored, tmp_path / "csv") == written  # the same again is no harm
    other = judged(tmp_path / "results", samples, answers=lambda one, aspect: reply_text(1, 1), judge="other")
    with pytest.raises(DataError, match="holds something else already"):
        export_official(other, tmp_path / "csv")


scores = st.integers(0, 10) | st.floats(0, 10).map(lambda value: value + 0.0)
words = st.text('ab ,"\n\r\t\x00é抱\u202e😀', max_size=30)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(TASKS), st.sampled_from(["en", "cn"]), scores, scores, words, st.booleans())
                , min_size=1, max_size=12))  # fmt: skip
def test_a_round_trip_loses_nothing(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:  # type: ignore[type-arg]
    folder = tmp_path_factory.mktemp("trip")
    by_task: dict[str, list[list[object]]] = {}
    for number, (task, language, sc, pq, instruction, flag) in enumerate(rows):
        one = [f"{number:032x}", "x.png", instruction, repr(sc), repr(pq), flag, language]
        by_task.setdefault(task, []).append(one)
    for task, own in by_task.items():
        write_table(folder / "m" / "gpt4o" / f"m_{task}_all_vie_score.csv", own)
    first = import_scores(folder / "m", folder / "first").scored
    export_official(first, folder / "out")
    second = import_scores(folder / "out", folder / "second").scored

    def said(scored: object) -> set[tuple[object, ...]]:
        return {
            (one.sample.id, one.sample.instruction, one.sample.intersection, one.sc.score, one.pq.score)
            for one in scored.verdicts  # type: ignore[attr-defined]
        }

    assert said(first) == said(second)
    assert len(said(first)) == len(rows)
    assert {(float(sc), float(pq)) for _, _, sc, pq, _, _ in rows} == {(row[3], row[4]) for row in said(first)}


cells = st.text('ab1.,"\x00\r\n\ud800é-', max_size=12) | st.sampled_from(
    ["ps_human", "en", "0" * 32, "1e400", "-0", "True", "10", "x/ps_human/en/a.png"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(cells, max_size=9), max_size=5))
def test_a_table_of_anything_is_taken_in_or_refused_with_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    text = "\n".join([",".join(COLUMNS), *(",".join(row) for row in rows)])
    table = folder / "m_ps_human_en_vie_score.csv"
    table.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        imported = import_scores(table, folder / "results")
    except GeditBenchError:
        assert not (folder / "results").exists()
        return
    for verdict in imported.scored.verdicts:
        assert verdict.overall is None or 0 <= verdict.overall <= 10
