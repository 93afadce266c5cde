"""Writes songs as Parquet, as data frames read it and Embedding Atlas opens it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from explorer.exporting.collection import Collection
from explorer.exporting.playlists import path_text, shown
from explorer.exporting.tables import PROJECTIONS
from explorer.mapping.graph import true_neighbours
from explorer.mapping.neighbours import centred_unit_rows
from explorer.mapping.projection import reduce

NEIGHBOURS = 10
# Among many songs the search is better the more it is asked for: it is asked for as many as by the map.
_SOUGHT = 17
_ROWS_AT_ONCE = 8_192
_PLACE = [(axis, pa.float32()) for axis in ("x", "y")]
_FIELDS = [
    ("song_id", pa.string()),
    ("title", pa.string()),
    ("artist", pa.string()),
    ("album", pa.string()),
    ("genre", pa.string()),
    ("genres", pa.list_(pa.string())),
    ("year", pa.int32()),
    ("duration_s", pa.float64()),
    ("cluster", pa.int32()),
    ("cluster_name", pa.string()),
    ("path", pa.string()),
    ("text", pa.string()),
    *_PLACE,
    *((f"{name}_{axis}", type_) for name in PROJECTIONS for axis, type_ in _PLACE),
    ("neighbors", pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float32()))])),
]


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
    fields = [*_FIELDS, ("vector", pa.list_(pa.float32(), collection.vectors.shape[1]))]
    facts = {"trained_filters": collection.trained, "projection": projection}
    schema = pa.schema(fields if vectors else _FIELDS, metadata={"music_explorer": json.dumps(facts)})
    neighbours, distances = neighbours_among(collection)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for rows in _parts(len(collection.songs)):
            some = collection.some(rows)
            columns = _texts(some, relative) | _places(some, projection)
            columns["neighbors"] = _neighbours(neighbours[rows], distances[rows], some.vector_rows < 0)
            if vectors:
                columns["vector"] = _vectors(some)
            writer.write_batch(pa.record_batch([columns[name] for name in schema.names], schema=schema))


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
    directions, _ = centred_unit_rows(collection.vectors)
    if not np.array_equal(collection.vector_rows[there], np.arange(len(directions))):
        directions = directions[collection.vector_rows[there]]
    near = true_neighbours(directions, reduce(directions), _SOUGHT)[:, :NEIGHBOURS]
    neighbours = np.full((len(collection.songs), near.shape[1]), -1, dtype=np.int64)
    distances = np.zeros(neighbours.shape, dtype=np.float32)
    neighbours[there] = there[near]
    for part in _parts(len(there)):
        similarities = np.einsum("ikd,id->ik", directions[near[part]], directions[part])
        distances[there[part]] = np.clip(1 - similarities, 0, 2)
    return neighbours, distances


def _parts(count: int) -> Iterator[np.ndarray]:
    for start in range(0, count, _ROWS_AT_ONCE):
        yield np.arange(start, min(start + _ROWS_AT_ONCE, count))


def _texts(collection: Collection, relative: bool) -> dict[str, pa.Array]:
    songs = collection.songs
    genres = [[shown(genre) for genre in song.genres] for song in songs]
    titles, artists = [shown(song.title) for song in songs], [shown(song.artist) for song in songs]
    headings = zip(titles, artists, map(", ".join, genres), strict=True)
    columns = {
        "song_id": [song.song_id for song in songs],
        "title": titles,
        "artist": artists,
        "album": [shown(song.album) for song in songs],
        "genre": [names[0] if names else None for names in genres],
        "genres": genres,
        "year": [int(song.year) if song.year else None for song in songs],
        "duration_s": [song.duration_s for song in songs],
        "cluster": [None if cluster < 0 else cluster for cluster in collection.clusters.tolist()],
        "cluster_name": [collection.cluster_name(row) or None for row in range(len(songs))],
        "path": [path_text(song, relative=relative) or None for song in songs],
        "text": [" · ".join(filter(None, heading)) for heading in headings],
    }
    types = dict(_FIELDS)
    return {name: pa.array(values, types[name]) for name, values in columns.items()}


def _places(collection: Collection, projection: str | None) -> dict[str, pa.Array]:
    nowhere = np.full((len(collection.songs), 2), np.nan, dtype=np.float32)
    columns = {}
    for name, prefix in [(projection, ""), *((name, f"{name}_") for name in PROJECTIONS)]:
        places = collection.positions.get(name, nowhere)
        for axis, values in zip("xy", places.T, strict=True):
            columns[prefix + axis] = pa.array(values, pa.float32(), from_pandas=True)
    return columns


def _neighbours(neighbours: np.ndarray, distances: np.ndarray, absent: np.ndarray) -> pa.Array:
    """Return the column, null for songs without a vector."""
    count, k = neighbours.shape
    offsets = pa.array(np.arange(count + 1) * k, pa.int32())
    lists = [
        pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).ravel()))
        for values in (neighbours, distances)
    ]
    return pa.StructArray.from_arrays(lists, names=["ids", "distances"], mask=pa.array(absent))


def _vectors(collection: Collection) -> pa.Array:
    """Return the column, null for songs without a vector."""
    absent = collection.vector_rows < 0
    values = np.zeros((len(absent), collection.vectors.shape[1]), dtype=np.float32)
    values[~absent] = collection.vectors[collection.vector_rows[~absent]]
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1], mask=pa.array(absent))
