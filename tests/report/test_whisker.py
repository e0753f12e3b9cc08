from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gedit_bench.report.whisker import MARGIN, WIDTH, axis_svg, scale_of, whisker_svg
from gedit_bench.scoring.bootstrap import Interval

SCORES = st.floats(0, 10)


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    low, estimate, high = sorted(draw(st.tuples(SCORES, SCORES, SCORES)))
    return Interval(estimate, *(draw(st.sampled_from([(low, high), (nan, nan)]))))


@given(st.lists(intervals(), min_size=1, max_size=20))
def test_a_scale_holds_all_its_means_on_few_round_ticks(means: list[Interval]) -> None:
    values = [value for mean in means for value in (mean.estimate, mean.low, mean.high) if value == value]
    scale = scale_of(values)
    assert 0 <= scale.ticks[0] <= min(values) + 1e-6
    assert max(values) - 1e-6 <= scale.ticks[-1] <= 10
    assert 2 <= len(scale.ticks) <= 11
    assert len({round(later - earlier, 6) for earlier, later in zip(scale.ticks, scale.ticks[1:], strict=False)}) == 1
    assert all(MARGIN <= scale.place(value) <= WIDTH - MARGIN for value in values)
    ordered = sorted(values)
    assert [scale.place(value) for value in ordered] == sorted(scale.place(value) for value in ordered)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([6.71, 7.14], (6.7, 6.8, 6.9, 7.0, 7.1, 7.2)),
        ([1.7, 2.5, 7.9], (1, 2, 3, 4, 5, 6, 7, 8)),
        ([10.0], (9.9, 10.0)),
        ([0.0], (0.0, 0.1)),
        ([0.0, 10.0], tuple(range(11))),
    ],
)
def test_ticks_are_round(values: list[float], ticks: tuple[float, ...]) -> None:
    assert scale_of(values).ticks == ticks


def test_a_whisker_spans_its_interval_around_a_dot_and_says_what_it_shows() -> None:
    scale = scale_of([6.0, 7.0])
    drawn = whisker_svg(scale, Interval(6.5, 6.0, 7.0), "O <6.50>")
    assert f'd="M{MARGIN} 7H{WIDTH - MARGIN}"' in drawn
    assert f'cx="{WIDTH // 2}"' in drawn
    assert "<title>O &lt;6.50&gt;</title>" in drawn
    assert 'role="img"' in drawn
    assert "style" not in drawn
    assert 'class="whisker"' not in whisker_svg(scale, Interval(6.5, nan, nan), "O 6.50")
    assert axis_svg(scale).count("<text") == len(scale.ticks)
