"""Writes songs as tables of text: CSV, and the pair of TSV that TensorFlow's Embedding Projector opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

import numpy as np

from explorer.exporting.collection import Collection
from explorer.exporting.playlists import path_cell, shown, table_cell

PROJECTIONS = ("pca", "tsne", "umap")
COLUMNS = (
    *("song_id", "title", "artist", "album", "genres", "year", "duration_s", "cluster", "cluster_name"),
    *(f"{name}_{axis}" for name in PROJECTIONS for axis in "xy"),
    "path",
)
"""Of a CSV."""

METADATA_COLUMNS = (
    *("title", "artist", "album", "genre", "genres", "year", "duration_s", "cluster", "cluster_name"),
    "song_id",
)
"""Of what the projector labels points with: the first column, until another one is chosen."""


def write_csv(collection: Collection, target: BinaryIO, *, relative: bool) -> None:
    """Write a table in UTF-8, a line a song, `COLUMNS` first.

    What a spreadsheet would take for a formula, text that begins with one of `= + - @`, has an apostrophe
    before it, and a path `./`; coordinates are numbers. Titles and the like are on one line. What is not
    known is empty.

    Parameters
    ----------
    target : binary stream
    relative : bool
        Whether paths are relative to the folder of music, rather than absolute.
    """
    with _text(target) as text:
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(COLUMNS)
        places = np.hstack([_places(collection, name) for name in PROJECTIONS])
        for row, song in enumerate(collection.songs):
            table.writerow(
                [
                    *map(table_cell, (song.song_id, song.title, song.artist, song.album)),
                    table_cell("; ".join(song.genres)),
                    table_cell(song.year),
                    *_duration_and_cluster(collection, row, table_cell),
                    *("" if np.isnan(value) else f"{value:.6g}" for value in places[row]),
                    path_cell(song, relative=relative),
                ]
            )


def write_vectors(collection: Collection, target: BinaryIO) -> None:
    """Write the songs' vectors, one a line: 512 numbers with tabs between them, exact in single precision.

    Songs without a vector are left out.
    """
    form = "\t".join(["%.9g"] * collection.vectors.shape[1]) + "\n"
    with _text(target) as text:
        for row in collection.vector_rows[collection.vector_rows >= 0]:
            text.write(form % tuple(collection.vectors[row].tolist()))


def write_metadata(collection: Collection, target: BinaryIO) -> None:
    """Write what the songs are, in the order of their vectors, `METADATA_COLUMNS` first.

    The projector knows no quotes: a cell holds neither tab nor line break, and no line begins empty.
    """
    with _text(target) as text:
        text.write("\t".join(METADATA_COLUMNS) + "\n")
        for row in np.flatnonzero(collection.vector_rows >= 0):
            song = collection.songs[row]
            song_id = shown(song.song_id) or f"song {row}"
            cells = [
                shown(song.title) or song_id,
                shown(song.artist),
                shown(song.album),
                shown(song.genres[0]) if song.genres else "",
                shown("; ".join(song.genres)),
                shown(song.year),
                *_duration_and_cluster(collection, int(row), shown),
                song_id,
            ]
            text.write("\t".join(cells) + "\n")


def _duration_and_cluster(collection: Collection, row: int, cell: Callable[[str], str]) -> Iterator[str]:
    seconds, cluster = collection.songs[row].duration_s, collection.clusters[row]
    yield "" if seconds is None else f"{seconds:.3f}"
    yield "" if cluster < 0 else str(cluster)
    yield cell(collection.cluster_name(row))


def _places(collection: Collection, name: str) -> np.ndarray:
    """Return the songs' positions [shape=(n, 2), float32], NaN where there are none."""
    nowhere = np.full((len(collection.songs), 2), np.nan, dtype=np.float32)
    return collection.positions.get(name, nowhere)


@contextmanager
def _text(target: BinaryIO) -> Iterator[TextIO]:
    """Give a stream for text that ends in a binary one, which stays open."""
    text = io.TextIOWrapper(target, encoding="utf-8", errors="replace", newline="")
    yield text
    text.detach()
