"""Writes songs as Parquet, as data frames read it and Embedding Atlas opens it."""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from explorer.exporting.collection import Collection
from explorer.exporting.playlists import path_text
from explorer.exporting.tables import PROJECTIONS
from explorer.mapping.knn_graph import true_neighbours
from explorer.util.text import shown

NEIGHBOURS = 10
# In a large library the search finds the first ten better if it is asked for more, as the map does.
_SOUGHT = 17
_ROWS_AT_ONCE = 8_192
_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("song_id", "title", "artist", "album", "genre")),
        ("genres", pa.list_(pa.string())),
        ("year", pa.int32()),
        ("duration_s", pa.float64()),
        ("cluster", pa.int32()),
        *((name, pa.string()) for name in ("cluster_name", "path", "text")),
        *((prefix + axis, pa.float32()) for prefix in ("", "pca_", "tsne_", "umap_") for axis in "xy"),
        ("neighbors", pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float32()))])),
    ]
)


def write_parquet(
    collection: Collection, target: BinaryIO, *, projection: str | None, relative: bool, vectors: bool
) -> None:
    """Write a row a song, compressed with Zstandard; what is not known is null.

    `neighbors` are the ten of the rows that sound most alike, as Embedding Atlas wants them: `ids` are
    numbers of rows from 0, `distances` are 1 - similarity. `text` is title, artist and genres in one. The
    file's metadata says under `music_explorer` whether the filters were trained.

    Parameters
    ----------
    collection : Collection
        With its vectors.
    target : binary stream
    projection : str or None
        Whose positions are `x` and `y` too.
    relative : bool
        Whether paths are relative to the folder of music, rather than absolute.
    vectors : bool
        Add `vector`, 512 float32 a song.
    """
    facts = {"trained_filters": collection.trained, "projection": projection}
    schema = _SCHEMA.with_metadata({"music_explorer": json.dumps(facts)})
    if vectors:
        schema = schema.append(
            pa.field("vector", pa.list_(pa.float32(), collection.song_vectors.vectors.shape[1]))
        )
    places = {"": collection.places(projection)} | {
        f"{name}_": collection.places(name) for name in PROJECTIONS
    }
    neighbours, distances = neighbours_among(collection)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for start in range(0, len(collection.songs), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rows = collection.vector_rows[part]
            columns = _songs(collection, part, relative)
            columns["neighbors"] = [
                {"ids": ids, "distances": apart} if row >= 0 else None
                for row, ids, apart in zip(rows, neighbours[part], distances[part], strict=True)
            ]
            if vectors:
                columns["vector"] = [
                    collection.song_vectors.vectors[row] if row >= 0 else None for row in rows
                ]
            for prefix, positions in places.items():
                for axis, values in zip("xy", positions[part].T, strict=True):
                    columns[prefix + axis] = pa.array(values, from_pandas=True)
            writer.write_batch(pa.RecordBatch.from_pydict(columns, schema))


def neighbours_among(collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Find the songs of a collection that sound most like each of them.

    Returns
    -------
    neighbours : np.ndarray [shape=(n, k), int64]
        Rows of the collection, the most alike first; -1 for songs without a vector. k is 10, or less where
        there are no more songs.
    distances : np.ndarray [shape=(n, k), float32]
        1 - similarity, the cosine after the library's mean vector was taken away.
    """
    there = np.flatnonzero(collection.vector_rows >= 0)
    directions = collection.song_vectors.neighbours.rows
    if not np.array_equal(collection.vector_rows[there], np.arange(len(directions))):
        directions = directions[collection.vector_rows[there]]
    near = true_neighbours(directions, _SOUGHT)[:, :NEIGHBOURS]
    neighbours = np.full((len(collection.songs), near.shape[1]), -1, dtype=np.int64)
    distances = np.zeros(neighbours.shape, dtype=np.float32)
    neighbours[there] = there[near]
    for part in np.array_split(np.arange(len(there)), len(there) // _ROWS_AT_ONCE + 1):
        alike = np.einsum("ikd,id->ik", directions[near[part]], directions[part])
        distances[there[part]] = np.clip(1 - alike, 0, 2)
    return neighbours, distances


def _songs(collection: Collection, part: slice, relative: bool) -> dict[str, list]:
    songs, clusters = collection.songs[part], collection.clusters[part].tolist()
    genres = [[shown(genre) for genre in song.genres] for song in songs]
    columns = {name: [shown(getattr(song, name)) for song in songs] for name in ("title", "artist", "album")}
    headings = zip(columns["title"], columns["artist"], map(", ".join, genres), strict=True)
    return columns | {
        "song_id": [song.song_id for song in songs],
        "genre": [names[0] if names else None for names in genres],
        "genres": genres,
        "year": [int(song.year) if song.year else None for song in songs],
        "duration_s": [song.duration_s for song in songs],
        "cluster": [None if cluster < 0 else cluster for cluster in clusters],
        "cluster_name": [collection.cluster_name(cluster) or None for cluster in clusters],
        "path": [path_text(song, relative=relative) or None for song in songs],
        "text": [" · ".join(filter(None, heading)) for heading in headings],
    }
