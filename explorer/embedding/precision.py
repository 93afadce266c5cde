"""Measure precisions, and choose the fastest one that changes the neighbours little.

bfloat16 and int8 are faster than float32, by a factor that depends on the processor, and round numbers more.
How much that changes the vectors depends on the weights and on the music. So each precision is measured on
the user's own machine, on windows of the user's own songs.

A library samples each song at every hop, and the start of the first window is arbitrary: windows that start
half a hop later would be as good, but give other vectors and other neighbours. So the disturbance by such a
shift shows how exact the neighbours are in float32. A precision is accepted if it disturbs them much less.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.pooling import pool
from explorer.errors import EmbeddingError

if TYPE_CHECKING:
    from explorer.embedding.engines import Engine

MIN_COSINE = 0.9995
"""Minimum cosine between a song's pooled vector and its float32 vector."""

MAX_SHARE_OF_SHIFT = 0.25
"""Maximum of the neighbours lost by a precision, divided by the neighbours lost by the shift."""

NEIGHBOURS = 20
"""Largest neighbourhood that is compared. With few songs it is at most half of them."""

MIN_SPEEDUP = 1.1
"""A precision that is less than this many times as fast as float32 is refused: it is not worth its error."""

MIN_SONGS = 16
"""With fewer songs, too few neighbourhoods are compared: the result would depend on which songs they are."""

MAX_SONGS = 32
WINDOWS_PER_SONG = 3
"""With 32 songs of 3 windows, 200 random samples of real clips all gave the same choice (docs/figures.md)."""

_MIN_CENTRED_NORM = 1e-6
"""Songs whose centred vectors are shorter than this, relative to their vectors, are equal."""


@dataclass(frozen=True)
class TrialSong:
    """Inputs of one song's windows, made by `Engine.prepare`.

    Attributes
    ----------
    aligned, shifted : np.ndarray [shape=(n, *input_shape), float32]
        Consecutive windows at the library's hop, and the same windows shifted by half a hop.
    """

    aligned: np.ndarray
    shifted: np.ndarray


@dataclass(frozen=True)
class Trial:
    """The measurements of one precision.

    Attributes
    ----------
    precision : str
    ms_per_window : float or None
        Wall time of the network; None if it could not run.
    cosine : float or None
        Minimum over the songs of the cosine between the pooled vector and the float32 vector. None if it was
        not measured.
    neighbours_lost : float or None
        See `neighbours_lost`: what the precision loses of float32's neighbours. None if it was not measured.
    problem : str
        Why the precision is refused; empty if it is accepted.
    """

    precision: str
    ms_per_window: float | None
    cosine: float | None
    neighbours_lost: float | None
    problem: str = ""


@dataclass(frozen=True)
class Choice:
    """The chosen precision and the measurements behind the choice.

    Attributes
    ----------
    lost_by_shift : float or None
        See `neighbours_lost`: what a shift by half a hop loses of float32's neighbours.
    """

    precision: str
    songs: int
    windows: int
    trials: tuple[Trial, ...]
    reason: str
    lost_by_shift: float | None = None

    def record(self) -> dict:
        """Return the choice as songs.db stores it."""
        return asdict(self)


def choose_precision(
    songs: Sequence[TrialSong],
    candidates: Sequence[str],
    open_candidate: Callable[[str], Engine],
    *,
    pooling: str = "max",
    progress: Callable[[], None] = lambda: None,
) -> Choice:
    """Measure precisions on songs, the fastest first, and choose the first one that is accurate enough.

    Parameters
    ----------
    songs : sequence of TrialSong
    candidates : sequence of str
        Precisions to measure besides float32.
    open_candidate : callable
        Opens the engine of a precision. If it raises EmbeddingError, that precision is refused.
    pooling : {"max", "mean"}
        The library's pooling method.
    progress : callable
        Called after each song, twice for float32.

    Returns
    -------
    Choice
        float32 if there are fewer than `MIN_SONGS` songs, or if no other precision is faster and accurate.
        Of the precisions that are slower than the chosen one, only the speed is measured.
    """
    windows = sum(len(song.aligned) for song in songs)
    if len(songs) < MIN_SONGS:
        reason = f"fewer than {MIN_SONGS} songs are too few to measure the other precisions"
        return Choice("float32", len(songs), windows, (), reason)
    aligned = [song.aligned for song in songs]
    both = aligned + [song.shifted for song in songs]
    exact = _Measurement("float32", open_candidate, both, pooling, progress)
    others = [_Measurement(name, open_candidate, aligned, pooling, progress) for name in candidates]
    vectors, shifted = np.split(exact.vectors(), 2)
    lost_by_shift = neighbours_lost(shifted, vectors)
    trials, chosen = [Trial("float32", exact.ms_per_window, 1.0, 0.0)], "float32"
    for other in sorted(others, key=lambda other: other.ms_per_window):
        if chosen == "float32":
            trial = _finish(other, exact, vectors, lost_by_shift)
            chosen = chosen if trial.problem else trial.precision
        else:
            problem = other.problem or f"{chosen} is faster and accurate enough"
            trial = Trial(other.precision, other.recorded_ms, None, None, problem)
        trials.append(trial)
    return Choice(chosen, len(songs), windows, tuple(trials), _explain(chosen, trials), lost_by_shift)


def _explain(chosen: str, trials: list[Trial]) -> str:
    if chosen != "float32":
        return "the fastest that keeps float32's neighbours"
    refused = [f"{trial.precision}: {trial.problem}" for trial in trials[1:]]
    return "; ".join(refused) or "there is no other precision"


class _Measurement:
    """Embeds songs with one engine and times it. The first batch is embedded at once, the others later.

    Parameters
    ----------
    inputs : list of np.ndarray [shape=(n, *input_shape), float32]
        Each song's inputs.
    """

    def __init__(
        self,
        precision: str,
        open_candidate: Callable[[str], Engine],
        inputs: list[np.ndarray],
        pooling: str,
        progress: Callable[[], None],
    ) -> None:
        self.precision, self.problem = precision, ""
        self._pooling, self._progress = pooling, progress
        self._vectors: list[np.ndarray] = []
        self.ms_per_window = np.inf
        try:
            self._engine = open_candidate(precision)
            self._batches = _full_batches(inputs, self._engine.batch_size)
            # The first run may compile or tune, so it is not timed.
            self._engine.embed(inputs[0])
            self._embed(self._batches.pop(0))
        except (EmbeddingError, RuntimeError) as error:
            # OpenVINO reports a precision that it cannot run on this processor as a RuntimeError.
            if precision == "float32":
                raise
            self.problem = f"it could not run ({_first_line(error)})"

    @property
    def recorded_ms(self) -> float | None:
        return None if self.problem else self.ms_per_window

    def vectors(self) -> np.ndarray:
        """Embed the remaining songs; return all pooled vectors [shape=(songs, 512)]."""
        while self._batches:
            self._embed(self._batches.pop(0))
        return np.array(self._vectors)

    def _embed(self, batch: list[np.ndarray]) -> None:
        inputs = np.concatenate(batch)
        started = time.perf_counter()
        frames = self._engine.embed(inputs)
        ms = 1000 * (time.perf_counter() - started) / len(inputs)
        # The minimum is the least disturbed by other programs.
        self.ms_per_window = min(self.ms_per_window, ms)
        ends = list(accumulate(map(len, batch)))
        for song in np.split(frames, ends[:-1]):
            self._vectors.append(pool(song, method=self._pooling))
            self._progress()


def _finish(
    measurement: _Measurement, exact: _Measurement, vectors: np.ndarray, lost_by_shift: float
) -> Trial:
    """Embed the remaining songs in a precision, and compare it with float32."""
    name = measurement.precision
    if measurement.problem:
        return Trial(name, None, None, None, measurement.problem)
    try:
        rounded = measurement.vectors()
    except EmbeddingError as error:
        return Trial(name, None, None, None, f"it could not run ({_first_line(error)})")
    cosine, lost = min_cosine(rounded, vectors), neighbours_lost(rounded, vectors)
    speedup = exact.ms_per_window / measurement.ms_per_window
    problem = find_problem(speedup=speedup, cosine=cosine, lost=lost, lost_by_shift=lost_by_shift)
    return Trial(name, measurement.ms_per_window, cosine, lost, problem)


def _full_batches(songs: Sequence[np.ndarray], batch_size: int) -> list[list[np.ndarray]]:
    """Group songs so that each group, except perhaps the last, has at least `batch_size` windows."""
    batches: list[list[np.ndarray]] = [[]]
    for song in songs:
        if sum(map(len, batches[-1])) >= batch_size:
            batches.append([])
        batches[-1].append(song)
    return batches


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def find_problem(*, speedup: float, cosine: float, lost: float, lost_by_shift: float) -> str:
    """Return why a precision is refused, or "".

    Parameters
    ----------
    speedup : float
        float32's time per window divided by that of the precision.
    cosine : float
        The result of `min_cosine`.
    lost, lost_by_shift : float
        What the precision and the shift by half a hop lose of float32's neighbours, from 0 to 1.
    """
    if cosine < MIN_COSINE:
        return f"the lowest cosine with float32 is {cosine:.5f}, below {MIN_COSINE}"
    if lost > MAX_SHARE_OF_SHIFT * lost_by_shift:
        return (
            f"it loses {lost:.1%} of float32's neighbours, more than a quarter of the {lost_by_shift:.1%} "
            "that a shift by half a hop loses"
        )
    if speedup < MIN_SPEEDUP:
        return f"it is not {MIN_SPEEDUP} times as fast as float32, but {speedup:.2f} times"
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


def neighbours_lost(vectors: np.ndarray, exact: np.ndarray, *, sizes: Sequence[int] | None = None) -> float:
    """Return the mean share of each row's nearest rows by `exact` that are not nearest by `vectors`.

    The nearest rows are those with the highest cosine after centring. The shares of several neighbourhood
    sizes are averaged, because that varies half as much between samples of songs as one size.

    Parameters
    ----------
    vectors, exact : np.ndarray [shape=(n, d)]
    sizes : sequence of int, optional
        The numbers of nearest rows; less than n. By default 1 to `NEIGHBOURS`, but at most half of the other
        rows: neighbourhoods of nearly all rows can lose nothing.

    Returns
    -------
    float
        From 0 to 1; 0 for fewer than three rows, which have only one possible neighbour each.
    """
    n = len(exact)
    sizes = sizes or range(1, min(NEIGHBOURS, (n - 1) // 2) + 1)
    if not sizes:
        return 0.0
    first, second = _nearest(vectors, max(sizes)), _nearest(exact, max(sizes))
    is_common = first[:, :, np.newaxis] == second[:, np.newaxis, :]
    return float(1 - np.mean([is_common[:, :k, :k].sum() / (n * k) for k in sizes]))


def _nearest(vectors: np.ndarray, k: int) -> np.ndarray:
    centred = vectors - vectors.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    # Equal songs differ from their mean only by rounding errors, which have no direction.
    smallest = _MIN_CENTRED_NORM * np.linalg.norm(vectors, axis=1, keepdims=True)
    centred = np.where(norms > smallest, centred / np.maximum(norms, np.finfo(float).tiny), 0)
    similarity = centred @ centred.T
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :k]


def describe_choice(choice: dict) -> str:
    """Describe a `Choice.record()` in one line: the chosen precision and each precision's measurements."""
    if not choice["trials"]:
        return f"{choice['precision']}, because {choice['reason']}."
    exact_ms = choice["trials"][0]["ms_per_window"]
    parts = [f"float32 {exact_ms:.1f} ms per window"]
    lost_by_shift = choice.get("lost_by_shift")
    if lost_by_shift is not None:
        parts.append(f"a shift by half a hop loses {lost_by_shift:.1%} of neighbours")
    parts += [_describe_trial(trial, exact_ms) for trial in choice["trials"][1:]]
    songs = f"{choice['windows']} windows of {choice['songs']} songs"
    return f"{choice['precision']}, measured on {songs} ({'; '.join(parts)})."


def _describe_trial(trial: dict, exact_ms: float) -> str:
    name, ms = trial["precision"], trial["ms_per_window"]
    if ms is None:
        return f"{name}: {trial['problem']}"
    text = f"{name} {exact_ms / ms:.1f} times as fast"
    if trial["cosine"] is None:
        return f"{text}, not measured further"
    if "neighbours_kept" in trial:
        # A trial that an older version recorded.
        neighbours = f"{trial['neighbours_kept']:.1%} of neighbours kept"
    else:
        neighbours = f"{trial['neighbours_lost']:.1%} of neighbours lost"
    text += f", lowest cosine {trial['cosine']:.5f}, {neighbours}"
    return f"{text}, refused" if trial["problem"] else text
