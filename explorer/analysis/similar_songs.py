"""Which songs sound most like one of the library, or like any other file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.records import SongRow, absolute_path
from explorer.database.songs import PlaylistSong, expand_home
from explorer.errors import AudioError, LibraryError, SongNotFoundError
from explorer.exporting.playlists import write_playlist
from explorer.indexing.model import ModelRequest, is_same_model
from explorer.library.tags import read_tags
from explorer.mapping.similarity import Neighbours
from explorer.util.progress import Reporter
from explorer.util.text import readable


@dataclass(frozen=True)
class Recommendations:
    """The songs nearest to a song or a file.

    Attributes
    ----------
    title, artist : str
        Of what they are like.
    song_id : str or None
        None for a file that is not in the library.
    songs : tuple of (PlaylistSong, float)
        The nearest first, with their centred cosines.
    is_trained : bool or None
        False where the library's filters are not OpenL3's, and likeness is that of timbre at best; None
        where nobody knows what made its vectors.
    """

    title: str
    artist: str
    song_id: str | None
    songs: tuple[tuple[PlaylistSong, float], ...]
    is_trained: bool | None

    def rows(self) -> list[dict]:
        """Return `song_id`, `similarity`, `title`, `artist` and `path` of each; None where none is known."""
        return [
            {
                "song_id": song.song_id,
                "similarity": round(value, 6),
                "title": song.title,
                "artist": song.artist,
                "path": _path_of(song),
            }
            for song, value in self.songs
        ]

    def playlist(self) -> tuple[str, int]:
        """Return an M3U8 of absolute paths, and how many songs have no file to be named there."""
        songs = [song for song, _ in self.songs]
        text, _ = write_playlist(songs, form="m3u8", paths="absolute")
        return text, sum(song.path is None or song.root is None for song in songs)


def recommend(
    text: str, *, database: Path, count: int, request: ModelRequest, reporter: Reporter
) -> Recommendations:
    """Find the songs that sound most like a song of the library, or like an audio file.

    A file that the library has, under whatever name, is answered as the song that it is. Any other is
    embedded with the library's own model; nothing is stored.

    Parameters
    ----------
    text : str
        A song's id, path, title or file name, or else a file. What is a file's path is no other file's
        name.
    request : ModelRequest
        Where the weights are, should a file have to be embedded.

    Raises
    ------
    SongNotFoundError
        If it is neither, or several songs answer to it.
    LibraryError
        If the library cannot be used, or a file cannot be compared with it.
    AudioError, EmbeddingError
        If the file cannot be decoded or embedded.
    """
    file = expand_home(text)
    with Database.open_readonly(database) as library:
        library.require_songs()
        song_id = _song_named(library, text, file)
        if song_id is not None:
            with library.snapshot():
                song, found = _like_song(library, song_id, count)
                return _gathered(library, song.title, song.artist, song_id, found)
    # Only a file that the library has not is worth loading an engine.
    from explorer.indexing.embed_files import open_embedder

    tags = read_tags(file)
    embedder = open_embedder(database=database, request=request, reporter=reporter)
    vector = embedder.embed(file).pooled
    with Database.open_readonly(database) as library, library.snapshot():
        if not is_same_model(library.model(), embedder.model.record()):
            raise LibraryError(f"{database} was made anew with another model meanwhile: run this again.")
        song_ids, vectors = library.vectors(dtype=np.float32)
        found = _ranked(song_ids, *Neighbours(vectors).nearest_to(vector, count))
        return _gathered(library, tags.title, ", ".join(tags.artists), None, found)


def _song_named(library: Database, text: str, file: Path) -> str | None:
    """Return the id of the song that a text means; None where it means a file outside the library."""
    is_file = _is(file.is_file)
    # Who names a file that is there does not mean one of the library that is called alike.
    if library.song_ids_matching(text, by_file_name=not is_file):
        return library.find_song(text, by_file_name=not is_file).song_id
    if is_file:
        return library.song_with_bytes(fingerprint(file))
    if text and _is(file.is_dir):
        raise AudioError(f"{text} is a folder: name a song of {library.path}, or an audio file.")
    raise SongNotFoundError(
        f"No song of {library.path} has the id, path, title or file name {text!r}, and there is no audio "
        "file of that name either."
    )


def _is(kind: Callable[[], bool]) -> bool:
    """Tell whether a path is a file or folder; a long title is a name that no file system takes."""
    try:
        return kind()
    except (OSError, ValueError):
        return False


def _like_song(database: Database, song_id: str, count: int) -> tuple[SongRow, list[tuple[str, float]]]:
    song_ids, vectors = database.vectors(dtype=np.float32)
    if song_id not in song_ids:
        raise SongNotFoundError(
            f"{song_id!r} has no vector yet: run `python run.py index FOLDER` to embed it."
        )
    found = Neighbours(vectors).nearest(song_ids.index(song_id), count)
    return database.song(song_id), _ranked(song_ids, *found)


def _ranked(song_ids: list[str], indices: np.ndarray, similarities: np.ndarray) -> list[tuple[str, float]]:
    return [(song_ids[index], float(value)) for index, value in zip(indices, similarities, strict=True)]


def _gathered(
    library: Database, title: str, artist: str, song_id: str | None, found: list[tuple[str, float]]
) -> Recommendations:
    values = dict(found)
    songs = library.playlist_songs(list(values))
    model = library.model()
    return Recommendations(
        title=title,
        artist=artist,
        song_id=song_id,
        songs=tuple((song, values[song.song_id]) for song in songs),
        is_trained=model.get("trained") if model else None,
    )


def _path_of(song: PlaylistSong) -> str | None:
    """Return where a song's file is, as text: bytes that are none become U+FFFD."""
    if song.path is None or song.root is None:
        return None
    return readable(absolute_path(song.root, song.path))
