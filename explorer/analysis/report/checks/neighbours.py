"""Checks that the neighbour search is correct, looks for hubs, and tests if neighbours share a genre.

Similarity is the cosine of two vectors after subtracting the library's mean vector from both, as in the whole
program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.analysis.report.checks.check import (
    FAILED,
    NOT_JUDGED,
    NOTED,
    PASSED,
    Check,
    make_check,
    name_songs,
)
from explorer.mapping.neighbourhoods import below_half, query_chunks, sample_rows
from explorer.mapping.quality import hubness, label_purity, shared_labels
from explorer.mapping.similarity import Neighbours, SongVectors

NEIGHBOURS = 10
MAX_QUERIES = 1_000
_MAX_SEARCHES = 100
_MAX_RANDOM_PAIRS = 20_000
_TOLERANCE = 1e-5
_MIN_LABELLED_SONGS = 50
_MIN_SONGS_FOR_HUBS = 50
# A song is a hub if it is among the nearest of more than this share of all songs.
_HUB_SHARE = 0.2


@dataclass(frozen=True)
class NeighbourSample:
    """The exact k nearest neighbours of a sample of m songs (the queries), and similarities of random pairs.

    Attributes
    ----------
    queries : np.ndarray [shape=(m,), int]
        Rows of the library.
    indices : np.ndarray [shape=(m, k), int]
        The rows of each query's neighbours, the most similar first, without the query itself.
    similarities : np.ndarray [shape=(m, k), float32]
        The similarity of each query and each of its neighbours.
    random_similarities : np.ndarray [shape=(r,), float32]
    """

    queries: np.ndarray
    indices: np.ndarray
    similarities: np.ndarray
    random_similarities: np.ndarray


def sample_neighbours(directions: np.ndarray, *, k: int = NEIGHBOURS, seed: int = 0) -> NeighbourSample:
    """Find the exact neighbours of at most 1,000 songs, and the similarities of random pairs.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, 512), float32]
        Centred unit vectors, as `centred_unit_rows` returns them.
    """
    n = len(directions)
    k = min(k, max(n - 1, 0))
    queries = sample_rows(n, MAX_QUERIES, seed) if n else np.empty(0, dtype=np.int64)
    parts = [(np.empty((0, k), dtype=np.int64), np.empty((0, k), dtype=np.float32))]
    for chunk in query_chunks(queries, n) if n else ():
        similarities = directions[chunk] @ directions.T
        similarities[np.arange(len(chunk)), chunk] = -np.inf
        nearest = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(similarities, nearest, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        parts.append([np.take_along_axis(array, order, axis=1) for array in (nearest, values)])
    indices, similarities = map(np.concatenate, zip(*parts, strict=True))
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, max(n, 1), size=(_MAX_RANDOM_PAIRS if n > 1 else 0, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    random_similarities = np.einsum("ij,ij->i", directions[pairs[:, 0]], directions[pairs[:, 1]])
    return NeighbourSample(queries, indices, similarities, random_similarities)


def check_search(songs: SongVectors, identical: Sequence[Sequence[str]], *, seed: int = 0) -> Check:
    """Check the search for similar songs on a sample, against cosines in double precision.

    Each song must be its own nearest song, songs with the same vector must be each other's nearest, and the
    similarity of two songs must be the same whichever of them is the query.

    Parameters
    ----------
    songs : SongVectors
    identical : sequence of sequence of str
        Groups of songs with the same vector.
    """
    name = "The search for similar songs is correct"
    if len(songs) < 3:
        return make_check(name, NOT_JUDGED, "There are too few songs to have neighbours.")
    vectors, search = songs.vectors, songs.neighbours
    sample = np.random.default_rng(seed).choice(len(vectors), min(len(vectors), _MAX_SEARCHES), replace=False)
    copies_of = {song: group for group in identical for song in group}
    copies = [songs.row_of(group[0]) for group in identical][:_MAX_SEARCHES]
    queries = list(dict.fromkeys([*copies, *np.sort(sample).tolist()]))
    wrong, largest_error = [], 0.0
    for row in queries:
        # A vector equal to the library's mean has no direction, and so no similarity.
        if not search.rows[row].any():
            continue
        nearest, similarities = search.nearest_to(vectors[row], min(NEIGHBOURS, len(vectors)))
        same_vector = [row, *(songs.row_of(song) for song in copies_of.get(songs.song_ids[row], ()))]
        similarities_to_copies = search.rows[same_vector].astype(np.float64) @ search.direction(vectors[row])
        if similarities_to_copies.min() < similarities[0] - _TOLERANCE:
            wrong.append(songs.song_ids[row])
        largest_error = max(largest_error, _similarity_error(vectors, search, row, nearest, similarities))
    if wrong:
        finding = (
            f"The search for {len(wrong)} of {len(queries)} songs did not find the song itself first: "
            f"{name_songs(wrong)}. This is an error in the program: please report it."
        )
        return make_check(name, FAILED, finding, wrong)
    if largest_error > _TOLERANCE:
        finding = (
            f"Similarities are wrong by up to {largest_error:.1g}, or depend on which song of a pair is the "
            "query. This is an error in the program: please report it."
        )
        return make_check(name, FAILED, finding)
    finding = (
        f"The search for each of {len(queries):,} songs finds the song itself first, and songs with the same "
        f"vector next; similarities are exact to {_TOLERANCE:g}."
    )
    return make_check(name, PASSED, finding)


def _similarity_error(
    vectors: np.ndarray, search: Neighbours, row: int, nearest: np.ndarray, similarities: np.ndarray
) -> float:
    """Return the largest error of a song's similarities to its nearest songs.

    The last one is also compared with the similarity in the other direction, from that neighbour to the song.
    """
    query = vectors[row].astype(np.float64) - search.mean
    others = vectors[nearest].astype(np.float64) - search.mean
    lengths = np.linalg.norm(query) * np.linalg.norm(others, axis=1)
    exact = np.divide(others @ query, lengths, out=np.zeros(len(nearest)), where=lengths > 1e-6)
    reverse = float(search.direction(vectors[nearest[-1]]) @ search.rows[row].astype(np.float64))
    return max(float(np.abs(exact - similarities).max()), abs(reverse - float(similarities[-1])))


def check_hubs(facts: dict, song_ids: Sequence[str], songs: int) -> Check:
    """Note a song that is among the nearest of very many others.

    Parameters
    ----------
    facts : dict
        As `measure_hubs` returns them.
    songs : int
        The number of songs in the library.
    """
    name = "No song is near to all others"
    if facts.get("largest_hub") is None or songs < _MIN_SONGS_FOR_HUBS:
        finding = f"There are fewer than {_MIN_SONGS_FOR_HUBS} songs, or there is no map yet."
        return make_check(name, NOT_JUDGED, finding)
    largest, skewness = facts["largest_hub"], facts["hubness"]
    hub = [facts["hub"]] if facts.get("hub") in song_ids else []
    finding = (
        f"The song that is most often a neighbour is among the ten nearest of {largest:,} of {songs:,} "
        f"songs. Hubness is {skewness:.2f}: near 0 if all songs are neighbours about equally often, high if "
        "a few songs are neighbours of very many."
    )
    return make_check(name, NOTED if largest > _HUB_SHARE * songs else PASSED, finding, hub)


@dataclass(frozen=True)
class GenrePurity:
    """How often the neighbours of songs with a label have the same label.

    Attributes
    ----------
    labelled, labels : int
        The number of songs that share their label with another song, and the number of their labels.
    purity : float
        The share of neighbours with the same label.
    error : float
        The standard error of `purity`, over the sampled songs.
    chance : float
        The expected purity if the labels are shuffled: the mean over all ways to shuffle them.
    per_label : dict
        The number of songs, purity and chance of each label; the most frequent label first.
    """

    labelled: int
    labels: int
    purity: float
    error: float
    chance: float
    per_label: dict[str, dict]

    def record(self) -> dict:
        """Return the fields as a dict for JSON."""
        return dict(vars(self))


def measure_purity(
    directions: np.ndarray, labels: Sequence[str], *, k: int = NEIGHBOURS, seed: int = 0
) -> GenrePurity | None:
    """Measure how often neighbours have the same label, and how often they would with shuffled labels.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, 512), float32]
        Centred unit vectors.
    labels : sequence of str [length=n]
        Such as genres; "" for none. Songs without a label, or whose label no other song has, are left out,
        as queries and as neighbours.

    Returns
    -------
    GenrePurity or None
        None if fewer than two labels belong to more than one song, or fewer than five songs have such a
        label.
    """
    names, codes = shared_labels(labels)
    labelled = np.flatnonzero(codes >= 0)
    if len(labelled) < 5 or len(names) < 2:
        return None
    # If k were more than half of the songs, all songs would have mostly the same neighbours.
    sample = sample_neighbours(directions[labelled], k=below_half(k, len(labelled)), seed=seed)
    codes = codes[labelled]
    purity = label_purity(names[codes], sample.indices, queried=sample.queries)
    return GenrePurity(
        labelled=len(labelled),
        labels=len(names),
        purity=purity.purity,
        error=float(purity.shares.std(ddof=1) / np.sqrt(len(purity.shares))),
        chance=purity.chance,
        per_label=_purity_per_label(names, codes, sample.queries, purity.shares),
    )


def _purity_per_label(
    names: np.ndarray, codes: np.ndarray, queries: np.ndarray, shares: np.ndarray
) -> dict[str, dict]:
    sizes = np.bincount(codes)
    return {
        str(names[code]): {
            "songs": int(sizes[code]),
            "purity": float(shares[codes[queries] == code].mean()),
            "chance": float((sizes[code] - 1) / (len(codes) - 1)),
        }
        for code in sorted(np.unique(codes[queries]), key=lambda code: (-sizes[code], code))
    }


def check_genres(purity: GenrePurity | None, *, is_trained: bool | None) -> Check:
    """Check that neighbours share a genre more often than by chance.

    Parameters
    ----------
    is_trained : bool or None
        Whether the vectors come from trained filters; only those must be better than chance. None if the
        model is unknown.
    """
    name = "Neighbours share a genre"
    if purity is None or purity.labelled < _MIN_LABELLED_SONGS:
        finding = (
            f"Fewer than {_MIN_LABELLED_SONGS} songs share their genre with another song, or there is "
            "only one genre."
        )
        return make_check(name, NOT_JUDGED, finding)
    finding = (
        f"Of the ten songs nearest to a song, {purity.purity:.0%} (± {purity.error:.1%}) share its genre; "
        f"with shuffled genres it would be {purity.chance:.0%}."
    )
    is_above_chance = purity.purity > purity.chance + 2 * purity.error
    if not is_above_chance:
        finding += " That is no better than chance."
    if is_trained:
        return make_check(name, PASSED if is_above_chance else FAILED, finding)
    reason = "from untrained filters" if is_trained is False else "of an unknown model"
    finding += f" The vectors are {reason}, so this check cannot fail."
    return make_check(name, NOTED, finding)


def measure_hubs(neighbours: np.ndarray | None, song_ids: Sequence[str], stored: Mapping) -> dict:
    """Measure hubness, and find the hub: the song that is among the ten nearest of the most songs.

    Parameters
    ----------
    neighbours : np.ndarray [shape=(n, 10), int32] or None
        Every song's nearest songs; None if they were not computed.
    stored : mapping
        The hubness that was stored with the map; used if `neighbours` is None.

    Returns
    -------
    dict
        `hubness` (skewness), `largest_hub` (how many songs have the hub among their ten nearest) and `hub`
        (its song id); each is None if it is unknown.
    """
    measured = None if neighbours is None else hubness(neighbours, len(song_ids))
    if measured is None:
        return {"hubness": stored.get("hubness"), "largest_hub": stored.get("largest_hub"), "hub": None}
    hub = song_ids[int(np.bincount(neighbours.ravel(), minlength=len(song_ids)).argmax())]
    return {"hubness": measured.skewness, "largest_hub": measured.largest, "hub": hub}
