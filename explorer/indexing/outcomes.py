"""Describes the outcome of one file: what embedding passes to storing, on this machine or from a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explorer.database.records import SameSound, Song
from explorer.database.verify import SourceFile
from explorer.library.music_file import WHOLE, Fingerprints, Part, ScannedFile
from explorer.structure.song_features import SongFeatures


@dataclass(frozen=True)
class KnownSong:
    """A song of the library that has a full vector and gets a coarse one; its file is located."""

    song_id: str
    source: SourceFile


@dataclass(frozen=True, eq=False)
class Embedded:
    """A song and its vector [shape=(512,), float64]: a coarse one in the first look, else a full one."""

    song: Song | KnownSong
    vector: np.ndarray
    features: SongFeatures | None = None
    """The song's musical features; None in the first look."""

    @property
    def file(self) -> ScannedFile:
        """The song's file."""
        return self.song.file

    @property
    def part(self) -> Part:
        """The part of the file that is the song."""
        return self.song.part


@dataclass(frozen=True)
class Known:
    """A file whose sound the library already has: it was moved, copied, or only its tags changed."""

    file: ScannedFile
    fingerprints: Fingerprints
    part: Part = WHOLE
    """The part of the file that has these fingerprints."""


@dataclass(frozen=True)
class Failed:
    """A file that cannot become a song."""

    file: ScannedFile
    reason: str


@dataclass(frozen=True, eq=False)
class Tracks:
    """A file that a cue sheet divides into songs, and the outcome of each song."""

    file: ScannedFile
    songs: tuple[Embedded | Known | Failed, ...]


Outcome = Embedded | Known | Failed | Tracks
"""What became of a file. A file has exactly one outcome, so that all its songs are stored together."""


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
        Whether a song was already moved to the path of another file: a song moves only once.

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
