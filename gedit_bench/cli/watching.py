"""Shows progress: one live line on a terminal, otherwise a plain line every 30 seconds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from gedit_bench.cli.console import say
from gedit_bench.engine.progress import Progress, Watcher

EVERY = 30.0  # seconds between plain lines


@contextmanager
def watching() -> Iterator[Watcher]:
    """Yield a watcher that shows progress on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(stderr=True), refresh_per_second=4, transient=False) as live:
            yield lambda progress: live.update(described(progress))
    else:
        yield _plain_lines()


def described(progress: Progress) -> str:
    """Return progress in one line: `edit x  412/1212 · 3.1 s each · eta 41 min · 2 edit_failed`."""
    parts = [f"{progress.stage}  {progress.done}/{progress.total}"]
    done = sum(progress.counts.values())
    if done:
        rate = done / max(monotonic() - progress.started, 1e-9)
        parts.append(f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each")
        left = (progress.total - progress.done) / rate
        if left > 0:
            parts.append(f"eta {left / 60:.0f} min" if left >= 90 else f"eta {left:.0f} s")
    parts += [f"{count} {status}" for status, count in sorted(progress.counts.items()) if status != "ok"]
    return " · ".join(parts)


def _plain_lines() -> Watcher:
    last: tuple[str, float] = ("", -EVERY)

    def watch(progress: Progress) -> None:
        nonlocal last
        stage, time = last
        ended = progress.done >= progress.total
        if stage != progress.stage or ended or monotonic() - time >= EVERY:
            last = progress.stage, monotonic()
            say(described(progress))

    return watch
