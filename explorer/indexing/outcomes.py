"""Describes the outcome of one file: what embedding passes to storing, on this machine or from a worker."""

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
        """The song's file."""
        return self.song.file


@dataclass(frozen=True)
class Known:
    """A file whose sound the library already has: it was moved, copied, or only its tags changed."""

    file: ScannedFile
    fingerprints: Fingerprints


@dataclass(frozen=True)
class Failed:
    """A file that cannot become a song."""

    file: ScannedFile
    reason: str


Outcome = Embedded | Known | Failed


def classify(
    same_sound: Sequence[SameSound],
    *,
    is_own: Callable[[SameSound], bool],
    is_taken: Callable[[SameSound], bool] = lambda song: False,
) -> tuple[Literal["retagged", "moved", "copied"], SameSound] | None:
    """Decide what happened to a file whose sound the library already has.

    Parameters
    ----------
    same_sound : sequence of SameSound
        The library's songs with the file's sound.
    is_own : callable
        Whether a song is stored under the file's own path: then only the tags changed.
    is_taken : callable
        Whether another file is already the new place of a song: a song moves only once.

    Returns
    -------
    (str, SameSound) or None
        What happened, and the song whose vector the file gets; None if no song has the sound.
    """
    for song in same_sound:
        if is_own(song):
            return "retagged", song
    for song in same_sound:
        if song.is_gone and not is_taken(song):
            return "moved", song
    return ("copied", same_sound[0]) if same_sound else None
