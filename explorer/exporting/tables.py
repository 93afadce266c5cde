"""Writes songs as text tables: CSV, and the two TSV files of TensorFlow's Embedding Projector."""

from __future__ import annotations

import codecs
import csv
from typing import BinaryIO, TextIO

import numpy as np

from explorer.exporting.collection import Collection
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.playlists import path_cell, song_cells, table_cell

PROJECTIONS = ("pca", "tsne", "umap")
COORDINATES = tuple(f"{name}_{axis}" for name in PROJECTIONS for axis in "xy")
FEATURE_COLUMNS = (
    *("tempo_bpm", "tempo_confidence", "key", "camelot", "key_confidence"),
    *("energy", "loudness_lufs", "brightness_hz"),
)
"""What is known about a song's music: see `KnownFeatures.as_json`."""

COLUMNS = (
    *("song_id", "title", "artist", "album", "genres", "year", "duration_s", "cluster", "cluster_name"),
    *COORDINATES,
    "path",
    *FEATURE_COLUMNS,
)
"""The columns of a CSV."""

METADATA_COLUMNS = (
    *("title", "artist", "album", "genre", "genres", "year", "duration_s", "cluster", "cluster_name"),
    *FEATURE_COLUMNS,
    "song_id",
)
"""The columns of the metadata TSV. The projector shows the first column until the user chooses another."""


def write_csv(collection: Collection, target: BinaryIO, *, file_paths: FilePaths) -> None:
    """Write a UTF-8 table with the header `COLUMNS` and one line for each song.

    A spreadsheet reads text that begins with `=`, `+`, `-` or `@` as a formula. Such text gets an apostrophe
    in front, and such a path gets `./`. Numbers, which may be negative, are not changed. Line breaks in texts
    become spaces. Unknown values are empty.

    Parameters
    ----------
    target : binary stream
    file_paths : FilePaths
        Writes the column `path`.
    """
    table = csv.DictWriter(_as_text(target), COLUMNS, extrasaction="ignore")
    table.writeheader()
    positions = np.hstack([collection.positions_in(name) for name in PROJECTIONS])
    for row, song in enumerate(collection.songs):
        coordinates = ("" if np.isnan(value) else f"{value:.6g}" for value in positions[row])
        cells = song_cells(song, table_cell) | _cluster_cells(collection, row)
        cells |= dict(zip(COORDINATES, coordinates, strict=True))
        table.writerow(cells | {"path": path_cell(song, file_paths)} | _feature_cells(collection, row))


def write_vectors(collection: Collection, target: BinaryIO) -> None:
    """Write one line for each vector: 512 numbers separated by tabs, exact in single precision.

    Songs without a vector are left out.
    """
    rows = collection.vector_rows[collection.vector_rows >= 0]
    np.savetxt(target, collection.song_vectors.vectors[rows], fmt="%.9g", delimiter="\t")


def write_metadata(collection: Collection, target: BinaryIO) -> None:
    """Write the songs' tags and clusters with the header `METADATA_COLUMNS`, in the order of `write_vectors`.

    The projector does not understand quotes, so no cell contains a tab or a line break. The first cell of a
    line is never empty. As in a CSV, no cell is a formula.
    """
    dialect = {"delimiter": "\t", "lineterminator": "\n", "quoting": csv.QUOTE_NONE, "quotechar": None}
    table = csv.DictWriter(_as_text(target), METADATA_COLUMNS, **dialect)
    table.writeheader()
    for row in np.flatnonzero(collection.vector_rows >= 0).tolist():
        cells = song_cells(collection.songs[row], table_cell) | _cluster_cells(collection, row)
        cells["song_id"] = cells["song_id"] or f"song {row}"
        cells["title"] = cells["title"] or cells["song_id"]
        table.writerow(cells | _feature_cells(collection, row))


def _cluster_cells(collection: Collection, row: int) -> dict[str, str]:
    cluster = int(collection.clusters[row])
    return {
        "cluster": "" if cluster < 0 else str(cluster),
        "cluster_name": table_cell(collection.cluster_name(cluster)),
    }


def _feature_cells(collection: Collection, row: int) -> dict[str, str]:
    values = collection.features[row].as_json()
    return {name: "" if values[name] is None else str(values[name]) for name in FEATURE_COLUMNS}


def _as_text(target: BinaryIO) -> TextIO:
    """Return a text stream that writes to a binary stream without a buffer."""
    return codecs.getwriter("utf-8")(target, errors="replace")
