"""What became of a file: what embedding hands to storing, wherever it ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.library.records import Marks, ScannedFile, Song


@dataclass(frozen=True, eq=False)
class Embedded:
    """A song and its vector [shape=(512,), float64]."""

    song: Song
    vector: np.ndarray

    @property
    def file(self) -> ScannedFile:
        """The song's."""
        return self.song.file


@dataclass(frozen=True)
class Known:
    """A file whose sound a song of the library has: it was moved, copied, or only its tags changed."""

    file: ScannedFile
    marks: Marks


@dataclass(frozen=True)
class Failed:
    """A file that cannot become a song."""

    file: ScannedFile
    reason: str


Outcome = Embedded | Known | Failed
