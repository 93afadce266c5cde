"""Songs as the page and the command line show them, with their genres, and where their sound is."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from explorer.database.connection import LibraryFile
from explorer.database.records import SongFacts, SongRow, StoredFile, absolute_path, year_of
from explorer.errors import SongNotFoundError
from explorer.util.text import readable

_MOST_REMEMBERED = 10_000


@dataclass(frozen=True)
class FiledSong:
    """A song as a playlist needs it.

    Attributes
    ----------
    root : str or None
        The folder of music; None where the library knows no file for the song.
    path : bytes or None
        Relative to the root, as `os.fsencode` gives it, with `/`.
    year : str
        Four digits, or nothing.
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


class GenreTables(LibraryFile):
    """The table songs_genres, and what was chosen for each root."""

    def genres(self) -> dict[str, tuple[str, ...]]:
        """Return the genres of each song that has any, in the order of its tags."""
        found: dict[str, dict[str, None]] = {}
        for song_id, genre in self._rows("SELECT song_id, genre FROM songs_genres ORDER BY rowid"):
            found.setdefault(song_id, {})[genre] = None
        return {song_id: tuple(genres) for song_id, genres in found.items()}

    def genres_of(self, song_id: str) -> tuple[str, ...]:
        """Return one song's genres, each once, in the order of its tags."""
        rows = self._rows("SELECT genre FROM songs_genres WHERE song_id = ? ORDER BY rowid", (song_id,))
        return tuple(dict.fromkeys(genre for (genre,) in rows))

    def store_genres(self, genres: Mapping[str, Iterable[str]]) -> None:
        """Give songs other genres than they have, in one transaction."""
        with self.transaction():
            for song_id, names in genres.items():
                self._store_genres(song_id, names)

    def _store_genres(self, song_id: str, genres: Iterable[str]) -> None:
        self._rows("DELETE FROM songs_genres WHERE song_id = ?", (song_id,))
        for genre in genres:
            self._rows("INSERT INTO songs_genres VALUES (?, ?)", (song_id, genre))

    def genre_choice(self, root_id: int) -> str | None:
        """Return what a root's genres are taken from, or None where nobody chose."""
        return self._value("SELECT genres_from FROM roots WHERE id = ?", (root_id,))

    def choose_genres(self, root_id: int, choice: str) -> None:
        """Remember what a root's genres are taken from."""
        with self.transaction():
            self._rows("UPDATE roots SET genres_from = ? WHERE id = ?", (choice, root_id))

    def song_ids_by_path(self, root_id: int) -> dict[bytes, str]:
        """Return the song of each file under a root that has a vector."""
        return dict(
            self._rows(
                "SELECT path, song_id FROM files JOIN songs_vectors USING (song_id) WHERE root_id = ?",
                (root_id,),
            )
        )


class SongTables(GenreTables):
    """Queries about one song, some songs, or all of them."""

    def songs(self) -> list[SongRow]:
        """Return every song that has a vector, ordered by id."""
        genres = self.genres()
        rows = self._rows(
            """SELECT song_texts.song_id, title, artist, album, duration_s
               FROM songs_vectors JOIN song_texts USING (song_id) LEFT JOIN files USING (song_id)
               ORDER BY songs_vectors.song_id"""
        )
        return [
            SongRow(song_id, title or song_id, artist, album, genres.get(song_id, ()), duration_s)
            for song_id, title, artist, album, duration_s in rows
        ]

    def artists(self) -> dict[str, str]:
        """Return each song's artists as one text."""
        return dict(self._rows("SELECT song_id, artist FROM song_texts"))

    def song(self, song_id: str) -> SongRow:
        """Return one song.

        Raises
        ------
        SongNotFoundError
            If the library has none of that id.
        """
        rows = self._rows(
            """SELECT song_id, title, artist, album, coalesce(duration_s, info ->> '$.duration_ms' / 1000.0),
                   coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   preview_start_s, gone_since
               FROM song_texts JOIN readable_songs ON id = song_id LEFT JOIN files USING (song_id)
               WHERE song_id = ?""",
            (song_id,),
        )
        if not rows:
            raise SongNotFoundError(f"No song of {self.path} has the id {song_id!r}.")
        _, title, artist, album, duration_s, year, released, preview_start_s, gone_since = rows[0]
        return SongRow(
            song_id,
            title or song_id,
            artist,
            album,
            self.genres_of(song_id),
            duration_s,
            str(year_of(year) or year_of(released) or ""),
            preview_start_s,
            gone_since,
        )

    def find_song(self, text: str, *, by_file_name: bool = True) -> SongRow:
        """Return the one song that a user means by an id, a file's path, a title or a file's name.

        Parameters
        ----------
        by_file_name : bool
            Whether the end of a path will do, with or without its extension, where nothing else does.

        Raises
        ------
        SongNotFoundError
            If none answers to it, or several do: then the ids to choose from are named.
        """
        matches = self.song_ids_named(text, by_file_name=by_file_name)
        if not matches:
            raise SongNotFoundError(
                f"No song of {self.path} has the id, path, title or file name {text!r}: see "
                "`python run.py status`, or search on the page."
            )
        if len(matches) > 1:
            choices = ", ".join(map(repr, matches[:5]))
            raise SongNotFoundError(
                f"{len(matches)} songs are called {text!r}: name one by its id, {choices}."
            )
        return self.song(matches[0])

    def song_ids_named(self, text: str, *, by_file_name: bool = True) -> list[str]:
        """Return the songs of an id; else of a file's path, else of a title, else of a file's name."""
        # Half of a character, as an undecodable argument has it, is in no id and no title.
        said = readable(text)
        matches = self._rows("SELECT id FROM songs WHERE id = ?", (said,))
        if not matches:
            matches = [(song_id,) for song_id in self._ids_by_path(text)]
        if not matches:
            matches = self._rows(
                "SELECT song_id FROM song_texts WHERE lower(title) = lower(?) ORDER BY song_id", (said,)
            )
        if not matches and by_file_name:
            return self._ids_by_file_name(text)
        return [song_id for (song_id,) in matches]

    def _ids_by_file_name(self, text: str) -> list[str]:
        """Return the songs whose path ends with a text, extension or not; case counts where it decides."""
        wanted = Path(text).as_posix()
        if wanted == ".":
            return []
        exact, folded = [], []
        for song_id, root, path in self._rows(
            """SELECT songs.id, roots.path, files.path FROM songs
               LEFT JOIN files ON song_id = songs.id LEFT JOIN roots ON roots.id = root_id
               ORDER BY songs.id"""
        ):
            # Songs of other programs' databases have no file that is known here, and are called by it.
            whole = song_id if path is None else f"{root}/{os.fsdecode(path)}".replace(os.sep, "/")
            if wanted.casefold() not in whole.casefold():
                continue
            for name in (whole, os.path.splitext(whole)[0]):
                if f"/{name}".endswith(f"/{wanted}"):
                    exact.append(song_id)
                elif f"/{name}".casefold().endswith(f"/{wanted}".casefold()):
                    folded.append(song_id)
        return list(dict.fromkeys(exact or folded))

    def _ids_by_path(self, text: str) -> list[str]:
        wanted = at_home(text).absolute()
        for root_id, root in self._rows("SELECT id, path FROM roots"):
            if wanted.is_relative_to(root):
                relative = wanted.relative_to(root).as_posix().encode("utf-8", "surrogateescape")
                rows = self._rows(
                    "SELECT song_id FROM files WHERE root_id = ? AND path = ?", (root_id, relative)
                )
                if rows:
                    return [song_id for (song_id,) in rows]
        return []

    def file_of(self, song_id: str) -> StoredFile | None:
        """Return where a song's sound is, or None where the library knows no file for it."""
        rows = self._rows(
            """SELECT roots.path, files.path, format, fingerprint, coalesce(info ->> '$.name', ''),
                   preview_start_s
               FROM files JOIN roots ON roots.id = root_id JOIN songs ON songs.id = song_id
               WHERE song_id = ?""",
            (song_id,),
        )
        if not rows:
            return None
        root, path, *rest = rows[0]
        return StoredFile(absolute_path(root, path), *rest)

    def facts(self) -> dict[str, SongFacts]:
        """Return the artists, year and duration of every song, by its id."""
        durations = dict(self._rows("SELECT song_id, duration_s FROM files"))
        rows = self._rows(
            """SELECT id, coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   info ->> '$.duration_ms' / 1000.0,
                   iif(json_type(info, '$.artists') = 'array', info -> '$.artists', '[]')
               FROM readable_songs"""
        )
        # Songs have many years and artists in common.
        names, years = lru_cache(_MOST_REMEMBERED)(_names), lru_cache(_MOST_REMEMBERED)(year_of)
        return {
            song_id: SongFacts(
                names(artists), years(year) or years(released), durations.get(song_id, duration_s)
            )
            for song_id, year, released, duration_s, artists in rows
        }

    def headings(self, song_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return the title and the artists of some songs, by their ids; those that are gone are left out."""
        rows = self._rows(
            """SELECT song_id, title, artist
               FROM json_each(?) CROSS JOIN song_texts ON song_id = json_each.value""",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: (title or song_id, artist) for song_id, title, artist in rows}

    def filed_songs(self, song_ids: Sequence[str]) -> list[FiledSong]:
        """Return songs with their files, in the order asked for; those that are gone are left out."""
        rows = self._rows(
            """SELECT song_id, title, artist, album,
                   (SELECT json_group_array(genre ORDER BY rowid) FROM songs_genres
                       WHERE song_id = value AND typeof(genre) = 'text'),
                   coalesce(duration_s, info ->> '$.duration_ms' / 1000.0),
                   coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   roots.path, files.path
               FROM json_each(?)
               CROSS JOIN song_texts ON song_id = value
               CROSS JOIN readable_songs ON readable_songs.id = value
               LEFT JOIN files USING (song_id)
               LEFT JOIN roots ON roots.id = root_id
               ORDER BY json_each.id""",
            (json.dumps(list(song_ids)),),
        )
        return [
            FiledSong(
                song_id,
                title or song_id,
                artist,
                album,
                tuple(dict.fromkeys(map(str, json.loads(genres)))),
                duration_s,
                str(year_of(year) or year_of(released) or ""),
                root,
                path,
            )
            for song_id, title, artist, album, genres, duration_s, year, released, root, path in rows
        ]


def _names(artists: str) -> tuple[str, ...]:
    """Read the artists' names, each once, out of any JSON list that a program may have written."""
    try:
        values = [value.get("name") if isinstance(value, dict) else value for value in json.loads(artists)]
    except (ValueError, RecursionError):
        return ()
    names = (str(value) for value in values if isinstance(value, str | int | float))
    return tuple(dict.fromkeys(name for name in names if name))


def at_home(text: str) -> Path:
    """Return a path with `~` as the shell has it; a title may begin so, and name nobody's home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
