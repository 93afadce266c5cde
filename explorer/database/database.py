"""The library's queries: the modules of this package are the only place that knows SQL.

`Database.open` is for commands that write, `Database.open_readonly` for a request of the page.
"""

from __future__ import annotations

import json
import os
from dataclasses import astuple
from pathlib import Path

import numpy as np

from explorer.database.files import ChangeTables
from explorer.database.imports import ImportTables
from explorer.database.maps import MapTables
from explorer.database.records import (
    KnownFile,
    ScannedFile,
    Song,
    Tags,
    encode_vector,
)
from explorer.database.search import SearchTables
from explorer.database.songs import SongTables
from explorer.database.state import ModelTables
from explorer.database.verify import VerifyTables
from explorer.errors import LibraryError
from explorer.library.duplicates import DuplicateTables
from explorer.library.facts import FactTables
from explorer.library.files import FileTables
from explorer.library.remote import RemotePath, as_root
from explorer.library.runs import RunTables
from explorer.util.text import readable


class Database(
    ChangeTables,
    DuplicateTables,
    FactTables,
    FileTables,
    ImportTables,
    MapTables,
    ModelTables,
    RunTables,
    SearchTables,
    SongTables,
    VerifyTables,
):
    """A library, open for one thread."""

    # Folders and their files

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

    # Songs

    def store_song(self, root_id: int, song: Song, vector: np.ndarray | None) -> str:
        """Store a song, its genres, file and vector in one transaction, and return its id.

        Parameters
        ----------
        vector : np.ndarray [shape=(512,), float64] or None
            None for the one that the song has.
        """
        info = {
            "name": song.tags.title,
            "artists": [{"name": name} for name in song.tags.artists],
            "album": {"name": song.tags.album},
            "year": song.tags.year,
            "duration_ms": round(song.duration_s * 1000),
            "path": song.file.text,
        }
        with self.transaction():
            song_id = self._song_id(root_id, song.file)
            if not self._says_more(song_id, song.tags):
                self._rows(
                    "INSERT INTO songs VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET info = excluded.info",
                    (song_id, json.dumps(info, ensure_ascii=False)),
                )
            if song.tags.genres or not self.was_imported(song_id):
                self._store_genres(song_id, song.tags.genres)
            self._store_file(song_id, root_id, song)
            if vector is not None:
                self._store_vector(song_id, encode_vector(vector))
            self._rows("DELETE FROM failures WHERE root_id = ? AND path = ?", (root_id, song.file.path))
        return song_id

    def store_clip(self, song_id: str, root_id: int, clip: Song) -> None:
        """Store in which file the sound of an imported song is; its tags say nothing."""
        with self.transaction():
            # Another song may have had the file until now.
            self._rows("DELETE FROM files WHERE root_id = ? AND path = ?", (root_id, clip.file.path))
            self._store_file(song_id, root_id, clip)

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

    def _says_more(self, song_id: str, tags: Tags) -> bool:
        """Tell whether a song was imported with more than its file's tags say."""
        return not tags.artists and not tags.album and self.was_imported(song_id)

    def store_failure(self, root_id: int, file: ScannedFile, reason: str) -> None:
        """Record why a file could not become a song."""
        # It may name the file, and a file's name need not be valid text.
        reason = readable(reason)
        with self.transaction():
            sql = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)"
            self._rows(sql, (root_id, *astuple(file), reason))

    def _song_id(self, root_id: int, file: ScannedFile) -> str:
        """Return a file's id: its path, told apart by the root's name where another root has the same."""
        known = self._value("SELECT song_id FROM files WHERE root_id = ? AND path = ?", (root_id, file.path))
        if known is not None:
            return known
        for candidate in self._possible_ids(root_id, file):
            if self._value("SELECT 1 FROM songs WHERE id = ?", (candidate,)) is None:
                return candidate
        raise LibraryError(f"No id is free for {file.text!r}: rename the file.")

    def _possible_ids(self, root_id: int, file: ScannedFile) -> list[str]:
        """Return the ids that a file may have, the best first."""
        root_name = self._value("SELECT name FROM roots WHERE id = ?", (root_id,))
        numbered = f"{root_name} {root_id}"
        ends = (f"{root_name}/{file.text}", f"{numbered}/{file.text}", f"{numbered}/{file.path.hex()}")
        return [file.text, *ends]

    def forget_vectors(self) -> None:
        """Drop all vectors, failures, the map and the model: everything is to be embedded again."""
        with self.transaction():
            for table in ("songs_vectors", "failures", "projections", "clusters", "networks", "runs"):
                self._rows(f"DELETE FROM {table}")
            # The next map must not have the number of one that a page still shows.
            self._rows("DELETE FROM state WHERE key <> 'map_revision'")

    def forget_everything(self) -> None:
        """Empty the library."""
        self.forget_vectors()
        with self.transaction():
            for table in ("songs", "roots"):
                self._rows(f"DELETE FROM {table}")

    # Counts

    def summary(self) -> dict:
        """Count what the library holds."""
        return {
            "songs": self._value("SELECT count(*) FROM songs"),
            "vectors": self.count_vectors(),
            "genres": self.count_genres(),
            "audio_seconds": self._value("SELECT coalesce(sum(duration_s), 0.0) FROM files"),
            "clusters": self._value("SELECT count(*) FROM clusters"),
        }

    def count_genres(self) -> int:
        """Return how many genres the songs' tags name."""
        return self._value("SELECT count(DISTINCT genre) FROM songs_genres")

    def require_songs(self) -> None:
        """Refuse to go on with an empty library.

        Raises
        ------
        LibraryError
            If no song has a vector.
        """
        if not self.count_vectors():
            raise LibraryError(f"{self.path} holds no song yet: run `python run.py index FOLDER` first.")

    def failures(self) -> list[tuple[str, str]]:
        """Return each failed file's path and reason."""
        rows = self._rows(
            "SELECT roots.path, failures.path, reason FROM failures JOIN roots ON roots.id = root_id "
            "ORDER BY roots.id, failures.path"
        )
        return [(f"{root}/{path.decode('utf-8', 'replace')}", reason) for root, path, reason in rows]
