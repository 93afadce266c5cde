"""Packs the windows of many songs into full batches, and marks where each song ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from explorer.database.records import Song
from explorer.indexing.outcomes import Failed, Known, KnownSong, Tracks
from explorer.library.cue_sheets import MAX_TRACK
from explorer.library.music_file import Part, ScannedFile
from explorer.structure.song_features import SongFeatures


@dataclass(frozen=True)
class Decoded:
    """Marks the end of a song: all its windows are packed."""

    number: int
    """The song's position in the list of files."""
    song: Song | KnownSong
    levels_db: np.ndarray | None = field(default=None, compare=False)
    """The level of each window [shape=(T,)], as `window_levels` gives it; None in the first look."""
    features: SongFeatures | None = field(default=None, compare=False)
    """The musical features of the song; None in the first look."""
    of_file: int | None = None
    """For a track of a file: the number of the file, whose end follows as an `EndOfTracks`."""


@dataclass(frozen=True)
class EndOfTracks:
    """Marks the end of a file whose songs are tracks: all of them have ended."""

    number: int
    """The file's position in the list of files."""
    file: ScannedFile
    known: tuple[Known, ...]
    """The tracks that need no embedding."""


@dataclass(frozen=True)
class Undecoded:
    """Marks the end of a file that needs no embedding, or that failed; some of its windows may be packed."""

    number: int
    outcome: Known | Failed | Tracks


@dataclass(frozen=True)
class Discarded:
    """Marks that the windows of a song so far are not used: its file is decoded again, or it is no song."""

    number: int


def number_of_track(file_number: int, part: Part) -> int:
    """Return the number of a track, which is no position in the list of files: it is negative."""
    return -(file_number * (MAX_TRACK + 1) + part.track)


Ending = Decoded | EndOfTracks | Undecoded | Discarded


@dataclass
class Batch:
    """The input of one call of the network, and the songs that are complete after the call.

    Attributes
    ----------
    inputs : np.ndarray [shape=(n, *input_shape), float32] or None
        Windows of one or more songs, as `Engine.prepare` makes them; None if the batch has only endings.
    parts : list of (number, start, stop)
        Which rows of `inputs` belong to which song, in order.
    endings : list of Ending
        The songs whose last window is in this batch, and the files that ended without one.
    """

    inputs: np.ndarray | None = None
    parts: list[tuple[int, int, int]] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)


class Packer:
    """Packs windows into full batches, so that short songs leave no batch half empty."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._clear()

    def _clear(self) -> None:
        self._rows: list[np.ndarray] = []
        self._count = 0
        self._parts: list[tuple[int, int, int]] = []
        self._endings: list[Ending] = []

    def add(self, number: int, inputs: np.ndarray) -> Iterator[Batch]:
        """Add windows of a song, and yield the batches that they fill.

        Parameters
        ----------
        number : int
            The song's number. Windows of several songs may alternate.
        inputs : np.ndarray [shape=(n, *input_shape), float32]
        """
        while len(inputs):
            fitting, inputs = np.split(inputs, [self._batch_size - self._count])
            self._rows.append(fitting)
            self._parts.append((number, self._count, self._count + len(fitting)))
            self._count += len(fitting)
            if self._count == self._batch_size:
                yield self.flush()

    def end(self, ending: Ending) -> Iterator[Batch]:
        """Add the end of a song. If no window is waiting, yield a batch with only this end."""
        self._endings.append(ending)
        if not self._count:
            yield self.flush()

    def discard(self, number: int) -> Iterator[Batch]:
        """Drop the windows that were added for a song. Windows that are added later belong to it again."""
        self._endings.append(Discarded(number))
        # Endings are handled after all windows of their batch, so the next window must be in another batch.
        yield self.flush()

    def flush(self) -> Batch:
        """Return everything that is waiting as a batch, full or not."""
        inputs = np.concatenate(self._rows) if self._rows else None
        batch = Batch(inputs, self._parts, self._endings)
        self._clear()
        return batch
