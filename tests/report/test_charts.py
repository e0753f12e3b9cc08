import re
from itertools import pairwise
from math import hypot, isnan, nan
from pathlib import Path
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_fixtures import failed, good, judged, make_samples, reply_text

from gedit_bench.records import TASKS, EditStatus
from gedit_bench.report.board import BoardTable, make_board
from gedit_bench.report.charts import Axis, axis, dot_plot, radar, shorten
from gedit_bench.report.figures import between, interval_of, panel_figure, radar_figure
from gedit_bench.report.pairs import Matrix, matrix, signed
from gedit_bench.scoring.bootstrap import Interval

scores = st.floats(0, 10)
maybe = st.one_of(st.just(nan), scores)
WHOLE = Axis(0, 10, (0, 2, 4, 6, 8, 10))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, estimate, high = sorted(draw(st.tuples(scores, scores, scores)))
    kind = draw(st.sampled_from(["whole", "no interval", "nothing"]))
    if kind == "nothing":
        return Interval(nan, nan, nan)
    return Interval(estimate, low, high) if kind == "whole" else Interval(estimate, nan, nan)


def strokes(path: str) -> list[list[tuple[float, float]]]:
    """The points of each subpath; arcs are left out."""
    number = r"(-?[\d.e-]+)"
    return [
        [(float(x), float(y)) for x, y in re.findall(rf"[ML]{number} {number}", part)]
        for part in re.split("(?=M)", path)
        if part
    ]


def points(path: str) -> list[tuple[float, float]]:
    return [point for stroke in strokes(path) for point in stroke]


@given(st.lists(maybe, max_size=30))
def test_an_axis_holds_its_values_and_has_a_handful_of_even_ticks(values: list[float]) -> None:
    made = axis(values)
    assert 0 <= made.low < made.high <= 10
    assert all(made.low <= value <= made.high for value in values if not isnan(value))
    assert 3 <= len(made.ticks) <= 7
    assert (made.ticks[0], made.ticks[-1]) == (made.low, made.high)
    assert len({round(high - low, 9) for low, high in pairwise(made.ticks)}) == 1


@pytest.mark.parametrize(
    ("values", "ends"),
    [([], (0, 10)), ([nan], (0, 10)), ([10.0], (9, 10)), ([0.0], (0, 1)), ([8.0], (7, 9)), ([6.2, 6.4], (6, 7))],
)
def test_an_axis_is_never_empty(values: list[float], ends: tuple[float, float]) -> None:
    made = axis(values)
    assert (made.low, made.high) == ends


def test_an_axis_places_its_ends_at_the_ends() -> None:
    made = axis([3.0, 7.5])
    assert (made.place(made.low, 150, 350), made.place(made.high, 150, 350)) == (150, 350)


@given(
    st.lists(intervals(), min_size=1, max_size=20).flatmap(
        lambda rows: st.tuples(st.just(rows), st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    )
)
def test_each_known_mean_is_one_dot_inside_its_whisker(made: tuple[list[Interval], list[bool]]) -> None:
    rows, solid = made
    plot = dot_plot(rows, WHOLE, solid)
    filled = [(x + 4, y) for x, y in points(plot.dots)]
    hollow = [(x + 4, y) for x, y in points(plot.rings)]
    known = [row for row in rows if not isnan(row.estimate)]
    assert len(filled) == sum(flag and not isnan(row.estimate) for row, flag in zip(rows, solid, strict=True))
    assert len(filled) + len(hollow) == len(known)
    whiskers = strokes(plot.whiskers)
    assert len(whiskers) == sum(row.known for row in rows)
    dots = {y: x for x, y in filled + hollow}
    for (start, y), (end, same) in whiskers:
        assert y == same
        assert start - 0.11 <= dots[y] <= end + 0.11  # places are rounded to a tenth
    for x, y in [*filled, *hollow, *points(plot.whiskers), *points(plot.grid), *points(plot.guides)]:
        assert 4 <= x <= plot.width - 4
        assert 4 <= y <= plot.height - 4
    assert all(0 < tick.x < plot.width and 0 < tick.y < plot.height for tick in plot.ticks)
    assert len(plot.baselines) == len(rows)


def test_dots_lie_where_their_scores_do() -> None:
    plot = dot_plot([Interval(0.0, nan, nan), Interval(10.0, nan, nan), Interval(5.0, 2.5, 7.5)], WHOLE, [True] * 3)
    assert [x + 4 for x, _ in points(plot.dots)] == [150, 350, 250]
    assert [x for x, _ in points(plot.whiskers)] == [200, 300]
    assert {x for x, _ in points(plot.mean)} == {250}


@given(st.lists(st.lists(maybe, min_size=11, max_size=11), max_size=4))
def test_a_radar_marks_each_known_value_at_its_distance_and_no_other(series: list[list[float]]) -> None:
    made = radar(TASKS, series)
    assert len(made.outlines) == len(series)
    centre, rim = (made.width / 2, made.height / 2), 185.0
    for values, outline in zip(series, made.outlines, strict=True):
        marks = points(outline)
        known = [value for value in values if not isnan(value)]
        distances = sorted(hypot(x - centre[0], y - centre[1]) for x, y in marks)
        if len(known) > 1:
            assert len(known) <= len(marks) <= 2 * len(known)
        for value in known:
            assert any(abs(distance - rim * value / 10) < 0.1 for distance in distances)
        for distance in distances:
            assert any(abs(distance - rim * value / 10) < 0.1 for value in known)
        assert bool(marks) == bool(known)
        assert ("Z" in outline) == (len(known) == 11)
        assert all(0 < x < made.width and 0 < y < made.height for x, y in marks)
    assert all(0 < x < made.width and 0 < y < made.height for x, y in points(made.grid))


def test_a_radar_leaves_a_gap_where_a_value_is_missing() -> None:
    (outline,) = radar(["a", "b", "c", "d", "e"], [[10, nan, 10, nan, 10]]).outlines
    single, joined = strokes(outline)
    assert single[0] == single[1]  # a point between two gaps: a line of no length, so that its marker is drawn
    assert joined[1] == (300, 65)  # from the last spoke on to the first, over the end of the list


def test_a_radars_labels_stay_in_the_view_box_at_phone_size() -> None:
    made = radar([task.replace("_", " ").replace("-", " ") for task in TASKS], [])
    size, wide, line = 21.5, 0.62, 1.1
    for spoke in made.spokes:
        length = max(map(len, spoke.lines)) * size * wide
        left = spoke.x - {"start": 0, "middle": length / 2, "end": length}[spoke.anchor]
        top = spoke.y + (spoke.rise - 0.85) * size
        assert left >= 0
        assert left + length <= made.width
        assert top >= 0
        assert top + len(spoke.lines) * line * size <= made.height


@given(st.text(max_size=30), st.integers(3, 40))
def test_a_shortened_name_fits_and_a_short_one_stays(name: str, columns: int) -> None:
    def wide(text: str) -> int:
        return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)

    short = shorten(name, columns)
    assert wide(short) <= columns
    assert (short == name) == (wide(name) <= columns) or "…" in name


def test_a_shortened_name_keeps_both_ends() -> None:
    assert shorten("step1x-edit@default 34f5e56a", 17) == "step1x-e…34f5e56a"
    assert shorten("gemini-2.5-flash-image", 18) == "gemini-2…sh-image"


def test_a_sign_is_written_as_one_and_nothing_has_none() -> None:
    assert [signed(value) for value in (0.316, -0.316, 0.001, -0.001)] == ["+0.32", "−0.32", "0.00", "0.00"]


# Of a table


def table(root: Path, means: dict[str, int], **kwargs: object) -> BoardTable:
    samples = make_samples(each=4)

    def answers(mean: int):
        return lambda sample, aspect: reply_text(mean + sample.row % 2, mean + sample.row % 3)

    return make_board([judged(root, samples, name=name, answers=answers(mean)) for name, mean in means.items()]).tables[
        0
    ]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> BoardTable:
    return table(tmp_path_factory.mktemp("runs"), {"low": 3, "high": 7, "also-high": 7})


def found(made: BoardTable) -> Matrix:
    result = matrix(made)
    assert result is not None
    return result


def test_a_matrix_is_row_minus_column_and_its_own_mirror(three: BoardTable) -> None:
    pairs = found(three)
    overall = [interval_of(row).estimate for row in pairs.rows]
    assert [row.entry.label for row in pairs.rows] == ["also-high", "high", "low"]
    for i, line in enumerate(pairs.cells):
        for j, cell in enumerate(line):
            other = pairs.cells[j][i]
            if i == j:
                assert cell is None
                continue
            assert cell is not None
            assert other is not None
            assert cell.difference == pytest.approx(overall[i] - overall[j])
            assert cell.low <= cell.difference <= cell.high
            assert (cell.low, cell.high) == (-other.high, -other.low)
            assert cell.told_apart == other.told_apart == (cell.low > 0 or cell.high < 0)
    assert (pairs.pairs, pairs.told_apart, pairs.left_out) == (3, 2, ())


def test_a_cell_says_all_of_itself_in_words(three: BoardTable) -> None:
    cells = [cell for line in found(three).cells for cell in line]
    assert [cell.tint if cell else None for cell in cells] == [None, "", "up4", "", None, "up4", "down4", "down4", None]
    equal, better = cells[1], cells[2]
    assert equal is not None
    assert better is not None
    assert equal.words == "also-high minus high: 0.00, 0.00 to 0.00, not told apart"
    assert re.fullmatch(r"also-high minus low: \+4\.\d\d, \+\d\.\d\d to \+\d\.\d\d, told apart", better.words)


def test_tie_groups_carry_the_letters_of_their_rows(three: BoardTable) -> None:
    groups = found(three).groups
    assert [(group.letter, [row.entry.label for row in group.rows]) for group in groups] == [
        ("a", ["also-high", "high"]),
        ("b", ["low"]),
    ]
    for group in groups:
        assert all(row.standing is not None and group.letter in row.standing.groups for row in group.rows)


def test_rows_without_a_rank_are_named_and_not_compared(tmp_path: Path) -> None:
    samples = make_samples(each=4)
    refused = {"edits": lambda s, e: failed(e, EditStatus.REFUSED) if s.row < 3 else e}
    rows = [judged(tmp_path, samples, name=name) for name in ("one", "two")]
    made = make_board([*rows, judged(tmp_path, samples, name="short", run=refused)]).tables[0]
    pairs = found(made)
    assert [row.entry.label for row in pairs.left_out] == ["short"]
    assert len(pairs.rows) == len(pairs.cells) == 2
    assert matrix(make_board(rows[:1]).tables[0]) is None


def test_a_radar_draws_six_of_the_rows_that_have_a_score(tmp_path: Path) -> None:
    samples = make_samples(each=2)
    rows = [judged(tmp_path, samples, name=f"model-{number}") for number in range(8)]
    nothing = judged(tmp_path, samples, name="nothing", answers=lambda s, a: "no words")
    figure = radar_figure(make_board([nothing, *rows]).tables[0])
    assert [series.slot for series in figure.series] == [1, 2, 3, 4, 5, 6, 0, 0]
    assert "nothing" not in [series.row.entry.label for series in figure.series]


def test_panels_show_twenty_rows_on_one_axis_and_count_the_rest(tmp_path: Path) -> None:
    samples = make_samples(each=1)
    rows = [judged(tmp_path, samples, name=f"model-{number:02}", answers=good) for number in range(22)]
    figure = panel_figure(make_board(rows).tables[0])
    assert figure.left_out == 2
    assert [panel.task for panel in figure.panels] == ["", *TASKS]
    assert {len(panel.names) for panel in figure.panels} == {20}
    assert len({tuple(tick.text for tick in panel.plot.ticks) for panel in figure.panels}) == 1
    assert figure.words == "from 6 to 7, not from 0 to 10"
    first = figure.panels[0]
    assert first.names[0].full == "model-00: O 6.93"  # one sample in each category: nobody knows the interval
    assert first.plot.whiskers == ""
    assert between(interval_of(make_board(rows).tables[0].rows[0])) == "–"
