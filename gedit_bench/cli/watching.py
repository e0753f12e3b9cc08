"""Shows progress: one live line on a terminal, otherwise a plain line every 30 seconds."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from gedit_bench.cli.console import harmless, say
from gedit_bench.engine.progress import Progress, Watcher

EVERY = 30.0  # seconds between plain lines
SHARES = 8  # devices whose shares fit in a line


@contextmanager
def watching() -> Iterator[Watcher]:
    """Yield a watcher that shows progress on stderr."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(stderr=True), refresh_per_second=4, transient=False) as live:
            yield lambda progress: live.update(Text(harmless(described(progress))))
    else:
        lines = _PlainLines()
        try:
            yield lines.watch
        finally:
            lines.end()  # before the error that ended it, too


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
    if progress.devices:
        shares = f" ({' + '.join(map(str, progress.devices.values()))})" if len(progress.devices) <= SHARES else ""
        parts.append(f"{len(progress.devices)} devices{shares}")
    parts += [f"{progress.given_up} given up"] if progress.given_up else []
    parts += [f"{progress.reused} reused"] if progress.reused else []
    parts += [f"{count} {status}" for status, count in sorted(progress.counts.items()) if status != "ok"]
    return " · ".join(parts)


class _PlainLines:
    """A line where a stage begins, every 30 seconds, and where it ends."""

    def __init__(self) -> None:
        self.latest: Progress | None = None
        self.said = ""
        self.time = -EVERY

    def watch(self, progress: Progress) -> None:
        """Say how far it is, if it is time to."""
        begins = self.latest is not progress  # another loop, though its name may be the same
        if begins:
            self.end()
        self.latest = progress
        if begins or monotonic() - self.time >= EVERY:
            self._say(progress)

    def end(self) -> None:
        """Say how far it came, unless that was the last line."""
        if self.latest is not None:
            self._say(self.latest)

    def _say(self, progress: Progress) -> None:
        state = f"{progress.stage} {progress.done}/{progress.total}"
        if state != self.said:
            self.said, self.time = state, monotonic()
            say(described(progress))
