"""Waits for changes in a folder of music (`--watch`)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

from explorer.library.extensions import is_cue_sheet, is_song
from explorer.library.scan_rules import IGNORE_FILES, is_hidden
from explorer.util.progress import Reporter

SETTLED_S = 3.0
"""A file that was modified in the last 3 s may still be being written."""

MAX_WAIT_S = 600.0
"""Scan at least this often: network drives, and folders that links lead to, may not report changes."""

POLL_S = 60.0
"""Scan the folder this often if the system cannot report changes."""

_CHECK_S = 1.0
"""How often to check that the folder still exists."""


class Watch:
    """Waits for changes in a folder. Changes that happen between two calls of `wait` are not lost.

    Parameters
    ----------
    folder : Path
        It may disappear and come back, for example when a disk is disconnected and connected again.
    """

    def __init__(self, folder: Path, *, reporter: Reporter) -> None:
        self._folder = folder
        self._reporter = reporter
        self._last_message = ""
        self._has_early_change = False
        """Whether a change was seen when the watch was opened."""
        self._changes: Iterator[set] | None = None
        self._watched: tuple[int, int] | None = None
        self._open()

    def wait(self, *, at_most_s: float = MAX_WAIT_S) -> None:
        """Return when something may have changed, or after `at_most_s`.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        """
        ends = time.monotonic() + at_most_s
        while time.monotonic() < ends:
            if not self._folder.is_dir():
                self._say_once(f"{self._folder} does not exist: waiting for it.")
                time.sleep(_CHECK_S)
            elif self._identity() != self._watched:
                # The folder was replaced, or its disk connected again: everything in it may be new.
                self._open()
                return
            elif self._changes is None:
                time.sleep(max(0.0, min(POLL_S, ends - time.monotonic())))
                return
            elif self._has_changed():
                # More files may follow.
                time.sleep(SETTLED_S)
                return

    def _has_changed(self) -> bool:
        """Wait up to `_CHECK_S` for a change."""
        try:
            early_change, self._has_early_change = self._has_early_change, False
            return bool(next(self._changes)) or early_change
        except (OSError, RuntimeError, StopIteration) as error:
            self._changes = None
            if self._folder.is_dir():
                self._say_once(
                    f"The system cannot report changes in this folder ({error}): scanning it every minute."
                )
            return False

    def _open(self) -> None:
        if self._changes is not None:
            self._changes.close()
        self._last_message = ""
        self._watched = self._identity()
        self._changes = watch(
            self._folder,
            watch_filter=_may_be_music,
            rust_timeout=int(_CHECK_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        # `watch` starts to observe the folder only at the first `next`.
        self._has_early_change = self._has_changed()

    def _identity(self) -> tuple[int, int] | None:
        try:
            state = self._folder.stat()
        except OSError:
            return None
        return state.st_dev, state.st_ino

    def _say_once(self, text: str) -> None:
        if text != self._last_message:
            self._last_message = text
            self._reporter.say(text)


def _may_be_music(change: Change, path: str) -> bool:
    """Tell whether a change may affect songs. Anything that is deleted may have been a folder of songs."""
    name = Path(path).name
    if is_hidden(name):
        # A new ignore file leaves songs out.
        return name.lower() in IGNORE_FILES
    is_read = is_song(name, video=True) or is_cue_sheet(name) or not Path(path).suffix
    return is_read or change is Change.deleted or Path(path).is_dir()
