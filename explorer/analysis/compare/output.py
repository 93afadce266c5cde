"""Formats a comparison as text for a terminal and as a dict for JSON."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.analysis.compare.captions import song_label
from explorer.analysis.compare.chosen_songs import ComparedSongs
from explorer.analysis.compare.comparison import Comparison
from explorer.analysis.compare.groups import Groups
from explorer.analysis.compare.matrices import Matrices
from explorer.analysis.compare.pairs import Pairs
from explorer.database.records import SongRow
from explorer.util.text import printable


def to_dict(comparison: Comparison) -> dict:
    """Return a comparison as a dict for JSON.

    Returns
    -------
    dict
        `songs` (their number), `song_ids`, `labels`, `closest` and `farthest` (lists of `a`, `b`, `a_title`,
        `b_title`, `similarity`, `distance`), `figures`, `centred`, `model` and `notes`.

        For up to 60 songs, also `order`, `similarity` and `distance`, with rows and columns in the order of
        `song_ids`; `genres` is None. For more songs, these three are in the dict `genres` instead, with a row
        and a column for each group of songs.
    """
    compared = comparison.compared
    result = {
        "songs": len(compared),
        "song_ids": [song.song_id for song in compared.songs],
        "labels": [_full_label(song) for song in compared.songs],
        "closest": _pairs(compared, comparison.closest),
        "farthest": _pairs(compared, comparison.farthest),
        "figures": [str(path) for path in comparison.figures],
        "centred": compared.is_centred,
        "genres": None,
        "model": compared.model,
        "notes": comparison.notes,
    }
    if comparison.groups is None:
        return result | _matrices(comparison.matrices)
    return result | {"genres": _groups(comparison.groups, comparison.similarity_within, comparison.matrices)}


def describe(comparison: Comparison) -> str:
    """Return a comparison as lines for a terminal."""
    compared = comparison.compared
    lines = [f"Compared {len(compared):,} songs."]
    lines += [f"  {note}" for note in comparison.notes]
    lines.append("Figures:")
    lines += [f"  {path}" for path in comparison.figures]
    for title, pairs in (("Closest", comparison.closest), ("Farthest", comparison.farthest)):
        if len(pairs):
            lines += [f"{title} pairs (similarity, distance):", *_pair_lines(compared, pairs)]
    if any(compared.stars):
        lines.append("A star marks a file from outside the library.")
    return "\n".join(map(printable, lines))


def _full_label(song: SongRow) -> str:
    return f"{song.title} · {song.artist}" if song.artist else song.title


def _with_distances(compared: ComparedSongs, pairs: Pairs) -> Iterator[tuple[int, int, float, float]]:
    """Yield each pair: the two songs' indices, their similarity, and the distance of their vectors."""
    differences = compared.vectors[pairs.first].astype(np.float64) - compared.vectors[pairs.second]
    columns = (pairs.first, pairs.second, pairs.similarities, np.linalg.norm(differences, axis=1))
    return zip(*(column.tolist() for column in columns), strict=True)


def _pair_lines(compared: ComparedSongs, pairs: Pairs) -> Iterator[str]:
    for *indices, similarity, distance in _with_distances(compared, pairs):
        songs = [(compared.stars[index], compared.songs[index]) for index in indices]
        first, second = (
            star + song_label(song.title, song.artist, max_title_characters=40) for star, song in songs
        )
        remark = "  (identical)" if distance == 0 else ""
        yield f"  {similarity:6.3f}  {distance:8.2f}  {first}  |  {second}{remark}"


def _pairs(compared: ComparedSongs, pairs: Pairs) -> list[dict]:
    return [
        {
            "a": compared.songs[first].song_id,
            "b": compared.songs[second].song_id,
            "a_title": compared.songs[first].title,
            "b_title": compared.songs[second].title,
            "similarity": round(similarity, 6),
            "distance": round(distance, 6),
        }
        for first, second, similarity, distance in _with_distances(compared, pairs)
    ]


def _matrices(matrices: Matrices) -> dict:
    return {
        "order": matrices.order.tolist(),
        "similarity": np.round(matrices.similarity, 6).tolist(),
        "distance": np.round(matrices.distance, 6).tolist(),
    }


def _groups(groups: Groups, within: np.ndarray, matrices: Matrices) -> dict:
    return {
        "by": groups.kind,
        "labels": groups.names,
        "songs": groups.counts.tolist(),
        "within": [None if np.isnan(value) else round(float(value), 6) for value in within],
        **_matrices(matrices),
    }
