"""Check that weights are OpenL3's, by what the network makes of a chirp: a tone that rises.

`published_chirp.npz` holds the only published outputs of the trained network (music, mel256). They come from
OpenL3's own regression test, ``tests/data/regression`` of https://github.com/marl/openl3 (MIT licence,
Copyright (c) 2018 Jason Cramer, Ho-Hsiang Wu, Justin Salamon): a chirp of two seconds, centred, with a hop of
0.1 s and 6,144 values per window, once for each of the two front ends of openl3 0.4: kapre, its default, and
librosa. The file has the maxima over the last layer's 4 x 3 cells, which are the 512 values of our network:
two arrays (16, 512). The two front ends agree within a cosine of 0.993 in every window. `frontend` computes
what openl3 0.4.2 computes with kapre 0.4.1; we assume that the version which made the numbers did the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from explorer.embedding.engines import open_engine
from explorer.embedding.frontend import windows
from explorer.embedding.model_weights import Weights
from explorer.embedding.window_grid import SAMPLE_RATE_HZ

LEAST_COSINE = 0.98
"""The cosine with the published embedding that every window must reach."""

LEAST_CORRELATION = 0.5
"""The correlation of the windows' differences from their mean that is needed too. All windows of the chirp
are similar: a network that gives the same embedding for any sound could reach a cosine of 0.993 in every
window. The correlation of the two published front ends is 0.79."""

CHECK_VERSION = 1
"""Increased when the check changes, so that recorded results of an older check are not used."""

_HOP_S = 0.1
_RATE_HZ = 44_100
_SAMPLES = 2 * _RATE_HZ
_FULL_SCALE = 32_768
_NOISE_SHAPING = (2.033, -2.165, 1.959, -1.590, 0.6149)


@dataclass(frozen=True)
class ChirpCheck:
    """How well the embeddings of the chirp agree with the published ones.

    Attributes
    ----------
    front_end : {"kapre", "librosa"}
        The published front end that they agree with better.
    least_cosine, mean_cosine : float
        Of the 16 windows.
    correlation : float
        Of the windows' differences from their mean.
    """

    front_end: str
    least_cosine: float
    mean_cosine: float
    correlation: float

    @property
    def passed(self) -> bool:
        """Whether the weights are those of OpenL3's music/mel256 model."""
        return self.least_cosine >= LEAST_COSINE and self.correlation >= LEAST_CORRELATION

    def describe(self) -> str:
        """Describe the result for a message."""
        return (
            f"compared with the published embeddings of a chirp: cosine {self.least_cosine:.4f}, at least "
            f"{LEAST_COSINE} needed; correlation {self.correlation:.2f}, at least {LEAST_CORRELATION} needed"
        )


def chirp() -> np.ndarray:
    """Make the chirp that OpenL3's regression test embeds.

    Its frequency rises from 440 to 792 Hz, and its amplitude falls from 0.8 to 0.52. At time t it is
    A(t) sin(2 pi (440 t + 88 t (t - 1 / 44100))) with A(t) = 0.8 - 0.14 t. The published sound was rounded to
    16 bits with triangular dither, and the rounding errors were shaped by the five-tap filter of Lipshitz,
    Vanderkooy and Wannamaker, "Minimally Audible Noise Shaping" (JAES, 1991). In most bands of the log-mel
    spectrograms only these errors are visible, so they are made in the same way. The result differs from the
    published sound only by the random dither: by 3 units of 16 bits (root mean square). With random filters,
    the embeddings of both have a cosine of 0.9999 in every window; without the rounding it would be 0.988.

    Returns
    -------
    np.ndarray [shape=(88200,), float32]
        Samples at 44.1 kHz; always the same.
    """
    times_s = np.arange(_SAMPLES) / _RATE_HZ
    cycles = 440 * times_s + 88 * times_s * (times_s - 1 / _RATE_HZ)
    exact = (0.8 - 0.14 * times_s) * np.sin(2 * np.pi * cycles) * _FULL_SCALE
    random = np.random.RandomState(0)
    dither = random.random_sample(_SAMPLES) - random.random_sample(_SAMPLES)
    rounded, errors = [], [0.0] * len(_NOISE_SHAPING)
    for sample, noise in zip(exact.tolist(), dither.tolist(), strict=True):
        wanted = sample + sum(tap * error for tap, error in zip(_NOISE_SHAPING, errors, strict=True))
        rounded.append(round(wanted + noise))
        errors = [wanted - rounded[-1], *errors[:-1]]
    return (np.array(rounded) / _FULL_SCALE).astype(np.float32)


def published_embeddings() -> dict[str, np.ndarray]:
    """Return the published embeddings of the chirp by front end: arrays [shape=(16, 512), float32]."""
    with np.load(Path(__file__).with_name("published_chirp.npz"), allow_pickle=False) as file:
        return dict(file)


def embed_chirp(weights: Weights) -> np.ndarray:
    """Compute the embeddings of the chirp in float32, as those of a song with a hop of 0.1 s are computed.

    Returns
    -------
    np.ndarray [shape=(16, 512), float32]
    """
    samples = soxr.resample(chirp(), _RATE_HZ, SAMPLE_RATE_HZ, quality="HQ")
    engine = open_engine("openvino", weights)
    batches = windows([samples], hop_s=_HOP_S, batch_size=engine.batch_size)
    return np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])


def check_weights(weights: Weights, *, expected: dict[str, np.ndarray] | None = None) -> ChirpCheck:
    """Compare the embeddings of the chirp with the published ones. It takes about a second on two cores.

    Parameters
    ----------
    weights : Weights
    expected : dict of np.ndarray or None
        Embeddings by front end; by default the published ones.

    Returns
    -------
    ChirpCheck
        For the front end that agrees better.
    """
    embeddings = embed_chirp(weights)
    checks = [
        compare_embeddings(front_end, embeddings, published)
        for front_end, published in (expected or published_embeddings()).items()
    ]
    return max(checks, key=lambda check: (check.passed, check.least_cosine))


def compare_embeddings(front_end: str, embeddings: np.ndarray, published: np.ndarray) -> ChirpCheck:
    """Compare embeddings [shape=(n, 512)] window by window.

    A window whose embedding is all zeros has a cosine of 0.
    """
    cosines = _cosines(embeddings, published)
    differences = [
        (array - array.mean(axis=0, dtype=np.float64)).ravel() for array in (embeddings, published)
    ]
    return ChirpCheck(front_end, float(cosines.min()), float(cosines.mean()), float(_cosines(*differences)))


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(axis=-1, dtype=np.float64) / np.maximum(norms, np.finfo(np.float32).tiny)
