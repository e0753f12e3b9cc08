"""How fast samples are judged, beside how fast this machine could prepare their images at all.

    python perf/judging.py --rubric lmms_eval-0.7.3-py3-none-any.whl
    python perf/judging.py --data data_folder/dataset --edits data_folder/edits --rubric …

Starts `fake_judge.py` on the same machine, takes the edits in, then judges them with cold sources (never
prepared before) and warm ones (as for a second model) at each latency. The floor in each row is taken right before it.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from measuring import PROGRAM, ROOT, Measured, load, measure

sys.path.insert(0, str(ROOT))

FLOOR_SAMPLES = 200
COLUMNS = ("latency", "sources", "in all /s", "asking /s", "floor /s", "wall s", "CPU ms", "floor ms", "sent kB")
MACHINE = ("memory MB", "in flight", "others", "idle")


@dataclass(frozen=True)
class Setup:
    """What stays the same in all runs."""

    run: Path
    cache: Path
    asking: tuple[str, ...]
    samples: int
    pictures: "Pictures"


@dataclass(frozen=True)
class Pictures:
    """Files of some samples: their sources, each once though twins share it, and their edits."""

    sources: Sequence[bytes]
    edits: Sequence[bytes]

    def floor(self, *, cold: bool) -> tuple[float, float]:
        """Return samples a second and CPU milliseconds a sample of preparing them on all cores, and no more.

        Decode, resize and JPEG, by processes that do nothing else; sources that were prepared before cost nothing.
        """
        files = [*self.sources, *self.edits] if cold else self.edits
        with ProcessPoolExecutor() as pool:
            list(pool.map(prepare, files[:8]))  # everything is imported before the clock starts
            started = time.perf_counter()
            cpu = sum(pool.map(prepare, files, chunksize=4))
            return len(self.edits) / (time.perf_counter() - started), 1e3 * cpu / len(self.edits)


def read_pictures(dataset: str, edits: Path) -> Pictures:
    """Read the files of some samples of all categories, twins together."""
    from gedit_bench.dataset import load_benchmark
    from gedit_bench.editing.folder import find_layout

    benchmark, root = load_benchmark(dataset), find_layout(edits)
    pairs = defaultdict(list)
    for sample in benchmark.samples:
        pairs[sample.id.task_type, sample.id.key].append(sample)
    step = max(2 * len(pairs) // FLOOR_SAMPLES, 1)
    chosen = [sample for twins in [*pairs.values()][::step] for sample in twins]
    sources = {hashlib.sha256(data).digest(): data for data in (benchmark.image_bytes(one, "raw") for one in chosen)}
    places = [root / one.id.task_type / one.id.language / f"{one.id.key}.png" for one in chosen]
    return Pictures([*sources.values()], [place.read_bytes() for place in places])


def prepare(data: bytes) -> float:
    """Prepare one image; return the CPU seconds."""
    from gedit_bench.judging.prepare import prepare_file

    started = time.process_time()
    prepare_file(data, "jpeg")
    return time.process_time() - started


@contextmanager
def server(url: str | None, latency: float) -> Iterator[str]:
    """Yield the base URL of a fake judge: the given one, or one that is started."""
    if url is not None:
        yield url
        return
    command = [sys.executable, str(ROOT / "perf" / "fake_judge.py"), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.kill()


def call(url: str, name: str, method: str = "GET") -> dict[str, float]:
    request = urllib.request.Request(f"{url.removesuffix('/v1')}/{name}", method=method)
    with urllib.request.urlopen(request, timeout=5) as response:
        answer: dict[str, float] = json.load(response)
        return answer


def take_in(dataset: str, edits: Path, out: Path) -> tuple[Path, Measured]:
    """Make a run of ready-made edits; return its folder and what it took."""
    model = f"folder:{edits.resolve()}"
    took = measure([*PROGRAM, "edit", "--model", model, "--data", dataset, "--lang", "all", "--out", str(out)])
    [manifest] = out.glob("*/*/manifest.json")
    return manifest.parent, took


def judge(setup: Setup, url: str, latency: float, *, cold: bool) -> None:
    """Judge everything once and print a row, with the floor as it is just now."""
    floor, floor_ms = setup.pictures.floor(cold=cold)
    shutil.rmtree(setup.run / "judgments", ignore_errors=True)
    if cold:
        shutil.rmtree(setup.cache / "prepared", ignore_errors=True)
    call(url, "reset", "POST")
    command = [*PROGRAM, "judge", str(setup.run), "--judge", "fake", "--base-url", url, *setup.asking]
    took = measure(command, {"GEDIT_BENCH_CACHE": str(setup.cache)})
    served = call(url, "stats")
    if served["requests"] != 2 * setup.samples:
        sys.exit(f"{served['requests']} requests for {setup.samples} samples:\n{took.output}")
    cells = (
        f"{latency:g}",
        "cold" if cold else "warm",
        f"{setup.samples / took.wall:.1f}",
        f"{setup.samples / served['seconds']:.1f}",
        f"{floor:.1f}",
        f"{took.wall:.1f}",
        f"{1e3 * took.cpu / setup.samples:.1f}",
        f"{floor_ms:.1f}",
        f"{served['bytes'] / setup.samples / 1e3:.1f}",
        f"{took.anonymous:.0f}",
        str(served["in_flight_peak"]),
        f"{took.others:.0%}",
        f"{took.idle:.0%}",
    )
    print(row(cells), flush=True)


def row(cells: Sequence[str]) -> str:
    return "  ".join(f"{cell:>10}" for cell in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="dataset; made if it isn't given")
    parser.add_argument("--edits", type=Path, help="edits in the official layout; made if they aren't given")
    parser.add_argument("--rows-scale", type=float, default=1.0, help="of the data made; 1.0: 1212 rows")
    parser.add_argument("--raw-scale", type=float, default=1.0, help="of the data made; 2.8: sources of 2 megapixels")
    parser.add_argument("--server", help="base URL of a running fake_judge.py (its latency is not changed)")
    parser.add_argument("--rubric", type=Path, help="file or checkout with the official rubric; else the native one")
    parser.add_argument("--latency", type=float, nargs="*", default=[0.05, 1.0])
    parser.add_argument("--concurrency", type=int, help="default: the program's own")
    given = parser.parse_args()
    if (given.data is None) != (given.edits is None):
        parser.error("--data and --edits belong together")
    asking = ["--protocol", "official", "--rubric", str(given.rubric)] if given.rubric else ["--protocol", "native"]
    if given.concurrency:
        asking += ["--concurrency", str(given.concurrency)]
    with tempfile.TemporaryDirectory(prefix="gedit-bench-perf-") as work:
        data, edits = given.data, given.edits
        if data is None:
            from make_data import make_data

            make_data(Path(work), given.rows_scale, given.raw_scale)
            data, edits = f"{work}/dataset", Path(work) / "edits"
        pictures = read_pictures(data, edits)
        folder, took = take_in(data, edits, Path(work) / "results")
        samples = len((folder / "samples.jsonl").read_text().splitlines())
        print(f"{samples} edits taken in: {took.wall:.1f} s, {1e3 * took.cpu / samples:.1f} ms of CPU each")
        setup = Setup(folder, Path(work) / "cache", tuple(asking), samples, pictures)
        print(f"floor: decode, resize and JPEG of {len(pictures.edits)} of them on all cores, nothing else ({load()})")
        print(row(COLUMNS + MACHINE))
        for latency in given.latency:
            with server(given.server, latency) as url:
                for cold in (True, False):
                    judge(setup, url, latency, cold=cold)
        print(load())


if __name__ == "__main__":
    main()
