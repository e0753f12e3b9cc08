import json
import math
from dataclasses import replace
from math import nan
from pathlib import Path

import pytest
from report_fixtures import failed, good, judged, make_judgement, make_run, make_samples, reply_text

from gedit_bench.fallback import with_fallback
from gedit_bench.records import Aspect, EditStatus
from gedit_bench.report import words
from gedit_bench.report.board import make_board
from gedit_bench.report.columns import COLUMNS, columns, used
from gedit_bench.report.language_gaps import gap_json, language_gaps
from gedit_bench.results import score
from gedit_bench.scoring.scorings import SCORINGS


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


def shown(board, number=0):
    return [column.name for column in columns(board.tables[number])]


def test_a_table_has_the_columns_that_say_something(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    always = ["rank", "model", "overall", "interval", "sc", "pq", "band", "micro", "scored", "trust"]
    plain = {"edits": lambda s, e: replace(e, seconds=None)}
    one = make_board([judged(tmp_path, samples, name="one", run=plain)])
    assert shown(one) == always
    flagged = {"edits": lambda s, e: replace(e, flags=("no_op",))}
    two = make_board([judged(tmp_path, samples, name="flagged", run=flagged), *(e.scored for e in one.entries)])
    assert shown(two) == ["rank", "model", "overall", "interval", "groups", *always[4:9], "flags", "trust", "seconds"]
    empty = make_board([judged(tmp_path, samples[2:], name="short", run=plain)])
    assert "interval" not in shown(empty)
    assert [column.name for column in used([*one.tables, *two.tables])] == shown(two)
    assert [column.name for column in COLUMNS if column.fixed] == always[:3]


def test_ranked_rows_have_ranks_that_are_possible_and_letters(tmp_path: Path) -> None:
    samples = make_samples(each=3)

    def scores(high, nth):
        return lambda s, a: reply_text(*[high - (s.row + nth) % 2] * 2)

    entries = [
        judged(tmp_path, samples, name=f"m{high}{nth}", answers=scores(high, nth))
        for high, nth in ((9, 0), (9, 1), (3, 0))
    ]
    thin = {"edits": lambda s, e: failed(e, EditStatus.REFUSED) if s is samples[0] else e}
    table = make_board([*entries, judged(tmp_path, samples, name="thin", run=thin)]).tables[0]
    assert [row.standing is None for row in table.rows] == [False, False, False, True]
    assert [words.places(row.standing) for row in table.rows] == ["1–2", "1–2", "3", "–"]
    assert [row.standing.groups for row in table.ranked if row.standing] == ["a", "a", "b"]
    assert table.letters == "ab"
    assert [words.aligned(row.standing.groups, table.letters) for row in table.ranked if row.standing] == [
        "a\u2007",
        "a\u2007",
        "\u2007b",
    ]
    assert [row.entry.label for row in table.unranked] == ["thin"]
    assert table.ranking is not None
    assert "2 of 3 pairs are told apart" in words.resolution(table.ranking)
    assert f"{table.ranking.smallest_difference:.2f} in O" in words.resolution(table.ranking)
    assert min(table.drawn) < 3 < max(table.drawn)


def test_the_head_says_who_judged_and_how_it_was_asked_once_each(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"))
    offline = {"judge": "offline", "protocol": "pixels", "request_id": "pixels-1", "vlm": False, "returned": None}
    board = make_board([judged(tmp_path, samples, name="a"), judged(tmp_path, samples, name="b", **offline)])
    (first, asked), (second, _) = board.ways
    assert first == "judge-1@api.example"
    assert "text first" in asked
    assert second.startswith("No VLM: offline@")
    assert board.samples_by_language == {"en": 11, "cn": 11}


def test_a_band_of_no_width_is_one_number() -> None:
    assert words.ends(6.714, 6.98) == "6.71 – 6.98"
    assert words.ends(6.93, 6.93) == "6.93"
    assert words.ends(nan, nan) == "–"


def test_nothing_is_a_board_too() -> None:
    assert make_board([]).tables == ()


def by_sample(sample, aspect):
    return reply_text(10, 10) if aspect is Aspect.PQ else reply_text(int(sample.id.key[:2], 16) % 9, 10)


def test_rows_without_a_rank_have_intervals_and_no_standing(tmp_path: Path) -> None:
    samples = make_samples(each=4)
    thin = judged(
        tmp_path,
        samples,
        name="thin",
        run={"edits": lambda s, e: failed(e, EditStatus.REFUSED) if s is samples[0] else e},
        answers=by_sample,
    )
    whole = judged(tmp_path, samples, name="whole", answers=by_sample)
    table = make_board([thin, whole]).tables[0]
    first, second = table.rows
    assert (first.standing.rank_low, first.standing.rank_high, second.standing) == (1, 1, None)
    for row in table.rows:
        known = row.uncertainty.headline.overall
        assert known.estimate == pytest.approx(row.summary.headline.overall)
        assert known.low < known.estimate < known.high
    assert table.ranking is None
    alone = make_board([whole]).tables[0].rows[0].uncertainty.headline.overall
    together = first.uncertainty.headline.overall
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))  # company changes nothing


def test_a_row_without_a_headline_has_no_interval_of_it(tmp_path: Path) -> None:
    samples = make_samples(each=4)
    scored = judged(tmp_path, samples, answers=lambda s, a: None if s is samples[0] else by_sample(s, a))
    (row,) = make_board([scored]).tables[0].rows
    assert not row.uncertainty.headline.overall.known
    assert math.isnan(row.uncertainty.headline.overall.estimate)
    assert row.uncertainty.categories["text_change"].overall.known


def test_the_interval_is_that_of_the_scorings_headline(tmp_path: Path) -> None:
    samples = make_samples(each=4)[:-2]
    run = make_run(tmp_path, samples)
    scored = score(run, make_judgement(run, samples, answers=by_sample), SCORINGS["micro"])
    (row,) = make_board([scored]).tables[0].rows
    known = row.uncertainty.headline.overall
    assert known.estimate == pytest.approx(row.summary.table.micro.overall)
    assert known.estimate != pytest.approx(row.summary.table.macro.overall)
    assert row.noise.headline.mean == pytest.approx(known.estimate)
    assert row.errors.both == pytest.approx(row.noise.headline.total, rel=0.1)


def test_the_judges_noise_stands_beside_that_of_sampling(tmp_path: Path) -> None:
    samples = make_samples(each=4)
    run = make_run(tmp_path, samples)
    judgement = make_judgement(run, samples, answers=by_sample)
    (row,) = make_board([score(run, judgement)]).tables[0].rows
    assert math.isnan(row.errors.judge)
    assert math.isnan(row.errors.sampling)
    assert row.errors.both == row.uncertainty.standard_error > 0
    lines = (judgement.path / "replies.jsonl").read_text().splitlines()
    again = [{**json.loads(line), "repeat": 1} for line in lines]
    again[0]["content"] = reply_text(10 - json.loads(again[0]["content"])["score"][0], 10)
    with (judgement.path / "replies.jsonl").open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in again)
    (row,) = make_board([score(run, judgement)]).tables[0].rows
    errors = row.errors
    assert errors.judge == row.noise.headline.judge_once > 0
    assert errors.judge**2 + errors.sampling**2 == pytest.approx(errors.both**2)


def test_the_gap_between_languages_is_paired_by_source(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"), each=3)

    def answers(sample, aspect):
        return reply_text(6, 6) if sample.id.language == "en" else reply_text(4, 4)

    scored = judged(tmp_path, samples, answers=answers)
    gap = scored.language_gap("full")
    assert gap.headline.overall.estimate == pytest.approx(-2)
    assert gap.headline.overall.high == pytest.approx(-2)
    assert set(gap.sources.values()) == {3}
    assert judged(tmp_path, make_samples(), name="english").language_gap("full") is None


def test_the_gap_between_languages_stands_in_the_page_and_in_json(tmp_path: Path) -> None:
    def answers(sample, aspect):
        return reply_text(6, 6) if sample.id.language == "en" else reply_text(5, 5 + sample.row % 2)

    both = judged(tmp_path, make_samples(("en", "cn"), each=4), name="both", answers=answers)
    alone = judged(tmp_path, make_samples(each=4), name="alone")
    board = make_board([both, alone])
    english = board.tables[0]
    [shown] = language_gaps(english)
    assert shown.row.entry.label == "both"
    assert [cell.difference for cell in shown.cells] == ["−1.00"] * 12
    assert {cell.tint for cell in shown.cells} == {"down3"}
    assert shown.cells[1].words == "background change: −1.00, 95 % interval −1.00 to −1.00, over 4 sources"
    rows = {row.entry.label: gap_json(row.gap) for row in english.rows}
    assert rows["alone"] is None
    assert rows["both"]["categories"]["ps_human"] == {"difference": -1, "low": -1, "high": -1, "sources": 4}


def test_a_row_without_a_headline_has_no_gap_of_it(tmp_path: Path) -> None:
    samples = make_samples(("en", "cn"), each=2)
    some = judged(tmp_path, samples, run={"edits": lambda s, e: None if s.row == 0 else e})
    [shown] = language_gaps(make_board([some]).tables[0])
    assert shown.cells[0].difference == "–"
    assert shown.cells[2].difference == "0.00"


def test_tables_are_called_by_what_tells_them_apart(tmp_path: Path) -> None:
    samples = make_samples()
    first = judged(tmp_path, samples, name="a")
    helped = with_fallback(first, make_judgement(first.run, samples, judge="judge-2"))
    more = [
        judged(tmp_path, samples, name="b", endpoint="elsewhere"),
        judged(tmp_path, samples, name="c", request_id="official-99999999"),
        judged(tmp_path, samples, name="d", judge="judge-3"),
        judged(tmp_path, samples[:-1], name="e", judge="judge-3"),
    ]
    board = make_board([first, helped, *more])
    names = {
        table.rows[0].entry.label + "+" * bool(table.rows[0].with_fallback): board.told_apart(table)
        for table in board.tables
        if table.key.subset == "full"
    }
    assert names["a"] == "judge-1@api.example, official-0a1b2c3d"
    assert names["a+"] == "judge-1@api.example, official-0a1b2c3d, with fallback judge-2@api.example"
    assert names["b"] == "judge-1@elsewhere"
    assert names["c"] == "judge-1@api.example, official-99999999"
    assert names["d"].startswith("judge-3, selection ")
    assert len(set(names.values())) == 6
    assert make_board([first]).told_apart(make_board([first]).tables[0]) == ""
