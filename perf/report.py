"""What a report takes: sizes, seconds and memory of building it, and the time until a browser shows it.

python perf/report.py                         # 20 models of 1212 samples, made for it
python perf/report.py --results FOLDER        # runs that are there
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path

from make_results import make_results
from measuring import PROGRAM, load, measure

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu"]
TIMES = 3
PATIENCE = 600
"""Twentieths of a second that a page may take."""
FLOOR = (
    "import json, pathlib, sys\n"
    "for file in pathlib.Path(sys.argv[1]).rglob('*.jsonl'):\n"
    "    with file.open('rb') as lines:\n"
    "        for line in lines: json.loads(line)"
)
"""Reads all lines of all runs as JSON and keeps nothing."""

FIRST_CARD = (
    "new MutationObserver((_, watching) => {"
    "  if (!document.querySelector('#cards .card')) return;"
    "  watching.disconnect();"
    "  requestAnimationFrame(() => setTimeout(() => { window.usable = performance.now(); }));"
    "}).observe(document, { childList: true, subtree: true });"
)
"""Notes when the first card is there, drawn, and the page answers again."""

NODES = "[...document.body.querySelectorAll('*')].filter(node => node.checkVisibility()).length"


def build(results: Path, out: Path, *options: str) -> None:
    """Build a report, print what it took."""
    taken = measure([*PROGRAM, "report", str(results), "--out", str(out), *options])
    page = (out / "index.html").stat().st_size / 1e6
    text = (out / "index.html").read_text(encoding="utf-8")
    held = {
        name: len(found[1]) / 1e6
        for name in ("data", "pictures")
        if (found := re.search(rf'<script type="[^"]*" id="{name}">(.*?)</script>', text, re.DOTALL))
    }
    parts = ", ".join(f"{name} {size:.2f}" for name, size in held.items())
    print(
        f"report {' '.join(options) or '(thumbnails beside it)':<42} {taken.wall:6.1f} s {taken.cpu:6.1f} s CPU "
        f"{taken.rss:6.0f} MB   page {page:.2f} MB ({parts}), others took {taken.others:.0%} of the machine"
    )


def browse(page: Path, view: str) -> None:
    """Open a view of the page several times; print when its first card is usable, and its nodes."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        times, loaded, nodes = [], [], 0
        for _ in range(TIMES):
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.add_init_script(FIRST_CARD)
            opened.goto(page.as_uri() + view)
            for _ in range(PATIENCE):
                if usable := opened.evaluate("window.usable"):
                    break
                opened.wait_for_timeout(50)
            else:
                sys.exit(f"{page} showed no card.")
            times.append(usable / 1000)
            loaded.append(opened.evaluate("performance.getEntriesByType('paint')[0]?.startTime ?? NaN") / 1000)
            nodes = opened.evaluate(NODES)
            browser.close()
    print(
        f"{page.name + view:<42} first paint {statistics.median(loaded):.2f} s, "
        f"gallery usable {statistics.median(times):.2f} s (median of {TIMES}, worst {max(times):.2f}), "
        f"{nodes} nodes in view"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, help="runs that are there, instead of made ones")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--samples", type=int, default=1212)
    parser.add_argument("--embed-budget", default="20", help="megabytes of the single file's pictures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        results = given.results or Path(place) / "results"
        if given.results is None:
            make_results(results, given.models, given.samples)
            out = results / "leaderboard"
        else:
            out = Path(place) / "leaderboard"
            measure([*PROGRAM, "report", str(results), "--out", str(out)])
        print(load())
        floor = measure([sys.executable, "-c", FLOOR, str(results)])
        print(f"{'floor: all lines as JSON':<49} {floor.wall:6.1f} s {floor.cpu:6.1f} s CPU {floor.rss:6.0f} MB")
        build(results, out)
        if CHROMIUM.exists():
            browse(out / "index.html", "#gallery")
            browse(out / "index.html", "#board")
        build(results, out, "--single-file", "--embed-budget", given.embed_budget)
        if CHROMIUM.exists():
            browse(out / "index.html", "#gallery")


if __name__ == "__main__":
    main()
