"""Queries about the windows of songs: their stored form, and the basis that they share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from explorer.database.sqlite_errors import damage_error
from explorer.database.state import COARSE, FULL, StateTables
from explorer.embedding.song_windows import (
    BASIS_SONGS,
    N_COMPONENTS,
    RawWindows,
    SongWindows,
    WindowBasis,
    check_basis,
)
from explorer.library.music_file import READ_VERSION

_SIZE = 512
_BASIS_SONGS = "window_basis_songs"
_HAS_WINDOWS = "({0} IN (SELECT song_id FROM song_windows) OR {0} IN (SELECT song_id FROM raw_windows))"
_RAW_BYTES = 2 * _SIZE
_DAMAGED = "its windows are damaged"
_LARGEST_SCALE = 1e4
"""OpenL3's values are at most some hundreds, so a larger scale is damage."""


class WindowTables(StateTables):
    """Queries about the tables window_basis, song_windows and raw_windows.

    The basis is fitted on the raw windows of the first songs. It is final when there were `BASIS_SONGS` of
    them; their raw windows are then deleted. Before that, a song can have raw and encoded windows.
    """

    def window_basis(self) -> WindowBasis | None:
        """Return the basis of the windows; None if the library has none yet.

        Raises
        ------
        UnusableLibraryError
            If the stored basis is damaged.
        """
        rows = self._rows("SELECT mean, axes FROM window_basis")
        if not rows:
            return None
        try:
            mean, axes = (np.frombuffer(blob, dtype="<f4") for blob in rows[0])
            return check_basis(mean, axes.reshape(-1, _SIZE))
        except ValueError as error:
            raise damage_error(self.path, f"the basis of the windows cannot be used: {error}") from error

    def final_window_basis(self) -> WindowBasis | None:
        """Return the basis if it is final, else None."""
        songs = self.window_basis_songs()
        return self.window_basis() if songs is None or songs >= BASIS_SONGS else None

    def window_basis_songs(self) -> int | None:
        """Return on how many songs the basis was fitted; None if unknown, or if the library has no basis."""
        return self._state(_BASIS_SONGS, int)

    def store_window_basis(self, basis: WindowBasis, *, songs: int | None = None) -> None:
        """Store the basis, and encode the raw windows.

        Parameters
        ----------
        songs : int, optional
            On how many songs the basis was fitted. If they are too few, the raw windows are kept too.
        """
        with self.transaction():
            self._rows("DELETE FROM window_basis")
            blobs = (np.ascontiguousarray(part, dtype="<f4").tobytes() for part in (basis.mean, basis.axes))
            self._rows("INSERT INTO window_basis VALUES (1, ?, ?)", tuple(blobs))
            if songs is not None:
                self._store_state(_BASIS_SONGS, songs)
            self._encode_raw_windows(basis)
            if songs is None or songs >= BASIS_SONGS:
                self._rows("DELETE FROM raw_windows")

    def encode_raw_windows(self, basis: WindowBasis) -> None:
        """Encode all raw windows in the final basis, and delete them."""
        with self.transaction():
            self._encode_raw_windows(basis)
            self._rows("DELETE FROM raw_windows")

    def _encode_raw_windows(self, basis: WindowBasis) -> None:
        for (song_id,) in self._rows("SELECT song_id FROM raw_windows ORDER BY song_id"):
            if (raw := self.raw_windows_of(song_id)) is not None:
                self._store_encoded(song_id, basis.encode(raw))

    def raw_windows_of(self, song_id: str) -> RawWindows | None:
        """Return a song's raw windows; None if it has none, or they are damaged."""
        sql = "SELECT song_id, step_s, frames FROM raw_windows WHERE song_id = ?"
        rows = self._song_rows(sql, (song_id,))
        return self._raw(*rows[0]) if rows else None

    def sample_raw_windows(self, count: int) -> tuple[int, np.ndarray]:
        """Return how many songs have raw windows, and about `count` windows, spread evenly over the songs.

        Returns
        -------
        songs : int
        frames : np.ndarray [shape=(at most count, 512), float32]
            All values are finite.
        """
        song_ids = [song_id for (song_id,) in self._rows("SELECT song_id FROM raw_windows ORDER BY song_id")]
        each = max(1, count // max(1, len(song_ids)))
        parts = [np.zeros((0, _SIZE), dtype=np.float32)]
        for song_id in song_ids:
            if (raw := self.raw_windows_of(song_id)) is not None:
                chosen = np.unique(np.linspace(0, len(raw.frames) - 1, each).round().astype(int))
                parts.append(raw.frames[chosen].astype(np.float32))
        frames = np.concatenate(parts)
        return len(song_ids), frames[np.isfinite(frames).all(axis=1)][:count]

    def store_windows(
        self, song_id: str, windows: SongWindows | RawWindows, *, basis: WindowBasis | None = None
    ) -> None:
        """Store the windows of a song instead of those that it has.

        Parameters
        ----------
        basis : WindowBasis, optional
            The library's basis if it is not final: raw windows are also stored encoded in it. Without it,
            they wait for a basis.
        """
        with self.transaction():
            self._forget_windows(song_id)
            if isinstance(windows, RawWindows):
                self._rows(
                    "INSERT INTO raw_windows VALUES (?, ?, ?)",
                    (song_id, windows.step_s, windows.frames.astype("<f2").tobytes()),
                )
            if isinstance(windows, SongWindows):
                self._store_encoded(song_id, windows)
            elif basis is not None:
                self._store_encoded(song_id, basis.encode(windows))

    def forget_windows(self, song_id: str) -> None:
        """Delete the windows of a song."""
        with self.transaction():
            self._forget_windows(song_id)

    def _store_encoded(self, song_id: str, windows: SongWindows) -> None:
        self._rows(
            "INSERT OR REPLACE INTO song_windows VALUES (?, ?, ?, ?)",
            (song_id, windows.step_s, windows.scale, windows.codes.tobytes()),
        )

    def _forget_windows(self, song_id: str) -> None:
        for table in ("song_windows", "raw_windows"):
            self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))

    def windows_of(self, song_id: str) -> SongWindows | None:
        """Return a song's windows; None if the library has none of it, or they are damaged."""
        sql = "SELECT song_id, step_s, scale, codes FROM song_windows WHERE song_id = ?"
        rows = self._song_rows(sql, (song_id,))
        return self._decoded(*rows[0]) if rows else None

    def awaits_windows(self, song_id: str) -> bool:
        """Return whether the index run that goes on gives a song its windows, without being asked to.

        Its windows wait for a basis, or it has only the coarse vector of the first look.
        """
        return bool(
            self._value(
                f"""SELECT ?1 IN (SELECT song_id FROM raw_windows)
                    OR {self._has_vector(COARSE, "?1")} AND NOT {self._has_vector(FULL, "?1")}""",
                (song_id,),
            )
        )

    def songs_with_windows(self) -> list[str]:
        """Return the ids of the songs that have windows in their stored form, in order."""
        return [
            song_id for (song_id,) in self._song_rows("SELECT song_id FROM song_windows ORDER BY song_id")
        ]

    def iterate_windows(self) -> Iterator[tuple[str, SongWindows]]:
        """Yield the windows of each song that has some, ordered by song id; damaged ones are left out."""
        for song_id, *row in self._iterate_song_rows(
            "SELECT song_id, step_s, scale, codes FROM song_windows ORDER BY song_id"
        ):
            if (windows := self._decoded(song_id, *row)) is not None:
                yield song_id, windows

    def iterate_raw_windows(self) -> Iterator[tuple[str, RawWindows]]:
        """Yield the raw windows of each song that has some, ordered by song id."""
        for row in self._iterate_song_rows(
            "SELECT song_id, step_s, frames FROM raw_windows ORDER BY song_id"
        ):
            if (raw := self._raw(*row)) is not None:
                yield row[0], raw

    def count_raw_windows(self) -> int:
        """Return how many songs have raw windows."""
        return self._value("SELECT count(*) FROM raw_windows")

    def has_unencoded_windows(self) -> bool:
        """Return whether a song has only raw windows."""
        return bool(
            self._value(
                """SELECT EXISTS (
                   SELECT 1 FROM raw_windows WHERE song_id NOT IN (SELECT song_id FROM song_windows))"""
            )
        )

    def keeps_windows(self) -> bool:
        """Return whether any song has windows."""
        tables = ("song_windows", "raw_windows")
        return any(self._value(f"SELECT EXISTS (SELECT 1 FROM {table})") for table in tables)

    def has_windows(self) -> bool:
        """Return whether any song has windows that can be compared."""
        return bool(self._rows("SELECT 1 FROM song_windows LIMIT 1"))

    def windows_stamp(self) -> str:
        """Return a text that changes whenever the stored windows or their basis have changed.

        It is made from an index of the ids: the windows are not read. Windows that are stored anew get
        another row number; of the newest ones, the values are compared too.
        """
        basis = self._rows("SELECT hex(substr(mean, 1, 64)), hex(substr(axes, 1, 64)) FROM window_basis")
        songs, numbers, first, last = self._rows(
            """SELECT count(*), total(rowid), coalesce(min(song_id), ''), coalesce(max(song_id), '')
               FROM song_windows"""
        )[0]
        newest = self._rows(
            """SELECT rowid, song_id, step_s, scale, length(codes), hex(substr(codes, 1, 64))
               FROM song_windows ORDER BY rowid DESC LIMIT 1"""
        )
        parts = repr((basis, songs, numbers, first, last, newest)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(parts, digest_size=16).hexdigest()

    def count_windows(self) -> dict[str, int]:
        """Return how many songs have windows, how many windows they have, and the bytes of all tables.

        Returns
        -------
        dict
            `songs`, `windows` and `bytes`, and `without`: how many songs have a full vector, a file that
            exists, and no windows.
        """
        songs = self._value(
            "SELECT count(*) FROM (SELECT song_id FROM song_windows UNION SELECT song_id FROM raw_windows)"
        )
        size = self._value("SELECT coalesce(sum(length(codes)), 0) FROM song_windows")
        raw_size = self._value("SELECT coalesce(sum(length(frames)), 0) FROM raw_windows")
        raw_only = self._value(
            """SELECT coalesce(sum(length(frames)), 0) FROM raw_windows
               WHERE song_id NOT IN (SELECT song_id FROM song_windows)"""
        )
        without = self._value(
            f"""SELECT count(*) FROM files WHERE gone_since IS NULL AND {self._has_vector(FULL)}
                AND NOT {_HAS_WINDOWS.format("song_id")}"""
        )
        windows = size // N_COMPONENTS + raw_only // _RAW_BYTES
        return {"songs": songs, "windows": windows, "bytes": size + raw_size, "without": without}

    def songs_without_windows(self, root_id: int) -> dict[bytes, set[str]]:
        """Return the songs of a root that have a full vector and no windows, by the path of their file."""
        songs: dict[bytes, set[str]] = {}
        for path, song_id in self._rows(
            f"""SELECT path, song_id FROM files WHERE root_id = ? AND {self._has_vector(FULL)}
                AND NOT {_HAS_WINDOWS.format("song_id")}""",
            (root_id,),
        ):
            songs.setdefault(path, set()).add(song_id)
        return songs

    def sounds_with_windows(self) -> set[str]:
        """Return the fingerprints of the bytes and of the audio of all songs that have windows."""
        rows = self._rows(
            f"""SELECT fingerprint, audio_fingerprint FROM files
                WHERE read_version >= ? AND {_HAS_WINDOWS.format("song_id")}""",
            (READ_VERSION,),
        )
        return {fingerprint for pair in rows for fingerprint in pair if fingerprint}

    def find_damaged_windows(self) -> None:
        """Record each song whose windows are damaged in `left_out`, without reading the windows."""
        for sql, of in (
            ("step_s, scale, typeof(codes), length(codes) FROM song_windows", N_COMPONENTS),
            ("step_s, 1.0, typeof(frames), length(frames) FROM raw_windows", _RAW_BYTES),
        ):
            for song_id, step_s, scale, kind, size in self._iterate_song_rows(f"SELECT song_id, {sql}"):
                if kind != "blob" or not _are_sound(step_s, size, of=of, scale=scale):
                    self._leave_out(song_id, _DAMAGED)

    def _raw(self, song_id: str, step_s: float, frames: bytes) -> RawWindows | None:
        if not _are_sound(step_s, len(frames), of=_RAW_BYTES):
            self._leave_out(song_id, _DAMAGED)
            return None
        return RawWindows(np.frombuffer(frames, dtype="<f2").reshape(-1, _SIZE), step_s)

    def _decoded(self, song_id: str, step_s: float, scale: float, codes: bytes) -> SongWindows | None:
        if not _are_sound(step_s, len(codes), of=N_COMPONENTS, scale=scale):
            self._leave_out(song_id, _DAMAGED)
            return None
        return SongWindows(np.frombuffer(codes, dtype=np.int8).reshape(-1, N_COMPONENTS), scale, step_s)


def _are_sound(step_s: float, size: int, *, of: int, scale: float = 1.0) -> bool:
    """Tell whether stored windows are sound, which take `size` bytes, `of` bytes each."""
    return size > 0 and size % of == 0 and step_s > 0 and 0 < scale < _LARGEST_SCALE
