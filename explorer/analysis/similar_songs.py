"""Finds the songs that sound most like a song of the library, or like an audio file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.analysis.why_similar import audible_in, match_windows
from explorer.audio.decoder import Decoder
from explorer.audio.fingerprints import fingerprint
from explorer.database.database import Database
from explorer.database.named_songs import expand_home
from explorer.database.records import SongFacts, absolute_path
from explorer.database.songs import PlaylistSong
from explorer.embedding.song_windows import SongWindows, windows_to_keep
from explorer.errors import AmbiguousSongError, AudioError, LibraryError, SongNotFoundError
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.playlists import write_playlist
from explorer.indexing.model import Model, ModelRequest, is_same_model
from explorer.library.text_encoding import decode_tags
from explorer.mapping.similarity import SongVectors
from explorer.structure.moments import Match
from explorer.util.commands import index_command
from explorer.util.progress import Reporter, plural
from explorer.util.text import valid_text

if TYPE_CHECKING:
    from explorer.indexing.embed_files import EmbeddedFile


@dataclass(frozen=True)
class Recommendations:
    """The songs that sound most like a song or a file, the query.

    Attributes
    ----------
    title, artist : str
        Of the query.
    song_id : str or None
        Of the query; None for a file that is not in the library.
    songs : tuple of (PlaylistSong, float)
        The most similar songs first, with their centred cosines.
    is_trained : bool or None
        False if the library was embedded with untrained filters: similar songs then have at most a similar
        timbre. None if the model is unknown.
    matches : dict of str to Match or None, optional
        By song id: the moments of the query and of the song that sound most alike; None if the library lacks
        the windows of one of them. The dict is None if nobody asked for them.
    advice : str or None
        A sentence about songs without a match; None if there are none.
    """

    title: str
    artist: str
    song_id: str | None
    songs: tuple[tuple[PlaylistSong, float], ...]
    is_trained: bool | None
    matches: dict[str, Match | None] | None = None
    advice: str | None = None

    def rows(self) -> list[dict]:
        """Return `song_id`, `similarity`, `title`, `artist` and `path` (None if unknown) of each song.

        If `matches` are known, also `why`: `query_s` and `song_s`, where the two moments begin, and their
        `similarity`; None for a song without a match.
        """
        return [
            {
                "song_id": song.song_id,
                "similarity": round(similarity, 6),
                "title": song.title,
                "artist": song.artist,
                "path": _path_of(song),
            }
            | self._why(song.song_id)
            for song, similarity in self.songs
        ]

    def _why(self, song_id: str) -> dict:
        if self.matches is None:
            return {}
        match = self.matches.get(song_id)
        if match is None:
            return {"why": None}
        return {
            "why": {
                "query_s": round(match.a_s, 3),
                "song_s": round(match.b_s, 3),
                "similarity": round(match.similarity, 6),
            }
        }

    def playlist(self) -> tuple[str, int]:
        """Return an M3U8 playlist of absolute paths, and the number of songs left out: they have no file."""
        songs = [song for song, _ in self.songs]
        file_paths = FilePaths(songs, paths="absolute")
        text, _ = write_playlist(songs, form="m3u8", file_paths=file_paths)
        return text, sum(song.path is None or song.root is None for song in songs)


def recommend(
    text: str,
    *,
    database: Path,
    count: int,
    request: ModelRequest,
    reporter: Reporter,
    per_artist: int | None = None,
    why: bool = False,
) -> Recommendations:
    """Find the songs that sound most like a song of the library, or like an audio file.

    If the file's bytes are those of a song in the library, its stored vector is used, whatever the file's
    name. Any other file is embedded with the library's own model; nothing is stored.

    Parameters
    ----------
    text : str
        A song's id, path, title or file name, words of its title and artist, or the path of an audio file. If
        the text is the path of an existing file, it does not match a song of the library that only has the
        same file name.
    count : int
        The number of songs to return; fewer come back from a small library.
    request : ModelRequest
        The source of the weights, used only if a file must be embedded.
    per_artist : int, optional
        At most this many of the songs have the same artist: see `_at_most_per_artist`.
    why : bool
        Whether to find the moments of each song that sound most like the query.

    Raises
    ------
    SongNotFoundError
        If the text matches no song and no file.
    AmbiguousSongError
        If the text matches several songs.
    LibraryError
        If the library cannot be used, or a file cannot be compared with it.
    AudioError, EmbeddingError
        If the file cannot be decoded or embedded.
    """
    file = expand_home(text)
    with Database.open_readonly(database) as library:
        library.require_songs()
        song_id = find_song_id(library, text, file)
        if song_id is not None:
            with library.snapshot():
                found = _similar_to_song(library, song_id, count, per_artist)
                if why:
                    query = library.windows_of(song_id)
                    audible = audible_in(library, song_id, query) if query else None
                    found = _with_matches(library, found, query, audible)
            _say_left_out(library, reporter)
            return found
    # Imported here, so that the embedding engine is loaded only for a file that is not in the library.
    from explorer.indexing.embed_files import open_embedder

    with Decoder() as decoder:
        tags = decode_tags(decoder.tags(file))
    embedder = open_embedder(database=database, request=request, reporter=reporter)
    embedded = embedder.embed(file)
    with Database.open_readonly(database) as library, library.snapshot():
        if not is_same_model(library.model(), embedder.model.record()):
            raise LibraryError(
                f"{database} was indexed with another model while {file} was embedded: run this again."
            )
        library_vectors = SongVectors.read(library)
        vector = embedded.vector(library.coarse_windows())
        nearest = partial(library_vectors.neighbours.nearest_to, vector)
        songs = _nearest_songs(library, library_vectors.song_ids, nearest, count, per_artist)
        _say_left_out(library, reporter)
        found = Recommendations(tags.title, ", ".join(tags.artists), None, songs, _is_trained(library))
        return _with_matches(library, found, _windows_in(library, embedded, embedder.model)) if why else found


def _windows_in(library: Database, embedded: EmbeddedFile, model: Model) -> SongWindows | None:
    """Return a file's windows as the library would store them; None if the library has no windows."""
    basis = library.window_basis()
    if basis is None:
        return None
    return basis.encode(windows_to_keep(embedded.embedding, hop_s=model.hop_s))


def _with_matches(
    library: Database,
    found: Recommendations,
    query: SongWindows | None,
    audible: np.ndarray | None = None,
) -> Recommendations:
    """Add the matches, given the windows of the query and which of its moments are audible."""
    matches: dict[str, Match | None] = {}
    for song, _ in found.songs:
        windows = library.windows_of(song.song_id)
        matches[song.song_id] = (
            None
            if query is None or windows is None
            else match_windows(
                query, windows, a_counts=audible, b_counts=audible_in(library, song.song_id, windows)
            )
        )
    return replace(found, matches=matches, advice=_advice(library, found, matches))


def _advice(library: Database, found: Recommendations, matches: dict[str, Match | None]) -> str | None:
    """Return a sentence about the songs that have no match, and what to do; None if there are none."""
    unmatched = [song_id for song_id, match in matches.items() if match is None]
    if not unmatched:
        return None
    asked = [*unmatched, *([found.song_id] if found.song_id else [])]
    missing = [song_id for song_id in asked if library.windows_of(song_id) is None]
    songs = plural(len(unmatched), "song")
    if missing and all(library.awaits_windows(song_id) for song_id in missing):
        return (
            f"{songs} could not be explained yet: the moments of songs are known when the index run goes on."
        )
    command = index_command(library.roots(), windows=True, database=library.path)
    return f"{songs} could not be explained, because moments are not known: run `{command}`."


def _say_left_out(library: Database, reporter: Reporter) -> None:
    if library.left_out:
        reporter.say(library.left_out_sentence)


def find_song_id(library: Database, text: str, file: Path) -> str | None:
    """Return the id of the song that a text names; None if it names a file that is not in the library."""
    is_file, is_folder = _false_on_error(file.is_file), bool(text) and _false_on_error(file.is_dir)
    try:
        # The path of an existing file or folder must not match a song that only has a similar name.
        song = library.find_song(text, by_file_name=not is_file, by_words=not is_file and not is_folder)
    except AmbiguousSongError:
        raise
    except SongNotFoundError:
        if is_file:
            return library.song_with_bytes(fingerprint(file))
        if is_folder:
            raise AudioError(
                f"{text} is a folder: name a song of {library.path}, or an audio file."
            ) from None
        raise
    return song.song_id


def _false_on_error(test: Callable[[], bool]) -> bool:
    """Call `Path.is_file` or `Path.is_dir`; return False if it fails, as for a text too long for a path."""
    try:
        return test()
    except (OSError, ValueError):
        return False


def _similar_to_song(library: Database, song_id: str, count: int, per_artist: int | None) -> Recommendations:
    vectors = SongVectors.read(library)
    row = vectors.row_of(song_id)
    if row is None:
        library.vector(song_id)  # It raises the reason.
        raise SongNotFoundError(f"{song_id!r} is not in the library any more: run this again.")
    song = library.song(song_id)
    nearest = partial(vectors.neighbours.nearest, row)
    songs = _nearest_songs(library, vectors.song_ids, nearest, count, per_artist)
    return Recommendations(song.title, song.artist, song_id, songs, _is_trained(library))


def _nearest_songs(
    library: Database,
    song_ids: Sequence[str],
    nearest: Callable[[int], tuple[np.ndarray, np.ndarray]],
    count: int,
    per_artist: int | None,
) -> tuple[tuple[PlaylistSong, float], ...]:
    """Return at most `count` songs and their similarities; `nearest(k)` returns the rows of the k nearest."""
    k = count
    indices, similarities = nearest(k)
    if per_artist is not None:
        facts = library.facts()

        def kept() -> list[int]:
            artists = (facts.get(song_ids[index], SongFacts()).artists for index in indices)
            return _at_most_per_artist(artists, per_artist)[:count]

        while len(kept()) < count and len(indices) == k:
            k *= 4
            indices, similarities = nearest(k)
        indices, similarities = indices[kept()], similarities[kept()]
    similarity_of = {
        song_ids[index]: float(similarity) for index, similarity in zip(indices, similarities, strict=True)
    }
    songs = library.playlist_songs(list(similarity_of))
    return tuple((song, similarity_of[song.song_id]) for song in songs)


def _at_most_per_artist(artists: Iterable[Sequence[str]], limit: int) -> list[int]:
    """Return the positions of the songs that stay if each artist keeps its first `limit` songs.

    The case of names is ignored. A song of several artists counts for each of them, and is left out if one of
    them has enough songs. Songs without an artist all stay.
    """
    counts: Counter[str] = Counter()
    kept = []
    for position, names in enumerate(artists):
        keys = {name.casefold() for name in names}
        if all(counts[key] < limit for key in keys):
            counts.update(keys)
            kept.append(position)
    return kept


def _is_trained(library: Database) -> bool | None:
    model = library.model()
    return model.get("trained") if model else None


def _path_of(song: PlaylistSong) -> str | None:
    """Return the absolute path of a song's file as text; bytes that are not valid UTF-8 become U+FFFD."""
    if song.path is None or song.root is None:
        return None
    return valid_text(absolute_path(song.root, song.path))
