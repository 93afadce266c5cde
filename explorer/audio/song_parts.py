"""Read the part of a file that is a song: the tracks of a cue sheet are parts of one long file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

import numpy as np

from explorer.audio.decoding import AudioStream, open_audio
from explorer.errors import AudioError
from explorer.library.music_file import Part


class Cutter:
    """Cuts a sequence of blocks at given samples, from the first sample to the last.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(m, ...)]
    """

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self._blocks = iter(blocks)
        self._position = 0

    def take(self, start: int, end: int | None) -> Iterator[np.ndarray]:
        """Yield the samples from `start` to `end`; None is the end of the sound.

        The samples are counted from the first one of all blocks. Earlier samples than those that were already
        taken cannot be taken any more.
        """
        while end is None or self._position < end:
            block = next(self._blocks, None)
            if block is None:
                return
            n_skipped = min(len(block), max(0, start - self._position))
            n_used = len(block) if end is None else min(len(block), end - self._position)
            if n_used < len(block):
                self._blocks = chain([block[n_used:]], self._blocks)
            self._position += n_used
            if n_used > n_skipped:
                yield block[n_skipped:n_used]


def open_part(path: Path, part: Part, *, exact: bool = False) -> AudioStream:
    """Open a part of a file for decoding, by seeking if possible, else by decoding from the beginning.

    Parameters
    ----------
    exact : bool
        Decode from the beginning, as an index run does. After seeking, some formats (WMA, AC-3, Matroska)
        start up to 0.1 s too early, which cannot be heard but changes the vector.

    Raises
    ------
    AudioError
        As `open_audio`.
    """
    if not part.track:
        return open_audio(path)
    if part.start_s and not exact:
        with suppress(AudioError):
            stream = open_audio(path, start_s=part.start_s)
            # Some decoders can tell only at the first block that they cannot reach the position.
            blocks = stream.blocks()
            if (first := next(blocks, None)) is not None:
                return _cut(stream, chain([first], blocks), Part(part.track, 0.0, _length(part)))
    stream = open_audio(path)
    return _cut(stream, stream.blocks(), part)


def _length(part: Part) -> float | None:
    return None if part.end_s is None else part.end_s - part.start_s


def _cut(stream: AudioStream, blocks: Iterable[np.ndarray], part: Part) -> AudioStream:
    samples = Cutter(blocks).take(*part.samples(stream.sample_rate_hz))
    return stream.part(_closing(samples, stream))


def _closing(blocks: Iterator[np.ndarray], stream: AudioStream) -> Iterator[np.ndarray]:
    """Yield the blocks, and close the file after the last one: the file may be longer."""
    try:
        yield from blocks
    finally:
        stream.close()
