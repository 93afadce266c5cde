"""Decides which similar songs are worth showing: the others do not sound like the song at all."""

from __future__ import annotations

MIN_SIMILARITY = 0.2
"""The least centred cosine of songs that the page calls similar.

Measured on 187 real clips (untrained filters): two random clips have 0.00 on average, and 80 % of all pairs
are below 0.2. From there on, two clips share their genre more often than by chance (7 % of pairs at 0.2 to
0.3, 14 % at 0.4 to 0.6, 6 % of all pairs). All but 1 of the 187 have ten neighbours above it; with 0.3, a
fifth has not.
"""

FEW_SONGS = 30
"""In a library of fewer songs, similarities are corrected, and t-SNE and UMAP are not offered: with 15 songs
t-SNE draws one line."""


def similarity_among(similarity: float, n_songs: int) -> float:
    """Return how similar two songs of a library are, given their centred cosine.

    The average that is subtracted contains both songs, so two unrelated songs have -1 / (n - 1) instead of 0:
    in a library of two songs every pair has -1. Measured with random sets of the 187 clips, against the
    similarity in the whole collection: with 3 songs the centred cosine is 0.47 too low, and this value 0.00
    (root mean square error 0.54 and 0.22); with 10 songs 0.10 and 0.01. Plain cosines, without any average,
    are no way out: almost all are above 0.99, and they hardly depend on the songs (correlation 0.36). Two
    songs alone always get 0, as nothing can be said about them.
    """
    if not 2 <= n_songs < FEW_SONGS:
        return similarity
    return min((similarity * (n_songs - 1) + 1) / n_songs, 1.0)


def worth_naming(neighbours: list[tuple[int, float]], *, n_songs: int | None) -> list[tuple[int, float]]:
    """Return the neighbours that sound like a song, with their similarities; possibly none.

    Parameters
    ----------
    neighbours : list of (int, float)
        The numbers of songs, and their centred cosines.
    n_songs : int or None
        The number of songs in the library, if the song is one of them. The average does not contain an
        uploaded song, so its similarities need no correction.
    """
    corrected = [
        (number, similarity if n_songs is None else similarity_among(similarity, n_songs))
        for number, similarity in neighbours
    ]
    return [(number, similarity) for number, similarity in corrected if similarity >= MIN_SIMILARITY]
