"""Songs as the page and the command line show them, and where their sound is."""

from __future__ import annotations

import os
from pathlib import Path

from explorer.database.records import SongRow, StoredFile, absolute_path, year_of
from explorer.errors import SongNotFoundError
from explorer.library.genre_choices import GenreTables
from explorer.util.text import readable


class SongTables(GenreTables):
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


def at_home(text: str) -> Path:
    """Return a path with `~` as the shell has it; a title may begin so, and name nobody's home."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)
