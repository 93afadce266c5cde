"""Measure precisions, and choose the fastest one that finds nearly the same neighbours as float32.

bfloat16 and int8 are many times faster if the processor has instructions for them (AVX-512 BF16 and VNNI,
AMX), and slower on other processors. How much they change the vectors depends on the weights and on the
music. So each precision is measured on the user's own machine, on windows of the user's own songs.
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

MIN_COSINE = 0.9995
"""Minimum cosine between a song's pooled vector and its float32 vector."""

MIN_NEIGHBOURS_KEPT = 0.97
"""Minimum share of the ten nearest songs that are also among the ten nearest by float32."""

NEIGHBOURS = 10

MIN_SPEEDUP = 1.1
"""A precision that is less than this many times as fast as float32 is refused: it is not worth its error."""

MIN_SONGS = 16
"""With fewer songs, the ten nearest are most of the other songs, so comparing them shows little."""

MAX_SONGS = 64
WINDOWS_PER_SONG = 8


@dataclass(frozen=True)
class Trial:
    """The measurements of one precision.

    Attributes
    ----------
    precision : str
    ms_per_window : float or None
        Wall time of the network; None if it could not run.
    cosine : float or None
        Minimum over the songs of the cosine between the pooled vector and the float32 vector.
    neighbours_kept : float or None
        Share, from 0 to 1, of the ten nearest songs (by the cosine of centred vectors) that are also
        among the ten nearest by float32.
    problem : str
        Why the precision is refused; empty if it is accepted.
    """

    precision: str
    ms_per_window: float | None
    cosine: float | None
    neighbours_kept: float | None
    problem: str = ""


@dataclass(frozen=True)
class Choice:
    """The chosen precision and the measurements behind the choice."""

    precision: str
    songs: int
    windows: int
    trials: tuple[Trial, ...]
    reason: str

    def record(self) -> dict:
        """Return the choice as songs.db stores it."""
        return asdict(self)


def choose_precision(
    songs: Sequence[np.ndarray],
    candidates: Sequence[str],
    open_candidate: Callable[[str], Engine],
    *,
    pooling: str = "max",
    progress: Callable[[], None] = lambda: None,
) -> Choice:
    """Measure each precision on songs and choose the fastest one that is accurate enough.

    Parameters
    ----------
    songs : sequence of np.ndarray [shape=(n, *input_shape), float32]
        Inputs of each song's windows, made by `Engine.prepare`.
    candidates : sequence of str
        Precisions to measure besides float32, which is measured first.
    open_candidate : callable
        Opens the engine of a precision. If it raises EmbeddingError, that precision is refused.
    pooling : {"max", "mean"}
        The library's pooling method.
    progress : callable
        Called after each song of each trial.

    Returns
    -------
    Choice
        float32 if there are fewer than `MIN_SONGS` songs, or if no other precision is faster and accurate.
    """
    windows = sum(len(song) for song in songs)
    if len(songs) < MIN_SONGS:
        reason = f"fewer than {MIN_SONGS} songs are too few to measure the other precisions"
        return Choice("float32", len(songs), windows, (), reason)
    exact, exact_ms = _run(open_candidate("float32"), songs, pooling, progress)
    trials = [Trial("float32", exact_ms, 1.0, 1.0)]
    for precision in candidates:
        try:
            vectors, ms = _run(open_candidate(precision), songs, pooling, progress)
        except EmbeddingError as error:
            trials.append(Trial(precision, None, None, None, f"it could not run ({error})"))
            continue
        cosine, kept = min_cosine(vectors, exact), neighbours_kept(vectors, exact)
        problem = _find_problem(ms / exact_ms, cosine, kept)
        trials.append(Trial(precision, ms, cosine, kept, problem))
    return _choose_fastest(trials, len(songs), windows)


def _choose_fastest(trials: list[Trial], n_songs: int, n_windows: int) -> Choice:
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
    """Return pooled vectors [shape=(songs, 512)] and the milliseconds per window."""
    # The first run may compile or tune, so it is not timed.
    engine.embed(songs[0])
    vectors, seconds = [], 0.0
    for batch in _full_batches(songs, engine.batch_size):
        inputs = np.concatenate(batch)
        started = time.perf_counter()
        frames = engine.embed(inputs)
        seconds += time.perf_counter() - started
        ends = np.cumsum([len(song) for song in batch])
        for song_frames in np.split(frames, ends[:-1]):
            vectors.append(pool(song_frames, method=pooling))
            progress()
    return np.array(vectors), 1000 * seconds / sum(len(song) for song in songs)


def _full_batches(songs: Sequence[np.ndarray], batch_size: int) -> Iterator[list[np.ndarray]]:
    """Group songs so that each group, except perhaps the last, has at least `batch_size` windows."""
    batch: list[np.ndarray] = []
    for song in songs:
        batch.append(song)
        if sum(map(len, batch)) >= batch_size:
            yield batch
            batch = []
    if batch:
        yield batch


def _find_problem(relative_ms: float, cosine: float, kept: float) -> str:
    """Return why a precision is refused, or ""; `relative_ms` is its time per window divided by float32's."""
    if cosine < MIN_COSINE:
        return f"the lowest cosine with float32 is {cosine:.5f}, below {MIN_COSINE}"
    if kept < MIN_NEIGHBOURS_KEPT:
        return f"{kept:.1%} of float32's ten nearest neighbours are kept, below {MIN_NEIGHBOURS_KEPT:.0%}"
    if relative_ms * MIN_SPEEDUP > 1:
        return f"it is not {MIN_SPEEDUP} times as fast as float32, but {1 / relative_ms:.2f} times"
    return ""


def min_cosine(vectors: np.ndarray, exact: np.ndarray) -> float:
    """Return the minimum of the cosines between corresponding rows.

    Parameters
    ----------
    vectors, exact : np.ndarray [shape=(n, d)]
    """
    products = (vectors * exact).sum(axis=1)
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    return float((products / np.maximum(norms, np.finfo(float).tiny)).min())


def neighbours_kept(vectors: np.ndarray, exact: np.ndarray, *, k: int = NEIGHBOURS) -> float:
    """Return the mean share of each row's `k` nearest rows that `vectors` and `exact` have in common.

    The nearest rows are those with the highest cosine after centring.

    Parameters
    ----------
    vectors, exact : np.ndarray [shape=(n, d)]
        More than `k` rows.
    k : int
    """
    pairs = zip(_nearest(vectors, k), _nearest(exact, k), strict=True)
    return float(np.mean([len(np.intersect1d(first, second)) / k for first, second in pairs]))


def _nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    centred = vectors - vectors.mean(axis=0)
    centred = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), np.finfo(float).tiny)
    similarity = centred @ centred.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


def describe_choice(choice: dict) -> str:
    """Describe a `Choice.record()` in one line: the chosen precision and each precision's measurements."""
    if not choice["trials"]:
        return f"{choice['precision']}, because {choice['reason']}."
    exact_ms = choice["trials"][0]["ms_per_window"]
    parts = [f"float32 {exact_ms:.1f} ms per window"]
    parts += [_describe_trial(Trial(**trial), exact_ms) for trial in choice["trials"][1:]]
    songs = f"{choice['windows']} windows of {choice['songs']} songs"
    return f"{choice['precision']}, measured on {songs} ({'; '.join(parts)})."


def _describe_trial(trial: Trial, exact_ms: float) -> str:
    if trial.ms_per_window is None:
        return f"{trial.precision}: {trial.problem}"
    speedup = exact_ms / trial.ms_per_window
    text = f"{trial.precision} {speedup:.1f} times as fast, lowest cosine {trial.cosine:.5f}"
    text += f", {trial.neighbours_kept:.1%} of neighbours kept"
    return f"{text}, refused" if trial.problem else text
