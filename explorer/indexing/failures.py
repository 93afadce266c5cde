"""Files that could not become songs: counted by reason, and a line for each in a log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from explorer.util.text import escaped

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:e[+-]?\d+)?")


def count_reasons(failures: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Count failures by their reason, the most frequent first.

    Reasons that differ in numbers alone are one, with `…` for the numbers.

    Parameters
    ----------
    failures : iterable of (str, str)
        Each file's path, and a sentence that may begin with the file's name.
    """
    counts: Counter[str] = Counter()
    words: dict[str, str] = {}
    for path, reason in failures:
        reason = _without_name(path, reason)
        kind = _NUMBER.sub("…", reason)
        counts[kind] += 1
        if words.setdefault(kind, reason) != reason:
            words[kind] = kind
    return {words[kind]: count for kind, count in counts.most_common()}


def _without_name(path: str, reason: str) -> str:
    for name in (path, path.rpartition("/")[2]):
        if name and reason.startswith(name):
            reason = reason[len(name) :]
            break
    return reason.strip(" :").rstrip(".") or "unknown"


class FailureLog:
    """A text file with one line for each failure: when, which file, and why, parted by tabs.

    Lines are appended and written out at once: what a killed run has told is there. A log that cannot be
    written costs nothing but itself; `problem` then says why.
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
        line = "\t".join(escaped(text) for text in (now, str(file), reason))
        try:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8", buffering=1)
            self._file.write(f"{line}\n")
        except OSError as error:
            self.problem = f"{self.path} cannot be written: {error.strerror}."
            self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            # A line that found no room is tried again here.
            with suppress(OSError):
                self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()
