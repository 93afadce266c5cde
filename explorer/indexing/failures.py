"""Counts failed files by reason, and writes each failure to a log."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from explorer.errors import LibraryError
from explorer.util.atomic_write import refuse_link
from explorer.util.text import printable

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


def count_reasons(failures: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Count failures by reason, the most frequent first.

    Reasons that differ only in numbers count as one; `…` then replaces the numbers.

    Parameters
    ----------
    failures : iterable of (str, str)
        Each file's path, and its reason: a sentence that may begin with the file's name.
    """
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for path, reason in failures:
        reason = _without_name(path, reason)
        pattern = _NUMBER.sub("…", reason)
        counts[pattern] += 1
        if texts.setdefault(pattern, reason) != reason:
            texts[pattern] = pattern
    return {texts[pattern]: count for pattern, count in counts.most_common()}


def _without_name(path: str, reason: str) -> str:
    for name in (path, path.rpartition("/")[2]):
        if name and reason.startswith(name):
            reason = reason[len(name) :]
            break
    return reason.strip(" :").rstrip(".") or "unknown"


class FailureLog:
    """A text file with one line for each failure: time, file and reason, separated by tabs.

    Each line is written at once, so no line is lost if the run is killed. If the log cannot be written, the
    run goes on without it, and `problem` says why.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._file: IO[str] | None = None

    def add(self, file: Path, reason: str) -> None:
        """Append a line."""
        if self.problem:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        line = "\t".join(printable(text) for text in (now, str(file), reason))
        try:
            if self._file is None:
                refuse_link(self.path)
                self._file = open(  # noqa: SIM115 - `close` closes it.
                    self.path, "a", encoding="utf-8", buffering=1, opener=_open_at_once
                )
            self._file.write(f"{line}\n")
        except LibraryError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"{self.path} cannot be written: {error.strerror}."
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            # Closing tries once more to write a line that did not fit on the disk.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def _open_at_once(path: str, flags: int) -> int:
    """Open a file. A pipe without a reader is then an error; by default, the program would wait for one."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
