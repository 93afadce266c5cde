"""The library's queries: the modules of this package are the only place that knows SQL.

`Database.open` is for commands that write, `Database.open_readonly` for a request of the page.
"""

from __future__ import annotations

import json

import numpy as np

from explorer.database.files import FileTables
from explorer.database.imports import ImportTables
from explorer.database.maps import MapTables
from explorer.database.records import Song, encode_vector
from explorer.database.search import SearchTables
from explorer.database.songs import SongTables
from explorer.database.state import StateTables
from explorer.database.verify import VerifyTables
from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile, Tags


class Database(FileTables, ImportTables, MapTables, StateTables, SearchTables, SongTables, VerifyTables):
    """A library, open for one thread."""

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

    def _says_more(self, song_id: str, tags: Tags) -> bool:
        """Tell whether a song was imported with more than its file's tags say."""
        return not tags.artists and not tags.album and self.was_imported(song_id)

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
