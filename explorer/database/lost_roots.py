"""Queries about roots that do not exist any more: their songs move to another root or are dropped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from explorer.database.connection import LibraryConnection
from explorer.library.remote import RemotePath, as_root


@dataclass(frozen=True)
class StoredIdentity:
    """What identifies a song's file: its path, its size, and the fingerprints of its bytes and its audio."""

    path: bytes
    size_bytes: int
    fingerprints: frozenset[str]


class LostRootTables(LibraryConnection):
    """Queries about the tables roots, files and failures. A folder's path is empty or ends with `/`."""

    def numbered_roots(self) -> dict[int, Path | RemotePath]:
        """Return the indexed root folders and URLs, by number."""
        return {
            number: as_root(path) for number, path in self._rows("SELECT id, path FROM roots ORDER BY id")
        }

    def identities(self, root_id: int) -> list[StoredIdentity]:
        """Return the files of a root that are not marked as gone; all files if every file is marked."""
        rows = self._rows(
            """SELECT path, min(size_bytes), min(fingerprint), min(audio_fingerprint), min(gone_since)
               FROM files WHERE root_id = ? GROUP BY path ORDER BY path""",
            (root_id,),
        )
        present = [row for row in rows if row[-1] is None]
        return [
            StoredIdentity(path, size_bytes, frozenset(filter(None, fingerprints)))
            for path, size_bytes, *fingerprints, _ in present or rows
        ]

    def move_root(self, root_id: int, folder: Path | RemotePath, new_path: Callable[[bytes], bytes]) -> None:
        """Store that a root is now another folder. Songs keep their ids and everything stored about them.

        If `folder` is a root already, the files join that root, with its choices. A file whose new path that
        root already has stays in the old root. Otherwise the root itself gets the folder's path and name, and
        keeps its choices.

        Parameters
        ----------
        new_path : callable
            Turns a file's path relative to the old root into its path relative to `folder`.
        """
        with self.transaction():
            target = self._value("SELECT id FROM roots WHERE path = ?", (str(folder),))
            if target is None:
                target = root_id
                self._rows(
                    "UPDATE roots SET path = ?, name = ? WHERE id = ?",
                    (str(folder), folder.name or "root", root_id),
                )
            for table in ("files", "failures"):
                paths = [
                    (path, new_path(path))
                    for (path,) in self._rows(
                        f"SELECT DISTINCT path FROM {table} WHERE root_id = ?", (root_id,)
                    )
                ]
                # A new path can be the old path of another file. If paths get longer, begin with the longest,
                # else with the shortest: then that other file has moved already.
                get_longer = any(len(new) > len(old) for old, new in paths)
                paths.sort(key=lambda pair: len(pair[0]), reverse=get_longer)
                self._connection.executemany(
                    f"UPDATE OR IGNORE {table} SET root_id = ?, path = ? WHERE root_id = ? AND path = ?",
                    ((target, new, root_id, old) for old, new in paths if (target, new) != (root_id, old)),
                )
            if target != root_id:
                self.forget_empty_root(root_id)

    def songs_under(self, root_id: int, folder: bytes = b"") -> list[tuple[str, str]]:
        """Return the song id and the fingerprint of the bytes of each song under a folder of a root."""
        return self._rows(
            """SELECT song_id, fingerprint FROM files
               WHERE root_id = ? AND substr(path, 1, ?) = ? ORDER BY song_id""",
            (root_id, len(folder), folder),
        )

    def forget_failures_under(self, root_id: int, folder: bytes = b"") -> None:
        """Delete the failures under a folder of a root."""
        with self.transaction():
            self._rows(
                "DELETE FROM failures WHERE root_id = ? AND substr(path, 1, ?) = ?",
                (root_id, len(folder), folder),
            )

    def forget_empty_root(self, root_id: int) -> None:
        """Delete a root and its failures, unless the root has songs."""
        with self.transaction():
            if not self._value("SELECT count(*) FROM files WHERE root_id = ?", (root_id,)):
                self.forget_failures_under(root_id)
                self._rows("DELETE FROM roots WHERE id = ?", (root_id,))
