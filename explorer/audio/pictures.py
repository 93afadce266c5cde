"""A song's waveform and spectrogram, as they are cached and as the page shows them.

This module imports no library that decodes, because the web server imports it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from explorer.util.cache import Cache

BINS = 800
"""The number of a waveform's parts."""

ROWS = 128
"""The number of a spectrogram's bands."""

MAX_COLUMNS = 1200

MAX_PICTURE_BYTES = 1 << 20
"""No cache file of a picture is larger."""

TICKS_HZ = (200, 1000, 4000, 12_000)
"""Frequencies that the axis of a spectrogram labels."""

MAX_SPECTROGRAM_BYTES = 256 << 20
"""Limit of the folder of spectrograms. One takes up to 154 kB."""

_WAVEFORM_HEADER = struct.Struct("<d")
_SPECTROGRAM_HEADER = struct.Struct("<dd")


@dataclass(frozen=True)
class Waveform:
    """The waveform of a whole song.

    Attributes
    ----------
    duration_s : float
        Duration of the decoded sound; the header may claim another.
    peaks : np.ndarray [shape=(800,), uint8]
        Height of each of 800 equal parts: see `measure_waveform`.
    """

    duration_s: float
    peaks: np.ndarray

    def to_bytes(self) -> bytes:
        """Return the content of the waveform's cache file."""
        return _WAVEFORM_HEADER.pack(self.duration_s) + self.peaks.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self | None:
        """Return the waveform that a cache file holds, or None if the file is damaged."""
        if len(content) != _WAVEFORM_HEADER.size + BINS:
            return None
        (duration_s,) = _WAVEFORM_HEADER.unpack_from(content)
        if not 0 <= duration_s < math.inf:
            return None
        return cls(duration_s, np.frombuffer(content, np.uint8, offset=_WAVEFORM_HEADER.size))


@dataclass(frozen=True)
class Spectrogram:
    """The level of each frequency band over the whole duration of a song.

    Attributes
    ----------
    levels : np.ndarray [shape=(128, columns), uint8]
        255 for the loudest value, 0 for 80 dB or more below it, in equal steps of dB. Row 0 is the highest
        band. There are at most 1,200 columns, and all are equally long.
    duration_s : float
    highest_hz : float
        The upper end of the highest band.
    """

    levels: np.ndarray
    duration_s: float
    highest_hz: float

    def ticks(self) -> dict[int, float]:
        """Return the position of each axis label: {frequency in Hz: 0 at the bottom to 1 at the top}."""
        # The centre of a band is in the middle of its row.
        return {
            hz: float((mel(hz) / mel(self.highest_hz) * (ROWS + 1) - 0.5) / ROWS)
            for hz in TICKS_HZ
            if hz < 0.95 * self.highest_hz
        }

    def to_bytes(self) -> bytes:
        """Return the content of the spectrogram's cache file."""
        return _SPECTROGRAM_HEADER.pack(self.duration_s, self.highest_hz) + self.levels.tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> Self | None:
        """Return the spectrogram that a cache file holds, or None if the file is damaged."""
        size = len(content) - _SPECTROGRAM_HEADER.size
        if size % ROWS or not 0 < size <= ROWS * MAX_COLUMNS:
            return None
        duration_s, highest_hz = _SPECTROGRAM_HEADER.unpack_from(content)
        if not (0 <= duration_s < math.inf and 0 < highest_hz < math.inf):
            return None
        levels = np.frombuffer(content, np.uint8, offset=_SPECTROGRAM_HEADER.size).reshape(ROWS, -1)
        return cls(levels, duration_s, highest_hz)


def mel(frequency_hz: float | np.ndarray) -> float | np.ndarray:
    """Convert Hz to mel on O'Shaughnessy's scale (1987), which HTK uses: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + frequency_hz / 700)


def waveforms_in(cache: Path) -> Cache:
    """Return the cache of waveforms in a folder, 808 bytes each."""
    return Cache(cache)


def spectrograms_in(cache: Path) -> Cache:
    """Return the cache of spectrograms in a folder."""
    return Cache(cache, max_bytes=MAX_SPECTROGRAM_BYTES)
