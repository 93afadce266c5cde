"""Progress: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

PLAIN_INTERVAL_S = 10.0
DOWNLOAD_STEP_BYTES = 4_000_000


class Reporter:
    """Tells what is going on, on the standard error stream: standard output is for results."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Write one line; where nobody can read it any more, as behind a closed pipe, work goes on."""
        with suppress(OSError):
            if self.console.is_terminal:
                self.console.print(text, markup=False)
            else:
                print(text, file=sys.stderr, flush=True)

    def finishing(self) -> None:
        """Note that results are about to be stored."""

    @contextmanager
    def counting(self, what: str, *, total: int, unit: str = "songs") -> Iterator[Counter]:
        """Show how far a piece of work with a known number of steps has come."""
        rate = TextColumn("{task.fields[rate]}")
        with self._display(MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True)) as display:
            counter = Counter(self, display, what, total, unit)
            yield counter
            counter.finish()

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        """Show how far a piece of work has come of which only the share done is known, from 0 to 1."""
        with self._display(TaskProgressColumn(), TimeElapsedColumn()) as display:
            task = display.add_task(what, total=1.0)
            pause = _Pause()
            if display.disable:
                self.say(what)

            def tell(share: float) -> None:
                display.update(task, completed=share)
                if display.disable and share < 1 and pause.is_over():
                    self.say(f"{what}: {share:.0%}")

            yield tell
            display.update(task, completed=1.0)

    def _display(self, *columns: ProgressColumn) -> Progress:
        """Return a live display, which shows nothing elsewhere than on a terminal."""
        is_terminal = self.console.is_terminal
        head = (TextColumn("{task.description}"), BarColumn())
        return Progress(*head, *columns, console=self.console, disable=not is_terminal)


class LineReporter(Reporter):
    """Tells another program: each line of standard output is one JSON object, with `text` or `share`."""

    def say(self, text: str) -> None:
        """Write one line."""
        self._tell(text=text)

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        """Tell how far a piece of work has come."""
        self._tell(text=what, share=0.0)
        yield lambda share: self._tell(text=what, share=round(share, 3))

    def finishing(self) -> None:
        """From here on a request to stop comes too late: who asks for it learns so by the exit status."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    @staticmethod
    def _tell(**news: object) -> None:
        print(json.dumps(news), flush=True)


class _Pause:
    """The time between two plain lines."""

    def __init__(self):
        self._began_at = time.monotonic()

    def is_over(self) -> bool:
        """Tell whether the next line is due; if so, the next pause begins."""
        now = time.monotonic()
        if now - self._began_at < PLAIN_INTERVAL_S:
            return False
        self._began_at = now
        return True


class Counter:
    """Counts steps done, and shows their rate."""

    def __init__(self, reporter: Reporter, display: Progress, what: str, total: int, unit: str):
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._started_at = time.monotonic()
        self._reporter, self._display = reporter, display
        self._task = display.add_task(what, total=total, rate="")
        self._pause = _Pause()
        self._said = -1

    def advance(self) -> None:
        """Count one step more."""
        self.reach(self.done + 1)

    def reach(self, done: int, total: int | None = None) -> None:
        """Say how many steps are done, and how many there are where that has changed."""
        self.done, self.total = done, total or self.total
        rate = f"{self._rate():.1f} {self.unit}/s"
        self._display.update(self._task, completed=self.done, total=self.total, rate=rate)
        if self._display.disable and self.done and self._pause.is_over():
            self._say(f", {format_duration((self.total - self.done) / self._rate())} left")

    def finish(self) -> None:
        """Say how many steps were done, where no display shows it."""
        if self._display.disable and self._said != self.done:
            self._say("")

    def _rate(self) -> float:
        return self.done / max(time.monotonic() - self._started_at, 1e-9)

    def _say(self, rest: str) -> None:
        self._said = self.done
        rate = f"{self._rate():.1f} {self.unit}/s"
        self._reporter.say(f"{self.what}: {self.done} of {self.total} {self.unit}, {rate}{rest}")


class DownloadProgress:
    """Says how far the download of OpenL3's weights is, and its rate, now and then."""

    def __init__(self, reporter: Reporter):
        self._reporter = reporter
        self._done_bytes = self._said_bytes = 0
        self._began_at = self._said_at = time.monotonic()

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """Take note of the bytes received, and of the bytes in all where that is known."""
        now = time.monotonic()
        if done_bytes < self._done_bytes:  # Another try, from the start.
            self._said_bytes, self._began_at = 0, now
        self._done_bytes = done_bytes
        news = done_bytes - self._said_bytes
        is_due = news >= DOWNLOAD_STEP_BYTES or now - self._said_at >= PLAIN_INTERVAL_S
        if news > 0 and (is_due or done_bytes == total_bytes):
            self._said_at, self._said_bytes = now, done_bytes
            rate = done_bytes / max(now - self._began_at, 1e-3)
            total = f" of {total_bytes / 1e6:.1f}" if total_bytes else ""
            self._reporter.say(
                f"Downloading OpenL3's weights: {done_bytes / 1e6:.1f}{total} MB, {rate / 1e6:.2f} MB/s"
            )


def format_duration(seconds: float) -> str:
    """Write a duration as a person would: `42 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def number(count: int, noun: str, plural: str = "") -> str:
    """Write a number of things: `1 song`, `2,000 songs`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def format_estimate(seconds: float) -> str:
    """Write how long something may take, as roughly as one knows: `40 s`, `3 min`, `22 h`, `5 days`."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"
