"""Songs as the page and the command line show them, and where their sound is."""

from __future__ import annotations

from pathlib import Path

from explorer.errors import SongNotFoundError
from explorer.library.connection import LibraryFile
from explorer.library.records import SongRow, StoredFile, absolute_path, year_of


class SongTables(LibraryFile):
    """What is asked of songs one by one, or of all of them."""

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

    def genres(self) -> dict[str, tuple[str, ...]]:
        """Return the genres of each song that has any, in the order of its tags."""
        found: dict[str, dict[str, None]] = {}
        for song_id, genre in self._rows("SELECT song_id, genre FROM songs_genres ORDER BY rowid"):
            found.setdefault(song_id, {})[genre] = None
        return {song_id: tuple(genres) for song_id, genres in found.items()}

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
            """SELECT song_id, title, artist, album, info ->> '$.duration_ms' / 1000.0,
                   coalesce(info ->> '$.year', ''), coalesce(info ->> '$.album.release_date', ''),
                   preview_start_s
               FROM song_texts JOIN readable_songs ON id = song_id LEFT JOIN files USING (song_id)
               WHERE song_id = ?""",
            (song_id,),
        )
        if not rows:
            raise SongNotFoundError(f"No song of {self.path} has the id {song_id!r}.")
        genres = self._rows("SELECT genre FROM songs_genres WHERE song_id = ? ORDER BY rowid", (song_id,))
        _, title, artist, album, duration_s, year, released, preview_start_s = rows[0]
        return SongRow(
            song_id,
            title or song_id,
            artist,
            album,
            tuple(dict.fromkeys(g for (g,) in genres)),
            duration_s,
            str(year_of(year) or year_of(released) or ""),
            preview_start_s,
        )

    def find_song(self, text: str) -> SongRow:
        """Return the one song that a user means by an id, a file's path or a title.

        Raises
        ------
        SongNotFoundError
            If none answers to it, or several do: then the ids to choose from are named.
        """
        matches = self._rows("SELECT id FROM songs WHERE id = ?", (text,))
        if not matches:
            matches = [(song_id,) for song_id in self._ids_by_path(text)]
        if not matches:
            matches = self._rows(
                "SELECT song_id FROM song_texts WHERE lower(title) = lower(?) ORDER BY song_id", (text,)
            )
        if not matches:
            raise SongNotFoundError(
                f"No song of {self.path} has the id, path or title {text!r}: see `python run.py status`, "
                "or search on the page."
            )
        if len(matches) > 1:
            choices = ", ".join(repr(song_id) for (song_id,) in matches[:5])
            raise SongNotFoundError(
                f"{len(matches)} songs are called {text!r}: name one by its id, {choices}."
            )
        return self.song(matches[0][0])

    def _ids_by_path(self, text: str) -> list[str]:
        wanted = Path(text).expanduser().absolute()
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
