"""Writes songs as tables of text: CSV, and the pair of TSV that TensorFlow's Embedding Projector opens."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable
from typing import BinaryIO, TextIO

import numpy as np

from explorer.exporting.collection import Collection
from explorer.exporting.playlists import path_cell, song_cells, table_cell
from explorer.util.text import shown

PROJECTIONS = ("pca", "tsne", "umap")
COORDINATES = tuple(f"{name}_{axis}" for name in PROJECTIONS for axis in "xy")
COLUMNS = (
    *("song_id", "title", "artist", "album", "genres", "year", "duration_s", "cluster", "cluster_name"),
    *COORDINATES,
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
    table = csv.DictWriter(_as_text(target), COLUMNS, extrasaction="ignore")
    table.writeheader()
    places = np.hstack([collection.places(name) for name in PROJECTIONS])
    for row, song in enumerate(collection.songs):
        coordinates = ("" if np.isnan(value) else f"{value:.6g}" for value in places[row])
        cells = song_cells(song, table_cell) | _cluster_cells(collection, row, table_cell)
        cells |= dict(zip(COORDINATES, coordinates, strict=True))
        table.writerow(cells | {"path": path_cell(song, relative=relative)})


def write_vectors(collection: Collection, target: BinaryIO) -> None:
    """Write the songs' vectors, one a line: 512 numbers with tabs between them, exact in single precision.

    Songs without a vector are left out.
    """
    rows = collection.vector_rows[collection.vector_rows >= 0]
    np.savetxt(target, collection.song_vectors.vectors[rows], fmt="%.9g", delimiter="\t")


def write_metadata(collection: Collection, target: BinaryIO) -> None:
    """Write what the songs are, in the order of their vectors, `METADATA_COLUMNS` first.

    The projector knows no quotes: a cell holds neither tab nor line break, and no line begins empty.
    """
    form = {"delimiter": "\t", "lineterminator": "\n", "quoting": csv.QUOTE_NONE, "quotechar": None}
    table = csv.DictWriter(_as_text(target), METADATA_COLUMNS, **form)
    table.writeheader()
    for row in np.flatnonzero(collection.vector_rows >= 0).tolist():
        cells = song_cells(collection.songs[row], shown) | _cluster_cells(collection, row, shown)
        cells["song_id"] = cells["song_id"] or f"song {row}"
        table.writerow(cells | {"title": cells["title"] or cells["song_id"]})


def _cluster_cells(collection: Collection, row: int, cell: Callable[[str], str]) -> dict[str, str]:
    cluster = int(collection.clusters[row])
    return {
        "cluster": "" if cluster < 0 else str(cluster),
        "cluster_name": cell(collection.cluster_name(cluster)),
    }


def _as_text(target: BinaryIO) -> TextIO:
    """Return a text stream that writes to a binary one at once."""
    return codecs.getwriter("utf-8")(target, errors="replace")
