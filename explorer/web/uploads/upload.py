"""A song that a user dropped on the map, and how far its analysis is."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from explorer.library.music_file import Tags
from explorer.web.data.catalogue import Catalogue
from explorer.web.uploads.keep import EmbeddedFile

LONG_S = 600.0
"""A longer song is long: it waits in a line of its own, because embedding it takes minutes."""


@dataclass(eq=False)
class Upload:
    """A song that a user dropped on the map.

    Attributes
    ----------
    tags : Tags
        Only a title, made from the file's name, until the file is read.
    duration_s : float or None
        None until the file is read.
    arrived_s : float
        When it was uploaded, by `time.monotonic`.
    phase : {"waiting", "embedding", "ready", "failed"}
    text, share
        The current step of its embedding, and the finished share of that step.
    error : str
        Why it failed.
    finished_s : float
        When it became ready or failed, by `time.monotonic`.
    stop : callable or None
        Stops the process that reads or embeds it now.
    comparison : tuple of a weak reference to a Catalogue and a dict, or None
        Its neighbours and places in that snapshot of the library.
    song_id : str or None
        Its id after it was added to the library.
    lock : threading.Lock
        Held while it is compared or added, so that two requests do not both do it.
    """

    token: str
    name: str
    path: Path
    tags: Tags
    duration_s: float | None = None
    arrived_s: float = field(default_factory=time.monotonic)
    phase: str = "waiting"
    text: str = ""
    share: float = 0.0
    error: str = ""
    finished_s: float = 0.0
    embedded: EmbeddedFile | None = None
    stop: Callable[[], object] | None = None
    comparison: tuple[weakref.ref[Catalogue], dict] | None = None
    song_id: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def copies(self) -> Path:
        """The cache of playable copies, one for all uploads: so its size limit is for all of them."""
        return self.path.parents[1] / ".playable"

    @property
    def is_long(self) -> bool:
        """Whether the song waits in the line of the long songs."""
        return self.duration_s is not None and self.duration_s > LONG_S

    @property
    def is_finished(self) -> bool:
        """Whether the song was embedded, or has failed."""
        return self.phase in ("ready", "failed")

    def finish(self, error: str = "") -> None:
        """Set the last phase: ready, or failed if there is an error."""
        self.finished_s, self.error = time.monotonic(), error
        self.phase = "failed" if error else "ready"
