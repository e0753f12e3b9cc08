"""How long the intervals of a full leaderboard take: 20 models, 606 samples, two languages, 2,000 resamples, all pairs.

python perf/uncertainty.py
"""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one core, whatever the machine has

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import load

sys.path.insert(0, str(Path(__file__).parents[1]))

from gedit_bench.records import LANGUAGES, TASKS, Edit, EditStatus, Reading, ReplyStatus, Sample, SampleId, Verdict
from gedit_bench.scoring.bootstrap import RESAMPLES, resample, sources_of, uncertainty
from gedit_bench.scoring.ranking import rank

MODELS = 20
SIZES = (40, 40, 40, 40, 70, 60, 60, 57, 60, 99, 40)
TIMES = 5


def rows(language: str) -> list[list[Verdict]]:
    """Each model's verdicts; one in a hundred has no score."""
    random = np.random.default_rng(0)
    tasks = [task for task, size in zip(TASKS, SIZES, strict=True) for _ in range(size)]
    samples = [Sample(SampleId(task, language, f"{row:032x}"), "x", True, row) for row, task in enumerate(tasks)]

    def reading(score: float) -> Reading:
        return Reading(ReplyStatus.REFUSED) if random.random() < 0.01 else Reading(ReplyStatus.OK, score)

    return [
        [
            Verdict(
                sample,
                Edit(sample=sample.id, status=EditStatus.OK, seed=0, source_id=sample.id.key),
                *(reading(float(score)) for score in random.integers(0, 11, 2)),
            )
            for sample in samples
        ]
        for _ in range(MODELS)
    ]


def best(work: Callable[[], object]) -> float:
    """Return the seconds of the quickest of some runs."""
    found = []
    for _ in range(TIMES):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def main() -> None:
    tables = [rows(language) for language in LANGUAGES]
    scores, weights = np.random.default_rng(1).random((3 * MODELS, 606)), np.ones((606, RESAMPLES))
    drawn = [resample(table, sources_of(table)) for table in tables]
    print(f"{MODELS} models, 606 samples, {len(tables)} languages, {RESAMPLES} resamples; best of {TIMES} ({load()})")
    steps: dict[str, Callable[[], object]] = {
        "bare matrix products": lambda: [scores @ weights for _ in tables],
        "resample": lambda: [resample(table, sources_of(table)) for table in tables],
        "intervals": lambda: [uncertainty(one) for one in drawn],
        "ranking, 190 pairs": lambda: [rank(one, [True] * MODELS) for one in drawn],
    }
    took = {name: best(work) for name, work in steps.items()}
    took["in all"] = sum(took.values()) - took["bare matrix products"]
    for name, seconds in took.items():
        print(f"{name:<24} {seconds:6.3f} s")


if __name__ == "__main__":
    main()
