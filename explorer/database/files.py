"""Folders of music, their files, and what has become of each file: moved, copied, retagged, gone."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from explorer.database.records import KnownFile, SameSound, Song, absolute_path
from explorer.database.songs import GenreTables
from explorer.library.music_file import Fingerprints, ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.util.text import readable

_KIN = """SELECT song_id, root_id, roots.path, files.path, format, duration_s, preview_start_s,
        gone_since IS NOT NULL, fingerprint, audio_fingerprint
    FROM files JOIN songs_vectors USING (song_id) JOIN roots ON roots.id = root_id"""


class FileTables(GenreTables):
    """Queries about roots, files and fingerprints."""

    # Folders of music and their files

    def add_root(self, folder: Path | RemotePath) -> int:
        """Remember a folder of music and return its number."""
        with self.transaction():
            self._rows(
                "INSERT OR IGNORE INTO roots(path, name) VALUES (?, ?)", (str(folder), folder.name or "root")
            )
        return self._value("SELECT id FROM roots WHERE path = ?", (str(folder),))

    def settle_root(self, folder: Path | RemotePath) -> tuple[int, Path | RemotePath]:
        """Return the number and the folder of the root that a folder belongs to.

        A folder inside a known one belongs to that. A folder around known ones takes them in: their
        songs keep their ids and vectors, and are not found a second time, and where their genres come
        from, unless they disagree: folders' names mean something else from further up.
        """
        for root in map(as_root, self.roots()):
            if folder.is_relative_to(root):
                return self.add_root(root), root
        inner = [(number, as_root(path)) for number, path in self._rows("SELECT id, path FROM roots")]
        inner = [(number, path) for number, path in inner if path.is_relative_to(folder)]
        choices = {self.genre_choice(number) for number, _ in inner}
        with self.transaction():
            root_id = self.add_root(folder)
            if len(choices) == 1 and choices.isdisjoint({None, "folder"}):
                self.choose_genres(root_id, *choices)
            for number, path in inner:
                prefix = os.fsencode(path.relative_to(folder).as_posix()) + b"/"
                for table in ("files", "failures"):
                    self._rows(
                        f"UPDATE {table} SET root_id = ?, path = CAST(? || path AS BLOB) WHERE root_id = ?",
                        (root_id, prefix, number),
                    )
                self._rows("DELETE FROM roots WHERE id = ?", (number,))
        return root_id, folder

    def roots(self) -> list[str]:
        """List the folders that were indexed."""
        return [path for (path,) in self._rows("SELECT path FROM roots ORDER BY id")]

    def known_files(self, root_id: int) -> dict[bytes, KnownFile]:
        """Return what is remembered of each file under a root; a failure outweighs an older success."""
        songs = self._rows(
            """SELECT path, size_bytes, modified_ns, song_id, 0, gone_since IS NOT NULL
               FROM files JOIN songs_vectors USING (song_id) WHERE root_id = ?""",
            (root_id,),
        )
        failures = self._rows(
            "SELECT path, size_bytes, modified_ns, NULL, 1, 0 FROM failures WHERE root_id = ?", (root_id,)
        )
        return {path: KnownFile(*rest[:3], bool(rest[3]), bool(rest[4])) for path, *rest in songs + failures}

    def known_files_under(self, folder: Path | RemotePath) -> dict[bytes, KnownFile]:
        """Return the same of a folder that may lie in a root, or around some; paths are relative to it."""
        found: dict[bytes, KnownFile] = {}
        for root_id, root in self._rows("SELECT id, path FROM roots ORDER BY id"):
            if folder.is_relative_to(root):
                inside = folder.relative_to(root).as_posix()
                before, after = (b"" if inside == "." else os.fsencode(inside) + b"/"), b""
            elif as_root(root).is_relative_to(folder):
                before, after = b"", os.fsencode(as_root(root).relative_to(folder).as_posix()) + b"/"
            else:
                continue
            for path, known in self.known_files(root_id).items():
                if path.startswith(before):
                    found[after + path[len(before) :]] = known
        return found

    def preview_start_of(self, fingerprint: str) -> float | None:
        """Return where the preview of a file with these bytes begins, or None where nobody has looked."""
        return self._value(
            "SELECT preview_start_s FROM files WHERE fingerprint = ? AND preview_start_s IS NOT NULL",
            (fingerprint,),
        )

    def preview_starts(self, root_id: int) -> list[tuple[bytes, str, float | None]]:
        """Return the path, fingerprint and preview's start in seconds of each song under a root."""
        return self._rows(
            """SELECT path, fingerprint, preview_start_s FROM files JOIN songs_vectors USING (song_id)
               WHERE root_id = ? ORDER BY path""",
            (root_id,),
        )

    def _store_file(self, song_id: str, root_id: int, song: Song) -> None:
        self._rows(
            """INSERT OR REPLACE INTO files(
                   song_id, root_id, path, size_bytes, modified_ns, fingerprint, format, duration_s,
                   preview_start_s, audio_fingerprint
               ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                *(song_id, root_id, *astuple(song.file), song.fingerprint, song.format),
                *(float(song.duration_s), song.preview_start_s, song.audio_fingerprint),
            ),
        )

    def store_failure(self, root_id: int, file: ScannedFile, reason: str) -> None:
        """Record why a file could not become a song."""
        # It may name the file, and a file's name need not be valid text.
        reason = readable(reason)
        with self.transaction():
            sql = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)"
            self._rows(sql, (root_id, *astuple(file), reason))

    def failures(self) -> list[tuple[str, str]]:
        """Return each failed file's path and reason."""
        rows = self._rows(
            "SELECT roots.path, failures.path, reason FROM failures JOIN roots ON roots.id = root_id "
            "ORDER BY roots.id, failures.path"
        )
        return [(f"{root}/{path.decode('utf-8', 'replace')}", reason) for root, path, reason in rows]

    # Files with the same sound

    def known_sounds(self) -> set[str]:
        """Return the fingerprints, of bytes and of sound, that have a vector."""
        rows = self._rows(
            "SELECT fingerprint, audio_fingerprint FROM files JOIN songs_vectors USING (song_id)"
        )
        return {mark for pair in rows for mark in pair if mark}

    def same_sound(self, fingerprints: Fingerprints) -> list[SameSound]:
        """Return the songs that have a vector and the same bytes or the same sound, ordered by id."""
        rows = self._rows(f"{_KIN} WHERE fingerprint = ?", (fingerprints.fingerprint,))
        if fingerprints.audio_fingerprint:
            rows += self._rows(f"{_KIN} WHERE audio_fingerprint = ?", (fingerprints.audio_fingerprint,))
        found = {row[0]: _same_sound(row) for row in rows}
        return [found[song_id] for song_id in sorted(found)]

    def songs_at(self, root_id: int, path: bytes) -> list[SameSound]:
        """Return the song of a path if it has a vector: one, or none."""
        return [
            _same_sound(row)
            for row in self._rows(f"{_KIN} WHERE root_id = ? AND files.path = ?", (root_id, path))
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

    def move_song(self, kin: SameSound, root_id: int, file: ScannedFile) -> str:
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

    def song_with_bytes(self, fingerprint: str) -> str | None:
        """Return the id of a song whose file has these bytes and is still there, or None."""
        rows = self._rows(
            """SELECT song_id, roots.path, files.path FROM files
               JOIN songs_vectors USING (song_id) JOIN roots ON roots.id = root_id
               WHERE fingerprint = ? ORDER BY song_id""",
            (fingerprint,),
        )
        return next((song_id for song_id, root, path in rows if absolute_path(root, path).is_file()), None)

    def duplicates(self) -> list[list[str]]:
        """Return the songs that have a vector and the same sound as another, in groups.

        The sound's own fingerprint tells, or where a row is of an older version and has none, that of a file
        with the same bytes, or at last that of the bytes.

        Returns
        -------
        list of list of str
            Song ids. The first of a group is the one that stays where duplicates are hidden: a file that is
            there goes before one that is missed, then the shortest path, then the id. Groups are in the
            order of their first.
        """
        rows = self._rows(
            """WITH sounds AS (
                   SELECT song_id, path, gone_since, coalesce(
                       audio_fingerprint, max(audio_fingerprint) OVER (PARTITION BY fingerprint), fingerprint
                   ) AS sound
                   FROM files JOIN songs_vectors USING (song_id)
               )
               SELECT sound, song_id FROM sounds
               WHERE sound IN (SELECT sound FROM sounds GROUP BY sound HAVING count(*) > 1)
               ORDER BY gone_since IS NOT NULL, length(path), song_id"""
        )
        groups: dict[str, list[str]] = {}
        for sound, song_id in rows:
            groups.setdefault(sound, []).append(song_id)
        return sorted(groups.values())

    def gone_songs(self) -> dict[str, str]:
        """Return since when songs' files are missed, UTC as ISO 8601; of those that are not there."""
        return dict(self._rows("SELECT song_id, gone_since FROM files WHERE gone_since IS NOT NULL"))

    def mark_of_changes(self) -> str:
        """Return a mark that is another one when files may have come, gone or changed since."""
        gone, last = self._rows("SELECT count(*), max(gone_since) FROM files WHERE gone_since IS NOT NULL")[0]
        return f"{self._value('SELECT coalesce(max(id), 0) FROM runs')}-{gone}-{last or ''}"

    def paths_of(self, song_ids: Sequence[str]) -> dict[str, str]:
        """Return the paths of some songs' files in their folders of music, as text; not of those without."""
        rows = self._rows(
            "SELECT song_id, files.path FROM json_each(?) CROSS JOIN files ON song_id = json_each.value",
            (json.dumps(list(song_ids)),),
        )
        return {song_id: path.decode("utf-8", "replace") for song_id, path in rows}


def _same_sound(row: tuple) -> SameSound:
    song_id, root_id, root, *rest, missed, fingerprint, audio_fingerprint = row
    fingerprints = frozenset(mark for mark in (fingerprint, audio_fingerprint) if mark)
    return SameSound(song_id, root_id, as_root(root), *rest, bool(missed), fingerprints)
