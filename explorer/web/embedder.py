"""Embeds single files with a library's own model, in a program that can be stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np

from explorer.config import ROOT
from explorer.errors import EmbeddingError
from explorer.keeping import Embedded

LIMIT_S = 300.0
LEAST_S = 0.1
"""Of sound: what is shorter is a click, and its window all but padding."""


class Embedding:
    """One file's embedding, in a process of its own: a decoder that crashes takes nothing else along.

    Parameters
    ----------
    file : Path
    database : Path
        The library whose model is used.
    limit_s : float
        How long it may take.
    """

    def __init__(self, file: Path, database: Path, *, limit_s: float = LIMIT_S) -> None:
        self._file = file
        self._limit_s = limit_s
        self._out = file.with_name(".embedding.npz")
        self._is_late = False
        command = [sys.executable, "-m", "explorer", "embed", str(file), "--out", str(self._out)]
        self._process = subprocess.Popen(
            [*command, "--db", str(database), "--like-library", "--json", "--progress-lines"],
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    def cancel(self) -> None:
        """Stop it."""
        self._process.kill()

    def follow(self, tell: Callable[[str, float], None]) -> Embedded:
        """Wait for the result.

        Parameters
        ----------
        tell : callable
            Is told what is being done, and the share of it that is done.

        Raises
        ------
        EmbeddingError
            If it failed, took too long or was cancelled; or the sound is too short.
        """
        timer = threading.Timer(self._limit_s, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            with self._process:
                result, said = self._listen(tell)
        finally:
            timer.cancel()
        if self._process.returncode or result is None:
            raise EmbeddingError(self._problem(said))
        return self._read(result)

    def _give_up(self) -> None:
        self._is_late = True
        self._process.kill()

    def _listen(self, tell: Callable[[str, float], None]) -> tuple[dict | None, list[str]]:
        result, said = None, []
        for line in self._process.stdout:
            try:
                news = json.loads(line)
            except ValueError:
                said = [*said[-99:], line.strip()] if line.strip() else said
                continue
            if isinstance(news, dict) and "windows" in news:
                result = news
            elif isinstance(news, dict) and "text" in news:
                tell(str(news["text"]), float(news.get("share", 0.0)))
        return result, said

    def _problem(self, said: list[str]) -> str:
        name = self._file.name
        if self._is_late:
            return (
                f"{name} took longer than {self._limit_s / 60:g} minutes to embed and was given up: drop a "
                "shorter part of it, or index it."
            )
        # Errors are sentences with status 1; a defect of ours, or of a decoder, has a traceback or a signal.
        if self._process.returncode == 1 and said and not any("Traceback (most" in line for line in said):
            return said[-1]
        return f"{name} cannot be embedded: what decodes it failed on it."

    def _read(self, result: dict) -> Embedded:
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
