"""Queries about songs: their titles and other fields, and their genres."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import tee

from explorer.database.records import SongFacts, SongRow, StoredFile, absolute_path
from explorer.database.state import StateTables
from explorer.errors import SongNotFoundError
from explorer.library.genre_texts import common_spellings
from explorer.library.music_file import WHOLE, Part
from explorer.util.sorted_rows import grouped_values, values_in_order
from explorer.util.text import spelling_key
from explorer.util.years import year_of

_MAX_CACHED = 10_000
_IS_TEXT = "typeof(genre) = 'text'"
"""Other programs may store genres of other types, which are ignored."""


@dataclass(frozen=True)
class PlaylistSong:
    """The fields of a song that playlists and exports need.

    Attributes
    ----------
    root : str or None
        The root folder or URL; None if the library has no file for the song.
    path : bytes or None
        The path relative to the root, as `os.fsencode` returns it, with `/`.
    part : Part
        The part of the file that is the song. The end of a track is never None.
    year : str
        Four digits, or empty.
    """

    song_id: str
    title: str
    artist: str = ""
    album: str = ""
    genres: tuple[str, ...] = ()
    duration_s: float | None = None
    year: str = ""
    root: str | None = None
    path: bytes | None = None
    part: Part = WHOLE


class SongTables(StateTables):
    """Queries about the tables songs and songs_genres."""

    # Songs by id

    def songs(self, song_ids: Sequence[str] | None = None, *, full: bool = False) -> list[SongRow]:
        """Return every song that has a shown vector, ordered by id; or the given songs, in the given order.

        A given song whose texts cannot be read has no title, artist and album. With `full`, these are the
        songs that have a full vector.
        """
        with self.snapshot():
            genres = self.genres()
            table = "songs_vectors" if full else self._shown_table
            rows = self._song_rows(
                f"""SELECT song_texts.song_id, title, artist, album, duration_s
                    FROM {table} AS shown
                    JOIN song_texts USING (song_id) LEFT JOIN files USING (song_id)
                    ORDER BY shown.song_id"""
            )
        songs = [
            SongRow(song_id, title or song_id, artist or "", album or "", genres.get(song_id, ()), duration_s)
            for song_id, title, artist, album, duration_s in rows
        ]
        if song_ids is None:
            return songs
        by_id = {song.song_id: song for song in songs}
        return [by_id.get(song_id) or SongRow(song_id, song_id, "", "") for song_id in song_ids]

    def song(self, song_id: str) -> SongRow:
        """Return one song.

        Raises
        ------
        SongNotFoundError
            If the library has no song with this id.
        """
        rows = self._rows(
            """SELECT title, artist, album, coalesce(duration_s, info ->> '$.duration_ms' / 1000.0),
                   coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   preview_start_s, gone_since, coalesce(note, '')
               FROM song_texts JOIN readable_songs ON id = song_id LEFT JOIN files USING (song_id)
               WHERE song_id = ?""",
            (song_id,),
        )
        if not rows:
            raise SongNotFoundError(f"No song of {self.path} has the id {song_id!r}.")
        title, artist, album, duration_s, year, released, preview_start_s, gone_since, note = rows[0]
        return SongRow(
            song_id,
            title or song_id,
            artist,
            album,
            self.genres_of(song_id),
            duration_s,
            _year_text(year, released),
            preview_start_s,
            gone_since,
            note,
        )

    def playlist_songs(self, song_ids: Sequence[str]) -> list[PlaylistSong]:
        """Return songs with the paths of their files, in the given order. Unknown ids are left out."""
        rows = self._song_rows(
            """SELECT song_id, title, artist, album,
                   (SELECT json_group_array(genre ORDER BY rowid) FROM songs_genres
                       WHERE song_id = value AND typeof(genre) = 'text'),
                   coalesce(duration_s, info ->> '$.duration_ms' / 1000.0),
                   coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   roots.path, files.path, track, start_s, coalesce(end_s, start_s + duration_s)
               FROM json_each(?)
               CROSS JOIN song_texts ON song_id = value
               CROSS JOIN readable_songs ON readable_songs.id = value
               LEFT JOIN files USING (song_id)
               LEFT JOIN roots ON roots.id = root_id
               ORDER BY json_each.id""",
            (json.dumps(list(song_ids)),),
        )
        return [
            PlaylistSong(
                song_id,
                title or song_id,
                artist,
                album,
                tuple(dict.fromkeys(map(str, json.loads(genres)))),
                duration_s,
                _year_text(year, released),
                root,
                path,
                Part(*part) if part[0] else WHOLE,
            )
            for song_id, title, artist, album, genres, duration_s, year, released, root, path, *part in rows
        ]

    def file_of(self, song_id: str) -> StoredFile | None:
        """Return a song's audio file, or None if the library has no file for it."""
        rows = self._rows(
            """SELECT roots.path, files.path, format, fingerprint, coalesce(info ->> '$.name', ''),
                   preview_start_s, track, start_s, coalesce(end_s, start_s + duration_s), size_bytes,
                   modified_ns, link_target
               FROM files JOIN roots ON roots.id = root_id JOIN readable_songs ON readable_songs.id = song_id
               WHERE song_id = ?""",
            (song_id,),
        )
        if not rows:
            return None
        root, path, *rest, track, start_s, end_s, size_bytes, modified_ns, link_target = rows[0]
        whole = StoredFile(absolute_path(root, path), *rest, root=root, inside=path, link_target=link_target)
        if not track:
            return replace(whole, copy_key=whole.fingerprint)
        copied = f"{whole.path} {size_bytes} {modified_ns}"
        key = hashlib.blake2b(copied.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
        return replace(whole, part=Part(track, start_s, end_s), copy_key=key)

    def titles_and_artists(self, song_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return the title and the artists of each given song, by song id. Unknown ids are left out."""
        rows = self._song_rows(
            """SELECT song_id, title, artist
               FROM json_each(?) CROSS JOIN song_texts ON song_id = json_each.value""",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: (title or song_id, artist) for song_id, title, artist in rows}

    def albums_of(self, song_ids: Sequence[str]) -> dict[str, str]:
        """Return the album of each given song, by song id; "" if it has none. Unknown ids are left out."""
        rows = self._song_rows(
            "SELECT song_id, album FROM json_each(?) CROSS JOIN song_texts ON song_id = json_each.value",
            (json.dumps(list(song_ids)),),
        )
        return dict(rows)

    def titles_and_durations(self) -> Iterator[tuple[str, str, float]]:
        """Yield the id, title and duration in seconds of each song that has a shown vector and a file."""
        return self._iterate_song_rows(
            f"""SELECT song_id, coalesce(nullif(title, ''), song_id), duration_s
               FROM {self._shown_table} JOIN song_texts USING (song_id) JOIN files USING (song_id)
               WHERE duration_s IS NOT NULL"""
        )

    def artists(self) -> dict[str, str]:
        """Return each song's artists as one text, by song id."""
        return dict(self.iterate_artists())

    def iterate_artists(self) -> Iterator[tuple[str, str]]:
        """Yield each song's id and its artists as one text, ordered by id."""
        return self._iterate_song_rows("SELECT song_id, artist FROM song_texts ORDER BY song_id")

    def iterate_documents(self) -> Iterator[tuple[str, tuple]]:
        """Yield the id of each song that has a shown vector, and the texts that name clusters; ordered by id.

        These are genres, artists, album and title, as `cluster_names.Vocabulary` takes them.
        """
        rows = self._iterate_song_rows(
            f"""SELECT shown.song_id, title, artist, album
                FROM {self._shown_table} AS shown JOIN song_texts USING (song_id) ORDER BY shown.song_id"""
        )
        rows, copied = tee(rows)
        genres = values_in_order((row[0] for row in copied), self.iterate_genres(), ())
        for (song_id, title, artist, album), names in zip(rows, genres, strict=True):
            yield song_id, (names, artist, album, title or song_id)

    def facts(self) -> dict[str, SongFacts]:
        """Return the artists, year and duration of every song, by song id."""
        return dict(self.iterate_facts())

    def iterate_facts(self) -> Iterator[tuple[str, SongFacts]]:
        """Yield the id of each song, and its artists, year and duration, ordered by id."""
        sql = "SELECT song_id, duration_s FROM files ORDER BY song_id"
        durations = self._iterate_song_rows(sql)
        rows = self._iterate_song_rows(
            """SELECT id, coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   info ->> '$.duration_ms' / 1000.0,
                   iif(json_type(info, '$.artists') = 'array', info -> '$.artists', '[]')
               FROM readable_songs ORDER BY id"""
        )
        # Many songs have the same year and artists. The cache parses each distinct value once.
        names, years = lru_cache(_MAX_CACHED)(_artist_names), lru_cache(_MAX_CACHED)(year_of)
        rows, copied = tee(rows)
        durations = values_in_order((row[0] for row in copied), durations, None)
        for (song_id, year, released, duration_s, artists), file_s in zip(rows, durations, strict=True):
            length_s = duration_s if file_s is None else file_s
            yield song_id, SongFacts(names(artists), years(year) or years(released), length_s)

    # Genres

    def genres(self) -> dict[str, tuple[str, ...]]:
        """Return the genres of each song that has genres, in the order of its tags."""
        genres: dict[str, dict[str, None]] = {}
        sql = f"SELECT song_id, genre FROM songs_genres WHERE {_IS_TEXT} ORDER BY rowid"
        for song_id, genre in self._song_rows(sql):
            genres.setdefault(song_id, {})[genre] = None
        return {song_id: tuple(names) for song_id, names in genres.items()}

    def has_years(self) -> bool:
        """Return whether any song has a year."""
        rows = self._iterate_song_rows(
            """SELECT id, coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', '')
               FROM readable_songs
               WHERE coalesce(info ->> '$.year', info ->> '$.album.release_date') IS NOT NULL"""
        )
        return any(year_of(year) or year_of(released) for _, year, released in rows)

    def iterate_genres(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield the id of each song that has genres, and its genres as in `genres`, ordered by id."""
        sql = f"SELECT song_id, genre FROM songs_genres WHERE {_IS_TEXT} ORDER BY song_id, rowid"
        return grouped_values(self._iterate_song_rows(sql))

    def genres_of(self, song_id: str) -> tuple[str, ...]:
        """Return one song's genres in the order of its tags, without repetitions."""
        sql = f"SELECT genre FROM songs_genres WHERE song_id = ? AND {_IS_TEXT} ORDER BY rowid"
        rows = self._rows(sql, (song_id,))
        return tuple(dict.fromkeys(genre for (genre,) in rows))

    def count_genres(self) -> int:
        """Return the number of distinct genres; several spellings of a genre count once."""
        return self.genre_spellings()[0]

    def genre_spellings(self) -> tuple[int, dict[str, str]]:
        """Return the number of distinct genres, and the spelling to show instead of each other one.

        `common_spellings` chooses them. After `unify_genre_spellings` there are no others; there can be while
        an index run stores songs, and in databases that another program wrote.
        """
        # `count(DISTINCT genre)`, or counting the songs of every genre, takes several times as long.
        rows = self._rows(f"SELECT genre FROM (SELECT DISTINCT genre FROM songs_genres WHERE {_IS_TEXT})")
        names = [genre for (genre,) in rows]
        keys = Counter(map(spelling_key, names))
        several = [name for name in names if keys[spelling_key(name)] > 1]
        if not several:
            return len(keys), {}
        rows = self._rows(
            """SELECT genre, count(*) FROM songs_genres
               WHERE genre IN (SELECT value FROM json_each(?)) GROUP BY genre""",
            (json.dumps(several),),
        )
        return len(keys), common_spellings(dict(rows))

    def store_genres(self, genres: Mapping[str, Iterable[str]]) -> None:
        """Replace the genres of songs, in one transaction."""
        with self.transaction():
            for song_id, names in genres.items():
                self._store_genres(song_id, names)

    def unify_genre_spellings(self) -> None:
        """Give each genre one spelling in the whole library: see `common_spellings`.

        Indexing, importing and changing genres end with this, so that "Piano" and "piano" are one genre
        everywhere: on the map, in filters and in the report.
        """
        counts = "SELECT genre, count(*) FROM songs_genres WHERE typeof(genre) = 'text' GROUP BY genre"
        with self.transaction():
            for old, new in common_spellings(dict(self._rows(counts))).items():
                self._rows("UPDATE songs_genres SET genre = ? WHERE genre = ?", (new, old))

    def _store_genres(self, song_id: str, genres: Iterable[str]) -> None:
        self._rows("DELETE FROM songs_genres WHERE song_id = ?", (song_id,))
        for genre in genres:
            self._rows("INSERT INTO songs_genres VALUES (?, ?)", (song_id, genre))


def _year_text(year: object, released: object) -> str:
    """Return the year of a song as four digits, else the year of the album's release, else ""."""
    return str(year_of(year) or year_of(released) or "")


def _artist_names(artists: str) -> tuple[str, ...]:
    """Return the distinct names in a JSON list of artists. Invalid JSON and invalid items are ignored."""
    try:
        values = [value.get("name") if isinstance(value, dict) else value for value in json.loads(artists)]
    except (ValueError, RecursionError):
        return ()
    names = (str(value) for value in values if isinstance(value, str | int | float))
    return tuple(dict.fromkeys(name for name in names if name))
