"""Progress for whoever watches: a live display on a terminal, plain lines elsewhere."""

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
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(compact=True),
            )
            with Progress(*columns, console=self.console) as display:
                yield _LiveCounter(display, what, total, unit)
        else:
            counter = _PlainCounter(self, what, total, unit)
            yield counter
            counter.finish()

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        """Show how far a piece of work has come of which only the share done is known, from 0 to 1."""
        if self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
            )
            with Progress(*columns, console=self.console) as display:
                task = display.add_task(what, total=1.0)
                yield lambda share: display.update(task, completed=share)
                display.update(task, completed=1.0)
        else:
            self.say(what)
            said_at = time.monotonic()

            def tell(share: float) -> None:
                nonlocal said_at
                if time.monotonic() - said_at >= PLAIN_INTERVAL_S and share < 1:
                    said_at = time.monotonic()
                    self.say(f"{what}: {share:.0%}")

            yield tell


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


class Counter:
    """Counts steps done, and their rate."""

    def __init__(self, what: str, total: int, unit: str):
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self.started = time.monotonic()

    def advance(self) -> None:
        """Count one step more."""
        self.reach(self.done + 1)

    def reach(self, done: int, total: int | None = None) -> None:
        """Say how many steps are done, and how many there are where that has changed."""
        self.done = done
        self.total = total or self.total
        self.show()

    def show(self) -> None:
        """Bring the display up to date."""

    @property
    def rate(self) -> float:
        """Steps a second so far."""
        return self.done / max(time.monotonic() - self.started, 1e-9)


class _LiveCounter(Counter):
    def __init__(self, display: Progress, what: str, total: int, unit: str):
        super().__init__(what, total, unit)
        self._display = display
        self._task = display.add_task(what, total=total, rate="")

    def show(self) -> None:
        rate = f"{self.rate:.1f} {self.unit}/s"
        self._display.update(self._task, completed=self.done, total=self.total, rate=rate)


class _PlainCounter(Counter):
    def __init__(self, reporter: Reporter, what: str, total: int, unit: str):
        super().__init__(what, total, unit)
        self._reporter = reporter
        self._said_at = self.started
        self._said = -1

    def show(self) -> None:
        if time.monotonic() - self._said_at >= PLAIN_INTERVAL_S:
            self._say(f", {format_duration((self.total - self.done) / self.rate)} left")

    def finish(self) -> None:
        if self._said != self.done:
            self._say("")

    def _say(self, rest: str) -> None:
        self._said_at, self._said = time.monotonic(), self.done
        rate = f"{self.rate:.1f} {self.unit}/s"
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
