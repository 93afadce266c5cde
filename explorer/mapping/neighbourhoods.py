"""Compare maps with the vectors: which true neighbours of songs are near them, and which other songs are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from explorer.errors import MappingError
from explorer.mapping.similarity import as_matrix

_CHUNK_VALUES = 4_000_000
# In larger libraries a query costs milliseconds; this many queries give the measures to a hundredth.
_MANY_SONGS, _QUERIES_OF_MANY = 20_000, 1000

_MEASURES = ("trustworthiness", "continuity", "neighbours_kept")


class Judge:
    """A sample of songs with their true neighbourhoods, with which any number of maps can be compared.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, d), float32 or float64]
        What `centred_unit_rows` gives: Euclidean distances between rows are the true ones. They are
        computed in the precision of the rows. In single precision, the order of two songs is uncertain
        where their squared distances differ by less than a millionth of the squared lengths.
    sample : int
        How many songs at most are in the sample; at most 1,000 of more than 20,000.
    seed : int
        Of the sample.

    Raises
    ------
    MappingError
        If `rows` is not two-dimensional, a value is not finite, or `sample` is less than 1.
    """

    def __init__(self, rows: np.ndarray, *, sample: int = 2000, seed: int = 0):
        self._rows = as_matrix(rows, name="vectors")
        self._squares = np.einsum("ij,ij->i", self._rows, self._rows)
        self._queries = sampled(len(self._rows), sample, seed)

    def measures(
        self, maps: Mapping[str, np.ndarray], *, k: int = 15, kept_of: int = 10
    ) -> dict[str, dict[str, float | None]]:
        """Compare every map with the truth.

        Parameters
        ----------
        maps : mapping of str to np.ndarray [shape=(n, 2), float32]
            The maps by name.
        k : int
            How many neighbours trustworthiness and continuity look at; always fewer than half of the songs.
        kept_of : int
            How many neighbours to look for on the map, likewise.

        Returns
        -------
        dict of str to dict
            For each map its "trustworthiness", "continuity" and "neighbours_kept", each 0 to 1, higher is
            better, or None for fewer than 3 songs.

            Trustworthiness falls where strangers were put near: T(k) = 1 - 2 / (m k (2n - 3k - 1)) * sum of
            (r(i, j) - k) over the m sampled songs i and those of their k nearest on the map, j, that are
            not among their k nearest in truth, where r(i, j) is j's rank by true distance from i. Venna &
            Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001; there m = n.

            Continuity falls where neighbours were torn apart: the same with map and truth exchanged.
            Venna & Kaski, "Local multidimensional scaling", Neural Networks 19 (2006).

            Neighbours kept is the share of the `kept_of` nearest in truth that are among the `kept_of`
            nearest on the map.

        Raises
        ------
        MappingError
            If a map has not one position a song, a value is not finite, or `k` or `kept_of` is less than 1.
        """
        if min(k, kept_of) < 1:
            raise MappingError(f"k={min(k, kept_of)} must be at least 1")
        n = len(self._rows)
        maps = {name: _checked_positions(positions, n) for name, positions in maps.items()}
        if n < 3:
            return {name: dict.fromkeys(_MEASURES) for name in maps}
        k, kept_of = below_half(k, n), below_half(kept_of, n)
        sums = {name: np.zeros(3, dtype=np.int64) for name in maps}
        for chunk in chunks(self._queries, n):
            for query, distances in zip(chunk, self._squared_distances(chunk), strict=True):
                truth = _Surroundings(distances, max(k, kept_of))
                for name, positions in maps.items():
                    shown = _Surroundings(_squared_distances_from(query, positions), max(k, kept_of))
                    common = np.intersect1d(truth.nearest[:kept_of], shown.nearest[:kept_of])
                    sums[name] += truth.excess(shown, k), shown.excess(truth, k), len(common)
        asked = len(self._queries)
        worst = asked * k * (2 * n - 3 * k - 1)
        return {
            name: {
                "trustworthiness": 1.0 - 2.0 * int(strangers) / worst,
                "continuity": 1.0 - 2.0 * int(torn) / worst,
                "neighbours_kept": int(kept) / (asked * kept_of),
            }
            for name, (strangers, torn, kept) in sums.items()
        }

    def _squared_distances(self, queries):
        distances = self._rows[queries] @ self._rows.T
        distances *= -2.0
        distances += self._squares
        distances += self._squares[queries][:, None]
        distances[np.arange(len(queries)), queries] = np.inf
        return distances


class _Surroundings:
    """The nearest songs of a song, ties by row, and the ranks of all others."""

    def __init__(self, distances, k):
        self._distances = distances
        self._sorted = np.sort(distances)
        near = np.flatnonzero(distances <= self._sorted[k - 1])
        self.nearest = near[np.argsort(distances[near], kind="stable")[:k]]

    def excess(self, other, k):
        """Sum up by how much the ranks, here, of the k nearest of `other` exceed k."""
        ranks = np.searchsorted(self._sorted, self._distances[other.nearest[:k]]) + 1
        return int(np.maximum(ranks - k, 0).sum())


def _checked_positions(positions, n):
    positions = as_matrix(positions, name="positions")
    if len(positions) != n:
        raise MappingError(f"{len(positions)} positions were given for {n} songs")
    return positions.astype(np.float64)


def sampled(n: int, sample: int, seed: int) -> np.ndarray:
    """Choose rows of n, ascending: at most `sample`, and at most 1,000 of more than 20,000."""
    if sample < 1:
        raise MappingError(f"sample={sample} must be at least 1")
    if n > _MANY_SONGS:
        sample = min(sample, _QUERIES_OF_MANY)
    return np.sort(np.random.default_rng(seed).choice(n, min(n, sample), replace=False))


def below_half(k: int, n: int) -> int:
    """Return k, but less than half of n."""
    # With k beyond half of the songs, trustworthiness is not normalised and chance keeps most neighbours.
    return min(k, (n - 1) // 2)


def chunks(queries: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Cut queries into pieces whose distances to all n songs take some tens of megabytes."""
    rows = max(1, _CHUNK_VALUES // n)
    for start in range(0, len(queries), rows):
        yield queries[start : start + rows]


def _squared_distances_from(query, positions):
    distances = np.zeros(len(positions))
    for values in positions.T:
        distances += (values - values[query]) ** 2
    distances[query] = np.inf
    return distances
