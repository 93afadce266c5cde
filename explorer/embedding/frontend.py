"""OpenL3's front end: cut samples into windows, and compute the windows' log-mel spectrograms.

The results are those of the published openl3 0.4.2 (``openl3.core`` for the windows, kapre 0.4.1 for the
spectrograms). The samples are processed as a stream, so that memory does not grow with a song's length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.sparse

from explorer.embedding.window_grid import (
    PADDING_SAMPLES,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    hop_samples,
)
from explorer.errors import EmbeddingError

FRAME_SAMPLES = 2_048
FRAME_HOP_SAMPLES = 242
FRAMES = 199
MEL_BANDS = 256

MAGNITUDE_FLOOR = 1e-10
"""Lower limit of a mel magnitude before the logarithm."""

DYNAMIC_RANGE_DB = 80.0
"""Log-mel values that are further than this below their window's maximum are raised to that limit."""

_BINS = FRAME_SAMPLES // 2 + 1
_PADDED_SAMPLES = (FRAMES - 1) * FRAME_HOP_SAMPLES + FRAME_SAMPLES


@cache
def mel_filters() -> np.ndarray:
    """Compute the Slaney mel filters, as ``librosa.filters.mel(sr=48000, n_fft=2048, n_mels=256)`` does.

    The filters are triangles between 258 frequencies that are equally spaced in mel from 0 Hz to 24 kHz.
    Each is divided by half its width in Hz, so that all have about the same area. The mel scale is that of
    Slaney's Auditory Toolbox (Interval Research technical report 1998-010): 200/3 Hz per mel up to 1 kHz,
    and 27 mels for every factor of 6.4 above.

    Returns
    -------
    np.ndarray [shape=(256, 1025), float32]
        One filter per row, one rFFT bin per column; read-only, because all callers share it.
    """
    linear_hz_per_mel = 200 / 3
    log_start_hz = 1_000.0
    log_start_mel = log_start_hz / linear_hz_per_mel
    log_step = math.log(6.4) / 27
    nyquist_hz = SAMPLE_RATE_HZ / 2
    top_mel = log_start_mel + math.log(nyquist_hz / log_start_hz) / log_step
    mels = np.linspace(0, top_mel, MEL_BANDS + 2)
    logarithmic_hz = log_start_hz * np.exp(log_step * (mels - log_start_mel))
    corners_hz = np.where(mels < log_start_mel, linear_hz_per_mel * mels, logarithmic_hz)[:, np.newaxis]
    bins_hz = np.linspace(0, nyquist_hz, _BINS)
    widths_hz = np.diff(corners_hz, axis=0)
    rising = (bins_hz - corners_hz[:-2]) / widths_hz[:-1]
    falling = (corners_hz[2:] - bins_hz) / widths_hz[1:]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters = (triangles * 2 / (corners_hz[2:] - corners_hz[:-2])).astype(np.float32)
    filters.setflags(write=False)
    return filters


@cache
def _sparse_mel_filters() -> scipy.sparse.csr_array:
    # Only 2,031 of the 262,400 values are not zero. The sparse product is six times faster than a dense
    # one, and it starts no BLAS threads, which would compete with the network's threads.
    return scipy.sparse.csr_array(mel_filters())


@cache
def hann_window() -> np.ndarray:
    """Return the periodic Hann window of OpenL3's frames, rounded to float32 as TensorFlow rounds it.

    TensorFlow's values differ from 0.5 - 0.5 cos(2 pi n / 2048) by up to 2e-7, which is as large as the
    rounding errors of a float32 Fourier transform. The difference leaks from loud bands into empty ones, at
    about -70 dB, and openl3's log-mels reach down to -80 dB. With an exact window, embeddings of pure tones
    and of music without treble would differ from openl3's by 4e-3. Therefore hann.npy stores the values of
    ``tf.signal.hann_window(2048)`` as TensorFlow 2.21 computes them on x86-64.

    Returns
    -------
    np.ndarray [shape=(2048,), float32]
        Read-only.
    """
    window = np.load(Path(__file__).with_name("hann.npy"), allow_pickle=False)
    window.setflags(write=False)
    return window


def timestamps(n_windows: int, *, hop_s: float) -> np.ndarray:
    """Compute the times of the windows' centres, which openl3 reports as timestamps.

    Parameters
    ----------
    n_windows : int
        Number of the song's windows.
    hop_s : float
        Seconds from the start of a window to the start of the next.

    Returns
    -------
    np.ndarray [shape=(n_windows,), float64]
        Seconds from the start of the song.
    """
    return np.arange(n_windows) * hop_s


class _SampleStream:
    """Reads blocks of samples as one continuous signal, and holds one block at a time."""

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self._blocks = iter(blocks)
        self._block = np.empty(0, np.float32)

    def has_more(self) -> bool:
        while not self._block.size:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._block = _checked_block(block)
        return True

    def read_into(self, target: np.ndarray) -> None:
        """Fill `target` from its start; if the signal ends too early, the rest of `target` is not changed."""
        while target.size and self.has_more():
            samples = self._take(target.size)
            target[: samples.size] = samples
            target = target[samples.size :]

    def skip(self, count: int) -> None:
        while count and self.has_more():
            count -= self._take(count).size

    def _take(self, max_samples: int) -> np.ndarray:
        samples, self._block = self._block[:max_samples], self._block[max_samples:]
        return samples


def _checked_block(block: np.ndarray) -> np.ndarray:
    block = np.asarray(block, dtype=np.float32)
    if block.ndim != 1:
        raise EmbeddingError(
            f"A block of shape {block.shape} is not mono: average the channels before embedding."
        )
    if not np.isfinite(block).all():
        raise EmbeddingError("The sound holds NaN or infinite samples, so it cannot be embedded.")
    return block


def windows(blocks: Iterable[np.ndarray], *, hop_s: float, batch_size: int) -> Iterator[np.ndarray]:
    """Cut a stream of samples into OpenL3's windows.

    The signal is padded with 24,000 zeros before the first sample, and with zeros up to the end of the last
    window. How the signal is divided into blocks does not affect the windows.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(any,), float32]
        Mono samples at 48 kHz. Blocks are read one at a time, when the next windows need them.
    hop_s : float
        Seconds from the start of a window to the start of the next.
    batch_size : int
        Windows per array.

    Returns
    -------
    iterator of np.ndarray [shape=(m, 48000), float32]
        ``m = batch_size``, except that the last array may hold fewer windows. The arrays share no memory.

    Raises
    ------
    EmbeddingError
        Immediately if the hop is shorter than one sample or `batch_size` is less than 1; during iteration
        if the signal has no sample, or a block is not 1-D or holds NaN or infinity.
    """
    hop = hop_samples(hop_s=hop_s)
    if batch_size < 1:
        raise EmbeddingError(f"batch_size={batch_size} must be at least 1.")
    return _batches(_rows(_SampleStream(blocks), hop), batch_size)


def _rows(stream: _SampleStream, hop: int) -> Iterator[np.ndarray]:
    """Yield the windows one by one. They overlap, or skip samples if the hop is longer than a window."""
    if not stream.has_more():
        raise EmbeddingError("The sound holds no sample at all, so there is nothing to embed.")
    row = np.zeros(WINDOW_SAMPLES, np.float32)
    stream.read_into(row[PADDING_SAMPLES:])
    yield row
    overlap = max(0, WINDOW_SAMPLES - hop)
    while stream.has_more():
        stream.skip(hop + overlap - WINDOW_SAMPLES)
        next_row = np.zeros(WINDOW_SAMPLES, np.float32)
        next_row[:overlap] = row[WINDOW_SAMPLES - overlap :]
        stream.read_into(next_row[overlap:])
        yield next_row
        row = next_row


def _batches(rows: Iterator[np.ndarray], batch_size: int) -> Iterator[np.ndarray]:
    while batch := list(islice(rows, batch_size)):
        yield np.stack(batch)


def log_mel(windows: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrograms that are the inputs of OpenL3's network.

    Each window is cut into 199 frames of 2,048 samples with a hop of 242 samples; the last frames are padded
    with zeros. Each frame is multiplied by a periodic Hann window. The magnitude (not the power) of its rFFT
    passes through `mel_filters`, and is converted to decibels as 10 log10(magnitude). The window's own
    maximum is subtracted, and values below -80 dB are raised to -80 dB. All values of a silent window are
    0 dB. Several threads can call this function in parallel, because NumPy and SciPy release the GIL for
    most of the time.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, 48000), float32]
        Samples at 48 kHz, as the function `windows` yields them.

    Returns
    -------
    np.ndarray [shape=(n, 256, 199, 1), float32]
        dB relative to each window's maximum: from -80 to 0.

    Raises
    ------
    EmbeddingError
        If the shape is wrong.
    """
    if windows.ndim != 2 or windows.shape[1] != WINDOW_SAMPLES:
        raise EmbeddingError(f"Windows of shape {windows.shape} must be of shape (n, {WINDOW_SAMPLES}).")
    decibels = np.empty((len(windows), MEL_BANDS, FRAMES, 1), np.float32)
    for window, result in zip(windows, decibels, strict=True):
        result[:, :, 0] = _window_log_mel(window)
    return decibels


def _window_log_mel(window: np.ndarray) -> np.ndarray:
    padded = np.zeros(_PADDED_SAMPLES, np.float32)
    padded[:WINDOW_SAMPLES] = window
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME_SAMPLES)[::FRAME_HOP_SAMPLES]
    magnitudes = np.abs(scipy.fft.rfft(frames * hann_window(), axis=1))
    decibels = _sparse_mel_filters() @ magnitudes.T
    np.maximum(decibels, MAGNITUDE_FLOOR, out=decibels)
    np.log10(decibels, out=decibels)
    decibels *= 10
    decibels -= decibels.max()
    return np.maximum(decibels, -DYNAMIC_RANGE_DB, out=decibels)
