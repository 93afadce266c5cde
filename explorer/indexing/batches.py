"""Windows of many songs in full batches, and the songs' ends in their right places between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from explorer.database.records import Song
from explorer.indexing.outcomes import Failed, Known


@dataclass(frozen=True)
class Decoded:
    """A song whose windows have all been handed over."""

    number: int
    song: Song
    levels_db: np.ndarray | None = field(default=None, compare=False)
    """How loud each window is [shape=(T,)], as `window_levels` gives it."""


@dataclass(frozen=True)
class Undecoded:
    """A file that needs no embedding, or cannot be embedded; windows of it may have been handed over."""

    number: int
    outcome: Known | Failed


Ending = Decoded | Undecoded


@dataclass
class Batch:
    """What the network is to run next, and which songs are complete when it has.

    Attributes
    ----------
    inputs : np.ndarray [shape=(n, *input_shape), float32] or None
        Windows of one or more songs, as `Engine.prepare` makes them; None where only endings are left.
    parts : list of (song's number, start, stop)
        Whose windows they are, in order.
    endings : list of Ending
        Songs of which nothing comes after these windows.
    """

    inputs: np.ndarray | None = None
    parts: list[tuple[int, int, int]] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)


class Packer:
    """Packs windows into full batches: short songs and rests cost the network nothing."""

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._clear()

    def _clear(self) -> None:
        self._rows: list[np.ndarray] = []
        self._count = 0
        self._parts: list[tuple[int, int, int]] = []
        self._endings: list[Ending] = []

    def add(self, number: int, inputs: np.ndarray) -> Iterator[Batch]:
        """Take in windows of a song, and yield the batches that they fill.

        Parameters
        ----------
        number : int
            The song's: windows of several may come in turns.
        inputs : np.ndarray [shape=(n, *input_shape), float32]
        """
        while len(inputs):
            taken, inputs = np.split(inputs, [self._batch_size - self._count])
            self._rows.append(taken)
            self._parts.append((number, self._count, self._count + len(taken)))
            self._count += len(taken)
            if self._count == self._batch_size:
                yield self.flush()

    def end(self, ending: Ending) -> Iterator[Batch]:
        """Take in the end of a song, and yield it at once where no window is waiting."""
        self._endings.append(ending)
        if not self._count:
            yield self.flush()

    def flush(self) -> Batch:
        """Return what is waiting, full or not."""
        inputs = np.concatenate(self._rows) if self._rows else None
        batch = Batch(inputs, self._parts, self._endings)
        self._clear()
        return batch
