"""Compares ways to pool a song's windows into its vector, by how often neighbours share the genre.

Only neighbours by other artists count: songs of one artist share the genre, the studio and often the album,
so they are neighbours with every pooling (Flexer & Schnitzer, "Effects of album and artist filters in audio
similarity computed for very large music databases", Computer Music Journal 34, 2010).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.mapping.neighbourhoods import below_half
from explorer.mapping.quality import shared_labels
from explorer.mapping.unit_rows import centred_unit_rows

NEIGHBOURS = 10
MAX_SONGS = 3_000
"""Of more songs, a random sample is compared: this many take about 20 s and 300 MB."""

DEFAULT = "max"
METHODS = ("max", "mean", "mean_deviation")
STORED = "stored"
"""The name of the library's stored vectors, which are compared as well."""

_MIN_SONGS, _MIN_ARTISTS = 20, 10
_REPLICATES = 500
# Of so many times k neighbours, some are left after artists are left out at random.
_SPARE_NEIGHBOURS = 4
_STANDARD_ERRORS = 1.96
# Two poolings are compared with the default: each interval covers 97.5 %, so that both cover 95 % together.
_STANDARD_ERRORS_OF_DIFFERENCE = 2.24


def pool_windows(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Pool a song's windows in each way.

    Parameters
    ----------
    frames : np.ndarray [shape=(t, 512), float32]
        One row per window.

    Returns
    -------
    dict of str to np.ndarray [float32]
        "max" and "mean" [shape=(512,)], and "mean_deviation": the mean, then the standard deviation
        [shape=(1024,)].
    """
    mean = frames.mean(axis=0)
    return {
        "max": frames.max(axis=0),
        "mean": mean,
        "mean_deviation": np.concatenate([mean, frames.std(axis=0)]),
    }


@dataclass(frozen=True)
class LabelledSongs:
    """Songs with a genre and artists, pooled in different ways.

    Attributes
    ----------
    genres : sequence of str, length n
    artists : sequence of sequence of str, length n
        At least one artist for each song.
    pooled : dict of str to np.ndarray [shape=(n, d)]
        The vectors by pooling: those of `METHODS`, and perhaps `STORED`.
    """

    genres: Sequence[str]
    artists: Sequence[Sequence[str]]
    pooled: Mapping[str, np.ndarray]

    def select(self, rows: np.ndarray) -> LabelledSongs:
        """Return some of the songs."""
        return LabelledSongs(
            [self.genres[row] for row in rows],
            [self.artists[row] for row in rows],
            {name: vectors[rows] for name, vectors in self.pooled.items()},
        )


def compare_poolings(songs: LabelledSongs, *, seed: int = 0) -> dict | None:
    """Measure how often neighbours by other artists share the genre, for each pooling.

    Only songs count whose genre a song by another artist has too. Intervals come from a bootstrap over
    artists, because songs of one artist are not independent. Artists are drawn both for the songs asked and
    for their neighbours, because songs that have a neighbour in common are not independent either: this gives
    intervals that are rather too wide than too narrow (Owen, "The pigeonhole bootstrap", Annals of Applied
    Statistics 1, 2007). All poolings are measured on the same draws, so that their difference is too.

    Returns
    -------
    dict or None
        None if fewer than 20 songs, 10 artists or two genres count. `songs`, `artists` and `genres` (how many
        count), `neighbours` (the number k for each song), `chance` and `same_artist_chance`; `poolings`, for
        each pooling a dict of `purity`, `low`, `high`, `is_above_chance` and `same_artist_purity` (if songs
        by the same artist count too); `differences`, for each pooling but the maximum a dict of
        `difference` (its purity minus that of the maximum), `low`, `high` and `is_beyond_chance`; and
        `stored_kept`, the share of the nearest songs by the stored vectors that are also nearest by the
        maximum of the windows (None without stored vectors).
    """
    same_artist = _share_an_artist(songs.artists)
    counts = (_share(shared_labels(songs.genres)[1]) & ~same_artist).any(axis=1)
    rows = np.flatnonzero(counts)
    songs, same_artist = songs.select(rows), same_artist[np.ix_(rows, rows)]
    codes = shared_labels(songs.genres)[1]
    artist_codes = np.unique([names[0] for names in songs.artists], return_inverse=True)[1]
    n, n_artists, n_genres = len(rows), len(set(artist_codes.tolist())), len(set(codes.tolist()))
    if n < _MIN_SONGS or n_artists < _MIN_ARTISTS or n_genres < 2:
        return None
    k = below_half(NEIGHBOURS, n)
    draws = np.random.default_rng(seed).multinomial(n_artists, np.full(n_artists, 1 / n_artists), _REPLICATES)
    # The first column is the library as it is: every song once.
    weights = np.concatenate([np.ones((n, 1)), draws.T[artist_codes]], axis=1).astype(np.float32)
    same_genre = _share(codes)
    chances = _chances(same_genre, ~same_artist, weights)
    purities, same_artist_purity, nearest = {}, {}, {}
    for name, vectors in songs.pooled.items():
        directions = centred_unit_rows(vectors)[0]
        similarities = directions @ directions.T
        np.fill_diagonal(similarities, -np.inf)
        all_nearest = _nearest(similarities, k)
        same_artist_purity[name] = float(np.take_along_axis(same_genre, all_nearest, axis=1).mean())
        nearest[name] = all_nearest
        similarities[same_artist] = -np.inf
        purities[name] = _purities(similarities, same_genre, weights, k)
    return {
        "songs": n,
        "artists": n_artists,
        "genres": n_genres,
        "neighbours": k,
        "chance": float(chances[0]),
        "same_artist_chance": float((same_genre.sum() - n) / (n * (n - 1))),
        "poolings": {
            name: _purity(values, chances) | {"same_artist_purity": same_artist_purity[name]}
            for name, values in purities.items()
        },
        "differences": {
            name: _difference(values - purities[DEFAULT])
            for name, values in purities.items()
            if name != DEFAULT
        },
        "stored_kept": _kept(nearest[STORED], nearest[DEFAULT]) if STORED in nearest else None,
    }


def _share_an_artist(artists: Sequence[Sequence[str]]) -> np.ndarray:
    """Return which songs have an artist in common [shape=(n, n), bool]; each song has with itself."""
    rows_by_name: dict[str, list[int]] = {}
    for row, names in enumerate(artists):
        for name in names:
            rows_by_name.setdefault(name, []).append(row)
    shared = np.eye(len(artists), dtype=bool)
    for rows in rows_by_name.values():
        shared[np.ix_(rows, rows)] = True
    return shared


def _share(codes: np.ndarray) -> np.ndarray:
    """Return which songs have the same code [shape=(n, n), bool]; the code -1 is none."""
    return (codes[:, None] == codes) & (codes >= 0)


def _chances(same_genre: np.ndarray, is_other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the purity of random neighbours by other artists, for each column of weights."""
    matching = (same_genre & is_other).astype(np.float32) @ weights
    others = is_other.astype(np.float32) @ weights
    return _weighted_mean(np.divide(matching, others, out=np.zeros_like(others), where=others > 0), weights)


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (values * weights).sum(axis=0, dtype=np.float64) / weights.sum(axis=0, dtype=np.float64)


def _nearest(similarities: np.ndarray, k: int) -> np.ndarray:
    """Return the columns of the k largest values of each row, the largest first."""
    found = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(similarities, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def _purities(similarities: np.ndarray, same_genre: np.ndarray, weights: np.ndarray, k: int) -> np.ndarray:
    """Return the mean share of the nearest songs with the same genre, for each column of weights.

    A song with the weight 2 counts as two songs at the same place. A similarity of -inf is no neighbour.
    """
    nearest = _nearest(similarities, min(_SPARE_NEIGHBOURS * k, len(similarities) - 1))
    is_neighbour = np.isfinite(np.take_along_axis(similarities, nearest, axis=1))
    is_match = np.take_along_axis(same_genre, nearest, axis=1)
    means = []
    for column in weights.T:
        # How many of the k neighbours are filled by this song and those before it.
        filled = np.minimum(np.cumsum(column[nearest] * is_neighbour, axis=1), k)
        taken = np.diff(filled, axis=1, prepend=0)
        total = filled[:, -1]
        matches = (taken * is_match).sum(axis=1)
        shares = np.divide(matches, total, out=np.zeros_like(matches), where=total > 0)
        means.append(_weighted_mean(shares, column * (total > 0)))
    return np.array(means)


def _purity(purities: np.ndarray, chances: np.ndarray) -> dict:
    """Return the purity of the library as it is, the first value, and its interval.

    The interval is that of its distance from chance, which varies with the draws too: so chance lies outside
    the interval if the purity is above it for certain.
    """
    purity, half = float(purities[0]), _STANDARD_ERRORS * float((purities - chances)[1:].std())
    low, high = max(purity - half, 0.0), min(purity + half, 1.0)
    return {"purity": purity, "low": low, "high": high, "is_above_chance": bool(low > chances[0])}


def _difference(values: np.ndarray) -> dict:
    difference, half = float(values[0]), _STANDARD_ERRORS_OF_DIFFERENCE * float(values[1:].std())
    interval = {"difference": difference, "low": difference - half, "high": difference + half}
    return interval | {"is_beyond_chance": abs(difference) > half}


def _kept(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of the neighbours [both shape=(n, k)] that are the same."""
    kept = [len(set(row) & set(other)) for row, other in zip(first.tolist(), second.tolist(), strict=True)]
    return float(np.mean(kept) / first.shape[1])
