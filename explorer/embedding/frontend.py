"""OpenL3's front end: samples to windows, windows to log-mel spectrograms.

It computes what the published openl3 0.4.2 computes (``openl3.core`` for the windows, kapre 0.4.1
for the spectrograms), in a stream, so that memory does not grow with the length of a song.
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

from explorer.errors import EmbeddingError

SAMPLE_RATE_HZ = 48_000
"""The only rate that the network knows."""

WINDOW_SAMPLES = 48_000
"""One second: what one embedding describes."""

PADDING_SAMPLES = 24_000
"""Zeros before the first sample, so that a window's timestamp is its centre."""

FRAME_SAMPLES = 2_048
FRAME_HOP_SAMPLES = 242
FRAMES = 199
MEL_BANDS = 256

MAGNITUDE_FLOOR = 1e-10
"""Smallest mel magnitude, before the logarithm."""

DYNAMIC_RANGE_DB = 80.0
"""How far below a window's own maximum its log-mel values may lie."""

_BINS = FRAME_SAMPLES // 2 + 1
_PADDED_SAMPLES = (FRAMES - 1) * FRAME_HOP_SAMPLES + FRAME_SAMPLES


@cache
def mel_filters() -> np.ndarray:
    """Compute the Slaney mel filters, as ``librosa.filters.mel(sr=48000, n_fft=2048, n_mels=256)``.

    Triangles between 258 frequencies that are equally spaced in mel from 0 Hz to 24 kHz, each
    divided by half its width in Hz, so that all have about the same area. The scale is that of
    Slaney's Auditory Toolbox (Interval Research technical report 1998-010): 200/3 Hz a mel up to
    1 kHz, and 27 mels to every factor of 6.4 above.

    Returns
    -------
    np.ndarray [shape=(256, 1025), float32]
        One filter a row, one rFFT bin a column; read-only, because it is computed once.
    """
    linear_hz_per_mel = 200 / 3
    knee_hz = 1_000.0
    knee_mel = knee_hz / linear_hz_per_mel
    log_step = math.log(6.4) / 27
    nyquist_hz = SAMPLE_RATE_HZ / 2
    top_mel = knee_mel + math.log(nyquist_hz / knee_hz) / log_step
    mels = np.linspace(0, top_mel, MEL_BANDS + 2)
    logarithmic_hz = knee_hz * np.exp(log_step * (mels - knee_mel))
    corners_hz = np.where(mels < knee_mel, linear_hz_per_mel * mels, logarithmic_hz)[:, np.newaxis]
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
    # 2,031 of the 262,400 values are not zero: six times faster than a dense product, without
    # BLAS threads that would fight the network's.
    return scipy.sparse.csr_array(mel_filters())


@cache
def hann_window() -> np.ndarray:
    """Return the periodic Hann window of OpenL3's frames, as TensorFlow rounds it in float32.

    TensorFlow's values differ from 0.5 - 0.5 cos(2 pi n / 2048) by up to 2e-7. That is as much as the
    rounding of a float32 Fourier transform, and it leaks from the loud bands into the empty ones: -70
    dB, where the log-mels of openl3 reach down to -80. With a better window, embeddings of pure tones
    and of music without treble would differ from openl3's by 4e-3. So the values are kept in a file,
    as ``tf.signal.hann_window(2048)`` of TensorFlow 2.21 gives them on x86-64.

    Returns
    -------
    np.ndarray [shape=(2048,), float32]
        Read-only.
    """
    window = np.load(Path(__file__).with_name("hann.npy"), allow_pickle=False)
    window.setflags(write=False)
    return window


def hop_samples(*, hop_s: float) -> int:
    """Convert a hop to samples, rounding down as openl3 does.

    Parameters
    ----------
    hop_s : float
        Seconds from one window to the next.

    Returns
    -------
    int
        ``int(hop_s * 48000)``, at least 1.

    Raises
    ------
    EmbeddingError
        If the hop is not finite, or shorter than one sample.
    """
    if not math.isfinite(hop_s) or int(hop_s * SAMPLE_RATE_HZ) < 1:
        raise EmbeddingError(
            f"A hop of {hop_s} s is impossible: it must be at least one sample, {1 / SAMPLE_RATE_HZ:.7f} s."
        )
    return int(hop_s * SAMPLE_RATE_HZ)


def count_windows(n_samples: int, *, hop_s: float) -> int:
    """Count the windows that `windows` yields.

    Parameters
    ----------
    n_samples : int
        Samples of the song at 48 kHz, without any padding; at least 1.
    hop_s : float
        Seconds from one window to the next.

    Returns
    -------
    int
        ``1 + ceil((24000 + n_samples - 48000) / hop)``, at least 1.

    Raises
    ------
    EmbeddingError
        If there is no sample, or the hop is shorter than one sample.
    """
    if n_samples < 1:
        raise EmbeddingError(f"n_samples={n_samples} makes no window: there is no sound to embed.")
    beyond_first = max(0, PADDING_SAMPLES + n_samples - WINDOW_SAMPLES)
    return 1 + -(-beyond_first // hop_samples(hop_s=hop_s))


def timestamps(n_windows: int, *, hop_s: float) -> np.ndarray:
    """Compute the moments that the windows are centred on, as openl3 reports them.

    Parameters
    ----------
    n_windows : int
        Windows of the song.
    hop_s : float
        Seconds from one window to the next.

    Returns
    -------
    np.ndarray [shape=(n_windows,), float64]
        Seconds from the start of the song.
    """
    return np.arange(n_windows) * hop_s


class _SampleStream:
    """Reads an iterable of blocks as one long signal, holding one block at a time."""

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
        """Fill `target` from its start; what the signal does not reach keeps its value."""
        while target.size and self.has_more():
            taken = self._take(target.size)
            target[: taken.size] = taken
            target = target[taken.size :]

    def skip(self, count: int) -> None:
        while count and self.has_more():
            count -= self._take(count).size

    def _take(self, at_most: int) -> np.ndarray:
        taken, self._block = self._block[:at_most], self._block[at_most:]
        return taken


def _checked_block(block: np.ndarray) -> np.ndarray:
    block = np.asarray(block, dtype=np.float32)
    if block.ndim != 1:
        raise EmbeddingError(
            f"A block of shape {block.shape} is not mono: average its channels before embedding it."
        )
    if not np.isfinite(block).all():
        raise EmbeddingError("The sound holds NaN or infinite samples, so it cannot be embedded.")
    return block


def windows(blocks: Iterable[np.ndarray], *, hop_s: float, batch_size: int) -> Iterator[np.ndarray]:
    """Cut a stream of samples into OpenL3's windows.

    24,000 zeros stand before the first sample, and zeros fill the last window. The windows are the
    same however the signal is divided into blocks.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(any,), float32]
        Mono samples at 48 kHz. It is read as windows are asked for, one block at a time.
    hop_s : float
        Seconds from one window to the next.
    batch_size : int
        Windows per array.

    Returns
    -------
    iterator of np.ndarray [shape=(m, 48000), float32]
        Arrays of ``m = batch_size`` windows, and a last one of fewer. Each is the caller's to keep.

    Raises
    ------
    EmbeddingError
        At once if the hop is shorter than one sample or `batch_size` less than 1; while iterating
        if there is no sample at all, or a block is not 1-D or holds NaN or infinity.
    """
    hop = hop_samples(hop_s=hop_s)
    if batch_size < 1:
        raise EmbeddingError(f"batch_size={batch_size} must be at least 1.")
    return _batches(_rows(_SampleStream(blocks), hop), batch_size)


def _rows(stream: _SampleStream, hop: int) -> Iterator[np.ndarray]:
    if not stream.has_more():
        raise EmbeddingError("The sound holds no sample at all, so there is nothing to embed.")
    row = np.zeros(WINDOW_SAMPLES, np.float32)
    stream.read_into(row[PADDING_SAMPLES:])
    yield row
    overlap = max(0, WINDOW_SAMPLES - hop)
    while stream.has_more():
        stream.skip(hop + overlap - WINDOW_SAMPLES)
        following = np.zeros(WINDOW_SAMPLES, np.float32)
        following[:overlap] = row[WINDOW_SAMPLES - overlap :]
        stream.read_into(following[overlap:])
        yield following
        row = following


def _batches(rows: Iterator[np.ndarray], batch_size: int) -> Iterator[np.ndarray]:
    while batch := list(islice(rows, batch_size)):
        yield np.stack(batch)


def log_mel(windows: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrograms that OpenL3's network reads.

    199 frames of 2,048 samples, 242 apart, under a periodic Hann window, the last ones filled with
    zeros; the magnitude (not the power) of their rFFT through `mel_filters`; 10 log10 of that, less
    the window's own maximum, and -80 dB at least. Silence is 0 dB throughout. NumPy and SciPy
    release the interpreter's lock for nearly all of it, so several threads may call it at once.

    Parameters
    ----------
    windows : np.ndarray [shape=(n, 48000), float32]
        Samples at 48 kHz, as `windows` yields them.

    Returns
    -------
    np.ndarray [shape=(n, 256, 199, 1), float32]
        dB below each window's maximum: from -80 to 0.

    Raises
    ------
    EmbeddingError
        If the shape is another.
    """
    if windows.ndim != 2 or windows.shape[1] != WINDOW_SAMPLES:
        raise EmbeddingError(f"Windows of shape {windows.shape} must be of shape (n, {WINDOW_SAMPLES}).")
    decibels = np.empty((len(windows), MEL_BANDS, FRAMES, 1), np.float32)
    for window, result in zip(windows, decibels, strict=True):
        result[:, :, 0] = _log_mel_of_one(window)
    return decibels


def _log_mel_of_one(window: np.ndarray) -> np.ndarray:
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
