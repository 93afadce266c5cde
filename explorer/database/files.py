"""What has become of files since they were indexed: moved, copied, retagged, gone."""

from __future__ import annotations

from explorer.database.records import Kin, Marks, ScannedFile
from explorer.library.genre_choices import GenreTables
from explorer.library.remote import as_root

_KIN = """SELECT song_id, root_id, roots.path, files.path, format, duration_s, preview_start_s,
        gone_since IS NOT NULL, fingerprint, audio_fingerprint
    FROM files JOIN songs_vectors USING (song_id) JOIN roots ON roots.id = root_id"""


class ChangeTables(GenreTables):
    """Queries by fingerprint, and the marks of files that are gone."""

    def known_sounds(self) -> set[str]:
        """Return the fingerprints, of bytes and of sound, that have a vector."""
        rows = self._rows(
            "SELECT fingerprint, audio_fingerprint FROM files JOIN songs_vectors USING (song_id)"
        )
        return {mark for pair in rows for mark in pair if mark}

    def kin(self, marks: Marks) -> list[Kin]:
        """Return the songs that have a vector and the same bytes or the same sound, ordered by id."""
        rows = self._rows(f"{_KIN} WHERE fingerprint = ?", (marks.fingerprint,))
        if marks.audio_fingerprint:
            rows += self._rows(f"{_KIN} WHERE audio_fingerprint = ?", (marks.audio_fingerprint,))
        found = {row[0]: _kin(row) for row in rows}
        return [found[song_id] for song_id in sorted(found)]

    def kin_at(self, root_id: int, path: bytes) -> list[Kin]:
        """Return the song of a path if it has a vector: one, or none."""
        return [
            _kin(row) for row in self._rows(f"{_KIN} WHERE root_id = ? AND files.path = ?", (root_id, path))
        ]

    def mark_gone(self, root_id: int, paths: list[bytes], *, since: str) -> None:
        """Note since when files are missed, but for those that were before; a failure without a file goes."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE files SET gone_since = ? WHERE root_id = ? AND path = ? AND gone_since IS NULL",
                ((since, root_id, path) for path in paths),
            )
            self._connection.executemany(
                "DELETE FROM failures WHERE root_id = ? AND path = ?", ((root_id, path) for path in paths)
            )

    def mark_back(self, root_id: int, paths: list[bytes]) -> None:
        """Note that files are there again."""
        with self.transaction():
            self._connection.executemany(
                "UPDATE files SET gone_since = NULL WHERE root_id = ? AND path = ?",
                ((root_id, path) for path in paths),
            )

    def count_gone(self, root_id: int, folder: bytes = b"") -> int:
        """Return how many songs under a root's folder are missed; its path is empty or ends with `/`."""
        return self._value(
            """SELECT count(*) FROM files
               WHERE gone_since IS NOT NULL AND root_id = ? AND substr(path, 1, ?) = ?""",
            (root_id, len(folder), folder),
        )

    def count_files(self, root_id: int) -> int:
        """Return how many songs have a file under a root, be it there or gone."""
        return self._value("SELECT count(*) FROM files WHERE root_id = ?", (root_id,))

    def gone_under(self, root_id: int, folder: bytes = b"") -> list[tuple[str, str]]:
        """Return the id and the bytes' fingerprint of each song under a root's folder that is missed."""
        return self._rows(
            """SELECT song_id, fingerprint FROM files
               WHERE gone_since IS NOT NULL AND root_id = ? AND substr(path, 1, ?) = ? ORDER BY song_id""",
            (root_id, len(folder), folder),
        )

    def move_song(self, kin: Kin, root_id: int, file: ScannedFile) -> str:
        """Let a song be found under another path, and return its id, which follows the path.

        Its place on the map, its cluster and its vector stay. An id that was not made of the path stays too.
        """
        with self.transaction():
            self._rows("DELETE FROM failures WHERE root_id = ? AND path = ?", (root_id, file.path))
            self._rows(
                "UPDATE files SET root_id = ?, path = ?, gone_since = NULL WHERE song_id = ?",
                (root_id, file.path, kin.song_id),
            )
            if kin.song_id not in self._possible_ids(kin.root_id, ScannedFile(kin.path, 0, 0)):
                return kin.song_id
            free = (
                name
                for name in self._possible_ids(root_id, file)
                if name == kin.song_id or self._value("SELECT 1 FROM songs WHERE id = ?", (name,)) is None
            )
            song_id = next(free, kin.song_id)
            if song_id != kin.song_id:
                self._rename(kin.song_id, song_id)
        return song_id

    def _rename(self, before: str, after: str) -> None:
        """Give a song another id wherever it is referred to."""
        # Until the transaction ends, what refers to a song may be without it.
        self._connection.pragma("defer_foreign_keys", True)
        self._rows("UPDATE songs SET id = ? WHERE id = ?", (after, before))
        for table, column in (
            ("songs_vectors", "song_id"),
            ("songs_genres", "song_id"),
            ("files", "song_id"),
            ("positions", "song_id"),
            ("song_clusters", "song_id"),
            ("clusters", "anthem"),
        ):
            self._rows(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (after, before))


def _kin(row: tuple) -> Kin:
    song_id, root_id, root, *rest, missed, fingerprint, audio_fingerprint = row
    marks = frozenset(mark for mark in (fingerprint, audio_fingerprint) if mark)
    return Kin(song_id, root_id, as_root(root), *rest, bool(missed), marks)
