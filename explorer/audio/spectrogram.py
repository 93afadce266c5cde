"""Compute a song's spectrogram as a small picture, with frequencies on the mel scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import scipy.fft

from explorer.audio.channels import audible_average
from explorer.audio.pictures import MAX_COLUMNS, ROWS, Spectrogram, mel
from explorer.audio.song_parts import open_part
from explorer.library.music_file import WHOLE, Part

FLOOR_DB = -80.0
MAX_HZ = 18_000.0

FRAME_S = 0.085
HOP_S = 0.02
_MAX_FRAMES_PER_COLUMN = 4
_MAX_FRAMES = MAX_COLUMNS * _MAX_FRAMES_PER_COLUMN


def spectrogram(source: Path, part: Part = WHOLE) -> Spectrogram:
    """Compute the spectrogram of a file, or of a part of it, while decoding it block by block.

    Frames are about 85 ms long, with a Hann window, and at first 20 ms apart. While a long file is decoded,
    the distance between frames doubles repeatedly, so that each column is the mean power of two to four
    frames. The power is averaged in 128 bands that are equally wide on the `mel` scale.

    Raises
    ------
    AudioError
        If the source cannot be decoded.
    """
    stream = open_part(source, part)
    rate = stream.sample_rate_hz
    size = max(64, 2 ** round(np.log2(FRAME_S * rate)))
    highest_hz = min(rate / 2, MAX_HZ)
    filters = mel_bands(rate, size, highest_hz)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectra = _BoundedSpectra()
    blocks = map(audible_average, stream.blocks())
    for frame in _frames(blocks, size, max(1, round(HOP_S * rate)), spectra):
        power = np.square(np.abs(scipy.fft.rfft(frame * window)))
        spectra.add(filters @ power)
    power = spectra.columns()
    loudest = power.max(initial=0.0)
    if loudest <= 0:
        levels = np.zeros(power.shape, np.uint8)
    else:
        decibels = 10 * np.log10(np.maximum(power / loudest, 10 ** (FLOOR_DB / 10)))
        levels = np.rint(255 * (1 - decibels / FLOOR_DB)).astype(np.uint8)
    return Spectrogram(np.ascontiguousarray(levels[::-1]), stream.duration_s, highest_hz)


def mel_bands(sample_rate_hz: int, size: int, highest_hz: float) -> np.ndarray:
    """Make a filter bank of overlapping triangles, equally wide in mel; each averages the power of a band.

    Returns
    -------
    np.ndarray [shape=(128, size // 2 + 1), float32]
        One band per row; each row sums to 1. A triangle narrower than the spectrum's resolution is
        widened to that resolution.
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


class _BoundedSpectra:
    """Keeps the band powers of every `stride`-th frame; the stride doubles whenever too many are kept."""

    def __init__(self) -> None:
        self._spectra: list[np.ndarray] = []
        self.stride = 1

    def add(self, bands: np.ndarray) -> None:
        self._spectra.append(bands)
        if len(self._spectra) > _MAX_FRAMES:
            self._spectra = self._spectra[::2]
            self.stride *= 2

    def columns(self) -> np.ndarray:
        """Average adjacent spectra into at most 1,200 columns [shape=(128, columns)]."""
        if not self._spectra:
            return np.zeros((ROWS, 1), np.float32)
        frames = np.stack(self._spectra, axis=1)
        count = min(MAX_COLUMNS, frames.shape[1])
        edges = np.linspace(0, frames.shape[1], count + 1).astype(int)
        return np.add.reduceat(frames, edges[:-1], axis=1) / np.diff(edges)


def _frames(
    blocks: Iterable[np.ndarray], size: int, hop: int, spectra: _BoundedSpectra
) -> Iterator[np.ndarray]:
    """Yield frames centred on every (hop * stride)-th sample, zero-padded at both ends of the sound.

    `spectra.stride` is read again after each frame, because it grows while the frames are added.
    """
    padding = np.zeros(size // 2, np.float32)
    buffer, buffer_start = padding, -len(padding)
    frame_number = 0
    for block in chain(blocks, [padding]):
        buffer = np.concatenate([buffer, block])
        while (begin := frame_number * hop - size // 2 - buffer_start) + size <= len(buffer):
            yield buffer[begin : begin + size]
            frame_number += spectra.stride
            frame_number -= frame_number % spectra.stride
        n_done = min(max(0, frame_number * hop - size // 2 - buffer_start), len(buffer))
        buffer, buffer_start = buffer[n_done:], buffer_start + n_done
