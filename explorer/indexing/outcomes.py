"""What became of a file: what embedding hands to storing, wherever it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.database.records import SameSound, Song
from explorer.library.music_file import Fingerprints, ScannedFile


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
    marks: Fingerprints


@dataclass(frozen=True)
class Failed:
    """A file that cannot become a song."""

    file: ScannedFile
    reason: str


Outcome = Embedded | Known | Failed


def classify(
    kin: Sequence[SameSound],
    *,
    is_own: Callable[[SameSound], bool],
    is_taken: Callable[[SameSound], bool] = lambda one: False,
) -> tuple[Literal["retagged", "moved", "copied"], SameSound] | None:
    """Decide what happened to a file whose sound a library has.

    Parameters
    ----------
    kin : sequence of SameSound
        The library's songs with the same sound.
    is_own : callable
        Whether a song is what the library has under the file's own path: then only its tags changed.
    is_taken : callable
        Whether another file is the new place of a song already: a song moves only once.

    Returns
    -------
    (str, SameSound) or None
        What happened, and the song whose vector the file keeps; None where no song has the sound.
    """
    for one in kin:
        if is_own(one):
            return "retagged", one
    for one in kin:
        if one.is_gone and not is_taken(one):
            return "moved", one
    return ("copied", kin[0]) if kin else None
