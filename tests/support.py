"""Libraries for tests: short real audio files, and vectors in well separated groups."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import av
import mutagen
import numpy as np
import soundfile

from explorer.database.database import Database
from explorer.database.records import Map, Song
from explorer.indexing.model import Model
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

RATE_HZ = 44_100
GENRES = ("Techno", "Waltz", "Ambient")


class RecordingReporter(Reporter):
    """A reporter that records its messages in `said` instead of printing them."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, text: str) -> None:
        """Record a message."""
        self.said.append(text)


def write_sound(path, samples, rate_hz=44_100):
    """Write samples [shape=(n,) or (n, channels)] in the format of the file's extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".m4a", ".wma"):
        _write_with_ffmpeg(path, np.asarray(samples, np.float32), rate_hz)
    else:
        soundfile.write(path, samples, rate_hz)
    return path


def _write_with_ffmpeg(path, samples, rate_hz):
    codec, frame_size = {".m4a": ("aac", 1024), ".wma": ("wmav2", 2048)}[path.suffix]
    samples = samples.reshape(len(samples), -1)
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        stream.bit_rate = 128_000
        for begin in range(0, len(samples), frame_size):
            block = np.ascontiguousarray(samples[begin : begin + frame_size].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, begin
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_tone(
    path: Path, *, frequency_hz: float = 440.0, seconds: float = 1.5, tags: dict | None = None
) -> Path:
    """Write a tone with two overtones, and its tags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    tone = sum(0.3 / k * np.sin(2 * np.pi * k * frequency_hz * time) for k in (1, 2, 3))
    soundfile.write(path, tone.astype(np.float32), RATE_HZ)
    if tags:
        file = mutagen.File(path, easy=True)
        if file.tags is None:
            file.add_tags()
        file.update({key: value for key, value in tags.items() if value})
        file.save()
    return path


def store_library(
    database_path: Path,
    folder: Path,
    *,
    per_genre: int = 8,
    titles: dict[int, str] | None = None,
    trained: bool = False,
    seconds: float = 0.2,
) -> list[str]:
    """Write a library and return its song ids.

    It has real FLAC files in three genres, vectors in well separated groups by genre, and a map.
    """
    rng = np.random.default_rng(7)
    model = Model("untrained", "0" * 64, trained=trained, hop_s=0.5, precision="float32")
    with Database.open(database_path) as database:
        root = database.add_root(folder)
        database.claim_model(model.record())
        for group, genre in enumerate(GENRES):
            centre = rng.normal(size=512) * 4
            for number in range(group * per_genre, (group + 1) * per_genre):
                title = (titles or {}).get(number, f"{genre} piece {number}")
                tags = Tags(title, (f"Artist {group}",), "Album", (genre,))
                song = write_song(folder, number, tags, seconds=seconds)
                database.store_song(root, song, centre + rng.normal(size=512))
        song_ids, _ = database.vectors()
        database.store_map(three_islands(song_ids, per_genre, rng))
    return song_ids


def write_song(folder: Path, number: int, tags: Tags, *, seconds: float) -> Song:
    """Write a numbered FLAC file and return its Song."""
    path = write_tone(folder / f"{number:03d}.flac", frequency_hz=110 * (number + 2), seconds=seconds)
    state = path.stat()
    file = ScannedFile(path.name.encode(), state.st_size, state.st_mtime_ns)
    return Song(file, tags, fingerprint=f"{number:032x}", format="flac/pcm_16", duration_s=seconds)


def three_islands(song_ids: list[str], per_genre: int, rng: np.random.Generator) -> Map:
    """Return a map on which each group of `per_genre` songs is an island."""
    labels = np.repeat(np.arange(3), per_genre)
    angle = 2 * np.pi * labels / 3
    places = np.column_stack([np.cos(angle), np.sin(angle)]) + rng.normal(size=(len(labels), 2)) * 0.16
    positions = {"tsne": places, "umap": places[:, ::-1], "pca": -places}
    return Map(
        song_ids=song_ids,
        positions=positions,
        parameters={name: {} for name in positions},
        quality={
            name: {
                "trustworthiness": 0.97,
                "continuity": 0.95,
                "neighbours_kept": 0.6,
                "genre_purity": 0.9,
                "genre_chance": 0.3,
            }
            for name in positions
        },
        near={name: np.full(len(labels), 8, dtype=np.uint8) for name in positions},
        labels=labels,
        cluster_names=list(GENRES),
        representatives=[song_ids[group * per_genre] for group in range(3)],
    )


def store_vectors(
    database: Database, folder: Path, vectors: np.ndarray, *, genres: list[str] | None = None, first: int = 0
) -> list[str]:
    """Store songs with vectors and tags but without files, numbered from `first`; return their ids."""
    root = database.add_root(folder)
    ids = []
    for number, vector in enumerate(vectors, first):
        genre = (genres[number - first],) if genres else ()
        tags = Tags(f"Song {number}", (f"Artist {number % 5}",), "Album", genre)
        file = ScannedFile(b"%05d.flac" % number, 1, 1)
        song = Song(file, tags, f"{number:032x}", "flac/pcm_16", 1.0)
        ids.append(database.store_song(root, song, vector))
    return ids


def store_original(
    path: Path, clips: Path | None = None, *, count: int = 12, column: str = "vector", wal: bool = False
) -> dict[str, np.ndarray]:
    """Write a database as the original scripts did, and its clips; return the vector of each song id.

    Ids are alternately Spotify ids and file stems. Each song's genre is stored twice.
    """
    rng = np.random.default_rng(3)
    path.parent.mkdir(parents=True, exist_ok=True)
    vectors = {}
    with closing(sqlite3.connect(path)) as database, database:
        if wal:
            database.execute("PRAGMA journal_mode = wal")
        database.executescript(
            f"""CREATE TABLE songs(id TEXT PRIMARY KEY, info JSON);
            CREATE TABLE songs_vectors(
                song_id TEXT, {column} BLOB, FOREIGN KEY(song_id) REFERENCES tracks(id)
            );
            CREATE TABLE songs_genres(
                song_id TEXT, genre TEXT, FOREIGN KEY(song_id) REFERENCES tracks(id)
            );"""
        )
        for number in range(count):
            song_id = f"stem {number}" if number % 2 else f"spotify:track:{number:022d}"
            group = GENRES[number % 3]
            track = {
                "id": song_id.rpartition(":")[2],
                "name": f"{group} track {number}",
                "artists": [{"name": "One"}, {"name": "Two"}],
                "album": {"name": "Album", "release_date": "1987-06-05"},
                "duration_ms": 200_000,
                "preview_url": f"https://example.org/{number}",
            }
            database.execute("INSERT INTO songs VALUES (?, ?)", (song_id, json.dumps(track)))
            vectors[song_id] = rng.normal(size=512) + 9 * (number % 3) * (np.arange(512) % 3 == number % 3)
            blob = io.BytesIO()
            np.save(blob, vectors[song_id])
            database.execute("INSERT INTO songs_vectors VALUES (?, ?)", (song_id, blob.getvalue()))
            database.executemany("INSERT INTO songs_genres VALUES (?, ?)", [(song_id, group)] * 2)
            if clips is not None:
                write_tone(clips / f"{song_id}.flac", frequency_hz=200 + 40 * number, seconds=0.4)
    return vectors
