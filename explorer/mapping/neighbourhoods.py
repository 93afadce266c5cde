"""Measures how well maps keep the songs' true neighbours: trustworthiness, continuity, neighbours kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.unit_rows import as_matrix

_CHUNK_VALUES = 4_000_000
# In a library of more than 20,000 songs a query takes milliseconds, so at most 1,000 songs are queried. They
# estimate the measures to within 0.01.
_MANY_SONGS, _QUERIES_OF_MANY = 20_000, 1000

_MEASURES = ("trustworthiness", "continuity", "neighbours_kept")


class MapComparison:
    """Compares maps with the true distances between songs, for a sample of the songs.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        The result of `centred_unit_rows`. The true distance of two songs is the Euclidean distance of
        their rows, computed in the precision of the rows. In single precision, the order of two songs is
        uncertain if their squared distances differ by less than a millionth of the squared lengths.
    sample : int
        The largest size of the sample. In libraries of more than 20,000 songs it is at most 1,000.
    seed : int
        The seed for choosing the sample.

    Raises
    ------
    MappingError
        If `rows` is not two-dimensional, a value is not finite, or `sample` is less than 1.
    """

    def __init__(self, rows: np.ndarray, *, sample: int = 2000, seed: int = 0):
        self._rows = as_matrix(rows, name="vectors")
        self._squares = np.einsum("ij,ij->i", self._rows, self._rows)
        self._queries = sample_rows(len(self._rows), sample, seed)

    def measures(
        self,
        maps: Mapping[str, np.ndarray],
        *,
        k: int = 15,
        kept_of: int = 10,
        progress: Callable[[float], None] | None = None,
    ) -> dict[str, dict[str, float | None]]:
        """Measure every map.

        Parameters
        ----------
        maps : mapping of str to np.ndarray [shape=(n, 2), float32]
            The maps by name.
        k : int
            The number of neighbours that trustworthiness and continuity use; `below_half` limits it.
        kept_of : int
            The number of neighbours that "neighbours_kept" uses; `below_half` limits it too.
        progress : callable, optional
            Called with the completed share, from 0.0 to 1.0.

        Returns
        -------
        dict of str to dict
            For each map its "trustworthiness", "continuity" and "neighbours_kept". Each is 0 to 1, higher
            is better, and None for fewer than 3 songs.

            Trustworthiness is low if the map shows songs close together that are truly far apart:
            T(k) = 1 - 2 / (m k (2n - 3k - 1)) * sum of (r(i, j) - k). The sum is over the m sampled songs i
            and over the songs j that are among the k nearest of i on the map but not among the k truly
            nearest. r(i, j) is the rank of j by true distance from i. Venna & Kaski, "Neighborhood
            preservation in nonlinear projection methods", ICANN 2001; there m = n.

            Continuity is low if the map separates true neighbours: the same formula with the map and the
            true distances exchanged. Venna & Kaski, "Local multidimensional scaling", Neural Networks 19
            (2006).

            "neighbours_kept" is the share of the `kept_of` true neighbours that are among the `kept_of`
            nearest on the map.

        Raises
        ------
        MappingError
            If a map does not have one position for each song, a value is not finite, or `k` or `kept_of` is
            less than 1.
        """
        if min(k, kept_of) < 1:
            raise MappingError(f"k={min(k, kept_of)} must be at least 1")
        n = len(self._rows)
        maps = {name: _checked_positions(positions, n) for name, positions in maps.items()}
        if n < 3:
            return {name: dict.fromkeys(_MEASURES) for name in maps}
        k, kept_of = below_half(k, n), below_half(kept_of, n)
        sums = {name: np.zeros(3, dtype=np.int64) for name in maps}
        done = 0
        for chunk in query_chunks(self._queries, n):
            for query, distances in zip(chunk, self._squared_distances(chunk), strict=True):
                true = _Ranks(distances, max(k, kept_of))
                for name, positions in maps.items():
                    on_map = _Ranks(_squared_distances_from(query, positions), max(k, kept_of))
                    common = np.intersect1d(true.nearest[:kept_of], on_map.nearest[:kept_of])
                    sums[name] += true.excess(on_map, k), on_map.excess(true, k), len(common)
            done += len(chunk)
            if progress:
                progress(done / len(self._queries))
        n_queries = len(self._queries)
        normaliser = n_queries * k * (2 * n - 3 * k - 1)
        return {
            name: {
                "trustworthiness": 1.0 - 2.0 * int(false_neighbours) / normaliser,
                "continuity": 1.0 - 2.0 * int(lost_neighbours) / normaliser,
                "neighbours_kept": int(kept) / (n_queries * kept_of),
            }
            for name, (false_neighbours, lost_neighbours, kept) in sums.items()
        }

    def _squared_distances(self, queries):
        distances = self._rows[queries] @ self._rows.T
        distances *= -2.0
        distances += self._squares
        distances += self._squares[queries][:, None]
        distances[np.arange(len(queries)), queries] = np.inf
        return distances


class _Ranks:
    """The other songs ranked by distance from one song; `nearest` holds the first k, ties by row."""

    def __init__(self, distances, k):
        self._distances = distances
        candidates = np.flatnonzero(distances <= np.partition(distances, k - 1)[k - 1])
        self.nearest = candidates[np.argsort(distances[candidates], kind="stable")[:k]]

    def excess(self, other, k):
        """Sum max(rank - k, 0) over the k nearest songs of `other`, with the ranks of this object."""
        # Counting the nearer songs of a few is ten times as fast as sorting all of a large library.
        nearer = [np.count_nonzero(self._distances < limit) for limit in self._distances[other.nearest[:k]]]
        ranks = np.array(nearer) + 1
        return int(np.maximum(ranks - k, 0).sum())


def _checked_positions(positions, n):
    positions = as_matrix(positions, name="positions")
    if len(positions) != n:
        raise MappingError(f"{len(positions)} positions were given for {n} songs")
    return positions.astype(np.float64)


def sample_rows(n: int, sample: int, seed: int) -> np.ndarray:
    """Choose at most `sample` of n rows, and at most 1,000 if n is above 20,000; ascending."""
    if sample < 1:
        raise MappingError(f"sample={sample} must be at least 1")
    if n > _MANY_SONGS:
        sample = min(sample, _QUERIES_OF_MANY)
    return np.sort(np.random.default_rng(seed).choice(n, min(n, sample), replace=False))


def below_half(k: int, n: int) -> int:
    """Limit k to less than half of n."""
    # For a larger k, the formula of trustworthiness is not valid, and a random map keeps most neighbours.
    return min(k, (n - 1) // 2)


def query_chunks(queries: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Split queries into chunks whose distances to all n songs take some tens of megabytes."""
    rows = max(1, _CHUNK_VALUES // n)
    for start in range(0, len(queries), rows):
        yield queries[start : start + rows]


def _squared_distances_from(query, positions):
    distances = np.zeros(len(positions))
    for values in positions.T:
        distances += (values - values[query]) ** 2
    distances[query] = np.inf
    return distances
