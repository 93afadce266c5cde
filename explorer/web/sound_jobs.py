"""Runs the jobs that decode or encode sound for the page in decoding processes."""

from __future__ import annotations

import threading
from pathlib import Path

from explorer.audio.decoder import Decoder
from explorer.library.music_file import Fingerprints, Tags


class SoundJobs:
    """Decodes files for the page in other processes, so that no file can end the server or fill its memory.

    All methods may be called from several threads at once. They raise AudioError if the file cannot be read,
    or its decoder crashes, hangs or takes too much memory; and RefusedError (503) if too many jobs wait.
    """

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._lock = threading.Lock()

    def tags(self, path: Path) -> Tags:
        """Read a file's tags."""
        with self._lock:
            return self._decoder.tags(path)

    def fingerprints(self, path: Path) -> Fingerprints:
        """Read a file's fingerprints and tags."""
        with self._lock:
            return self._decoder.fingerprints(path)

    def close(self) -> None:
        """End the processes."""
        self._decoder.close()
