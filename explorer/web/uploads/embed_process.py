"""Embeds an uploaded file in a process of its own, with the library's model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from explorer.embedding.song_windows import windows_to_keep
from explorer.errors import EmbeddingError
from explorer.util.processes import ChildProgram
from explorer.web.uploads.keep import EmbeddedFile

MIN_DURATION_S = 0.1
"""A shorter sound is only a click: its window would be nearly all padding."""


def time_limit_s(duration_s: float) -> float:
    """Return how long embedding a song may take; two slow cores take 0.2 s for each second of sound."""
    return 300.0 + 0.5 * duration_s


class EmbedProcess(ChildProgram):
    """An `embed` command for one file. A decoder that crashes ends this process, not the server.

    Parameters
    ----------
    limit_s : float
        The process is killed after this time.
    niceness : int
        As for `ChildProgram`.
    """

    def __init__(self, file: Path, database: Path, *, limit_s: float, niceness: int = 0) -> None:
        self._file = file
        self._out = file.with_name(".embedding.npz")
        command = ("embed", str(file), "--out", str(self._out), "--db", str(database), "--like-library")
        super().__init__(*command, "--json", "--progress-lines", limit_s=limit_s, niceness=niceness)

    def embed(self, report: Callable[[str, float], object]) -> EmbeddedFile:
        """Wait for the result and return it.

        Parameters
        ----------
        report : callable
            Called with the current step and its finished share, as `ChildProgram.follow` says.

        Raises
        ------
        EmbeddingError
            If the process failed, took too long or was killed, or the sound is too short.
        """
        result = self.follow(report)
        status = self.wait()
        if status or result is None:
            raise EmbeddingError(self._problem(status))
        if result["duration_s"] < MIN_DURATION_S:
            raise EmbeddingError(
                f"{self._file.name} is too short ({result['duration_s']:.2g} s): choose a song of at least "
                f"{MIN_DURATION_S:g} s."
            )
        with np.load(self._out, allow_pickle=False) as arrays:
            vector = arrays["pooled"].astype(np.float64)
            coarse = arrays["coarse"].astype(np.float64) if "coarse" in arrays else None
            windows = windows_to_keep(arrays["embedding"], hop_s=result["model"]["hop_s"])
        self._out.unlink(missing_ok=True)
        fields = ("model", "format", "duration_s", "preview_start_s", "note")
        return EmbeddedFile(vector, *(result[field] for field in fields), coarse, windows)

    def _problem(self, status: int) -> str:
        name = self._file.name
        if self.is_timed_out:
            return (
                f"{name} took longer than {self.limit_s / 60:g} minutes to analyse and was stopped: drop "
                "a shorter part of it, or index it."
            )
        # After an expected error the status is 1 and the last line is the error message. A bug also prints a
        # traceback; a crash has another status.
        if status == 1 and self.lines and not any("Traceback (most" in line for line in self.lines):
            return self.lines[-1]
        return f"{name} cannot be analysed: the decoder failed on it."
