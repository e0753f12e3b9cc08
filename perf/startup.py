"""How long the program takes before it does anything, and how much memory.

python perf/startup.py --data data_folder/dataset
"""

import argparse
import sys
import tempfile
from pathlib import Path

from measuring import PROGRAM, load, measure

TIMES = 5


def show(name: str, command: list[str]) -> None:
    """Run a command several times and print the quickest and the slowest."""
    runs = [measure(command) for _ in range(TIMES)]
    walls = [one.wall for one in runs]
    rss, anonymous = max(one.rss for one in runs), max(one.anonymous for one in runs)
    print(f"{name:<24} {min(walls):6.2f} to {max(walls):5.2f} s  {rss:6.0f} MB, {anonymous:5.0f} MB of it anonymous")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample", help="dataset that is planned on; the bundled sample if not given")
    given = parser.parse_args()
    print(f"{TIMES} runs each, the first may be the one that reads from disk ({load()})")
    show("bare interpreter", [sys.executable, "-c", ""])
    show("import datasets", [sys.executable, "-c", "import datasets"])
    show("--help", [*PROGRAM, "--help"])
    show("ls models", [*PROGRAM, "ls", "models"])
    with tempfile.TemporaryDirectory() as out:
        options = ["--model", "identity", "--judge", "offline", "--data", given.data, "--out", str(Path(out))]
        show("plan", [*PROGRAM, "plan", *options])


if __name__ == "__main__":
    main()
