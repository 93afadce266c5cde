"""Compute a song's waveform for the seek bar: its level in 800 equal parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.audio.pictures import BINS, Waveform
from explorer.audio.song_parts import open_part
from explorer.library.music_file import WHOLE, Part

MIN_REFERENCE = 0.001
"""-60 dBFS: a song that stays below this level is not scaled up to the full height."""

_FIRST_SEGMENT_SAMPLES = 64
_MAX_SEGMENTS = 16_384


def measure_waveform(source: Path, part: Part = WHOLE) -> Waveform:
    """Measure the waveform of a file, or of a part of it, while decoding it block by block.

    The height of each of 800 equal parts is round(255 * sqrt(r / max(R, 0.001))). r is the part's RMS over
    all channels, R is the RMS of the loudest part, and full scale is 1. So the loudest part has the full
    height, unless the song stays below -60 dBFS. Because of the square root, a part 40 dB below the loudest
    has a tenth of its height.

    Raises
    ------
    AudioError
        If the source cannot be decoded.
    """
    stream = open_part(source, part)
    energy = _Energy()
    for block in stream.blocks():
        energy.add(np.einsum("nc,nc->n", block, block) / block.shape[1])
    rms = np.sqrt(energy.means(BINS))
    relative = np.minimum(rms / max(float(rms.max(initial=0.0)), MIN_REFERENCE), 1.0)
    return Waveform(stream.duration_s, np.rint(255 * np.sqrt(relative)).astype(np.uint8))


class _Energy:
    """Sums squared samples over equal segments; the segment length doubles whenever the table is full."""

    def __init__(self) -> None:
        self._segment_samples = _FIRST_SEGMENT_SAMPLES
        self._sums = np.zeros(_MAX_SEGMENTS)
        self._n_segments = 0
        self._incomplete = np.empty(0)
        self._n_samples = 0

    def add(self, squares: np.ndarray) -> None:
        """Add the squares of the next samples; those that fill no whole segment wait in `_incomplete`."""
        self._n_samples += len(squares)
        squares = np.concatenate([self._incomplete, squares])
        while len(squares) >= self._segment_samples:
            n_free = _MAX_SEGMENTS - self._n_segments
            n_new = min(n_free, len(squares) // self._segment_samples)
            new, squares = np.split(squares, [n_new * self._segment_samples])
            self._sums[self._n_segments : self._n_segments + n_new] = new.reshape(n_new, -1).sum(axis=1)
            self._n_segments += n_new
            if self._n_segments == _MAX_SEGMENTS:
                self._n_segments //= 2
                self._sums[: self._n_segments] = self._sums.reshape(-1, 2).sum(axis=1)
                self._segment_samples *= 2
        self._incomplete = squares

    def means(self, bins: int) -> np.ndarray:
        """Return the mean square of each of `bins` equal parts of the sound [shape=(bins,)]."""
        if not self._n_samples:
            return np.zeros(bins)
        ends = np.append(np.arange(self._n_segments + 1) * self._segment_samples, self._n_samples)
        total = np.cumsum(np.concatenate([[0.0], self._sums[: self._n_segments], [self._incomplete.sum()]]))
        edges = np.linspace(0, self._n_samples, bins + 1)
        return np.maximum(np.diff(np.interp(edges, ends, total)), 0.0) / (self._n_samples / bins)
