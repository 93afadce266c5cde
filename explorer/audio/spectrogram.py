"""A song's spectrogram as a picture: coarse in time, its frequencies on the mel scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.fft

from explorer.audio.decoding import open_audio

ROWS = 128
MOST_COLUMNS = 1200
FLOOR_DB = -80.0
HIGHEST_HZ = 18_000.0
TICKS_HZ = (200, 1000, 4000, 12_000)
"""Frequencies that the picture's axis names."""

FRAME_S = 0.085
HOP_S = 0.02
_FRAMES_A_COLUMN = 4
_MOST_FRAMES = MOST_COLUMNS * _FRAMES_A_COLUMN


@dataclass(frozen=True)
class Spectrogram:
    """How loud each band of frequencies is along a whole file.

    Attributes
    ----------
    levels : np.ndarray [shape=(128, columns), uint8]
        255 for the loudest of all, 0 for what is 80 dB below it or more, in equal steps of dB; row 0
        is the highest band. At most 1,200 columns, equally long.
    duration_s : float
    highest_hz : float
        Where the highest band ends.
    """

    levels: np.ndarray
    duration_s: float
    highest_hz: float

    def ticks(self) -> dict[int, float]:
        """Return how high some frequencies are in the picture, from 0 for its bottom to 1."""
        # A band's centre is in the middle of its row.
        return {
            hz: float((mel(hz) / mel(self.highest_hz) * (ROWS + 1) - 0.5) / ROWS)
            for hz in TICKS_HZ
            if hz < 0.95 * self.highest_hz
        }


def spectrogram(source: Path) -> Spectrogram:
    """Compute a file's spectrogram, a block at a time.

    Frames have about 85 ms and a Hann window. At first there is one every 20 ms; the longer the file turns
    out to be, the further apart they are, so that each column is the mean power of two to four frames. Powers
    are averaged in 128 bands of equal width in `mel`.

    Raises
    ------
    AudioError
        If the source cannot be decoded.
    """
    stream = open_audio(source)
    rate = stream.sample_rate_hz
    size = max(64, 2 ** round(np.log2(FRAME_S * rate)))
    highest_hz = min(rate / 2, HIGHEST_HZ)
    filters = mel_bands(rate, size, highest_hz)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    rows = _Rows()
    for frame in _frames(stream.mono(sample_rate_hz=rate), size, max(1, round(HOP_S * rate)), rows):
        power = np.square(np.abs(scipy.fft.rfft(frame * window)))
        rows.add(filters @ power)
    power = rows.columns()
    loudest = power.max(initial=0.0)
    if loudest <= 0:
        levels = np.zeros(power.shape, np.uint8)
    else:
        decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (FLOOR_DB / 10)))
        levels = np.rint(255 * (1 - decibels / FLOOR_DB)).astype(np.uint8)
    return Spectrogram(np.ascontiguousarray(levels[::-1]), stream.duration_s, highest_hz)


def mel(frequency_hz: float | np.ndarray) -> float | np.ndarray:
    """Return a frequency on O'Shaughnessy's mel scale (1987), which HTK uses: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + frequency_hz / 700)


def mel_bands(sample_rate_hz: int, size: int, highest_hz: float) -> np.ndarray:
    """Make overlapping triangles of equal width in mel, each averaging powers.

    Returns
    -------
    np.ndarray [shape=(128, size // 2 + 1), float32]
        Each row sums to 1. Triangles narrower than the spectrum's resolution are widened to it.
    """
    step_hz = sample_rate_hz / size
    edges = 700 * (10 ** (np.linspace(0, mel(highest_hz), ROWS + 2) / 2595) - 1)
    centres = edges[1:-1]
    lower = np.minimum(edges[:-2], centres - step_hz)
    upper = np.maximum(edges[2:], centres + step_hz)
    frequencies = np.arange(size // 2 + 1) * step_hz
    rising = (frequencies - lower[:, None]) / (centres - lower)[:, None]
    falling = (upper[:, None] - frequencies) / (upper - centres)[:, None]
    bands = np.maximum(0.0, np.minimum(rising, falling))
    return (bands / bands.sum(axis=1, keepdims=True)).astype(np.float32)


class _Rows:
    """Keeps every n-th frame's bands: n doubles whenever there are too many."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []
        self.stride = 1

    def add(self, bands: np.ndarray) -> None:
        self._kept.append(bands)
        if len(self._kept) > _MOST_FRAMES:
            self._kept = self._kept[::2]
            self.stride *= 2

    def columns(self) -> np.ndarray:
        """Average neighbours into at most 1,200 columns [shape=(128, columns)]."""
        if not self._kept:
            return np.zeros((ROWS, 1), np.float32)
        frames = np.stack(self._kept, axis=1)
        count = min(MOST_COLUMNS, frames.shape[1])
        edges = np.linspace(0, frames.shape[1], count + 1).astype(int)
        return np.add.reduceat(frames, edges[:-1], axis=1) / np.diff(edges)


def _frames(blocks: Iterable[np.ndarray], size: int, hop: int, rows: _Rows) -> Iterator[np.ndarray]:
    """Cut the frames centred on every (hop * rows.stride)-th sample; beyond both ends there are zeros."""
    held = np.zeros(size // 2, np.float32)
    offset = -len(held)
    number = 0
    for block in _then_silence(blocks, size // 2):
        held = np.concatenate([held, np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)])
        while (begin := number * hop - size // 2 - offset) + size <= len(held):
            yield held[begin : begin + size]
            number += rows.stride
            number -= number % rows.stride
        passed = min(max(0, number * hop - size // 2 - offset), len(held))
        held, offset = held[passed:], offset + passed


def _then_silence(blocks: Iterable[np.ndarray], samples: int) -> Iterator[np.ndarray]:
    yield from blocks
    yield np.zeros(samples, np.float32)
