"""Queries about the ids of songs, which are made from the paths of their files, and about moved files."""

from __future__ import annotations

import json
from collections.abc import Collection

from explorer.database.records import SameSound
from explorer.database.songs import SongTables
from explorer.database.state import COARSE, FULL
from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile


class SongIdTables(SongTables):
    """Queries that make, change and free the ids of the songs of files."""

    def _song_id(self, root_id: int, file: ScannedFile, track: int) -> str:
        """Return the id of the song of this file; for a new file, the first possible id that no song has."""
        known = self._value(
            "SELECT song_id FROM files WHERE root_id = ? AND path = ? AND track = ?",
            (root_id, file.path, track),
        )
        if known is not None:
            return known
        song_id = next(filter(self._is_free, self._possible_ids(root_id, file, track)), None)
        if song_id is None:
            raise LibraryError(f"No id is free for {file.text!r}: rename the file.")
        return song_id

    def _possible_ids(self, root_id: int, file: ScannedFile, track: int) -> list[str]:
        """Return the ids that the song of a file may get, in order of preference.

        They are the path alone, after the root's name, and after the root's name and number, and at last the
        bytes of the path as hexadecimal digits. The number of a track follows: `album.flac#03`.
        """
        root_name = self._value("SELECT name FROM roots WHERE id = ?", (root_id,))
        numbered = f"{root_name} {root_id}"
        suffix = f"#{track:02d}" if track else ""
        return [
            f"{file.text}{suffix}",
            f"{root_name}/{file.text}{suffix}",
            f"{numbered}/{file.text}{suffix}",
            f"{numbered}/{file.path.hex()}{suffix}",
        ]

    def _is_free(self, song_id: str) -> bool:
        return self._value("SELECT 1 FROM songs WHERE id = ?", (song_id,)) is None

    def move_song(self, song: SameSound, root_id: int, file: ScannedFile, track: int = 0) -> str:
        """Store that a song now has another file, or another track of a file, and return the song's id.

        The song keeps its vector, cluster and position on the map. If its id was made from the old path, it
        gets an id made from the new path. A song that was stored there is deleted: its sound is replaced. But
        what the first look has stored of it, the moved song gets, if it has none: it is the same sound.
        """
        with self.transaction():
            self._take_coarse(song.song_id, root_id, file.path, track)
            self._rows("DELETE FROM failures WHERE root_id = ? AND path = ?", (root_id, file.path))
            self._forget_replaced(
                "root_id = ? AND path = ? AND track = ? AND song_id <> ?",
                (root_id, file.path, track, song.song_id),
            )
            self._rows(
                "UPDATE files SET root_id = ?, path = ?, track = ?, gone_since = NULL WHERE song_id = ?",
                (root_id, file.path, track, song.song_id),
            )
            if song.song_id not in self._possible_ids(song.root_id, ScannedFile(song.path, 0, 0), song.track):
                return song.song_id
            free_ids = (
                song_id
                for song_id in self._possible_ids(root_id, file, track)
                if song_id == song.song_id or self._is_free(song_id)
            )
            new_id = next(free_ids, song.song_id)
            if new_id != song.song_id:
                self._change_id(song.song_id, new_id)
        return new_id

    def _take_coarse(self, song_id: str, root_id: int, path: bytes, track: int) -> None:
        """Give a song the coarse vector and the place on the map of another one that has no full vector."""
        other = self._value(
            f"""SELECT song_id FROM files WHERE root_id = ? AND path = ? AND track = ? AND song_id <> ?
                AND {self._has_vector(COARSE)} AND NOT {self._has_vector(FULL)}""",
            (root_id, path, track, song_id),
        )
        if other is None or self._value("SELECT 1 FROM coarse_vectors WHERE song_id = ?", (song_id,)):
            return
        for table in ("coarse_vectors", "positions", "song_clusters"):
            self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))
            self._rows(f"UPDATE {table} SET song_id = ? WHERE song_id = ?", (song_id, other))

    def _change_id(self, old: str, new: str) -> None:
        """Change a song's id in every table."""
        # Check foreign keys only at the end of the transaction: between these updates, some rows refer to the
        # old id, which no song has.
        self._connection.pragma("defer_foreign_keys", True)
        self._rows("UPDATE songs SET id = ? WHERE id = ?", (new, old))
        for table, column in (
            ("songs_vectors", "song_id"),
            ("coarse_vectors", "song_id"),
            ("asked_songs", "song_id"),
            ("song_windows", "song_id"),
            ("raw_windows", "song_id"),
            ("song_features", "song_id"),
            ("songs_genres", "song_id"),
            ("files", "song_id"),
            ("positions", "song_id"),
            ("song_clusters", "song_id"),
            ("clusters", "anthem"),
        ):
            self._rows(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (new, old))

    def forget_other_tracks(self, root_id: int, path: bytes, tracks: Collection[int]) -> list[str]:
        """Delete the songs of a file that are none of these tracks, and return their fingerprints.

        A file was one song before it had a cue sheet, and is one song again without it.
        """
        return self._forget_replaced(
            "root_id = ? AND path = ? AND track NOT IN (SELECT value FROM json_each(?))",
            (root_id, path, json.dumps(list(tracks))),
        )

    def _forget_replaced(self, condition: str, values: tuple) -> list[str]:
        """Delete the songs whose files fulfil a condition, and return their fingerprints.

        An imported song stays in the library, without a file.
        """
        rows = self._rows(
            f"""SELECT song_id, fingerprint, info ->> '$.path' IS NULL
                FROM files JOIN readable_songs ON id = song_id WHERE {condition}""",
            values,
        )
        with self.transaction():
            for song_id, _, was_imported in rows:
                table, column = ("files", "song_id") if was_imported else ("songs", "id")
                self._rows(f"DELETE FROM {table} WHERE {column} = ?", (song_id,))
        return [fingerprint for _, fingerprint, _ in rows]
