"""Writes songs as a Parquet file, for data frames and Embedding Atlas."""

from __future__ import annotations

import json
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from explorer.exporting.collection import Collection
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.tables import FEATURE_COLUMNS, PROJECTIONS
from explorer.mapping.knn_graph import true_neighbours
from explorer.util.text import one_line

NEIGHBOURS = 10
# In a large library the search is not exact. It finds more of the true ten nearest if it searches for 17; the
# map searches for 17 too.
_SEARCHED_NEIGHBOURS = 17
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
        *((name, pa.string()) for name in ("key", "camelot")),
        *((name, pa.float64()) for name in FEATURE_COLUMNS if name not in ("key", "camelot")),
        ("neighbors", pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float32()))])),
    ]
)


def write_parquet(
    collection: Collection, target: BinaryIO, *, projection: str | None, file_paths: FilePaths, vectors: bool
) -> None:
    """Write one row for each song, compressed with Zstandard; unknown values are null.

    The column `neighbors` holds the ten most similar songs of the file, in the format of Embedding Atlas:
    `ids` are row numbers from 0, `distances` are 1 - similarity. The column `text` joins title, artist and
    genres. The file's metadata has the key `music_explorer`, which states whether the weights are trained.

    Parameters
    ----------
    collection : Collection
        With its vectors.
    target : binary stream
    projection : str or None
        The projection that gives the columns `x` and `y`.
    file_paths : FilePaths
        Writes the column `path`.
    vectors : bool
        Add the column `vector`: 512 float32 a song.
    """
    library_vectors = collection.song_vectors.vectors
    metadata = {"trained_filters": collection.is_trained, "projection": projection}
    schema = _SCHEMA.with_metadata({"music_explorer": json.dumps(metadata)})
    if vectors:
        schema = schema.append(pa.field("vector", pa.list_(pa.float32(), library_vectors.shape[1])))
    positions_by_prefix = {"": collection.positions_in(projection)} | {
        f"{name}_": collection.positions_in(name) for name in PROJECTIONS
    }
    neighbours, distances = neighbours_among(collection)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for start in range(0, len(collection.songs), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rows = collection.vector_rows[part]
            columns = _columns_of_tags(collection, part, file_paths)
            columns["neighbors"] = [
                {"ids": ids, "distances": song_distances} if row >= 0 else None
                for row, ids, song_distances in zip(rows, neighbours[part], distances[part], strict=True)
            ]
            if vectors:
                columns["vector"] = [library_vectors[row] if row >= 0 else None for row in rows]
            for prefix, positions in positions_by_prefix.items():
                for axis, values in zip("xy", positions[part].T, strict=True):
                    columns[prefix + axis] = pa.array(values, from_pandas=True)
            writer.write_batch(pa.RecordBatch.from_pydict(columns, schema))


def neighbours_among(collection: Collection) -> tuple[np.ndarray, np.ndarray]:
    """Find the most similar songs of each song, among the songs of a collection.

    Returns
    -------
    neighbours : np.ndarray [shape=(n, k), int64]
        Rows of the collection, the most similar first; -1 for songs without a vector. k is 10, or fewer if
        the collection has fewer other songs.
    distances : np.ndarray [shape=(n, k), float32]
        1 - similarity. The similarity is the cosine after subtracting the library's mean vector.
    """
    with_vector = np.flatnonzero(collection.vector_rows >= 0)
    directions = collection.song_vectors.neighbours.rows
    if not np.array_equal(collection.vector_rows[with_vector], np.arange(len(directions))):
        directions = directions[collection.vector_rows[with_vector]]
    nearest = true_neighbours(directions, _SEARCHED_NEIGHBOURS)[:, :NEIGHBOURS]
    neighbours = np.full((len(collection.songs), nearest.shape[1]), -1, dtype=np.int64)
    distances = np.zeros(neighbours.shape, dtype=np.float32)
    neighbours[with_vector] = with_vector[nearest]
    for part in np.array_split(np.arange(len(with_vector)), len(with_vector) // _ROWS_AT_ONCE + 1):
        similarities = np.einsum("ikd,id->ik", directions[nearest[part]], directions[part])
        distances[with_vector[part]] = np.clip(1 - similarities, 0, 2)
    return neighbours, distances


def _columns_of_tags(collection: Collection, part: slice, file_paths: FilePaths) -> dict[str, list]:
    songs, clusters = collection.songs[part], collection.clusters[part].tolist()
    genres = [[one_line(genre) for genre in song.genres] for song in songs]
    columns = {
        name: [one_line(getattr(song, name)) for song in songs] for name in ("title", "artist", "album")
    }
    features = [known.as_json() for known in collection.features[part]]
    texts = zip(columns["title"], columns["artist"], map(", ".join, genres), strict=True)
    return columns | {
        "song_id": [song.song_id for song in songs],
        "genre": [names[0] if names else None for names in genres],
        "genres": genres,
        "year": [int(song.year) if song.year else None for song in songs],
        "duration_s": [song.duration_s for song in songs],
        "cluster": [None if cluster < 0 else cluster for cluster in clusters],
        "cluster_name": [collection.cluster_name(cluster) or None for cluster in clusters],
        "path": [file_paths.text(song) or None for song in songs],
        **{name: [values[name] for values in features] for name in FEATURE_COLUMNS},
        "text": [" · ".join(filter(None, parts)) for parts in texts],
    }
