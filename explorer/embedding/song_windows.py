"""The windows of a song in 64 bytes each: principal components of their embeddings, as 8-bit integers.

The basis of the components is fitted once, on windows of a library's first songs, so that windows of all its
songs can be compared (Jégou et al., "Aggregating local descriptors into a compact image representation",
CVPR 2010, reduce descriptors likewise before they quantise them).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explorer.embedding.network import EMBEDDING_SIZE
from explorer.embedding.typical_window import EvenlySpacedWindows
from explorer.errors import EmbeddingError

N_COMPONENTS = 64
MIN_STEP_S = 0.5
"""Windows are kept at least this far apart: with a smaller hop, every second, third … window is kept."""

BASIS_SONGS = 128
"""The basis is final when it was fitted on this many songs. Until then, the songs' raw windows are kept, and
the basis is fitted again when there are more of them."""

_LARGEST_CODE = 127
_LARGEST_FLOAT16 = 65_504.0
_ROUNDING = 1e-9
_LARGEST_VALUE = 1e4


@dataclass(frozen=True, eq=False)
class RawWindows:
    """A song's windows before the library has a basis.

    Attributes
    ----------
    frames : np.ndarray [shape=(n, 512), float16]
        The embeddings.
    step_s : float
        Seconds from one window to the next. Window i is the second around `i * step_s`.
    """

    frames: np.ndarray
    step_s: float


@dataclass(frozen=True, eq=False)
class SongWindows:
    """A song's windows as a library stores them.

    Attributes
    ----------
    codes : np.ndarray [shape=(n, 64), int8]
        The windows' components, divided by `scale`.
    scale : float
    step_s : float
        Seconds from one window to the next. Window i is the second around `i * step_s`.
    """

    codes: np.ndarray
    scale: float
    step_s: float

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def components(self) -> np.ndarray:
        """The windows' components [shape=(n, 64), float32]: differences from the library's mean window."""
        return self.codes.astype(np.float32) * np.float32(self.scale)

    @property
    def times_s(self) -> np.ndarray:
        """The middle of each window [shape=(n,), float64]."""
        return np.arange(len(self.codes)) * self.step_s


@dataclass(frozen=True, eq=False)
class WindowBasis:
    """The basis of the components, which all songs of a library share.

    Attributes
    ----------
    mean : np.ndarray [shape=(512,), float32]
        The mean of the windows on which the basis was fitted.
    axes : np.ndarray [shape=(64, 512), float32]
        Orthonormal rows, the axis of the largest variance first; rows of zeros if there were too few windows.
    """

    mean: np.ndarray
    axes: np.ndarray

    def project(self, frames: np.ndarray) -> np.ndarray:
        """Return the components of embeddings.

        Parameters
        ----------
        frames : np.ndarray [shape=(n, 512)]

        Returns
        -------
        np.ndarray [shape=(n, 64), float32]
        """
        return (np.asarray(frames, dtype=np.float32) - self.mean) @ self.axes.T

    def encode(self, windows: RawWindows) -> SongWindows:
        """Return a song's windows in their stored form. The song's largest component gets the code 127."""
        components = self.project(windows.frames)
        scale = float(np.abs(components).max(initial=0.0)) / _LARGEST_CODE or 1.0
        return SongWindows(np.rint(components / scale).astype(np.int8), scale, windows.step_s)

    def embeddings(self, windows: SongWindows) -> np.ndarray:
        """Return approximations of a song's embeddings [shape=(n, 512), float32]."""
        return windows.components @ self.axes + self.mean


def fit_basis(frames: np.ndarray) -> WindowBasis:
    """Find the axes that keep most of the windows' directions from their mean (principal component analysis).

    Windows are compared by the cosine, so each counts alike, however far it is from the mean.

    Parameters
    ----------
    frames : np.ndarray [shape=(n, 512)]
        Windows of many songs. The signs of the axes do not depend on the machine: the largest value of each
        axis is positive.

    Raises
    ------
    EmbeddingError
        If there is no window, or a value is not finite.
    """
    frames = np.asarray(frames, dtype=np.float64)
    if not len(frames) or not np.isfinite(frames).all():
        raise EmbeddingError("The basis of the windows needs at least one window, and finite values.")
    mean = frames.mean(axis=0)
    centred = frames - mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    directions = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    variances, vectors = np.linalg.eigh(directions.T @ directions)
    axes = vectors.T[::-1][:N_COMPONENTS]
    axes[variances[::-1][:N_COMPONENTS] <= variances[-1] * 1e-9] = 0.0
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return WindowBasis(mean.astype(np.float32), (axes * np.where(largest < 0, -1, 1)).astype(np.float32))


def thin(numbers: np.ndarray, frames: np.ndarray, *, hop_s: float) -> RawWindows:
    """Keep windows that are at least `MIN_STEP_S` apart.

    Parameters
    ----------
    numbers : np.ndarray [shape=(n,), int]
        The windows' numbers in the song: 0, k, 2 k, …
    frames : np.ndarray [shape=(n, 512), float32]
    hop_s : float
        Seconds from one number to the next.
    """
    between_s = hop_s * (int(numbers[1]) if len(numbers) > 1 else 1)
    stride = max(1, math.ceil(MIN_STEP_S / between_s - _ROUNDING))
    kept = np.clip(frames[::stride], -_LARGEST_FLOAT16, _LARGEST_FLOAT16)
    return RawWindows(kept.astype(np.float16), between_s * stride)


def windows_to_keep(frames: np.ndarray, *, hop_s: float) -> RawWindows:
    """Return those of all windows of a song [shape=(n, 512), float32] that an index run would keep."""
    kept = EvenlySpacedWindows()
    kept.add(frames)
    return thin(*kept.windows(), hop_s=hop_s)


@dataclass
class WindowCoder:
    """Brings windows into the form in which they are stored.

    Attributes
    ----------
    basis : WindowBasis or None
        The library's final basis. Until it has one, windows stay raw. An index run sets it when it has
        fitted the basis; other threads read it.
    """

    basis: WindowBasis | None = None

    def code(self, windows: RawWindows) -> SongWindows | RawWindows:
        """Return the windows encoded, or as they are if there is no basis."""
        basis = self.basis
        return windows if basis is None else basis.encode(windows)


def check_basis(mean: np.ndarray, axes: np.ndarray) -> WindowBasis:
    """Return a basis from stored arrays.

    Raises
    ------
    ValueError
        If a shape is wrong, or a value is not finite or far larger than OpenL3's.
    """
    if mean.shape != (EMBEDDING_SIZE,) or axes.shape != (N_COMPONENTS, EMBEDDING_SIZE):
        raise ValueError("an array has a wrong shape")
    if not (np.abs(mean).max() < _LARGEST_VALUE and np.abs(axes).max() < _LARGEST_VALUE):
        raise ValueError("a value is not finite, or too large")
    return WindowBasis(mean, axes)
