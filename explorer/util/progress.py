"""Report progress: a live display on a terminal, plain lines elsewhere, JSON lines for another program."""

from __future__ import annotations

import json
import re
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

from explorer.util.text import printable

PLAIN_INTERVAL_S = 10.0
DOWNLOAD_STEP_BYTES = 4_000_000
_PROGRESS_LINE = re.compile(r".*: \d+ of \d+ \w+, [\d.]+ \w+/s(, .* left)?")


class Reporter:
    """Print messages and progress on standard error; standard output is for results."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(stderr=True, highlight=False)

    def say(self, text: str) -> None:
        """Print one line. If the output's pipe is closed, drop the line, so that the work goes on."""
        text = printable(text)
        with suppress(OSError):
            if self.console.is_terminal:
                self.console.print(text, markup=False, emoji=False)
            else:
                print(text, file=sys.stderr, flush=True)

    def before_storing(self) -> None:
        """Announce that results are about to be stored. Only subclasses do something."""

    @contextmanager
    def counting(self, what: str, *, total: int, unit: str = "songs") -> Iterator[Counter]:
        """Show the progress of work with a known number of steps, and yield the counter to advance."""
        rate = TextColumn("{task.fields[rate]}")
        with self._display(MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True)) as display:
            counter = Counter(self, display, what, total, unit)
            yield counter
            counter.finish()

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        """Show the progress of work without countable steps.

        Yields
        ------
        callable
            Call it with the share of the work that is done, from 0 to 1.
        """
        columns = TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn(compact=True)
        with self._display(*columns) as display:
            task = display.add_task(printable(what), total=1.0)
            interval, started_at = _Interval(), time.monotonic()
            if display.disable:
                self.say(what)

            def show(share: float) -> None:
                display.update(task, completed=share)
                if display.disable and share < 1 and interval.restart_if_over():
                    left_s = (time.monotonic() - started_at) * (1 - share) / share if share else 0.0
                    self.say(f"{what}: {share:.0%}" + (f", {format_duration(left_s)} left" if share else ""))

            yield show
            display.update(task, completed=1.0)

    def _display(self, *columns: ProgressColumn) -> Progress:
        """Return a live display, disabled if the output is not a terminal."""
        is_terminal = self.console.is_terminal
        first_columns = (TextColumn("{task.description}", markup=False), BarColumn())
        return Progress(*first_columns, *columns, console=self.console, disable=not is_terminal)


class LineReporter(Reporter):
    """Print messages and progress for another program: JSON objects with `text` and `share`, one per line."""

    def say(self, text: str) -> None:
        """Print a message."""
        self._print(text=text)

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        """Print the progress of work; see `Reporter.working`."""
        self._print(text=what, share=0.0)
        yield lambda share: self._print(text=what, share=round(share, 3))

    def before_storing(self) -> None:
        """Ignore SIGTERM from now on.

        The command then ends with status 0, so the sender of a SIGTERM sees that it came too late.
        """
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    @staticmethod
    def _print(**message: object) -> None:
        print(json.dumps(message), flush=True)


class _Interval:
    """The time between two plain lines."""

    def __init__(self):
        self._started_at = time.monotonic()

    def restart_if_over(self) -> bool:
        """Return whether the next line is due; if it is, start the next interval."""
        now = time.monotonic()
        if now - self._started_at < PLAIN_INTERVAL_S:
            return False
        self._started_at = now
        return True


class Counter:
    """Count the steps done, and show their number and rate."""

    def __init__(self, reporter: Reporter, display: Progress, what: str, total: int, unit: str):
        self.what, self.total, self.unit = what, total, unit
        self.done = 0
        self._started_at = time.monotonic()
        self._reporter, self._display = reporter, display
        self._task = display.add_task(printable(what), total=total, rate="")
        self._interval = _Interval()
        self._last_printed = -1

    def advance(self) -> None:
        """Count one more step."""
        self.reach(self.done + 1)

    def reach(self, done: int, total: int | None = None) -> None:
        """Set the number of steps done, and the total number if it has changed."""
        self.done, self.total = done, total or self.total
        self._display.update(
            self._task, completed=self.done, total=self.total, rate=f"{self._rate():.1f} {self.unit}/s"
        )
        if self._display.disable and self.done and self._interval.restart_if_over():
            self._print_line(f", {format_duration((self.total - self.done) / self._rate())} left")

    def finish(self) -> None:
        """Print the final number of steps, unless a live display or the last line already shows it."""
        if self._display.disable and self._last_printed != self.done:
            self._print_line("")

    def _rate(self) -> float:
        """Return the steps per second since the start."""
        return self.done / max(time.monotonic() - self._started_at, 1e-9)

    def _print_line(self, time_left: str) -> None:
        self._last_printed = self.done
        rate = f"{self._rate():.1f} {self.unit}/s"
        self._reporter.say(f"{self.what}: {self.done} of {self.total} {self.unit}, {rate}{time_left}")


def is_progress_line(line: str) -> bool:
    """Return whether a line is one that a `Counter` prints again and again while the work goes on."""
    return _PROGRESS_LINE.fullmatch(line) is not None


class DownloadProgress:
    """Print the progress and the rate of the download of OpenL3's weights, every 4 MB or 10 s."""

    def __init__(self, reporter: Reporter):
        self._reporter = reporter
        self._done_bytes = self._printed_bytes = 0
        self._started_at = self._printed_at = time.monotonic()

    def __call__(self, done_bytes: int, total_bytes: int | None) -> None:
        """Record the bytes received so far; `total_bytes` is None if the server did not send the length."""
        now = time.monotonic()
        if done_bytes < self._done_bytes:  # The download was started again.
            self._printed_bytes, self._started_at = 0, now
        self._done_bytes = done_bytes
        new_bytes = done_bytes - self._printed_bytes
        is_due = new_bytes >= DOWNLOAD_STEP_BYTES or now - self._printed_at >= PLAIN_INTERVAL_S
        if new_bytes > 0 and (is_due or done_bytes == total_bytes):
            self._printed_at, self._printed_bytes = now, done_bytes
            bytes_per_s = done_bytes / max(now - self._started_at, 1e-3)
            total = f" of {total_bytes / 1e6:.1f}" if total_bytes else ""
            self._reporter.say(
                f"Downloading OpenL3's weights: {done_bytes / 1e6:.1f}{total} MB, "
                f"{bytes_per_s / 1e6:.2f} MB/s"
            )


def format_duration(seconds: float) -> str:
    """Format a duration for users: `42 s`, `3 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_estimate(seconds: float) -> str:
    """Format an estimated duration, rounded because it is uncertain: `40 s`, `3 min`, `22 h`, `5 days`."""
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86400:.0f} days"


def plural(count: int, noun: str, plural: str = "") -> str:
    """Format a count with its noun: `1 song`, `2,000 songs`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
