"""Writes a made-up library with a made-up map, in a few minutes even for a million songs.

The songs are like those of `synthetic.py`. Nothing is laid out: on each map, a scene is a Gaussian near the
centre of its genre, and the clusters are the genres. Every 200th song has the same sound as the one before
it, and the file of every 333rd is gone. The triggers of songs.db would take an hour for a million songs: they
are dropped meanwhile, and the tables that they fill are filled directly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import apsw
import numpy as np
from synthetic import FAMILIES, GENRES, Scenes, assign_artists, draw_scenes, make_songs

from explorer.database.database import Database
from explorer.database.records import Song, encode_vector
from explorer.database.spelling import other_spelling, plain_spelling
from explorer.indexing.model import Model

PROJECTIONS = ("pca", "umap")
_CHUNK = 10_000
_SAME_SOUND_EVERY, _GONE_EVERY = 200, 333
_GONE_SINCE = "2026-11-27T00:00:00+00:00"
_CACHE_KIB = 600_000
_QUALITY = {"trustworthiness": 0.9, "continuity": 0.95, "neighbours_kept": 0.3}


def store_library(path: Path, n: int, seed: int = 0) -> None:
    """Create a songs.db of n songs with their full vectors and a map."""
    with Database.open(path) as database:
        root = database.add_root(path.parent)
        database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
    connection = apsw.Connection(str(path))
    # If this is interrupted, the file is lost; it is made anew faster than it could be written safely.
    connection.execute(
        f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{_CACHE_KIB}"
    )
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    _store_all(connection, root, n, np.random.default_rng(seed))
    connection.execute("INSERT INTO song_words(song_words) VALUES ('rebuild')")
    for _, sql in triggers:
        connection.execute(sql)
    connection.execute("PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL")
    connection.close()


def _store_all(connection: apsw.Connection, root: int, n: int, rng: np.random.Generator) -> None:
    scenes, genres = draw_scenes(n, rng)
    artists = assign_artists(scenes, len(genres), rng)
    order = np.argsort(artists, kind="stable")  # As a scan of folders finds them.
    scenes, artists = scenes[order], artists[order]
    sounds = Scenes(genres, artists.max(initial=0) + 1, rng)
    centres = {name: _centres(genres, rng) for name in PROJECTIONS}
    connection.execute("BEGIN")
    _store_projections(connection)
    songs = make_songs(artists, genres[scenes], rng)
    for start in range(0, n, _CHUNK):
        rows = slice(start, start + _CHUNK)
        vectors = sounds.vectors(scenes[rows], artists[rows], rng)
        places = {name: rng.normal(centre[scenes[rows]], 0.02).tolist() for name, centre in centres.items()}
        near = rng.binomial(10, 0.3, len(vectors)).tolist()
        chunk = list(islice(songs, _CHUNK))
        for number in range(1, len(chunk)):
            if (start + number) % _SAME_SOUND_EVERY == 0:
                vectors[number] = vectors[number - 1]
                chunk[number] = replace(chunk[number], fingerprint=chunk[number - 1].fingerprint)
        ids = _store_songs(connection, root, start, chunk)
        _insert(connection, "songs_vectors", zip(ids, map(encode_vector, vectors), strict=True))
        for name, xy in places.items():
            _insert(
                connection,
                "positions",
                ((name, song_id, *place, k) for song_id, place, k in zip(ids, xy, near, strict=True)),
            )
        _insert(connection, "song_clusters", zip(ids, genres[scenes[rows]].tolist(), strict=True))
    connection.execute(
        """UPDATE clusters SET anthem = (SELECT min(song_id) FROM song_clusters WHERE cluster = number);
           DELETE FROM clusters WHERE anthem IS NULL AND number > (SELECT max(cluster) FROM song_clusters)"""
    )
    connection.execute("COMMIT")


def _store_projections(connection: apsw.Connection) -> None:
    """Store what a map has besides the places of songs."""
    for name in PROJECTIONS:
        parameters = json.dumps({"method": name, "layout": name})
        connection.execute(
            "INSERT INTO projections VALUES (?, ?, ?)", (name, parameters, json.dumps(_QUALITY))
        )
    _insert(connection, "clusters", ((number, name, None) for number, name in enumerate(GENRES)))
    connection.execute("INSERT INTO state VALUES ('map_revision', '1')")


def _centres(genres: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the place of each scene on a map [shape=(s, 2)]: those of a genre and of a family are near."""
    family = np.repeat(rng.uniform(-0.7, 0.7, (len(FAMILIES), 2)), len(FAMILIES[0]), axis=0)
    genre = family + rng.normal(0, 0.15, (len(GENRES), 2))
    return np.clip(rng.normal(genre[genres], 0.07), -0.95, 0.95)


def _store_songs(connection: apsw.Connection, root: int, first: int, songs: Iterable[Song]) -> list[str]:
    """Store songs, files, genres and the texts for the search; return the ids."""
    ids, infos, files, genres, texts, spellings = [], [], [], [], [], []
    for number, song in enumerate(songs, first + 1):
        song_id, tags = song.file.text, song.tags
        ids.append(song_id)
        infos.append((song_id, json.dumps(song.info, ensure_ascii=False)))
        audio = f"{song.fingerprint[::-1]}"
        gone = _GONE_SINCE if number % _GONE_EVERY == 0 else None
        sound = (song.fingerprint, audio, song.format, song.duration_s, song.duration_s / 3)
        files.append((song_id, root, song.file.path, 1, 1, *sound, gone))
        genres += [(song_id, genre) for genre in tags.genres]
        text = (tags.title, ", ".join(tags.artists), tags.album, ", ".join(tags.genres))
        texts.append((number, song_id, *text))
        plain, other = [plain_spelling(field) for field in text], [other_spelling(field) for field in text]
        others = ("" if same == field else field for same, field in zip(plain, other, strict=True))
        spellings.append((number, *plain, *others))
    columns = """song_id, root_id, path, size_bytes, modified_ns, fingerprint, audio_fingerprint, format,
        duration_s, preview_start_s, gone_since"""
    _insert(connection, "songs", infos)
    _insert(connection, f"files({columns})", files)
    _insert(connection, "songs_genres", genres)
    _insert(connection, "song_texts", texts)
    _insert(connection, "song_spellings", spellings)
    return ids


def _insert(connection: apsw.Connection, table: str, rows: Iterable[tuple]) -> None:
    rows: Iterator[tuple] = iter(rows)
    first = next(rows, None)
    if first is not None:
        sql = f"INSERT INTO {table} VALUES ({', '.join('?' * len(first))})"
        connection.execute(sql, first)
        connection.executemany(sql, rows)
