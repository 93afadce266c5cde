"""A song's outline for a seek bar: how loud it is along its whole length."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.audio.decoding import open_audio
from explorer.util.cache import Cache

BINS = 800
QUIETEST_REFERENCE = 0.001
"""-60 dBFS: what never rises above it is not blown up to the full height."""

_FIRST_STRETCH = 64
_MOST_STRETCHES = 16_384
_HEADER = struct.Struct("<d")


@dataclass(frozen=True)
class Waveform:
    """The outline of a whole file.

    Attributes
    ----------
    duration_s : float
        Of what was decoded, whatever the header says.
    peaks : np.ndarray [shape=(800,), uint8]
    """

    duration_s: float
    peaks: np.ndarray


def waveform(source: Path, *, cache: Path, key: str) -> Waveform:
    """Return a file's outline: the cached one, or a new one.

    Parameters
    ----------
    cache : Path
        The folder of outlines, 808 bytes each. If it cannot be written, the outline is returned all the same.
    key : str
        Names the outline: the source's fingerprint.

    Raises
    ------
    AudioError
        If the source cannot be decoded.
    """
    outlines = Cache(cache)
    with outlines.one_at_a_time(key):
        kept = _read(outlines.path(key))
        if kept is None:
            kept = measure_waveform(source)
            with suppress(OSError), outlines.writing(key) as part:
                part.write_bytes(_HEADER.pack(kept.duration_s) + kept.peaks.tobytes())
    return kept


def measure_waveform(source: Path) -> Waveform:
    """Measure a file's outline by decoding it, a block at a time.

    Each of 800 equal parts gets round(255 * sqrt(r / max(R, 0.001))): r is the RMS of the part, over
    all channels, R that of the loudest part, and full scale is 1. So a song reaches the top however
    quiet it is, unless it stays below -60 dBFS, and the root shows what is 40 dB below the top as a
    tenth of its height.

    Raises
    ------
    AudioError
        If the source cannot be decoded.
    """
    stream = open_audio(source)
    energy = _Energy()
    for block in stream.blocks():
        block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        energy.add(np.einsum("nc,nc->n", block, block) / block.shape[1])
    rms = np.sqrt(energy.means(BINS))
    relative = np.minimum(rms / max(float(rms.max(initial=0.0)), QUIETEST_REFERENCE), 1.0)
    return Waveform(stream.duration_s, np.rint(255 * np.sqrt(relative)).astype(np.uint8))


class _Energy:
    """Sums up squares in equal stretches, which double whenever there are too many of them."""

    def __init__(self) -> None:
        self._stretch = _FIRST_STRETCH
        self._sums = np.zeros(_MOST_STRETCHES)
        self._used = 0
        self._rest = np.empty(0)
        self._count = 0

    def add(self, squares: np.ndarray) -> None:
        self._count += len(squares)
        squares = np.concatenate([self._rest, squares])
        while len(squares) >= self._stretch:
            room = _MOST_STRETCHES - self._used
            new = min(room, len(squares) // self._stretch)
            taken, squares = np.split(squares, [new * self._stretch])
            self._sums[self._used : self._used + new] = taken.reshape(new, -1).sum(axis=1)
            self._used += new
            if self._used == _MOST_STRETCHES:
                self._used //= 2
                self._sums[: self._used] = self._sums.reshape(-1, 2).sum(axis=1)
                self._stretch *= 2
        self._rest = squares

    def means(self, bins: int) -> np.ndarray:
        """Return the mean square of each of so many equal parts [shape=(bins,)]."""
        if not self._count:
            return np.zeros(bins)
        ends = np.append(np.arange(self._used + 1) * self._stretch, self._count)
        total = np.cumsum(np.concatenate([[0.0], self._sums[: self._used], [self._rest.sum()]]))
        edges = np.linspace(0, self._count, bins + 1)
        return np.maximum(np.diff(np.interp(edges, ends, total)), 0.0) / (self._count / bins)


def _read(target: Path) -> Waveform | None:
    try:
        content = target.read_bytes()
    except OSError:
        return None
    if len(content) != _HEADER.size + BINS:
        return None
    (duration_s,) = _HEADER.unpack_from(content)
    return Waveform(duration_s, np.frombuffer(content, np.uint8, offset=_HEADER.size))
