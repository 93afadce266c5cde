"""Which arithmetic is the fastest that still tells songs apart as float32 does: measured, not assumed.

Half and 8-bit arithmetic are many times faster where the processor has instructions for them
(AVX-512 BF16 and VNNI, AMX), and worse everywhere else. How much they disturb the vectors depends on
the weights and on the music. So each is tried on windows of a user's own songs, on their machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.pooling import pool
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    from explorer.embedding.engines import Engine

LEAST_COSINE = 0.9995
"""Of a song's pooled vector with its float32 one."""

LEAST_NEIGHBOURS_KEPT = 0.97
"""Share of the ten nearest songs that are float32's."""

NEIGHBOURS = 10

LEAST_SPEEDUP = 1.1
"""What is hardly faster is not worth its error."""

MIN_SONGS = 16
"""Among fewer, ten nearest neighbours are nearly all the songs there are, and prove nothing."""

MAX_SONGS = 64
WINDOWS_PER_SONG = 8


@dataclass(frozen=True)
class Trial:
    """How one precision did.

    Attributes
    ----------
    precision : str
    ms_per_window : float or None
        Wall time of the network; None where it could not run.
    cosine : float or None
        The least over the songs, of pooled vectors with float32's.
    neighbours_kept : float or None
        Share, from 0 to 1, of the ten nearest songs (cosine of centred vectors) that are float32's.
    problem : str
        Why it is not taken; empty where nothing speaks against it.
    """

    precision: str
    ms_per_window: float | None
    cosine: float | None
    neighbours_kept: float | None
    problem: str = ""


@dataclass(frozen=True)
class Choice:
    """The precision that was taken, and what it was taken on."""

    precision: str
    songs: int
    windows: int
    trials: tuple[Trial, ...]
    reason: str

    def record(self) -> dict:
        """Return what songs.db keeps."""
        return asdict(self)


def choose_precision(
    songs: Sequence[np.ndarray],
    candidates: Sequence[str],
    open_candidate: Callable[[str], Engine],
    *,
    pooling: str = "max",
    progress: Callable[[], None] = lambda: None,
) -> Choice:
    """Measure each precision on songs and choose the fastest that is right enough.

    Parameters
    ----------
    songs : sequence of np.ndarray [shape=(n, *input_shape), float32]
        Windows of each song, as `Engine.prepare` makes them.
    candidates : sequence of str
        Precisions to try beside float32, which comes first.
    open_candidate : callable
        Opens the engine of a precision. An EmbeddingError of its rules the precision out.
    pooling : {"max", "mean"}
        As the library pools.
    progress : callable
        Called after each song of each trial.

    Returns
    -------
    Choice
        float32 where there are fewer than `MIN_SONGS` songs, or nothing is both faster and right.
    """
    windows = sum(len(song) for song in songs)
    if len(songs) < MIN_SONGS:
        reason = f"fewer than {MIN_SONGS} songs are too few to measure the others on"
        return Choice("float32", len(songs), windows, (), reason)
    exact, exact_ms = _run(open_candidate("float32"), songs, pooling, progress)
    trials = [Trial("float32", exact_ms, 1.0, 1.0)]
    for precision in candidates:
        try:
            vectors, ms = _run(open_candidate(precision), songs, pooling, progress)
        except EmbeddingError as error:
            trials.append(Trial(precision, None, None, None, f"it could not run ({error})"))
            continue
        cosine, kept = least_cosine(vectors, exact), neighbours_kept(vectors, exact)
        problem = _problem(ms / exact_ms, cosine, kept)
        trials.append(Trial(precision, ms, cosine, kept, problem))
    return _fastest(trials, len(songs), windows)


def _fastest(trials: list[Trial], n_songs: int, n_windows: int) -> Choice:
    best = min((trial for trial in trials if not trial.problem), key=lambda trial: trial.ms_per_window)
    if best.precision != "float32":
        reason = "the fastest that keeps float32's neighbours"
    elif len(trials) == 1:
        reason = "the processor has neither bfloat16 nor int8"
    else:
        reason = "; ".join(f"{trial.precision}: {trial.problem}" for trial in trials[1:])
    return Choice(best.precision, n_songs, n_windows, tuple(trials), reason)


def _run(
    engine: Engine, songs: Sequence[np.ndarray], pooling: str, progress: Callable[[], None]
) -> tuple[np.ndarray, float]:
    """Return pooled vectors [shape=(songs, 512)] and the milliseconds that a window took."""
    engine.embed(songs[0])
    vectors, seconds = [], 0.0
    for together in _full_batches(songs, engine.batch_size):
        inputs = np.concatenate(together)
        started = time.perf_counter()
        frames = engine.embed(inputs)
        seconds += time.perf_counter() - started
        ends = np.cumsum([len(song) for song in together])
        for song_frames in np.split(frames, ends[:-1]):
            vectors.append(pool(song_frames, method=pooling))
            progress()
    return np.array(vectors), 1000 * seconds / sum(len(song) for song in songs)


def _full_batches(songs: Sequence[np.ndarray], batch_size: int) -> Iterator[list[np.ndarray]]:
    """Group songs so that each group but the last has a batch of windows at least."""
    together: list[np.ndarray] = []
    for song in songs:
        together.append(song)
        if sum(map(len, together)) >= batch_size:
            yield together
            together = []
    if together:
        yield together


def _problem(relative_ms: float, cosine: float, kept: float) -> str:
    if cosine < LEAST_COSINE:
        return f"the least cosine with float32 is {cosine:.5f} and not {LEAST_COSINE}"
    if kept < LEAST_NEIGHBOURS_KEPT:
        return f"{kept:.1%} of float32's ten nearest neighbours are kept and not {LEAST_NEIGHBOURS_KEPT:.0%}"
    if relative_ms * LEAST_SPEEDUP > 1:
        return f"it is not faster than float32 ({1 / relative_ms:.2f} times its speed)"
    return ""


def least_cosine(vectors: np.ndarray, exact: np.ndarray) -> float:
    """Return the least cosine between rows of both.

    Parameters
    ----------
    vectors, exact : np.ndarray [shape=(n, d)]
    """
    products = (vectors * exact).sum(axis=1)
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    return float((products / np.maximum(norms, np.finfo(float).tiny)).min())


def neighbours_kept(vectors: np.ndarray, exact: np.ndarray, *, k: int = NEIGHBOURS) -> float:
    """Return the share of each row's `k` nearest, by cosine after centring, that both have in common.

    Parameters
    ----------
    vectors, exact : np.ndarray [shape=(n, d)]
        More than `k` rows.
    k : int
    """
    pairs = zip(_nearest(vectors, k), _nearest(exact, k), strict=True)
    return float(np.mean([len(np.intersect1d(mine, theirs)) / k for mine, theirs in pairs]))


def _nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    centred = vectors - vectors.mean(axis=0)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(float).tiny)
    similarity = centred @ centred.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


def describe_choice(choice: dict) -> str:
    """Say in a line which precision was taken, of a `Choice.record()`, and how each did."""
    if not choice["trials"]:
        return f"{choice['precision']}, because {choice['reason']}."
    exact_ms = choice["trials"][0]["ms_per_window"]
    told = [f"float32 {exact_ms:.1f} ms a window"]
    told += [_describe_trial(Trial(**trial), exact_ms) for trial in choice["trials"][1:]]
    songs = f"{choice['windows']} windows of {choice['songs']} songs"
    return f"{choice['precision']}, measured on {songs} ({'; '.join(told)})."


def _describe_trial(trial: Trial, exact_ms: float) -> str:
    if trial.ms_per_window is None:
        return f"{trial.precision}: {trial.problem}"
    speedup = exact_ms / trial.ms_per_window
    told = f"{trial.precision} {speedup:.1f} times as fast, least cosine {trial.cosine:.5f}"
    told += f", {trial.neighbours_kept:.1%} of neighbours kept"
    return f"{told}, refused" if trial.problem else told
