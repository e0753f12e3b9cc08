from dataclasses import replace
from pathlib import Path

import pytest
from report_fixtures import failed, good, judged, make_judgement, make_run, make_samples, reply_text

from gedit_bench.records import Aspect, EditStatus
from gedit_bench.report.board import make_board
from gedit_bench.results import score


def test_alike_rows_share_a_table_ranked_by_their_headline(tmp_path: Path) -> None:
    samples = make_samples()
    better = judged(tmp_path, samples, name="better", answers=lambda s, a: reply_text(9, 9))
    equal = judged(tmp_path, samples, name="equal")
    worse = judged(tmp_path, samples, name="worse")
    full, intersection = make_board([worse, equal, better]).tables
    assert [(row.entry.label, row.rank) for row in full.rows] == [("better", 1), ("equal", 2), ("worse", 2)]
    assert (full.number, full.differs) == (1, "")
    assert intersection.differs == ""  # its title says what it is of
    for said in (
        "English",
        "full set",
        "11 samples",
        "judge-1@api.example",
        "judge-1-2026",
        "text first",
        "official.1",
    ):
        assert said in full.caption


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"judge": "judge-2"}, "another judge (judge-2@api.example"),
        ({"endpoint": "pool"}, "another judge (judge-1@pool"),
        ({"returned": "judge-1-2027"}, "another returned model (judge-1-2027"),
        ({"request_id": "official-ffffffff"}, "another way of asking (official-ffffffff"),
    ],
)
def test_rows_of_another_judgement_stand_apart(tmp_path: Path, other: dict[str, str], said: str) -> None:
    samples = make_samples()
    board = make_board([judged(tmp_path, samples), judged(tmp_path, samples, name="second", **other)])
    assert [len(table.rows) for table in board.tables] == [1, 1, 1, 1]
    full = [table for table in board.tables if table.key.subset == "full"]
    assert said in full[1].differs or said.split(" (")[0] in full[1].differs
    assert all(table.rows[0].rank == 1 for table in board.tables)


def test_rows_of_another_selection_or_language_stand_apart(tmp_path: Path) -> None:
    english = make_samples(each=2)
    chinese = make_samples(("cn",))
    board = make_board(
        [
            judged(tmp_path, english, name="all"),
            judged(tmp_path, english[:-1], name="some"),
            judged(tmp_path, chinese, name="chinese"),
        ]
    )
    full = [table for table in board.tables if table.key.subset == "full"]
    assert [(table.key.language, table.selected) for table in full] == [("en", 22), ("en", 21), ("cn", 11)]
    assert "other samples (selection" in full[1].differs
    assert (full[2].key.language, full[2].differs) == ("cn", "")
    order = [(table.key.subset, table.key.language) for table in board.tables]
    assert order == sorted(order, key=lambda pair: (pair[0] != "full", pair[1] != "en"))


def test_the_offline_judge_comes_last_and_is_named(tmp_path: Path) -> None:
    samples = make_samples()
    offline = {"judge": "offline", "protocol": "pixels", "request_id": "pixels-1", "vlm": False, "returned": None}
    board = make_board([judged(tmp_path, samples, name="b", **offline), judged(tmp_path, samples, name="a")])
    assert [table.vlm for table in board.tables] == [True, True, False, False]
    assert "No VLM" in board.tables[-1].caption


def test_a_partial_row_has_no_headline_unless_allowed(tmp_path: Path) -> None:
    samples = make_samples(each=30)
    scored = judged(tmp_path, samples, answers=lambda s, a: None if s is samples[0] else good(s, a))
    (row,) = make_board([scored]).tables[0].rows
    assert (row.rank, row.summary.headline) == (None, None)
    assert row.reason.startswith("partial: 1 of 330")
    (row,) = make_board([scored], allow_partial=True).tables[0].rows
    assert (row.rank, row.reason) == (1, "")
    assert row.partial == "partial: 1 of 330 not brought to an end"


def test_a_row_below_coverage_keeps_its_headline_and_gets_no_rank(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    thin = judged(
        tmp_path,
        samples,
        name="thin",
        run={"edits": lambda s, e: failed(e, EditStatus.REFUSED) if s is samples[0] else e},
        answers=lambda s, a: reply_text(10, 10),
    )
    whole = judged(tmp_path, samples, name="whole")
    first, second = make_board([thin, whole]).tables[0].rows
    assert (first.entry.label, first.rank) == ("whole", 1)
    assert (second.entry.label, second.rank, second.overall) == ("thin", None, 10.0)
    assert second.reason == "coverage below 95 %: background_change 50%"
    assert second.summary.coverage.statuses == {"edit refused": 1}
    low, high = second.summary.band
    assert low < 10.0
    assert high == 10.0


def test_an_empty_category_leaves_no_headline(tmp_path: Path) -> None:
    samples = make_samples()
    (row,) = make_board([judged(tmp_path, samples[1:])]).tables[0].rows
    assert row.reason == "no headline: category background_change is empty"


def test_a_judge_that_changed_in_mid_run_gets_no_rank(tmp_path: Path) -> None:
    samples = make_samples()
    run = make_run(tmp_path, samples)
    make_judgement(run, samples[:5], returned="judge-1-2026")
    scored = score(run, make_judgement(run, samples[5:], returned="judge-1-2027"))
    (row,) = make_board([scored]).tables[0].rows
    assert row.rank is None
    assert row.reason == "the judge answered as 2 models"
    assert row.summary.headline is not None


def test_flags_and_seconds_are_counted(tmp_path: Path) -> None:
    samples = make_samples()

    def edits(sample, edit):
        return replace(edit, seconds=4.0, flags=("no_op",)) if sample in samples[:2] else edit

    def answers(sample, aspect):
        return "score [8, 9]" if sample is samples[0] and aspect is Aspect.SC else good(sample, aspect)

    (row,) = make_board([judged(tmp_path, samples, run={"edits": edits}, answers=answers)]).tables[0].rows
    assert row.flags["no_op"] == 2
    assert row.seconds == pytest.approx((2 * 4.0 + 9 * 2.5) / 11)


def test_labels_tell_recipes_apart(tmp_path: Path) -> None:
    samples = make_samples()
    names = [
        entry.label
        for entry in make_board(
            [
                judged(tmp_path, samples, run={"recipe": "fast", "settings": {"steps": 4}}),
                judged(tmp_path, samples, run={"recipe": "slow"}),
                judged(tmp_path, samples, name="other"),
            ]
        ).entries
    ]
    assert names == ["painter@fast", "painter@slow", "other"]
    ids = {entry.id for entry in make_board([judged(tmp_path, samples, name="other")] * 2).entries}
    assert len(ids) == 2


def test_nothing_is_a_board_too() -> None:
    assert make_board([]).tables == ()
