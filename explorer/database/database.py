"""The class `Database`: all queries of a library. No other package contains SQL.

Commands that write use `Database.open`; requests of the page use `Database.open_readonly`.
"""

from __future__ import annotations

import json

import numpy as np

from explorer.database.coarse import CoarseTables
from explorer.database.features import FeatureTables
from explorer.database.files import FileTables
from explorer.database.imports import ImportTables
from explorer.database.lost_roots import LostRootTables
from explorer.database.maps import MapTables
from explorer.database.named_songs import NamedSongTables
from explorer.database.raw_tags import RawTagTables
from explorer.database.records import Song, encode_vector
from explorer.database.sound_rows import SoundRowTables
from explorer.database.verify import VerifyTables
from explorer.database.windows import WindowTables
from explorer.errors import LibraryError
from explorer.library.music_file import Tags
from explorer.util.commands import command_line


class Database(
    FileTables,
    ImportTables,
    CoarseTables,
    FeatureTables,
    LostRootTables,
    MapTables,
    NamedSongTables,
    RawTagTables,
    SoundRowTables,
    VerifyTables,
    WindowTables,
):
    """A connection to a library, with all queries. Only one thread may use it."""

    # Storing and deleting songs

    def store_song(
        self, root_id: int, song: Song, vector: np.ndarray | None, *, coarse: np.ndarray | None = None
    ) -> str:
        """Store a song, its genres, file and vectors in one transaction, and return its id.

        Vectors of another sound that the song had before are deleted.

        Parameters
        ----------
        vector, coarse : np.ndarray [shape=(512,), float64] or None
            The full and the coarse vector. Without a full one, a stored full vector is kept if `coarse` is
            None too; a stored coarse vector is kept as long as the song has the same sound.
        """
        with self.transaction():
            song_id = self._song_id(root_id, song.file, song.part.track)
            if not self._keeps_imported_info(song_id, song.tags):
                self._rows(
                    "INSERT INTO songs VALUES (?, ?) ON CONFLICT(id) DO UPDATE SET info = excluded.info",
                    (song_id, json.dumps(song.info, ensure_ascii=False)),
                )
            if song.tags.genres or not self.was_imported(song_id):
                self._store_genres(song_id, song.tags.genres)
            if not self._has_sound(song_id, song):
                self._drop_vector(song_id, "coarse_vectors")
                self._forget_windows(song_id)
                self._rows("DELETE FROM song_features WHERE song_id = ?", (song_id,))
            self._store_file(song_id, root_id, song)
            if vector is not None:
                self._store_vector(song_id, encode_vector(vector))
            elif coarse is not None:
                self._drop_vector(song_id, "songs_vectors")
            if coarse is not None:
                self._store_vector(song_id, encode_vector(coarse), table="coarse_vectors")
            self._rows("DELETE FROM failures WHERE root_id = ? AND path = ?", (root_id, song.file.path))
        return song_id

    def store_clip(self, song_id: str, root_id: int, clip: Song) -> None:
        """Store the audio file of an imported song. The tags of the file are ignored."""
        with self.transaction():
            # Another song may have had this file.
            self._rows("DELETE FROM files WHERE root_id = ? AND path = ?", (root_id, clip.file.path))
            self._store_file(song_id, root_id, clip)

    def _has_sound(self, song_id: str, song: Song) -> bool:
        """Return whether a stored song has the same bytes or the same audio as this one."""
        stored = self._rows("SELECT fingerprint, audio_fingerprint FROM files WHERE song_id = ?", (song_id,))
        return bool(stored and {song.fingerprint, song.audio_fingerprint}.intersection(*stored) - {None})

    def _keeps_imported_info(self, song_id: str, tags: Tags) -> bool:
        """Return whether a song was imported and the tags of its file name no artist and no album."""
        has_artists = tags.artists and not tags.artists_from_name
        return not has_artists and not tags.album and self.was_imported(song_id)

    def forget_vectors(self) -> None:
        """Delete all vectors, failures, runs, the map and the model: the next run embeds every song again."""
        with self.transaction():
            for table in (
                "songs_vectors",
                "coarse_vectors",
                "asked_songs",
                "song_windows",
                "raw_windows",
                "window_basis",
                "failures",
                "projections",
                "clusters",
                "networks",
                "runs",
            ):
                self._rows(f"DELETE FROM {table}")
            # Keep the revision. Otherwise the next map could have the same revision as the old map, and an
            # open page would not load it.
            self._rows("DELETE FROM state WHERE key <> 'map_revision'")

    def forget_everything(self) -> None:
        """Delete everything in the library."""
        self.forget_vectors()
        with self.transaction():
            for table in ("songs", "roots"):
                self._rows(f"DELETE FROM {table}")

    # Counts

    def summary(self) -> dict:
        """Return the counts that the command `status` shows."""
        return {
            "songs": self._value("SELECT count(*) FROM songs"),
            "vectors": self.count_vectors(),
            "first_look": self.first_look(),
            "genres": self.count_genres(),
            "audio_seconds": self._value("SELECT coalesce(sum(duration_s), 0.0) FROM files"),
            "clusters": self._value("SELECT count(*) FROM clusters"),
        }

    def require_songs(self) -> None:
        """Raise an error if the library is empty.

        Raises
        ------
        LibraryError
            If no song has a vector.
        """
        if not self.count_vectors():
            command = command_line("index FOLDER", database=self.path)
            raise LibraryError(f"{self.path} holds no song yet: run `{command}` first.")

    def damaged_songs(self) -> dict[str, str]:
        """Return what is wrong with each song of which a value cannot be read, by song id.

        These are vectors, full and coarse, positions, clusters, durations and texts.

        Raises
        ------
        UnusableLibraryError
            If the library is damaged as a whole.
        """
        self.roots()
        self.vectors(dtype=np.float32)
        if self.shows_coarse():
            self.vectors(dtype=np.float32, full=True)
        for projection in self.projections():
            self.positions(projection)
        self.clusters()
        self._song_rows("SELECT song_id, duration_s FROM files")
        # Read as bytes, because a song whose text is not UTF-8 could not be named.
        for song_id, info in self._song_rows("SELECT id, CAST(info AS BLOB) FROM songs"):
            if not _is_json_object(info):
                self._leave_out(song_id, "its info is not a JSON object")
        texts = "CAST(title || char(10) || artist || char(10) || album || char(10) || genres AS BLOB)"
        for song_id, text in self._song_rows(f"SELECT song_id, {texts} FROM song_texts"):
            if not _is_utf8(text):
                self._leave_out(song_id, "its title, artist, album or genres are not UTF-8")
        return dict(self.left_out)


def _is_json_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
