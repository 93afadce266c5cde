"""Tells when something has changed in a folder of music."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from watchfiles import Change, watch

from explorer.library.scanning import AUDIO_EXTENSIONS
from explorer.util.progress import Reporter

SETTLED_S = 3.0
"""For how long a file must not have been written to: until then it may still be on its way."""

LOOKING_ANYWAY_S = 600.0
"""Network drives, and folders behind links, may change without a word."""

LOOKING_OFTEN_S = 60.0
"""Where the system cannot tell of changes at all."""

_CHECKING_S = 1.0
"""How often it is asked whether the folder is still there."""


class Watch:
    """Waits for changes below a folder; those that come while nobody waits are not lost.

    Parameters
    ----------
    folder : Path
        It may go and come back, as a disk does.
    """

    def __init__(self, folder: Path, *, reporter: Reporter) -> None:
        self._folder = folder
        self._reporter = reporter
        self._told = ""
        self._noticed = False
        self._changes: Iterator[set] | None = None
        self._watched: tuple[int, int] | None = None
        self._open()

    def wait(self, *, at_most_s: float = LOOKING_ANYWAY_S) -> None:
        """Return when something may have changed, or after a while.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C.
        """
        ends = time.monotonic() + at_most_s
        while time.monotonic() < ends:
            if not self._folder.is_dir():
                self._tell(f"{self._folder} is not there: waiting for it.")
                time.sleep(_CHECKING_S)
            elif self._identity() != self._watched:
                # Another folder than before, or the same once more: whatever is in it is news.
                self._open()
                return
            elif self._changes is None:
                time.sleep(max(0.0, min(LOOKING_OFTEN_S, ends - time.monotonic())))
                return
            elif self._has_changed():
                # More of it may be on its way.
                time.sleep(SETTLED_S)
                return

    def _has_changed(self) -> bool:
        """Wait a little for changes."""
        try:
            noticed, self._noticed = self._noticed, False
            return bool(next(self._changes)) or noticed
        except (OSError, RuntimeError, StopIteration) as error:
            self._do_without(error)
            return False

    def _open(self) -> None:
        if self._changes is not None:
            self._changes.close()
        self._told = ""
        self._watched = self._identity()
        self._changes = watch(
            self._folder,
            watch_filter=_concerns_music,
            rust_timeout=int(_CHECKING_S * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        # It looks from its first answer on.
        self._noticed = self._has_changed()

    def _do_without(self, error: Exception) -> None:
        self._changes = None
        if self._folder.is_dir():
            self._tell(f"The system does not tell of changes here ({error}): looking every minute.")

    def _identity(self) -> tuple[int, int] | None:
        try:
            state = self._folder.stat()
        except OSError:
            return None
        return state.st_dev, state.st_ino

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            self._reporter.say(text)


def _concerns_music(change: Change, path: str) -> bool:
    """Tell whether a change may be one of songs: a folder's name may end like anything."""
    name = Path(path).name
    extension = Path(path).suffix.lower()
    if name.startswith("."):
        return False
    return extension in AUDIO_EXTENSIONS or not extension or change is Change.deleted or Path(path).is_dir()
