"""Embeds single files with a library's own model, in a program that can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from explorer.errors import EmbeddingError
from explorer.util.processes import ChildProgram
from explorer.web.uploads.keep import Embedded

LIMIT_S = 300.0
LEAST_S = 0.1
"""Of sound: what is shorter is a click, and its window all but padding."""


class Embedding(ChildProgram):
    """One file's embedding with the model of a library: a decoder that crashes takes nothing else along."""

    def __init__(self, file: Path, database: Path, *, limit_s: float = LIMIT_S) -> None:
        self._file = file
        self._out = file.with_name(".embedding.npz")
        command = ("embed", str(file), "--out", str(self._out), "--db", str(database), "--like-library")
        super().__init__(*command, "--json", "--progress-lines", limit_s=limit_s)

    def embed(self, tell: Callable[[str, float], object]) -> Embedded:
        """Wait for the result; `tell` is called as `follow` says.

        Raises
        ------
        EmbeddingError
            If it failed, took too long or was killed; or the sound is too short.
        """
        result = self.follow(tell)
        status = self.wait()
        if status or result is None:
            raise EmbeddingError(self._problem(status))
        if result["duration_s"] < LEAST_S:
            raise EmbeddingError(
                f"{self._file.name} is too short ({result['duration_s']:.2g} s): at least {LEAST_S:g} s of "
                "sound is needed."
            )
        with np.load(self._out, allow_pickle=False) as arrays:
            vector = arrays["pooled"].astype(np.float64)
        self._out.unlink(missing_ok=True)
        return Embedded(
            vector, result["model"], result["format"], result["duration_s"], result["preview_start_s"]
        )

    def _problem(self, status: int) -> str:
        name = self._file.name
        if self.is_late:
            return (
                f"{name} took longer than {self.limit_s / 60:g} minutes to embed and was given up: drop a "
                "shorter part of it, or index it."
            )
        # Errors are sentences with status 1; a defect of ours, or of a decoder, has a traceback or a signal.
        if status == 1 and self.lines and not any("Traceback (most" in line for line in self.lines):
            return self.lines[-1]
        return f"{name} cannot be embedded: what decodes it failed on it."
