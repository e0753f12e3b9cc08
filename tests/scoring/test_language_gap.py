"""The gap between languages: by hand, and paired by source."""

from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from scores import everywhere, verdict

from gedit_bench.records import TASKS
from gedit_bench.scoring.bootstrap import resample, sources_of, uncertainty
from gedit_bench.scoring.language_gap import language_gap

OWN = [(float(score), float(score)) for score in np.random.default_rng(2).integers(2, 10, 25)]


def test_a_model_that_loses_a_point_everywhere_loses_just_that() -> None:
    lower = [(sc - 1, pq - 1) for sc, pq in OWN]
    rows = everywhere(OWN) + everywhere(lower, "cn")
    found = language_gap(rows, sources_of([rows]))
    gap = found.headline.overall
    assert (gap.low, gap.estimate, gap.high) == pytest.approx((-1, -1, -1))
    assert found.sources == dict.fromkeys(TASKS, 25)
    assert found.categories["ps_human"].sc.estimate == pytest.approx(-1)


def test_twins_are_drawn_together() -> None:
    """Were languages drawn apart, the interval would be that of two independent means."""
    moved = [(max(sc - place % 3, 0), pq) for place, (sc, pq) in enumerate(OWN)]
    rows = everywhere(OWN) + everywhere(moved, "cn")
    paired = language_gap(rows, sources_of([rows])).headline.sc
    alone = uncertainty(resample([rows[:275]], sources_of([rows])))[0].headline.sc
    assert paired.estimate == pytest.approx(np.mean([new[0] - old[0] for new, old in zip(moved, OWN, strict=True)]))
    assert paired.high - paired.low < 0.6 * (alone.high - alone.low)


def test_sources_that_lack_a_language_stay_out() -> None:
    rows = everywhere(OWN[:3]) + everywhere(OWN[:3], "cn")
    lone = [verdict("ps_human", "lone", 10, 10, source="lone")]
    refused = [
        verdict("ps_human", "r", 10, 10, source="r"),
        verdict("ps_human", "r", None, 10, language="cn", source="r"),
    ]
    found, plain = (language_gap(own, sources_of([own])) for own in (rows + lone + refused, rows))
    assert found.categories["ps_human"].overall.estimate == plain.categories["ps_human"].overall.estimate == 0
    assert found.sources["ps_human"] == 3


def test_a_category_without_twins_has_no_gap_and_nor_has_the_headline() -> None:
    rows = everywhere(OWN) + [one for one in everywhere(OWN, "cn") if one.sample.id.task_type != "ps_human"]
    found = language_gap(rows, sources_of([rows]))
    assert isnan(found.headline.overall.estimate)
    assert isnan(found.categories["ps_human"].overall.estimate)
    assert found.sources["ps_human"] == 0
    assert language_gap(rows, sources_of([rows]), average="micro").headline.overall.known


def test_one_language_has_no_gap() -> None:
    rows = everywhere(OWN)
    assert language_gap(rows, sources_of([rows])) is None
    apart = rows + [replace(one, edit=replace(one.edit, source_id="x")) for one in everywhere(OWN, "cn")]
    assert language_gap(apart, sources_of([apart])) is None
