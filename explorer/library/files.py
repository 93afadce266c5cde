"""Where many songs' files are, in one query."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.database.connection import LibraryFile
from explorer.database.records import absolute_path, year_of


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


class FileTables(LibraryFile):
    """Queries for the files of many songs, and for songs by their files."""

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

    def song_with_bytes(self, fingerprint: str) -> str | None:
        """Return the id of a song whose file has these bytes and is still there, or None."""
        rows = self._rows(
            """SELECT song_id, roots.path, files.path FROM files
               JOIN songs_vectors USING (song_id) JOIN roots ON roots.id = root_id
               WHERE fingerprint = ? ORDER BY song_id""",
            (fingerprint,),
        )
        return next((song_id for song_id, root, path in rows if absolute_path(root, path).is_file()), None)
