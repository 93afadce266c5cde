"""Writes the server's log to the terminal: each message is one line without control characters.

Paths, headers and file names come from other people: a terminal would obey the control characters in them.
A message that repeats is written a few times a minute; then one line counts the others.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import TextIO

from explorer.config import ROOT
from explorer.util.text import printable

MAX_LINE_LENGTH = 500
"""Of the message, and of the description of an error."""

REPEATS = 5
"""How many messages of a kind are written in a period."""

PERIOD_S = 60.0
_MAX_PLACE_LENGTH = 200

_log = logging.getLogger(__name__)


def log_to_terminal(stream: TextIO | None = None, *, period_s: float = PERIOD_S) -> None:
    """Write the log of this process to a stream, by default standard error; also warnings and thread errors.

    Handlers that libraries have installed are removed, because they would write a message once more.
    """
    handler = LineHandler(stream or sys.stderr, period_s=period_s)
    root = logging.getLogger()
    for logger in (root, *logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
    root.addHandler(handler)
    logging.captureWarnings(True)
    threading.excepthook = lambda failed: _log_lost(failed, f"Thread {getattr(failed.thread, 'name', '?')}")
    sys.unraisablehook = lambda failed: _log_lost(failed, "A destructor or callback")


def _log_lost(failed: threading.ExceptHookArgs | sys.UnraisableHookArgs, where: str) -> None:
    """Log an exception that no code can catch."""
    if failed.exc_value is not None and not issubclass(failed.exc_type, SystemExit):
        _log.error("%s failed", where, exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback))


class LineHandler(logging.StreamHandler):
    """Writes each message as one line, and repeated messages a few times a period."""

    def __init__(self, stream: TextIO, *, period_s: float = PERIOD_S) -> None:
        super().__init__(stream)
        self.setFormatter(LineFormatter())
        self._limit = RepeatLimit(self._write_count, period_s=period_s)
        self.addFilter(self._limit)

    def close(self) -> None:
        """Write the counts that are still due; Python calls this when the program ends."""
        self._limit.end_all()
        super().close()

    def _write_count(self, record: logging.LogRecord, count: int) -> None:
        more = logging.makeLogRecord(record.__dict__ | {"exc_info": None, "args": ()})
        more.msg = f"… and {count:,} more messages like the last ones"
        with self.lock:
            self.emit(more)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop a message that cannot be written: logging would print a traceback for it."""


class LineFormatter(logging.Formatter):
    """Formats a message as one line of limited length: time, logger, level, text, and where an error was."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        try:
            message = record.getMessage()
        except Exception:  # The arguments do not fit the message.
            message = str(record.msg)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        line = f"{when} {record.name} {record.levelname.lower()}: {message}"
        line = printable(line, max_length=MAX_LINE_LENGTH)
        if record.exc_info and record.exc_info[1] is not None:
            line += f" ({printable(describe(record.exc_info[1]), max_length=MAX_LINE_LENGTH)})"
        return line


def describe(error: BaseException) -> str:
    """Return an exception's kind and message, and where it was raised: in this program, and in a library."""
    try:
        message = str(error)
    except Exception:
        message = "?"
    places = " < ".join(_places(error.__traceback__)) or "an unknown place"
    return f"{type(error).__name__} at {places}: {message}"


def _places(traceback: TracebackType | None) -> list[str]:
    """Return "file:line" of the innermost function, and of the innermost one of this program."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(traceback)]
    ours = [frame for frame in frames if Path(frame[0]).is_relative_to(ROOT / "explorer")]
    places = dict.fromkeys([*frames[-1:], *ours[-1:]])
    return [f"{'/'.join(Path(file).parts[-3:])}:{line}"[-_MAX_PLACE_LENGTH:] for file, line in places]


@dataclass
class _Period:
    """The messages of one kind since a time; `last` is the newest one."""

    ends_at: float
    last: logging.LogRecord
    count: int = 0


class RepeatLimit(logging.Filter):
    """Lets a few messages of each kind pass in a period, and reports how many it has held back.

    Messages are of one kind if the same line of code made them, about errors that the same line raised: texts
    differ in paths and numbers.

    Parameters
    ----------
    report : callable
        Called after a period, with the last message of a kind and how many were held back.
    """

    def __init__(
        self, report: Callable[[logging.LogRecord, int], object], *, period_s: float = PERIOD_S
    ) -> None:
        super().__init__()
        self._report, self._period_s = report, period_s
        self._lock = threading.Lock()
        self._periods: dict[Hashable, _Period] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a message may be written."""
        kind = _kind(record)
        with self._lock:
            period, ended = self._periods.get(kind), None
            if period is None or time.monotonic() >= period.ends_at:
                ended, period = period, _Period(time.monotonic() + self._period_s, record)
                self._periods[kind] = period
            period.last = record
            period.count += 1
            count = period.count
        if ended is not None:
            self._report_held_back(ended)
        if count == REPEATS + 1:
            self._start_timer(kind, period)
        return count <= REPEATS

    def _start_timer(self, kind: Hashable, period: _Period) -> None:
        timer = threading.Timer(self._period_s, self._end, (kind, period))
        timer.daemon = True
        # Without a thread, the next message of this kind reports the count.
        with suppress(RuntimeError):
            timer.start()

    def _end(self, kind: Hashable, period: _Period) -> None:
        with self._lock:
            if self._periods.get(kind) is not period:
                return
            del self._periods[kind]
        self._report_held_back(period)

    def end_all(self) -> None:
        """End the periods of all kinds now."""
        with self._lock:
            periods, self._periods = self._periods, {}
        for period in periods.values():
            self._report_held_back(period)

    def _report_held_back(self, period: _Period) -> None:
        if period.count > REPEATS:
            self._report(period.last, period.count - REPEATS)


def _kind(record: logging.LogRecord) -> Hashable:
    error = record.exc_info[1] if record.exc_info else None
    places = _places(error.__traceback__) if error is not None else ()
    return record.name, record.pathname, record.lineno, type(error), *places
